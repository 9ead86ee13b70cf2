#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "cornu/kernels/epilogue.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/batch_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cornu/kernels/relu-inl.h"

#ifndef CORNU_KERNELS_BATCH_NORM_RUN
#define CORNU_KERNELS_BATCH_NORM_RUN
namespace cornu::kernels {

// Some numbers that follow each other, and what their channels' numbers are: one each, or one for
// all.
struct ChannelRun {
  int64_t count;
  bool one_channel;
  const float *x, *dy;
  const float *mean, *scale, *shift, *slope;  // BatchNorm has no slope
  float* out;
  const Relu* relu;  // or null, of BatchNorm
};
using ChannelFn = void (*)(const ChannelRun&);
struct ChannelFns {
  ChannelFn forward;   // relu((x - mean) * scale + shift)
  ChannelFn backward;  // (dy - shift - (x - mean) * slope) * scale
};

}  // namespace cornu::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

struct Backward {};

// `End`: what is done to the result, or Backward.
template <bool kOneChannel, class D, class End>
HWY_INLINE void step(D d, const ChannelRun& r, int64_t i, const End& end) {
  const auto of_channel = [&](const float* numbers) HWY_ATTR {
    return kOneChannel ? hn::Set(d, *numbers) : hn::LoadU(d, numbers + i);
  };
  const auto centred = hn::Sub(hn::LoadU(d, r.x + i), of_channel(r.mean));
  const auto scale = of_channel(r.scale), shift = of_channel(r.shift);
  if constexpr (!std::is_same_v<End, Backward>) {
    hn::StoreU(end(d, hn::MulAdd(centred, scale, shift)), d, r.out + i);
  } else {
    const auto dy = hn::Sub(hn::LoadU(d, r.dy + i), shift);
    hn::StoreU(hn::Mul(hn::NegMulAdd(centred, of_channel(r.slope), dy), scale), d, r.out + i);
  }
}

template <bool kOneChannel, class End>
void steps(const ChannelRun& run, const End& end) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const ChannelRun r = run;  // known not to change
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= r.count; i += lanes) step<kOneChannel>(d, r, i, end);
  for (; i < r.count; ++i) step<kOneChannel>(one, r, i, end);
}

template <class End>
void run_of(const ChannelRun& r, const End& end) {
  r.one_channel ? steps<true>(r, end) : steps<false>(r, end);
}

void forward(const ChannelRun& r) {
  if (!r.relu) return run_of(r, [](auto, auto y) HWY_ATTR { return y; });
  if (is_plain(*r.relu)) return run_of(r, [](auto d, auto y) HWY_ATTR { return positive(d, y); });
  const Relu relu = *r.relu;
  run_of(r, [relu](auto d, auto y) HWY_ATTR { return apply(d, relu, y); });
}
void backward(const ChannelRun& r) { run_of(r, Backward()); }

const ChannelFns* target_channels() {
  static const ChannelFns all{forward, backward};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_channels);
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // numbers per task at least
// The channels' numbers are repeated up to this many, so that few channels make long runs too.
constexpr int64_t kLongRun = 256;

// x seen as [outer][channels][inner].
struct State {
  Epilogue epilogue;
  int64_t size = 0, channels = 0, inner = 1;
  float epsilon = 0;
  ChannelFn run = nullptr;
  // Of the channels' numbers: the channels, or where they are the last axis a multiple of them.
  int64_t period = 0;
  // From one row of channels to the next; 0: side by side.
  int64_t x_pitch = 0, out_pitch = 0;

  int64_t at(int64_t i, int64_t pitch) const {
    return pitch == 0 ? i : i / channels * pitch + i % channels;
  }

  int64_t per_channel() const { return channels == 0 ? 0 : size / channels; }
};

void run_all(const State& s, const Call& call, ChannelRun base) {
  const auto go = [&](int64_t at, int64_t count, int64_t channel) {
    ChannelRun r = base;
    r.count = count;
    r.x += s.at(at, s.x_pitch);
    if (r.dy) r.dy += at;
    for (const float** numbers : {&r.mean, &r.scale, &r.shift, &r.slope}) *numbers += channel;
    r.out += s.at(at, s.out_pitch);
    s.run(r);
    if (s.epilogue.has_rows()) s.epilogue.on_rows(call, &r.out, 1, 0, count);
  };
  const int64_t run = s.inner == 1 ? s.period : s.inner;
  split(*call.pool, s.size, kWorthSharing, [&](Range r) {
    int64_t channel = s.inner == 1 ? r.begin % run : r.begin / run % s.channels;
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t end = std::min(r.end, at == r.begin ? (at / run + 1) * run : at + run);
      go(at, end - at, channel);
      channel = s.inner == 1 ? 0 : (channel + 1) % s.channels;
      at = end;
    }
  });
}

