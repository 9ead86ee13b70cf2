// Elementwise ops. They are bound by memory: plain loops that the compiler turns into vectors, cut
// among the threads. A result may lie where an operand does: its number i is written when number i
// of the operands has been read.

#include <algorithm>
#include <cmath>

#include "cornu/kernels/activation.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/binary.h"
#include "cornu/ops/unary.h"
#include "cornu/ops/unary_grad.h"

// Tells GCC so, which would else leave out the vectors where the two are one. Clang's form of it
// warns of every loop that has no vectors anyway.
#if defined(__clang__)
#define CORNU_EACH_ALONE
#else
#define CORNU_EACH_ALONE _Pragma("GCC ivdep")
#endif

namespace cornu::kernels {
namespace {

// Numbers per task at least, where a number costs about a nanosecond, or ten.
constexpr int64_t kCheap = 16 * 1024, kDear = 1024;

// How numbers counted through a tensor lie in memory: in rows.
struct Rows {
  int64_t length = 1, pitch = 1;
  int64_t at(int64_t i) const { return i / length * pitch + i % length; }
};
// Of the result, of an operand of its shape.
Rows out_rows(const Problem& p) { return {pitch_or_length(0, p.out), out_pitch(p)}; }
Rows in_rows(const Problem& p, size_t i) { return {pitch_or_length(0, p.out), in_pitch(p, i)}; }

// Does any of them have gaps between its rows?
bool has_gaps(const Problem& p) {
  bool gaps = p.out_pitch > 0;
  for (const Operand& x : p.in) gaps |= x.pitch > 0;
  return gaps;
}

// Only what has the result's shape: what is repeated is small.
bool takes_pitch(const Problem& p, size_t i) {
  return p.out.rank() > 0 && (i == p.in.size() || p.in[i].shape == p.out);
}

// ---- unary --------------------------------------------------------------------------------------

struct UnaryState {
  ops::Unary op;
  int64_t size;
  ActivationFn fn;  // null: there is none
  Rows x, y;
  int64_t run;  // this many numbers have no gaps between them

