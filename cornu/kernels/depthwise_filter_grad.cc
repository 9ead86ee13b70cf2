#include <algorithm>

#include "cornu/kernels/depthwise_tile.h"
#include "cornu/kernels/segments.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"
#include "cornu/kernels/targets.h"
// The next three lines are how Highway compiles this file once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cornu/kernels/depthwise_filter_grad.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef CORNU_KERNELS_DEPTH_SUMS
#define CORNU_KERNELS_DEPTH_SUMS
namespace cornu::kernels {

// What one tap's gradient gains from some segments: sums[f] += sum of x[f / multiplier] * dy[f].
struct DepthSums {
  const Segment* segments;
  int64_t segment_count;
  const float* x;
  int64_t x_stride;
  const float* dy;
  int64_t filters;
  const FilterPlaces* places;  // of a multiplier above 1
  float* sums;
};
struct DepthSumFns {
  int64_t lanes;
  void (*one)(const DepthSums&);
  void (*many)(const DepthSums&);
};

}  // namespace cornu::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cornu::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Full = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;
constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(Full()));

// Calls f(x, dy) for every pair of rows.
template <class F>
HWY_INLINE void for_rows(const DepthSums& t, F&& f) {
  for (const Segment* s = t.segments; s != t.segments + t.segment_count; ++s) {
    const float* x = t.x + s->a;
    const float* dy = t.dy + s->b * t.filters;
    for (int64_t p = s->count; p > 0; --p, x += t.x_stride, dy += t.filters) f(x, dy);
  }
}

template <class D, int N>
HWY_INLINE void block(const DepthSums& t, int64_t f) {
  const D d;
  constexpr auto lanes = static_cast<int64_t>(hn::MaxLanes(D()));
  hn::Vec<D> sum[N];
  for (int n = 0; n < N; ++n) sum[n] = hn::Zero(d);
  for_rows(t, [&](const float* x, const float* dy) HWY_ATTR {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n)
      sum[n] =
          hn::MulAdd(hn::LoadU(d, x + f + n * lanes), hn::LoadU(d, dy + f + n * lanes), sum[n]);
  });
  for (int n = 0; n < N; ++n) {
    float* to = t.sums + f + n * lanes;
    hn::StoreU(hn::Add(hn::LoadU(d, to), sum[n]), d, to);
  }
}

void one(const DepthSums& t) {
  int64_t f = 0;
  for (; f + 4 * kLanes <= t.filters; f += 4 * kLanes) block<Full, 4>(t, f);
  for (; f + kLanes <= t.filters; f += kLanes) block<Full, 1>(t, f);
  for (; f < t.filters; ++f) block<One, 1>(t, f);
}

void many(const DepthSums& t) {
  const Full d;
  for (int64_t at = 0, i = 0; at < t.filters; at += kLanes, ++i) {
    const int64_t f = std::min(at, t.filters - kLanes);
    const int64_t channel = t.places->block_channel[static_cast<size_t>(i)];
    const auto lanes = hn::SetTableIndices(d, t.places->lane_channel.data() + i * kLanes);
    auto sum = hn::Zero(d);
    for_rows(t, [&](const float* x, const float* dy) HWY_ATTR {
      const auto expanded = hn::TableLookupLanes(hn::LoadU(d, x + channel), lanes);
      sum = hn::MulAdd(expanded, hn::LoadU(d, dy + f), sum);
    });
    HWY_ALIGN float found[kLanes];
    hn::Store(sum, d, found);
    // The last block reaches back into the one before.
    for (int64_t lane = at - f; lane < kLanes; ++lane) t.sums[f + lane] += found[lane];
  }
}

const DepthSumFns* target_depth_sums() {
  static const DepthSumFns all{kLanes, one, many};
  return &all;
}

}  // namespace
}  // namespace cornu::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cornu::kernels {
HWY_EXPORT(target_depth_sums);
namespace {

// Numbers of x and dy taken at a time: what stays in the first-level cache while the taps pass over
// it. The positions make so many slices, from the shapes alone, whose sums are added in order.
constexpr int64_t kNumbers = 8 * 1024;
constexpr int64_t kMostStep = 128;
constexpr int64_t kSlices = 32;
constexpr int64_t kSlicePositions = 256;

struct State {
  Geometry geometry;
  const DepthSumFns* fns = nullptr;
  FilterPlaces places;
  int64_t slices = 1, step = 1;

  int64_t taps() const { return geometry.phases[0].taps(); }
  int64_t filters() const { return geometry.out_channels(); }
  int64_t size() const { return taps() * filters(); }
  int64_t positions() const { return geometry.batch * geometry.phases[0].count(); }
};

void run_slice(const State& s, const Call& call, Range positions, float* sums) {
  Segment segments[kMostStep];
  std::fill_n(sums, s.size(), 0.0f);
  DepthSums t{};
  t.segments = segments;
  t.x = call.in[0];
  t.x_stride = s.geometry.phases[0].axis[2].in_step * s.geometry.in_channels();
  t.filters = s.filters();
  t.places = &s.places;
  const auto add = s.geometry.group_out == 1 ? s.fns->one : s.fns->many;
  for (int64_t at = positions.begin; at < positions.end; at += s.step) {
    const int64_t end = std::min(at + s.step, positions.end);
    t.dy = call.in[1] + at * s.filters();
    for (int64_t tap = 0; tap < s.taps(); ++tap) {
      t.segment_count = segments_of(s.geometry, tap, at, end, segments);
      t.sums = sums + tap * s.filters();
      add(t);
    }
  }
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  call.pool->parallel_for(s.slices, [&](int64_t slice) {
    run_slice(s, call, part(s.positions(), slice, s.slices), call.scratch + slice * s.size());
  });
  split(*call.pool, s.size(), 16 * 1024 / s.slices, [&](Range r) {
    std::copy(call.scratch + r.begin, call.scratch + r.end, call.out + r.begin);
    for (int64_t slice = 1; slice < s.slices; ++slice) {
      const float* from = call.scratch + slice * s.size();
      for (int64_t i = r.begin; i < r.end; ++i) call.out[i] += from[i];
    }
  });
}

bool accepts(const Problem& p) {
  const auto* op = std::get_if<ops::ConvFilterGrad>(p.op);
  if (!op || p.in[0].shape.rank() > Phase::kAxes + 2 || p.out.size() == 0) return false;
  if (op->groups == 1 || op->groups != p.in[0].shape[-1]) return false;
  return p.out[-1] == op->groups || op->groups >= CORNU_CHOOSE(target_depth_sums)()->lanes;
}

Prepared prepare(const Problem& problem) {
  State s;
  s.geometry = geometry_of_gradient(problem);
  s.fns = CORNU_CHOOSE(target_depth_sums)();
  if (s.geometry.group_out > 1)
    s.places = place_filters(s.fns->lanes, s.geometry.in_channels(), s.geometry.group_out);
  s.step = std::clamp<int64_t>(kNumbers / (s.geometry.in_channels() + s.filters()), 1, kMostStep);
  s.slices = std::clamp<int64_t>(s.positions() / kSlicePositions, 1, kSlices);
  const int64_t scratch = s.slices * s.size();
  Prepared prepared = prepared_with(std::move(s), run, problem);
  prepared.scratch_floats = scratch;
  return prepared;
}

}  // namespace

const Kernel kDepthwiseFilterGrad{"depthwise filter grad", accepts, prepare};

}  // namespace cornu::kernels
#endif