// Fills numbers[0 .. period) from its first s.channels.
void repeat(const State& s, float* numbers) {
  for (int64_t i = s.channels; i < s.period; ++i) numbers[i] = numbers[i - s.channels];
}

void run_batch_norm(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  float *mean = call.scratch, *scale = mean + s.period, *shift = scale + s.period;
  for (int64_t c = 0; c < s.channels; ++c) {
    mean[c] = call.in[3][c];
    scale[c] = call.in[1][c] / std::sqrt(call.in[4][c] + s.epsilon);
    shift[c] = call.in[2][c];
  }
  for (float* numbers : {mean, scale, shift}) repeat(s, numbers);
  run_all(s, call,
          {0, s.inner != 1, call.in[0], nullptr, mean, scale, shift, mean, call.out,
           s.epilogue.in_registers()});
}

void run_batch_norm_grad(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  float *mean = call.scratch, *scale = mean + s.period, *shift = scale + s.period;
  float* slope = shift + s.period;
  const auto count = static_cast<float>(s.per_channel());
  for (int64_t c = 0; c < s.channels; ++c) {
    const float inverse = 1 / std::sqrt(call.in[3][c] + s.epsilon);
    mean[c] = call.in[2][c];
    scale[c] = call.in[1][c] * inverse;
    shift[c] = call.in[5][c] / count;
    slope[c] = call.in[5][s.channels + c] / count * inverse;
  }
  for (float* numbers : {mean, scale, shift, slope}) repeat(s, numbers);
  run_all(s, call,
          {0, s.inner != 1, call.in[0], call.in[4], mean, scale, shift, slope, call.out, nullptr});
}

Prepared prepare(const Problem& p, Epilogue epilogue, int64_t axis, float epsilon, RunFn run,
                 ChannelFn channels) {
  State s{std::move(epilogue), p.out.size(), p.out[axis], 1, epsilon, channels, p.out[axis]};
  for (int64_t a = axis + 1; a < p.out.rank(); ++a) s.inner *= p.out[a];
  s.x_pitch = p.in[0].pitch;
  s.out_pitch = p.out_pitch;
  if (s.inner == 1 && s.channels > 0 && s.x_pitch == 0 && s.out_pitch == 0)
    s.period = s.channels * std::max<int64_t>(kLongRun / s.channels, 1);
  Prepared prepared = prepared_with(s, run, p);
  prepared.scratch_floats = 4 * s.period;
  return prepared;
}

bool accepts_batch_norm(const Problem& p) { return std::holds_alternative<ops::BatchNorm>(*p.op); }
bool takes_pitch(const Problem& p, size_t i) {
  return std::get<ops::BatchNorm>(*p.op).axis == p.out.rank() - 1 && takes_first_and_result(p, i);
}
bool accepts_grad(const Problem& p) { return std::holds_alternative<ops::BatchNormGrad>(*p.op); }

Prepared prepare_batch_norm(const Problem& p) {
  const auto& op = std::get<ops::BatchNorm>(*p.op);
  return prepare(p, Epilogue(p), op.axis, op.epsilon, run_batch_norm,
                 CORNU_CHOOSE(target_channels)()->forward);
}

Prepared prepare_grad(const Problem& p) {
  const auto& op = std::get<ops::BatchNormGrad>(*p.op);
  return prepare(p, {}, op.axis, op.epsilon, run_batch_norm_grad,
                 CORNU_CHOOSE(target_channels)()->backward);
}

}  // namespace

const Kernel kBatchNorm{"batch norm", accepts_batch_norm, prepare_batch_norm,
                        nullptr,      takes_pitch,        true};
const Kernel kBatchNormGrad{"batch norm grad", accepts_grad, prepare_grad, nullptr, nullptr, true};

}  // namespace cornu::kernels
#endif
