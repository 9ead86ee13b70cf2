#pragma once

// Which rows of x and of dy meet in the gradient of a convolution in its kernel.

#include <cstdint>

#include "cornu/kernels/phases.h"

namespace cornu::kernels {

// `count` rows of x, from number `a` of its memory on and equally spaced, and as many rows of dy
// from row `b` on.
struct Segment {
  int64_t a, b, count;
};

// The convolution whose gradient a ConvFilterGrad is.
Geometry geometry_of_gradient(const Problem& problem);

// The rows of x that a tap reads at the output positions [begin, end), counted through batch and
// axes; rows of dy are counted from `begin`. Returns how many segments there are: at most
// end - begin. The last axis of x takes axis.in_step * channels numbers from row to row.
int64_t segments_of(const Geometry& geometry, int64_t tap, int64_t begin, int64_t end, Segment* to);

}  // namespace cornu::kernels
