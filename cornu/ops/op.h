#pragma once

// The closed set of operations that every layer lowers to. An op is a plain value: its attributes,
// a shape rule and reference loops (evaluate.h) that define its meaning. All shapes are known
// when an op is made: a graph belongs to one set of input shapes. No operand has more than 8 axes.
//
// Layout convention of the spatial ops (Conv, ConvTranspose, Pool): channels last,
// (batch, *spatial, channels), any number of spatial axes, none included (a Dense layer is a
// Conv without spatial axes).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cornu/tensor/tensor.h"

namespace cornu::ops {

// Cells added (> 0) or, in Pad only, removed (< 0) before and after an axis.
struct Edge {
  int64_t before = 0, after = 0;
  friend bool operator==(const Edge&, const Edge&) = default;
};

// ---- leaves -------------------------------------------------------------------------------------
struct Input {  // the graph's input number `index`
  int64_t index = 0;
  friend bool operator==(const Input&, const Input&) = default;
};
struct Variable {  // the graph's variable number `index` (a weight)
  int64_t index = 0;
  friend bool operator==(const Variable&, const Variable&) = default;
};
struct Constant {  // numbers fixed while lowering
  Tensor value = {};
  friend bool operator==(const Constant& a, const Constant& b) {
    return a.value.data() == b.value.data() && a.value.shape() == b.value.shape();
  }
};

// ---- elementwise --------------------------------------------------------------------------------
// y = fn(x; a, b, c). Parameters are named beside each function; the rest are unused. A NaN goes
// through every function. The scalar functions are apply() in unary.h.
struct Unary {
  enum class Fn {
    kIdentity,
    kRelu,           // a: negative slope, b: max value (inf: none), c: threshold
    kElu,            // a: alpha
    kCelu,           // a: alpha
    kSelu,           //
    kGelu,           //
    kGeluTanh,       // the tanh approximation
    kSilu,           //
    kSigmoid,        //
    kTanh,           //
    kExp,            //
    kLog,            //
    kSqrt,           //
    kRsqrt,          // 1 / sqrt(x)
    kSquare,         //
    kAbs,            //
    kNegate,         //
    kSoftplus,       //
    kSoftsign,       //
    kHardSigmoid,    // clip(a x + b, 0, 1): Keras 3 a = 1/6, b = 1/2; Keras 2 a = 0.2, b = 0.5
    kHardSilu,       // x * hard_sigmoid of Keras 3
    kClip,           // clip(x, a, b)
    kMish,           //
    kLogSigmoid,     //
    kSparseSigmoid,  //
    kSparsePlus,     //
    kSquareplus,     // a: b of Keras's squareplus
    kSoftShrink,     // a: threshold
    kHardShrink,     // a: threshold
    kTanhShrink,     //
    kThreshold,      // x > a ? x : b
    kAffine,         // a x + b
    kStopGradient,   // x; nothing flows back through it
  };
  Fn fn = Fn::kIdentity;
  float a = 0, b = 0, c = 0;
  friend bool operator==(const Unary&, const Unary&) = default;
};

// NumPy broadcasting over trailing axes. Maximum and minimum pass NaN on, as NumPy's do;
// comparisons give 1 or 0.
struct Binary {
  enum class Fn {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kMaximum,
    kMinimum,
    kPower,
    kGreater,
    kGreaterEqual,
    kEqual,
  };
  Fn fn = Fn::kAdd;
  friend bool operator==(const Binary&, const Binary&) = default;
};

// ---- convolution --------------------------------------------------------------------------------
// Inputs: x (N, *n, C), kernel (*k, C/groups, F), optionally bias (F), and optionally after the
// bias a tensor of the result's shape that is added to it, before the activation.
//   y[b, p, f] = bias[f] + sum_{q, c} x[b, p*stride + q*dilation - pad.before, g*C/groups + c]
//                                     * kernel[q, c, f],   g = f / (F/groups)
// Cells outside x are 0. Output length (n + before + after - ((k-1)*dilation + 1)) / stride + 1.
// A depthwise convolution is groups = C with the kernel (*k, C, M) seen as (*k, 1, C*M).
struct Conv {
  std::vector<int64_t> stride = {}, dilation = {};  // one entry per spatial axis, >= 1
  std::vector<Edge> pad = {};                       // >= 0
  int64_t groups = 1;
  // Applied to the result at last; put there by a pass, never by a layer, as is what is added.
  std::optional<Unary> activation = {};
  friend bool operator==(const Conv&, const Conv&) = default;
};

// The transpose of Conv in x (Keras's Conv*Transpose, and Conv's gradient in x).
// Inputs: x (N, *n, C), kernel (*k, F/groups, C), optionally bias (F). With
//   full[b, j, f] = sum_{p*stride + q*dilation = j} sum_c x[b, p, c] * kernel[q, f, c]
// of length (n-1)*stride + (k-1)*dilation + 1, the output is full[crop .. crop + length), zeros
// beyond full's end, plus bias everywhere.
struct ConvTranspose {
  std::vector<int64_t> stride = {}, dilation = {};  // >= 1
  std::vector<int64_t> crop = {};                   // >= 0: cells of `full` dropped at the start
  std::vector<int64_t> length = {};                 // output lengths
  int64_t groups = 1;
  std::optional<Unary> activation = {};
  friend bool operator==(const ConvTranspose&, const ConvTranspose&) = default;
};

// ---- pooling, resizing --------------------------------------------------------------------------
// x (N, *n, C). Cells outside x never win a maximum and are not counted in an average; a maximum
// passes NaN on. Padding is narrower than the window, so every window holds a cell of x.
struct Pool {
  enum class Kind { kMax, kAverage };
  Kind kind = Kind::kMax;
  std::vector<int64_t> window = {}, stride = {};
  std::vector<Edge> pad = {};  // >= 0, < window
  friend bool operator==(const Pool&, const Pool&) = default;
};

// x (N, *n, C) to `size` per spatial axis, each axis on its own (layers.md 4.7). Half-pixel
// centres, except kBilinearLegacy (Keras 2.0-2.3, TF.js): src = i * n / size.
struct Resize {
  enum class Mode { kNearest, kBilinear, kBilinearLegacy, kBicubic, kLanczos3, kLanczos5 };
  Mode mode = Mode::kNearest;
  std::vector<int64_t> size = {};
  friend bool operator==(const Resize&, const Resize&) = default;
};

// Every image of x (N, H, W, C) turned, zoomed and moved, as random augmentation does. The second
// input, (N, 5), holds for each: an angle in radians, counter-clockwise; the zooms of rows and of
// columns, above 1 farther away, -1 a mirror image; by how many cells rows and columns move. With
// (r, c) counted from the middle of the image, output cell (r, c) is the one at
//   (sin * zc * c + cos * zr * r - moved rows, cos * zc * c - sin * zr * r - moved columns)
// of x, the nearest or a mean of four. Beyond x: `fill` (k k | a b c | k k), the nearest cell
// (a a | a b c | c c), or x again, mirrored (b a | a b c | c b) or not (b c | a b c | a b).
struct Warp {
  enum class Beyond { kConstant, kNearest, kReflect, kWrap };
  Beyond beyond = Beyond::kConstant;
  bool bilinear = false;
  float fill = 0;
  friend bool operator==(const Warp&, const Warp&) = default;
};

// ---- data movement ------------------------------------------------------------------------------
// One Edge per axis of x, batch included: output cell i is cell i - before of x, 0 where x has
// none.
struct Pad {
  std::vector<Edge> edges = {};
  friend bool operator==(const Pad&, const Pad&) = default;
};
struct Reshape {
  Shape shape = {};
  friend bool operator==(const Reshape&, const Reshape&) = default;
};
struct Transpose {  // output axis i is input axis perm[i]
  std::vector<int64_t> perm = {};
  friend bool operator==(const Transpose&, const Transpose&) = default;
};
struct Concat {  // one or more inputs
  int64_t axis = 0;
  friend bool operator==(const Concat&, const Concat&) = default;
};
struct Broadcast {  // NumPy's broadcast_to: axes of size 1, and missing ones in front, repeat
  Shape shape = {};
  friend bool operator==(const Broadcast&, const Broadcast&) = default;
};
struct OneHot {  // labels (...) to (..., depth): 1 where the label is the index, else 0
  int64_t depth = 1;
  friend bool operator==(const OneHot&, const OneHot&) = default;
};

// ---- the rest -----------------------------------------------------------------------------------
// Over `axes` (sorted, unique), which keep size 1. Maximum and minimum pass NaN on. Of nothing, the
// sum is 0, the mean NaN (as in NumPy), the maximum -inf, the minimum inf.
struct Reduce {
  enum class Kind { kSum, kMean, kMax, kMin };
  Kind kind = Kind::kSum;
  std::vector<int64_t> axes = {};
  friend bool operator==(const Reduce&, const Reduce&) = default;
};

// Over the last axis. kSparsemax follows Keras 3 as shipped (layers.md part 10).
struct Softmax {
  enum class Kind { kSoftmax, kLogSoftmax, kSparsemax };
  Kind kind = Kind::kSoftmax;
  friend bool operator==(const Softmax&, const Softmax&) = default;
};

// Inputs x, gamma, beta, mean, variance, the last four (C) along `axis` of x.
//   y = activation((x - mean) / sqrt(variance + epsilon) * gamma + beta)
struct BatchNorm {
  int64_t axis = -1;  // >= 0
  float epsilon = 1e-3f;
  // Mean and variance are x's own Moments: the gradient in x takes that into account, and nothing
  // flows back through the two operands.
  bool of_batch = false;
  // They are those of all processes' batches together (ReplicaMean).
  bool synchronized = false;
  std::optional<Unary> activation = {};
  friend bool operator==(const BatchNorm&, const BatchNorm&) = default;
};

// (2, C): the mean and the biased variance of x over all axes but `axis`. Of nothing, NaN.
struct Moments {
  int64_t axis = -1;  // >= 0
  friend bool operator==(const Moments&, const Moments&) = default;
};

// The mean of x over the processes that train together, each counting by its share of the batch. Of
// one process alone, x.
struct ReplicaMean {
  friend bool operator==(const ReplicaMean&, const ReplicaMean&) = default;
};

// (B, M, K) x (B, K, N) -> (B, M, N).
struct MatMul {
  friend bool operator==(const MatMul&, const MatMul&) = default;
};

// Random numbers of this shape, that of a whole batch (first axis: samples). Input: a key (6) of
// whole numbers below 2^16: four parts of a 64-bit seed, lowest first, and two of the number of the
// first sample. Number i of sample s is word (s * numbers per sample + i) of the seed's Philox
// stream `site` (base/random.h), so that it does not depend on how a batch is cut.
struct Random {
  enum class Kind { kUniform, kNormal };  // in (0, 1); mean 0, deviation 1
  Kind kind = Kind::kUniform;
  Shape shape = {};
  int64_t site = 0;
  friend bool operator==(const Random&, const Random&) = default;
};

// ---- gradients ----------------------------------------------------------------------------------
// What the ops above need to be differentiated and cannot be said with each other. dy is the
// gradient that flows into an op's result. Conventions at kinks: layers.md part 19.

// dy * fn'(x). Inputs x and dy or, where `from_output`, y = fn(x) and dy.
struct UnaryGrad {
  Unary of = {};
  bool from_output = false;
  friend bool operator==(const UnaryGrad&, const UnaryGrad&) = default;
};

// Conv's gradient in its kernel, and ConvTranspose's with x and dy exchanged. Inputs x (N, *n, C),
// dy (N, *p, F); result (*kernel, C/groups, F):
//   dk[q, c, f] = sum_{b, p} x[b, p*stride + q*dilation - before, g*C/groups + c] * dy[b, p, f]
// Cells outside x are 0; dy says which p there are.
struct ConvFilterGrad {
  std::vector<int64_t> kernel = {};                 // spatial sizes
  std::vector<int64_t> stride = {}, dilation = {};  // >= 1
  std::vector<int64_t> before = {};                 // >= 0
  int64_t groups = 1;
  friend bool operator==(const ConvFilterGrad&, const ConvFilterGrad&) = default;
};

// Pool's gradient. Inputs x and dy; a maximum sends dy to the first cell that holds it.
struct PoolGrad {
  Pool of = {};
  friend bool operator==(const PoolGrad&, const PoolGrad&) = default;
};

// Resize's gradient: input dy (N, *m, C), result (N, *size, C) as x was.
struct ResizeGrad {
  Resize::Mode mode = Resize::Mode::kNearest;
  std::vector<int64_t> size = {};
  friend bool operator==(const ResizeGrad&, const ResizeGrad&) = default;
};

// Softmax's gradient. Inputs y and dy; for kSparsemax x and dy.
struct SoftmaxGrad {
  Softmax::Kind kind = Softmax::Kind::kSoftmax;
  friend bool operator==(const SoftmaxGrad&, const SoftmaxGrad&) = default;
};

// (2, C): the sums of dy and of dy * (x - mean) / sqrt(variance + epsilon) over all axes but
// `axis`: the gradients in beta and gamma. Inputs x, mean, variance, dy.
struct BatchNormSums {
  int64_t axis = -1;  // >= 0
  float epsilon = 1e-3f;
  friend bool operator==(const BatchNormSums&, const BatchNormSums&) = default;
};
// BatchNorm's gradient in x where its statistics are the batch's own. Inputs x, gamma, mean,
// variance, dy, sums; with n numbers per channel and h = (x - mean) / sqrt(variance + epsilon):
//   dx = gamma / sqrt(variance + epsilon) * (dy - sums[0] / n - h * sums[1] / n)
struct BatchNormGrad {
  int64_t axis = -1;  // >= 0
  float epsilon = 1e-3f;
  friend bool operator==(const BatchNormGrad&, const BatchNormGrad&) = default;
};

using Op = std::variant<Input, Variable, Constant, Unary, Binary, Conv, ConvTranspose, Pool, Resize,
                        Warp, Pad, Reshape, Transpose, Concat, Broadcast, OneHot, Reduce, Softmax,
                        BatchNorm, Moments, ReplicaMean, MatMul, Random, UnaryGrad, ConvFilterGrad,
                        PoolGrad, ResizeGrad, SoftmaxGrad, BatchNormSums, BatchNormGrad>;

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

// "conv", "unary relu", "pool max", …: what the op is, without its attributes.
std::string name_of(const Op& op);
// The name and the attributes on one line: "pool max(window=(2, 2), stride=(2, 2), pad=(0:0,
// 0:0))".
std::string to_text(const Op& op);

// The shape rule of the op. The operands must fit it: a misfit is a fault of the lowering and
// throws InternalError (layers check what users give before they lower). So does asking for the
// shape of an Input or a Variable, which only its graph knows. A result of more than 2^60 numbers
// throws OutOfMemory.
Shape infer_shape(const Op& op, const std::vector<Shape>& in);

// True for ops that only move numbers: their results are bit-exact copies.
bool moves_data_only(const Op& op);

}  // namespace cornu::ops
