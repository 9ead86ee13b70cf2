#include "cornu/kernels/phases.h"

#include <algorithm>
#include <numeric>

#include "cornu/base/error.h"

namespace cornu::kernels {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

Axis conv_axis(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation,
               int64_t before) {
  return {.in = in,
          .out = out,
          .count = out,
          .taps = taps,
          .in_step = stride,
          .in_first = -before,
          .tap_step = dilation};
}

// The outputs r, r + stride, r + 2 stride … of a transposed convolution. Output o*stride + r is
// cell j = o*stride + r + crop of the uncropped result, and j = i*stride + q*dilation for every tap
// q with (r + crop - q*dilation) divisible by the stride, taken from the last to the first, so that
// the input cells i go up.
Axis transposed_axis(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation,
                     int64_t crop, int64_t r) {
  Axis axis{.in = in,
            .out = out,
            .count = std::max<int64_t>(ceil_div(out - r, stride), 0),
            .taps = 0,
            .out_step = stride,
            .out_first = r};
  const int64_t common = std::gcd(stride, dilation), every = stride / common;
  int64_t last = std::min(taps, every) - 1;
  while (last >= 0 && (r + crop - last * dilation) % stride != 0) --last;
  if (last < 0) return axis;  // nothing falls on these outputs
  axis.taps = (taps - 1 - last) / every + 1;
  last += (axis.taps - 1) * every;
  axis.in_first = (r + crop - last * dilation) / stride;
  axis.tap_step = dilation / common;
  axis.kernel_first = last;
  axis.kernel_step = -every;
  return axis;
}

struct Sizes {
  const Problem& problem;
  int64_t axes() const { return problem.in[0].shape.rank() - 2; }
  // Spatial axis number of the phase axis `a`, or -1 for one of those added in front.
  int64_t spatial(int64_t a) const { return a - (Phase::kAxes - axes()); }
};

void add_conv(const Sizes& s, const ops::Conv& op, Geometry& g) {
  Phase phase;
  for (int64_t a = 0; a < Phase::kAxes; ++a)
    if (const int64_t i = s.spatial(a); i >= 0) {
      const auto at = static_cast<size_t>(i);
      phase.axis[static_cast<size_t>(a)] =
          conv_axis(s.problem.in[0].shape[i + 1], s.problem.out[i + 1], s.problem.in[1].shape[i],
                    op.stride[at], op.dilation[at], op.pad[at].before);
    }
  g.phases.push_back(phase);
}

void add_transposed(const Sizes& s, const ops::ConvTranspose& op, Geometry& g) {
  g.phases.emplace_back();
  for (int64_t a = 0; a < Phase::kAxes; ++a) {
    const int64_t i = s.spatial(a);
    if (i < 0) continue;
    const auto at = static_cast<size_t>(i);
    std::vector<Phase> finer;
    for (const Phase& phase : g.phases)
      // Outputs fewer than the stride leave the later phases empty.
      for (int64_t r = 0; r < std::min(op.stride[at], s.problem.out[i + 1]); ++r) {
        finer.push_back(phase);
        finer.back().axis[static_cast<size_t>(a)] = transposed_axis(
            s.problem.in[0].shape[i + 1], s.problem.out[i + 1], s.problem.in[1].shape[i],
            op.stride[at], op.dilation[at], op.crop[at], r);
      }
    g.phases = std::move(finer);
  }
}

}  // namespace

int64_t Geometry::cell(const Phase& phase, int64_t a, int64_t b, int64_t c) const {
  const auto at = [&](size_t i, int64_t t) {
    return phase.axis[i].kernel_first + t * phase.axis[i].kernel_step;
  };
  return (at(0, a) * kernel[1] + at(1, b)) * kernel[2] + at(2, c);
}

bool has_phases(const Problem& problem) {
  constexpr int64_t kMostPhases = 256;
  const auto* transposed = std::get_if<ops::ConvTranspose>(problem.op);
  if (!transposed && !std::holds_alternative<ops::Conv>(*problem.op)) return false;
  int64_t phases = 1;
  if (transposed)
    for (size_t a = 0; a < transposed->stride.size() && phases <= kMostPhases; ++a)
      phases *= std::min(transposed->stride[a], transposed->length[a]);
  return Sizes{problem}.axes() <= Phase::kAxes && phases <= kMostPhases;
}

Geometry geometry_of(const Problem& problem) {
  const Shape& x = problem.in[0].shape;
  const Shape& kernel = problem.in[1].shape;
  const Sizes sizes{problem};
  Geometry g;
  g.batch = x[0];
  g.in_pitch = in_pitch(problem, 0);
  g.out_pitch = out_pitch(problem);
  for (int64_t a = 0; a < Phase::kAxes; ++a)
    if (const int64_t i = sizes.spatial(a); i >= 0) g.kernel[static_cast<size_t>(a)] = kernel[i];
  g.cell_stride = kernel[-1] * kernel[-2];
  if (const auto* conv = std::get_if<ops::Conv>(problem.op)) {
    g.groups = conv->groups;
    g.group_in = kernel[-2];
    g.group_out = kernel[-1] / g.groups;
    g.in_stride = kernel[-1];
    g.out_stride = 1;
    g.group_stride = g.group_out;
    add_conv(sizes, *conv, g);
  } else {
    const auto* transposed = std::get_if<ops::ConvTranspose>(problem.op);
    CORNU_CHECK(transposed);
    g.groups = transposed->groups;
    g.group_in = kernel[-1] / g.groups;
    g.group_out = kernel[-2];
    g.in_stride = 1;
    g.out_stride = kernel[-1];
    g.group_stride = g.group_in;
    add_transposed(sizes, *transposed, g);
  }
  return g;
}

void flatten(Geometry& g) {
  if (g.phases.size() != 1) return;
  auto& axes = g.phases[0].axis;
  int64_t positions = g.batch;
  for (const Axis& a : axes) {
    if (a.taps != 1 || a.in_step != 1 || a.in_first != 0 || a.out_step != 1 || a.count != a.in)
      return;
    positions *= a.count;
  }
  axes = {};
  axes[2].in = axes[2].out = axes[2].count = positions;
  g.batch = 1;
}

}  // namespace cornu::kernels
