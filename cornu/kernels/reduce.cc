// Sums over axes, and the statistics of batch normalization.

#include <algorithm>
#include <cmath>

#include "cornu/kernels/split.h"
#include "cornu/kernels/sums.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/binary.h"

namespace cornu::kernels {
namespace {

// Numbers that are summed up as a piece, and columns taken together. The pieces' sums are added in
// their order: the result depends on the shape alone.
constexpr int64_t kPiece = 16 * 1024;
constexpr int64_t kColumns = 512;

// x seen as [lead][repeat][outer][length][inner]; the results (lead, outer, inner) are over the
// other two.
struct View {
  int64_t lead = 1, repeat = 1, outer = 1, length = 1, inner = 1;
  int64_t lines() const { return lead * repeat * outer; }
  int64_t results() const { return lead * outer * inner; }
  int64_t count() const { return repeat * length; }
};

struct State {
  View view;
  Term term = Term::kSum;
  bool mean = false;    // of Reduce
  float epsilon = 0;    // of BatchNormSums
  int64_t pieces = 1;   // of `length`
  int64_t columns = 1;  // of `inner` in one task
  const Sums* sums = nullptr;

  // The pieces' results: [lines][pieces][inner], the second quantity after the first.
  int64_t partial_size() const { return view.lines() * pieces * view.inner; }
  int64_t piece_begin(int64_t i) const { return part(view.length, i, pieces).begin; }
};

// Piece `i` of a line, columns [c, c + count).
Block block_of(const State& s, const Call& call, int64_t line, int64_t i, Range columns) {
  const View& v = s.view;
  const int64_t begin = s.piece_begin(i), at = (line * v.length + begin) * v.inner + columns.begin;
  Block b;
  b.x = call.in[0] + at;
  b.rows = s.piece_begin(i + 1) - begin;
  b.columns = columns.end - columns.begin;
  b.stride = v.inner;
  if (s.term == Term::kNormalized) {
    b.mean = call.in[1] + line % v.outer * v.inner + columns.begin;
    b.dy = call.in[3] + at;
  }
  b.first =
      reinterpret_cast<double*>(call.scratch) + (line * s.pieces + i) * v.inner + columns.begin;
  b.second = b.first + s.partial_size();
  return b;
}

void add_pieces(const State& s, const Call& call) {
  const View& v = s.view;
  const int64_t per_line = (v.inner + s.columns - 1) / s.columns;
  const int64_t work = std::max<int64_t>(v.length / s.pieces * s.columns, 1);
  split(*call.pool, v.lines() * s.pieces * per_line, kPiece / work, [&](Range r) {
    for (int64_t task = r.begin; task < r.end; ++task) {
      const int64_t column = task % per_line * s.columns, piece = task / per_line;
      const Range columns{column, std::min(column + s.columns, v.inner)};
      Block b = block_of(s, call, piece / s.pieces, piece % s.pieces, columns);
      if (v.inner == 1) {  // its numbers lie side by side
        std::swap(b.rows, b.columns);
        s.sums->lines[static_cast<int>(s.term)](b);
      } else {
        s.sums->columns[static_cast<int>(s.term)](b);
      }
    }
  });
}

double join(Term term, double a, double b) {
  if (term == Term::kMax) return ops::maximum(a, b);
  return term == Term::kMin ? ops::minimum(a, b) : a + b;
}

// Result `j` from the pieces' results.
double total(const State& s, const double* partial, int64_t j) {
  const View& v = s.view;
  const int64_t line = v.outer * s.pieces * v.inner;  // of [lead][repeat]
  const int64_t lead = j / (v.outer * v.inner), outer = j / v.inner % v.outer;
  const double* first = partial + lead * v.repeat * line + outer * s.pieces * v.inner + j % v.inner;
  double sum = *first;
  for (int64_t n = 0; n < v.repeat; ++n)
    for (int64_t i = n == 0; i < s.pieces; ++i)
      sum = join(s.term, sum, first[n * line + i * v.inner]);
  return sum;
}

// Calls finish(j, first, second) for every result.
template <class F>
void for_results(const Call& call, F&& finish) {
  const State& s = *static_cast<const State*>(call.state);
  add_pieces(s, call);
  const auto* partial = reinterpret_cast<const double*>(call.scratch);
  const bool two = s.term == Term::kMoments || s.term == Term::kNormalized;
  split(*call.pool, s.view.results(), kPiece / (s.view.repeat * s.pieces), [&](Range r) {
    for (int64_t j = r.begin; j < r.end; ++j)
      finish(j, total(s, partial, j), two ? total(s, partial + s.partial_size(), j) : 0.0);
  });
}

void run_reduce(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  const double divisor = s.mean ? static_cast<double>(s.view.count()) : 1;
  for_results(call, [&](int64_t j, double sum, double) {
    call.out[j] = static_cast<float>(sum / divisor);
  });
}

void run_moments(const Call& call) noexcept {
  const View& v = static_cast<const State*>(call.state)->view;
  const auto count = static_cast<double>(v.count());
  for_results(call, [&](int64_t j, double sum, double squares) {
    const double mean = sum / count, variance = squares / count - mean * mean;
    call.out[j] = static_cast<float>(mean);
    call.out[v.results() + j] = static_cast<float>(variance < 0 ? 0 : variance);
  });
}

void run_batch_norm_sums(const Call& call) noexcept {
  const State& s = *static_cast<const State*>(call.state);
  for_results(call, [&](int64_t j, double sum, double products) {
    const double deviation = std::sqrt(static_cast<double>(call.in[2][j] + s.epsilon));
    call.out[j] = static_cast<float>(sum);
    call.out[s.view.results() + j] = static_cast<float>(products / deviation);
  });
}

Prepared prepared_sums(State s, RunFn run, const Problem& problem) {
  s.sums = &sums();
  s.columns = std::min(s.view.inner, kColumns);
  s.pieces = std::max<int64_t>(s.view.length * s.columns / kPiece, 1);
  const int64_t scratch = 4 * s.partial_size();  // two quantities in double
  Prepared prepared = prepared_with(s, run, problem);
  prepared.scratch_floats = scratch;
  return prepared;
}

// ---- reduce -------------------------------------------------------------------------------------

// False where the reduced axes do not fit a View: three separate stretches of them, say.
bool as_view(const Shape& x, const std::vector<int64_t>& axes, View& v) {
  int64_t* const part[] = {&v.inner, &v.length, &v.outer, &v.repeat, &v.lead};
  int at = 0;
  for (int64_t a = x.rank() - 1; a >= 0; --a) {
    if (x[a] == 1) continue;
    const bool reduced = std::find(axes.begin(), axes.end(), a) != axes.end();
    if (reduced != (at % 2 == 1)) ++at;
    if (at > 4) return false;
    *part[at] *= x[a];
  }
  return true;
}

bool accepts_reduce(const Problem& p) {
  View v;
  const auto* op = std::get_if<ops::Reduce>(p.op);
  return op && p.in[0].shape.size() > 0 && as_view(p.in[0].shape, op->axes, v);
}

Prepared prepare_reduce(const Problem& p) {
  using Kind = ops::Reduce::Kind;
  const auto& op = std::get<ops::Reduce>(*p.op);
  State s;
  as_view(p.in[0].shape, op.axes, s.view);
  s.term = op.kind == Kind::kMax ? Term::kMax : op.kind == Kind::kMin ? Term::kMin : Term::kSum;
  s.mean = op.kind == Kind::kMean;
  return prepared_sums(s, run_reduce, p);
}

// ---- batch normalization ------------------------------------------------------------------------

State of_channels(const Shape& x, int64_t axis, Term term) {
  State s;
  s.term = term;
  std::vector<int64_t> others;
  for (int64_t a = 0; a < x.rank(); ++a)
    if (a != axis) others.push_back(a);
  as_view(x, others, s.view);
  return s;
}

bool accepts_moments(const Problem& p) {
  return std::holds_alternative<ops::Moments>(*p.op) && p.in[0].shape.size() > 0;
}

Prepared prepare_moments(const Problem& p) {
  const int64_t axis = std::get<ops::Moments>(*p.op).axis;
  return prepared_sums(of_channels(p.in[0].shape, axis, Term::kMoments), run_moments, p);
}

bool accepts_sums(const Problem& p) {
  return std::holds_alternative<ops::BatchNormSums>(*p.op) && p.in[0].shape.size() > 0;
}

Prepared prepare_sums(const Problem& p) {
  const auto& op = std::get<ops::BatchNormSums>(*p.op);
  State s = of_channels(p.in[0].shape, op.axis, Term::kNormalized);
  s.epsilon = op.epsilon;
  return prepared_sums(s, run_batch_norm_sums, p);
}

}  // namespace

const Kernel kReduce{"reduce", accepts_reduce, prepare_reduce};
const Kernel kMoments{"moments", accepts_moments, prepare_moments};
const Kernel kBatchNormSums{"batch norm sums", accepts_sums, prepare_sums};

}  // namespace cornu::kernels
