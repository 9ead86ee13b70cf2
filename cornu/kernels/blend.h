#pragma once

#include <cstdint>

namespace cornu::kernels {

// Weighted sums of rows of numbers, of one target.
struct Blend {
  // out[i] = sum of weights[k] * rows[k][i] over k < n, for i < count; n may be 0. `add`: +=
  // instead.
  void (*rows)(const float* const* rows, const float* weights, int64_t n, int64_t count, bool add,
               float* out);
  // Cell o < count of the result, of `channels` numbers at out + o * out_pitch: the sum of
  // weights[t] * x[cell[t] * pitch ..] over taps begin[o] <= t < begin[o + 1].
  void (*cells)(const float* x, int64_t pitch, int64_t channels, const int64_t* begin,
                const int64_t* cell, const float* weights, int64_t count, float* out,
                int64_t out_pitch);
};
const Blend& blend();

}  // namespace cornu::kernels
