#include "cornu/kernels/segments.h"

#include <algorithm>

namespace cornu::kernels {

Geometry geometry_of_gradient(const Problem& problem) {
  const auto& op = std::get<ops::ConvFilterGrad>(*problem.op);
  ops::Conv conv{op.stride, op.dilation, {}, op.groups, {}};
  for (int64_t before : op.before) conv.pad.push_back({before, 0});
  const ops::Op as_op = conv;
  return geometry_of({&as_op, {problem.in[0], {problem.out}}, problem.in[1].shape});
}

int64_t segments_of(const Geometry& g, int64_t tap, int64_t begin, int64_t end, Segment* to) {
  const auto& [a0, a1, a2] = g.phases[0].axis;
  const int64_t t2 = tap % a2.taps, t1 = tap / a2.taps % a1.taps, t0 = tap / a2.taps / a1.taps;
  // Along the last axis: the positions whose cell is inside x.
  const int64_t first = a2.in_first + t2 * a2.tap_step;
  const int64_t inside_begin = first < 0 ? (-first + a2.in_step - 1) / a2.in_step : 0;
  const int64_t inside_end =
      std::min(a2.count, first < a2.in ? (a2.in - 1 - first) / a2.in_step + 1 : 0);
  int64_t line = begin / a2.count, count = 0;
  int64_t o1 = line % a1.count, o0 = line / a1.count % a0.count;
  int64_t image = line / a1.count / a0.count;
  for (int64_t start = line * a2.count; start < end; start += a2.count) {
    const int64_t from = std::max(inside_begin, begin - start);
    const int64_t until = std::min(inside_end, end - start);
    const int64_t i0 = o0 * a0.in_step + a0.in_first + t0 * a0.tap_step;
    const int64_t i1 = o1 * a1.in_step + a1.in_first + t1 * a1.tap_step;
    if (from < until && i0 >= 0 && i0 < a0.in && i1 >= 0 && i1 < a1.in) {
      const int64_t cell = ((image * a0.in + i0) * a1.in + i1) * a2.in + first + from * a2.in_step;
      to[count++] = {cell * g.in_channels(), start + from - begin, until - from};
    }
    if (++o1 == a1.count) {
      o1 = 0;
      if (++o0 == a0.count) {
        o0 = 0;
        ++image;
      }
    }
  }
  return count;
}

}  // namespace cornu::kernels
