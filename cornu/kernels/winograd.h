#pragma once

// Winograd's short convolutions, in Cook and Toom's form: results of an axis are taken `results` at
// a time, from `points` = results + taps - 1 neighbouring inputs, with `points` multiplications
// instead of results * taps. In matrices, y = AT * ((G * kernel) .* (BT * x)); of two axes, both
// ways. Lavin and Gray, https://arxiv.org/abs/1509.09308. The points of evaluation are 0, 1, -1,
// infinity of four, and 0, +-1/sqrt(2), +-sqrt(2), infinity of six, which lose least.

#include <array>
#include <cstdint>

#include "cornu/kernels/epilogue.h"

namespace cornu::kernels {

struct Winograd {
  int points = 1;  // 1 (nothing is transformed; one tap, one result), 4 or 6
  int results = 1;
  int taps() const { return points - results + 1; }  // at most; further ones are 0
  friend bool operator==(const Winograd&, const Winograd&) = default;
};

// G, [points][taps]. Runs ask for it, so it takes no memory from the heap.
using KernelTransform = std::array<double, 30>;  // at most 6 points of 5 taps
KernelTransform kernel_transform(const Winograd& w);

// G * kernel * G' of a panel of filters and one input channel, in double, rounded once.
struct KernelTile {
  Winograd rows, columns;
  const double* row_factors = nullptr;  // their kernel_transform
  const double* column_factors = nullptr;
  int64_t row_taps = 1, column_taps = 1;  // those there are
  const double* cells = nullptr;          // [row tap][column tap][panel]
  int64_t panel = 0;                      // whole vectors
  float* out = nullptr;                   // [position][panel], out_stride apart
  int64_t out_stride = 0;
};
using KernelFn = void (*)(const KernelTile&);

// BT * x * B of one tile, for all channels: out[p][c] of position p = row * columns + column, which
// lie out_stride apart.
struct InputTile {
  const float* const* cells = nullptr;  // [rows][columns] of the tile: where its channels lie
  int64_t channels = 0;                 // at least the target's lanes
  float* out = nullptr;
  int64_t out_stride = 0;
};
using InputFn = void (*)(const InputTile&);

// AT * sums * A of one tile for a panel of channels, with bias and relu.
struct OutputTile {
  const float* sums = nullptr;  // [positions][panel]
  const float* bias = nullptr;  // [panel]
  int64_t panel = 0;            // whole vectors
  const Relu* relu = nullptr;   // or null
  float* const* out = nullptr;  // [rows][columns] of results: where to, null where to nowhere
  int64_t columns = 0;          // channels to store, <= panel
};
using OutputFn = void (*)(const OutputTile&);

// A * dy * A' of one tile of results, for all channels: out[p][c], as for inputs. With the input's
// transform, summed over tiles, G' * (.) * G of it is the kernel's gradient.
struct GradTile {
  const float* const* cells = nullptr;  // [rows][columns] of results: where their channels lie
  int64_t channels = 0;                 // at least the target's lanes
  float* out = nullptr;
  int64_t out_stride = 0;
};
using GradFn = void (*)(const GradTile&);

// GT * sums * G, the kernel's gradient of one input channel, for all filters.
struct KernelGradTile {
  Winograd rows, columns;
  const float* row_factors = nullptr;  // their kernel_transform, as floats
  const float* column_factors = nullptr;
  const float* sums = nullptr;  // [positions], sums_stride apart
  int64_t sums_stride = 0;
  int64_t channels = 0;  // filters; at least the target's lanes
  // The taps there are, whose gradients lie out_stride apart.
  int64_t row_taps = 1, column_taps = 1;
  float* out = nullptr;
  int64_t out_stride = 0;
};
using KernelGradFn = void (*)(const KernelGradTile&);

// The transforms of one target; null where there are none of such a pair of axes. There are those
// of two equal axes, and of one alone.
struct WinogradTransforms {
  int lanes;
  KernelFn kernel;
  InputFn (*input)(const Winograd& rows, const Winograd& columns);
  OutputFn (*output)(const Winograd& rows, const Winograd& columns);
  GradFn (*grad)(const Winograd& rows, const Winograd& columns);
  KernelGradFn kernel_grad;
};
const WinogradTransforms& winograd_transforms();

}  // namespace cornu::kernels
