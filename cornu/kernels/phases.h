#pragma once

// The geometry that Conv and ConvTranspose share. A convolution is one phase. A transposed
// convolution of stride s falls apart into phases, each an ordinary convolution of stride 1 with
// some of the kernel's cells, whose results lie s apart in the output.

#include <array>
#include <cstdint>
#include <vector>

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

// One axis of one phase. Result o = 0 .. count is written to output cell o*out_step + out_first and
// sums, over tap t = 0 .. taps, input cell o*in_step + in_first + t*tap_step times the kernel cell
// kernel_first + t*kernel_step.
struct Axis {
  int64_t in = 1, out = 1;  // lengths of the tensors
  int64_t count = 1, taps = 1;
  int64_t out_step = 1, out_first = 0;
  int64_t in_step = 1, in_first = 0, tap_step = 1;
  int64_t kernel_first = 0, kernel_step = 1;
};

struct Phase {
  static constexpr int64_t kAxes = 3;  // fewer axes are axes of length 1 in front
  std::array<Axis, kAxes> axis;
  int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  int64_t count() const { return axis[0].count * axis[1].count * axis[2].count; }
};

// What a convolution of either kind is: its phases and where its operands keep their numbers.
struct Geometry {
  std::vector<Phase> phases;
  int64_t batch = 0, groups = 1;
  int64_t group_in = 0, group_out = 0;  // channels of one group
  std::array<int64_t, Phase::kAxes> kernel{1, 1, 1};
  // How far apart in the kernel operand neighbouring cells, input channels, output channels and
  // groups lie.
  int64_t cell_stride = 0, in_stride = 0, out_stride = 0, group_stride = 0;
  int64_t in_pitch = 0, out_pitch = 0;  // numbers from cell to cell of x and of the result

  int64_t in_channels() const { return groups * group_in; }
  int64_t out_channels() const { return groups * group_out; }
  // The index in the kernel operand of tap (a, b, c) of a phase.
  int64_t cell(const Phase& phase, int64_t a, int64_t b, int64_t c) const;
};

// False for anything but a Conv or a ConvTranspose, for more spatial axes than a phase has, and for
// more phases than are worth their tables.
bool has_phases(const Problem& problem);

// Of a problem that has_phases.
Geometry geometry_of(const Problem& problem);

// Of a single phase without taps, borders or steps, all axes and the batch become one long line.
void flatten(Geometry& geometry);

}  // namespace cornu::kernels
