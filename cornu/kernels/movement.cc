// Ops that only move numbers.

#include <algorithm>
#include <array>
#include <numeric>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/evaluate.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // numbers per task at least

int64_t product(const Shape& shape, int64_t begin, int64_t end) {
  int64_t n = 1;
  for (int64_t a = begin; a < end; ++a) n *= shape[a];
  return n;
}

// ---- concat -------------------------------------------------------------------------------------

// Per index of the axes before the concatenated one, each input adds a block.
struct ConcatState {
  int64_t size = 0, row = 0;  // numbers of the output, and per index
  int64_t pitch = 0;          // of the output: from index to index
  struct Block {
    size_t operand;
    int64_t length, at, pitch;  // `at`: of the row
  };
  std::vector<Block> blocks;
};

void run_concat(const Call& call) noexcept {
  const auto& s = *static_cast<const ConcatState*>(call.state);
  split(*call.pool, s.size, kWorthSharing, [&](Range r) {
    for (int64_t index = r.begin / s.row; index * s.row < r.end; ++index) {
      const int64_t row = index * s.row;
      for (const ConcatState::Block& b : s.blocks) {
        const int64_t begin = std::max(r.begin - row, b.at);
        const int64_t end = std::min(r.end - row, b.at + b.length);
        if (begin < end)
          std::copy_n(call.in[b.operand] + index * b.pitch + (begin - b.at), end - begin,
                      call.out + index * s.pitch + begin);
      }
    }
  });
}

bool accepts_concat(const Problem& p) { return std::holds_alternative<ops::Concat>(*p.op); }

Prepared prepare_concat(const Problem& p) {
  const int64_t axis = std::get<ops::Concat>(*p.op).axis;
  ConcatState s;
  s.size = p.out.size();
  s.row = product(p.out, axis, p.out.rank());
  const bool last = axis == p.out.rank() - 1;
  s.pitch = last ? out_pitch(p) : s.row;
  int64_t at = 0;
  for (size_t i = 0; i < p.in.size(); ++i) {
    const int64_t length = product(p.in[i].shape, axis, p.in[i].shape.rank());
    if (!p.in[i].in_place) s.blocks.push_back({i, length, at, last ? in_pitch(p, i) : length});
    at += length;
  }
  return prepared_with(std::move(s), run_concat, p);
}

bool concat_takes_pitch(const Problem& p, size_t) {
  return std::get<ops::Concat>(*p.op).axis == p.out.rank() - 1;
}

// ---- pad ----------------------------------------------------------------------------------------

// The reference loops copy rows; axes without edges join the axis before them, so that the rows
// are as long as they can be.
struct PadState {
  ops::Op op;
  Shape in, out;
  int64_t rows, least;
};

void run_pad(const Call& call) noexcept {
  const auto& s = *static_cast<const PadState*>(call.state);
  const ops::View<const float> x{&s.in, call.in[0]};
  split(*call.pool, s.rows, s.least, [&](Range r) {
    ops::evaluate<float>(s.op, {&x, 1}, {&s.out, call.out}, {r.begin, r.end});
  });
}

bool accepts_pad(const Problem& p) { return std::holds_alternative<ops::Pad>(*p.op); }

Prepared prepare_pad(const Problem& p) {
  std::vector<ops::Edge> edges = std::get<ops::Pad>(*p.op).edges;
  Shape in = p.in[0].shape, out = p.out;
  for (int64_t a = in.rank() - 1; a > 0; --a) {
    const auto at = static_cast<size_t>(a);
    if (edges[at] != ops::Edge{}) continue;
    in[a - 1] *= in[a];
    out[a - 1] *= in[a];
    edges[at - 1] = {edges[at - 1].before * in[a], edges[at - 1].after * in[a]};
    in.erase(a);
    out.erase(a);
    edges.erase(edges.begin() + a);
  }
  const int64_t rows = ops::row_count(out);
  const int64_t least = kWorthSharing / std::max<int64_t>(ops::row_length(out), 1) + 1;
  return prepared_with(PadState{ops::Pad{edges}, in, out, rows, least}, run_pad, p);
}

// ---- transpose ----------------------------------------------------------------------------------

constexpr size_t kMaxRank = 8;

// The output as nested loops over axes that do not follow each other in the input. The innermost
// pair is copied in square blocks when the output's last axis is not the input's, so that both
// sides use whole cache lines.
struct TransposeState {
  size_t outer = 0;  // loops around the pair
  std::array<int64_t, kMaxRank> size{}, in_stride{}, out_stride{};
  int64_t rows = 1, columns = 1;  // the pair: `columns` is the output's last axis
  int64_t row_in = 1, row_out = 0, column_in = 1;
  int64_t tasks() const {
    return std::accumulate(size.begin(), size.begin() + outer, int64_t{1}, std::multiplies<>());
  }
};

