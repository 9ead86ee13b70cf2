#pragma once

// What is measured side by side with other libraries: single operations as networks have them.

#include <cstdint>
#include <string>
#include <vector>

#include "cornu/base/json.h"
#include "cornu/ops/op.h"
#include "cornu/tensor/tensor.h"

namespace cornu::bench {

// A convolution of float32, channels last, of x (batch, *n, channels) with kernels (*k). Forward
// ones end with bias and relu, transposed ones do not, as oneDNN's are slow at both.
struct Workload {
  enum class Kind {
    kConv,
    kTransposed,  // the output is `stride` times the input
    kSeparable,   // depthwise with these kernels, then 1x1
    kUpsampled,   // rows and columns doubled, then convolved
    kPadded,      // zeros around, then convolved 'valid'
    kInputGrad,   // of kConv
    kFilterGrad,  // of kConv
  };
  std::string name;
  std::string goal;  // what bench/report.py holds it to
  std::vector<int64_t> n;
  int64_t channels = 1, filters = 1;
  std::vector<int64_t> k;
  Kind kind = Kind::kConv;
  int64_t stride = 1, dilation = 1, groups = 1, batch = 1;
  bool causal = false;  // zeros before the first step only

  // What follows is of the forward convolution (of the second of two steps).
  Shape input() const;   // x as it is given
  Shape kernel() const;  // as Keras has it; kTransposed: (*k, filters, channels)
  Shape output() const;
  // Zeros around an axis, as many before as after unless causal; kTransposed: cells cropped, of
  // odd numbers the smaller part before, as Keras has it.
  ops::Edge edge(size_t axis) const;
  int64_t extent(size_t axis) const { return (k[axis] - 1) * dilation + 1; }

  // Floating-point operations of the plain algorithm, multiplications with padding counted.
  double flops() const;
  // The same as a JSON object, for programs in other languages.
  base::Json json() const;
};

const std::vector<Workload>& workloads();

// Numbers in [-1, 1) that any language makes alike: number i is h / 2^31 - 1 for the 32 bits
//   h = (i + seed * 0x9e3779b9) * 0x85ebca6b;  h ^= h >> 15;  h *= 0xc2b2ae35;  h ^= h >> 13
Tensor numbers(const Shape& shape, uint32_t seed);
// The seeds of the operands; kernels are divided by the square root of what is summed.
enum Seed : uint32_t { kX = 1, kKernel, kBias, kGradient, kPointwise, kWeights };
Tensor kernel_numbers(const Shape& shape, uint32_t seed, int64_t summed);
Tensor bias_numbers(const Workload& w);  // a tenth

}  // namespace cornu::bench