  template <class F>
  void each_run(const Call& call, Range r, F&& f) const {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t end = std::min(r.end, (at / run + 1) * run);
      f(call.in[0] + x.at(at), call.out + y.at(at), end - at);
      at = end;
    }
  }
};

// Functions of a few instructions, written as ops::apply means them but without branches.
template <class F>
bool with_cheap(const ops::Unary& op, F&& loop) {
  using Fn = ops::Unary::Fn;
  const float a = op.a, b = op.b, c = op.c;
  switch (op.fn) {
    case Fn::kIdentity:
      return loop([](float x) { return x; }), true;
    case Fn::kRelu:
      if (a == 0)
        return loop([=](float x) { return x > c ? (x > b ? b : x) : (x <= c ? 0.0f : x); }), true;
      return loop([=](float x) {
               const float below = a * (x - c), above = x > b ? b : x;
               return x > c ? above : below;
             }),
             true;
    case Fn::kSquare:
      return loop([](float x) { return x * x; }), true;
    case Fn::kAbs:
      return loop([](float x) { return std::fabs(x); }), true;
    case Fn::kNegate:
      return loop([](float x) { return -x; }), true;
    case Fn::kClip:
      return loop([=](float x) { return x < a ? a : (x > b ? b : x); }), true;
    default:
      return false;
  }
}

void run_unary(const Call& call) noexcept {
  const auto& s = *static_cast<const UnaryState*>(call.state);
  const auto all = [&](int64_t least, auto work) {
    split(*call.pool, s.size, least, [&](Range r) { s.each_run(call, r, work); });
  };
  const bool cheap = with_cheap(s.op, [&](auto fn) {
    all(kCheap, [fn](const float* x, float* y, int64_t n) {
      CORNU_EACH_ALONE
      for (int64_t i = 0; i < n; ++i) y[i] = fn(x[i]);
    });
  });
  if (cheap) return;
  if (s.fn)
    return all(4 * kDear, [&](const float* x, float* y, int64_t n) { s.fn(s.op, x, y, n); });
  all(kDear, [&](const float* x, float* y, int64_t n) {
    if (x != y) std::copy_n(x, n, y);
    ops::apply(s.op, y, n);
  });
}

bool accepts_unary(const Problem& p) { return std::holds_alternative<ops::Unary>(*p.op); }

Prepared prepare_unary(const Problem& p) {
  const auto& op = std::get<ops::Unary>(*p.op);
  const int64_t size = p.out.size();
  const int64_t run = has_gaps(p) ? p.out[-1] : std::max<int64_t>(size, 1);
  return prepared_with(UnaryState{op, size, activation_fn(op), in_rows(p, 0), out_rows(p), run},
                       run_unary, p);
}

// ---- unary grad ---------------------------------------------------------------------------------

struct UnaryGradState {
  ops::UnaryGrad op;
  int64_t size;
};

// dy * factor(x or y).
template <class F>
void multiply_all(const Call& call, int64_t size, int64_t least, F factor) {
  const float *x = call.in[0], *dy = call.in[1];
  float* out = call.out;
  split(*call.pool, size, least, [&](Range r) {
    CORNU_EACH_ALONE
    for (int64_t i = r.begin; i < r.end; ++i) out[i] = dy[i] * factor(x[i]);
  });
}

// Derivatives of a few instructions, written as ops::derivative means them but without branches.
bool run_cheap(const ops::UnaryGrad& op, const Call& call, int64_t size) {
  using Fn = ops::Unary::Fn;
  const float a = op.of.a, b = op.of.b, c = op.of.c;
  const auto all = [&](auto factor) { multiply_all(call, size, kCheap, factor); };
  if (op.of.fn == Fn::kRelu) {  // where y tells, c is 0
    all([=](float x) {
      const float above = x < b ? 1.0f : 0.0f, below = x <= c ? a : x;  // NaN stays
      return x > c ? above : below;
    });
  } else if (op.from_output && op.of.fn == Fn::kSigmoid) {
    all([](float y) { return y * (1 - y); });
  } else if (op.from_output && op.of.fn == Fn::kTanh) {
    all([](float y) { return 1 - y * y; });
  } else if (op.from_output && op.of.fn == Fn::kExp) {
    all([](float y) { return y; });
  } else if (op.from_output && op.of.fn == Fn::kElu) {
    all([=](float y) { return y > 0 ? 1.0f : y + a; });
  } else if (!op.from_output && op.of.fn == Fn::kSquare) {
    all([](float x) { return 2 * x; });
  } else {
    return false;
  }
  return true;
}

void run_unary_grad(const Call& call) noexcept {
  const auto& s = *static_cast<const UnaryGradState*>(call.state);
  if (run_cheap(s.op, call, s.size)) return;
  const ops::Unary of = s.op.of;
  if (s.op.from_output)
    multiply_all(call, s.size, kDear,
                 [&](float y) { return ops::derivative_from_output<float>(of, y); });
  else
    multiply_all(call, s.size, kDear, [&](float x) { return ops::derivative<float>(of, x); });
}

bool accepts_unary_grad(const Problem& p) { return std::holds_alternative<ops::UnaryGrad>(*p.op); }

Prepared prepare_unary_grad(const Problem& p) {
  return prepared_with(UnaryGradState{std::get<ops::UnaryGrad>(*p.op), p.out.size()},
                       run_unary_grad, p);
}

// ---- binary -------------------------------------------------------------------------------------

// An operand seen beside the output as [outer][repeat][inner]: it has no middle axis and is read
// again for each of its indices.
struct Repeated {
  int64_t repeat = 1, inner = 1;
  Rows rows = {};  // where it does not repeat