void copy_pair(const TransposeState& s, const float* x, float* out, Range rows) {
  if (s.column_in == 1) {
    for (int64_t i = rows.begin; i < rows.end; ++i)
      std::copy_n(x + i * s.row_in, s.columns, out + i * s.row_out);
    return;
  }
  constexpr int64_t kBlock = 16;
  for (int64_t i0 = rows.begin; i0 < rows.end; i0 += kBlock)
    for (int64_t j0 = 0; j0 < s.columns; j0 += kBlock) {
      const int64_t i1 = std::min(i0 + kBlock, rows.end), j1 = std::min(j0 + kBlock, s.columns);
      for (int64_t i = i0; i < i1; ++i)
        for (int64_t j = j0; j < j1; ++j)
          out[i * s.row_out + j] = x[i * s.row_in + j * s.column_in];
    }
}

void run_transpose(const Call& call) noexcept {
  const auto& s = *static_cast<const TransposeState*>(call.state);
  const int64_t pair = std::max<int64_t>(s.columns, 1);
  split(*call.pool, s.tasks() * s.rows, kWorthSharing / pair + 1, [&](Range r) {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t begin = at % s.rows, end = std::min(s.rows, begin + (r.end - at));
      int64_t index = at / s.rows, in = 0, out = 0;
      for (size_t a = s.outer; a-- > 0; index /= s.size[a]) {
        in += index % s.size[a] * s.in_stride[a];
        out += index % s.size[a] * s.out_stride[a];
      }
      copy_pair(s, call.in[0] + in, call.out + out, {begin, end});
      at += end - begin;
    }
  });
}

bool accepts_transpose(const Problem& p) {
  return std::holds_alternative<ops::Transpose>(*p.op) &&
         p.out.rank() <= static_cast<int64_t>(kMaxRank);
}

struct Loop {
  int64_t size, in_stride, out_stride;
};

// The output's axes, those of length 1 left out and those that stay neighbours joined.
std::vector<Loop> loops_of(const Shape& x, const std::vector<int64_t>& perm) {
  std::vector<Loop> loops;
  int64_t out_stride = 1;
  for (size_t i = perm.size(); i-- > 0;) {
    const int64_t n = x[perm[i]], in_stride = product(x, perm[i] + 1, x.rank());
    if (n != 1) {
      if (!loops.empty() && in_stride == loops.front().in_stride * loops.front().size)
        loops.front().size *= n;
      else
        loops.insert(loops.begin(), {n, in_stride, out_stride});
    }
    out_stride *= n;
  }
  return loops;
}

Prepared prepare_transpose(const Problem& p) {
  std::vector<Loop> loops = loops_of(p.in[0].shape, std::get<ops::Transpose>(*p.op).perm);
  TransposeState s;
  if (p.out.size() == 0) {
    s.rows = 0;
    return prepared_with(s, run_transpose, p);
  }
  if (!loops.empty()) {
    s.columns = loops.back().size;
    s.column_in = loops.back().in_stride;
    loops.pop_back();
  }
  if (!loops.empty()) {
    // The input's own last axis makes the rows; where that is the columns, the nearest axis does.
    auto row = loops.end() - 1;
    if (s.column_in != 1)
      row = std::min_element(loops.begin(), loops.end(), [](const Loop& a, const Loop& b) {
        return a.in_stride < b.in_stride;
      });
    s.rows = row->size;
    s.row_in = row->in_stride;
    s.row_out = row->out_stride;
    loops.erase(row);
  }
  for (const Loop& loop : loops) {
    s.size[s.outer] = loop.size;
    s.in_stride[s.outer] = loop.in_stride;
    s.out_stride[s.outer++] = loop.out_stride;
  }
  return prepared_with(s, run_transpose, p);
}

// ---- one-hot rows -------------------------------------------------------------------------------

void run_one_hot(const Call& call) noexcept {
  const auto& out = *static_cast<const Shape*>(call.state);
  const int64_t depth = out[-1];
  split(*call.pool, out.size() / depth, kWorthSharing / depth + 1, [&](Range r) {
    std::fill(call.out + r.begin * depth, call.out + r.end * depth, 0.0f);
    for (int64_t row = r.begin; row < r.end; ++row) {
      const float label = call.in[0][row];
      if (!(label >= 0 && label < static_cast<float>(depth))) continue;
      const auto i = static_cast<int64_t>(label);
      // As the reference loops compare: whole labels only.
      if (i < depth && static_cast<float>(i) == label) call.out[row * depth + i] = 1;
    }
  });
}

bool accepts_one_hot(const Problem& p) {
  // Above, floats skip whole numbers.
  const auto* op = std::get_if<ops::OneHot>(p.op);
  return op && op->depth < (1 << 24);
}

Prepared prepare_one_hot(const Problem& p) { return prepared_with(p.out, run_one_hot, p); }

}  // namespace

const Kernel kConcat{"concat", accepts_concat, prepare_concat, nullptr, concat_takes_pitch};
const Kernel kPad{"pad", accepts_pad, prepare_pad};
const Kernel kOneHot{"one hot", accepts_one_hot, prepare_one_hot};
const Kernel kTranspose{"transpose", accepts_transpose, prepare_transpose};

}  // namespace cornu::kernels
