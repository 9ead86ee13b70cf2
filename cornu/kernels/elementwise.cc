// Elementwise ops. They are bound by memory: plain loops that the compiler turns into vectors, cut
// among the threads.

#include <algorithm>
#include <cmath>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/ops/binary.h"
#include "cornu/ops/unary.h"

namespace cornu::kernels {
namespace {

// Numbers per task at least, where a number costs about a nanosecond, or ten.
constexpr int64_t kCheap = 16 * 1024, kDear = 1024;

// ---- unary --------------------------------------------------------------------------------------

struct UnaryState {
  ops::Unary op;
  int64_t size;
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
    case Fn::kAffine:
      return loop([=](float x) { return a * x + b; }), true;
    default:
      return false;
  }
}

void run_unary(const Call& call) noexcept {
  const auto& s = *static_cast<const UnaryState*>(call.state);
  const float* x = call.in[0];
  const bool cheap = with_cheap(s.op, [&](auto fn) {
    split(*call.pool, s.size, kCheap, [&](Range r) {
      for (int64_t i = r.begin; i < r.end; ++i) call.out[i] = fn(x[i]);
    });
  });
  if (cheap) return;
  split(*call.pool, s.size, kDear, [&](Range r) {
    std::copy(x + r.begin, x + r.end, call.out + r.begin);
    ops::apply(s.op, call.out + r.begin, r.end - r.begin);
  });
}

bool accepts_unary(const Problem& p) { return std::holds_alternative<ops::Unary>(*p.op); }

Prepared prepare_unary(const Problem& p) {
  return prepared_with(UnaryState{std::get<ops::Unary>(*p.op), p.out.size()}, run_unary, p);
}

// ---- binary -------------------------------------------------------------------------------------

// An operand seen beside the output as [outer][repeat][inner]: it has no middle axis and is read
// again for each of its indices.
struct Repeated {
  int64_t repeat = 1, inner = 1;

  // How many consecutive outputs read it with one stride, and that stride.
  int64_t run(int64_t size) const { return repeat == 1 ? size : inner == 1 ? repeat : inner; }
  int64_t stride() const { return repeat > 1 && inner == 1 ? 0 : 1; }
  int64_t offset(int64_t out) const { return out / (repeat * inner) * inner + out % inner; }
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
  int64_t size, run;  // `run` outputs have one stride in both operands
  Repeated a, b;
};

template <class F>
void binary_range(const BinaryState& s, const Call& call, Range range, F fn) {
  const int64_t stride_a = s.a.stride(), stride_b = s.b.stride();
  for (int64_t at = range.begin; at < range.end;) {
    const int64_t end = std::min(range.end, (at / s.run + 1) * s.run), n = end - at;
    const float* a = call.in[0] + s.a.offset(at);
    const float* b = call.in[1] + s.b.offset(at);
    float* out = call.out + at;
    if (stride_a == 1 && stride_b == 1)
      for (int64_t i = 0; i < n; ++i) out[i] = fn(a[i], b[i]);
    else if (stride_a == 1)
      for (int64_t i = 0; i < n; ++i) out[i] = fn(a[i], *b);
    else if (stride_b == 1)
      for (int64_t i = 0; i < n; ++i) out[i] = fn(*a, b[i]);
    else
      std::fill_n(out, n, fn(*a, *b));
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
  BinaryState s{std::get<ops::Binary>(*p.op).fn, p.out.size(), 1, {}, {}};
  as_repeated(p.in[0].shape, p.out, s.a);
  as_repeated(p.in[1].shape, p.out, s.b);
  s.run = std::max<int64_t>(std::min(s.a.run(s.size), s.b.run(s.size)), 1);
  return prepared_with(s, run_binary, p);
}

// ---- batch normalisation ------------------------------------------------------------------------

// x seen as [outer][channels][inner].
struct BatchNormState {
  int64_t size, channels, inner;
  float epsilon;
};

void run_batch_norm(const Call& call) noexcept {
  const auto& s = *static_cast<const BatchNormState*>(call.state);
  const float *x = call.in[0], *beta = call.in[2], *mean = call.in[3];
  float* scale = call.scratch;
  for (int64_t c = 0; c < s.channels; ++c)
    scale[c] = call.in[1][c] / std::sqrt(call.in[4][c] + s.epsilon);
  const int64_t run = s.inner == 1 ? s.channels : s.inner;
  split(*call.pool, s.size, kCheap, [&](Range r) {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t end = std::min(r.end, (at / run + 1) * run), n = end - at;
      const int64_t c = at / s.inner % s.channels;
      float* out = call.out + at;
      if (s.inner == 1)
        for (int64_t i = 0; i < n; ++i)
          out[i] = (x[at + i] - mean[c + i]) * scale[c + i] + beta[c + i];
      else
        for (int64_t i = 0; i < n; ++i) out[i] = (x[at + i] - mean[c]) * scale[c] + beta[c];
      at = end;
    }
  });
}

bool accepts_batch_norm(const Problem& p) { return std::holds_alternative<ops::BatchNorm>(*p.op); }

Prepared prepare_batch_norm(const Problem& p) {
  const auto& op = std::get<ops::BatchNorm>(*p.op);
  BatchNormState s{p.out.size(), p.out[op.axis], 1, op.epsilon};
  for (int64_t a = op.axis + 1; a < p.out.rank(); ++a) s.inner *= p.out[a];
  Prepared prepared = prepared_with(s, run_batch_norm, p);
  prepared.scratch_floats = s.channels;
  return prepared;
}

}  // namespace

const Kernel kUnary{"unary", accepts_unary, prepare_unary};
const Kernel kBinary{"binary", accepts_binary, prepare_binary};
const Kernel kBatchNorm{"batch norm", accepts_batch_norm, prepare_batch_norm};

}  // namespace cornu::kernels