  // How many consecutive outputs read it with one stride, and that stride.
  int64_t run(int64_t size) const { return repeat == 1 ? size : inner == 1 ? repeat : inner; }
  int64_t stride() const { return repeat > 1 && inner == 1 ? 0 : 1; }
  int64_t offset(int64_t out) const {
    return repeat == 1 ? rows.at(out) : out / (repeat * inner) * inner + out % inner;
  }
};

// False if the operand repeats along axes with others in between.
bool as_repeated(const Shape& shape, const Shape& out, Repeated& r) {
  int64_t a = 1;
  const auto size = [&](int64_t i) { return i <= shape.rank() ? shape[-i] : 1; };
  const auto repeats = [&](int64_t i) { return size(i) == 1 && out[-i] != 1; };
  for (; a <= out.rank() && !repeats(a); ++a) r.inner *= out[-a];
  for (; a <= out.rank() && size(a) == 1; ++a) r.repeat *= out[-a];
  for (; a <= out.rank(); ++a)
    if (repeats(a)) return false;
  return true;
}

struct BinaryState {
  ops::Binary::Fn fn;
  int64_t size, run;  // `run` outputs have one stride in both operands, and no gaps between them
  Repeated a, b;
  Rows out;
};

template <class F>
void binary_range(const BinaryState& s, const Call& call, Range range, F fn) {
  const int64_t stride_a = s.a.stride(), stride_b = s.b.stride();
  for (int64_t at = range.begin; at < range.end;) {
    const int64_t end = std::min(range.end, (at / s.run + 1) * s.run), n = end - at;
    const float* a = call.in[0] + s.a.offset(at);
    const float* b = call.in[1] + s.b.offset(at);
    const float first_a = *a, first_b = *b;
    float* out = call.out + s.out.at(at);
    if (stride_a == 1 && stride_b == 1) {
      CORNU_EACH_ALONE
      for (int64_t i = 0; i < n; ++i) out[i] = fn(a[i], b[i]);
    } else if (stride_a == 1) {
      CORNU_EACH_ALONE
      for (int64_t i = 0; i < n; ++i) out[i] = fn(a[i], first_b);
    } else if (stride_b == 1) {
      CORNU_EACH_ALONE
      for (int64_t i = 0; i < n; ++i) out[i] = fn(first_a, b[i]);
    } else {
      std::fill_n(out, n, fn(first_a, first_b));
    }
    at = end;
  }
}

void run_binary(const Call& call) noexcept {
  const auto& s = *static_cast<const BinaryState*>(call.state);
  const auto all = [&](int64_t least, auto fn) {
    split(*call.pool, s.size, least, [&](Range r) { binary_range(s, call, r, fn); });
  };
  using Fn = ops::Binary::Fn;
  switch (s.fn) {
    case Fn::kAdd:
      return all(kCheap, [](float a, float b) { return a + b; });
    case Fn::kSubtract:
      return all(kCheap, [](float a, float b) { return a - b; });
    case Fn::kMultiply:
      return all(kCheap, [](float a, float b) { return a * b; });
    case Fn::kDivide:
      return all(kCheap, [](float a, float b) { return a / b; });
    case Fn::kMaximum:
      return all(kCheap, [](float a, float b) { return ops::maximum(a, b); });
    case Fn::kMinimum:
      return all(kCheap, [](float a, float b) { return ops::minimum(a, b); });
    case Fn::kPower:
      return all(kDear, [](float a, float b) { return std::pow(a, b); });
    case Fn::kGreater:
      return all(kCheap, [](float a, float b) { return a > b ? 1.0f : 0.0f; });
    case Fn::kGreaterEqual:
      return all(kCheap, [](float a, float b) { return a >= b ? 1.0f : 0.0f; });
    case Fn::kEqual:
      return all(kCheap, [](float a, float b) { return a == b ? 1.0f : 0.0f; });
  }
}

bool accepts_binary(const Problem& p) {
  Repeated a, b;
  return std::holds_alternative<ops::Binary>(*p.op) && as_repeated(p.in[0].shape, p.out, a) &&
         as_repeated(p.in[1].shape, p.out, b);
}

Prepared prepare_binary(const Problem& p) {
  BinaryState s{std::get<ops::Binary>(*p.op).fn, p.out.size(), 1, {}, {}, out_rows(p)};
  as_repeated(p.in[0].shape, p.out, s.a);
  as_repeated(p.in[1].shape, p.out, s.b);
  s.a.rows = in_rows(p, 0);
  s.b.rows = in_rows(p, 1);
  s.run = std::min(s.a.run(s.size), s.b.run(s.size));
  if (has_gaps(p)) s.run = std::min(s.run, p.out[-1]);
  s.run = std::max<int64_t>(s.run, 1);
  return prepared_with(s, run_binary, p);
}

// ---- broadcast ----------------------------------------------------------------------------------

struct BroadcastState {
  int64_t size;
  Repeated x;
};

void run_broadcast(const Call& call) noexcept {
  const auto& s = *static_cast<const BroadcastState*>(call.state);
  const int64_t run = s.x.run(s.size);
  split(*call.pool, s.size, kCheap, [&](Range r) {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t end = std::min(r.end, (at / run + 1) * run);
      const float* x = call.in[0] + s.x.offset(at);
      if (s.x.stride() == 0)
        std::fill(call.out + at, call.out + end, *x);
      else
        std::copy_n(x, end - at, call.out + at);
      at = end;
    }
  });
}

bool accepts_broadcast(const Problem& p) {
  Repeated x;
  return std::holds_alternative<ops::Broadcast>(*p.op) && as_repeated(p.in[0].shape, p.out, x);
}

Prepared prepare_broadcast(const Problem& p) {
  BroadcastState s{p.out.size(), {}};
  as_repeated(p.in[0].shape, p.out, s.x);
  return prepared_with(s, run_broadcast, p);
}

}  // namespace

const Kernel kUnary{"unary", accepts_unary, prepare_unary, nullptr, takes_pitch, true};
const Kernel kUnaryGrad{"unary grad", accepts_unary_grad, prepare_unary_grad, nullptr, nullptr,
                        true};
const Kernel kBroadcast{"broadcast", accepts_broadcast, prepare_broadcast};
const Kernel kBinary{"binary", accepts_binary, prepare_binary, nullptr, takes_pitch, true};

}  // namespace cornu::kernels
