#include "cornu/grad/rules.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/ops/unary_grad.h"

namespace cornu::grad {

using graph::Builder;
using graph::Node;
using graph::Value;
using BinaryFn = ops::Binary::Fn;
using UnaryFn = ops::Unary::Fn;

namespace {

// One op being differentiated.
struct Rule {
  Builder& g;
  const Node& node;
  Value y, dy;
  const std::vector<bool>& wanted;

  Value in(size_t i) const { return {node.in[i]}; }
  Shape shape(size_t i) const { return g.shape(in(i)); }  // a copy: adding nodes moves the others
  Flows none() const { return Flows(node.in.size()); }

  Value add(Value a, Value b) const { return g.binary(BinaryFn::kAdd, a, b); }
  Value sub(Value a, Value b) const { return g.binary(BinaryFn::kSubtract, a, b); }
  Value mul(Value a, Value b) const {
    if (is_one(a) && g.shape(a) == g.shape(b)) return b;  // what flows into a loss
    return g.binary(BinaryFn::kMultiply, a, b);
  }
  Value div(Value a, Value b) const { return g.binary(BinaryFn::kDivide, a, b); }
  Value negate(Value a) const { return g.unary(UnaryFn::kNegate, a); }
  Value times(Value a, double factor) const {
    if (factor == 1) return a;
    return g.unary(UnaryFn::kAffine, a, static_cast<float>(factor));
  }

  // The sum over the axes that broadcasting repeated.
  Value sum_to(Value v, Shape to) const {
    const Shape from = g.shape(v);
    const int64_t missing = from.rank() - to.rank();
    std::vector<int64_t> axes;
    for (int64_t a = 0; a < from.rank(); ++a)
      if (a < missing || (to[a - missing] == 1 && from[a] != 1)) axes.push_back(a);
    if (!axes.empty()) v = g.reduce(ops::Reduce::Kind::kSum, v, axes);
    return g.reshape(v, std::move(to));
  }

  const Tensor* constant(Value v) const {
    const auto* leaf = std::get_if<ops::Constant>(&g.node(v).op);
    return leaf ? &leaf->value : nullptr;
  }
  bool is_one(Value v) const {
    const Tensor* t = constant(v);
    return t && t->shape() == Shape{} && t->values()[0] == 1;
  }
  // False for a constant without zeros.
  bool may_be_zero(Value v) const {
    const Tensor* t = constant(v);
    return !t || std::find(t->values().begin(), t->values().end(), 0.0f) != t->values().end();
  }

  // The sum over all axes but the last.
  Value sum_per_channel(Value v) const { return sum_to(v, Shape{g.shape(v)[-1]}); }

  // ---- leaves and ops through which nothing flows back ----
  Flows operator()(const ops::Input&) const { return none(); }
  Flows operator()(const ops::Variable&) const { return none(); }
  Flows operator()(const ops::Constant&) const { return none(); }
  Flows operator()(const ops::OneHot&) const { return none(); }
  Flows operator()(const ops::Random&) const { return none(); }

  // ---- elementwise ----
  Flows operator()(const ops::Unary& op) const {
    switch (op.fn) {
      case UnaryFn::kStopGradient:
        return none();
      case UnaryFn::kIdentity:
        return {dy};
      case UnaryFn::kNegate:
        return {negate(dy)};
      case UnaryFn::kAffine:
        return {times(dy, op.a)};
      default:
        break;
    }
    // From the result where it tells: the operand need not be kept.
    if (ops::output_tells_derivative(op)) return {g.add(ops::UnaryGrad{op, true}, {y, dy})};
    return {g.add(ops::UnaryGrad{op, false}, {in(0), dy})};
  }

  Flows operator()(const ops::Binary& op) const {
    Flows back = none();
    const Value a = in(0), b = in(1);
    const auto give = [&](size_t i, auto&& flow) {
      if (wanted[i]) back[i] = sum_to(flow(), shape(i));
    };
    switch (op.fn) {
      case BinaryFn::kAdd:
        give(0, [&] { return dy; });
        give(1, [&] { return dy; });
        break;
      case BinaryFn::kSubtract:
        give(0, [&] { return dy; });
        if (wanted[1]) back[1] = negate(sum_to(dy, shape(1)));
        break;
      case BinaryFn::kMultiply:
        give(0, [&] { return mul(dy, b); });
        give(1, [&] { return mul(dy, a); });
        break;
      case BinaryFn::kDivide:
        give(0, [&] { return div(dy, b); });
        if (wanted[1]) back[1] = negate(div(sum_to(mul(dy, y), shape(1)), b));
        break;
      case BinaryFn::kMaximum:  // ties go to the first operand
        give(0, [&] { return mul(dy, g.binary(BinaryFn::kGreaterEqual, a, b)); });
        give(1, [&] { return mul(dy, g.binary(BinaryFn::kGreater, b, a)); });
        break;
      case BinaryFn::kMinimum:
        give(0, [&] { return mul(dy, g.binary(BinaryFn::kGreaterEqual, b, a)); });
        give(1, [&] { return mul(dy, g.binary(BinaryFn::kGreater, a, b)); });
        break;
      case BinaryFn::kPower:
        // At b = 0 the first is 0, also for a = 0; the second is 0 for a = 0, as in Keras.
        give(0, [&] {
          const Value less = g.unary(UnaryFn::kAffine, b, 1, -1);
          Value base = a;
          if (may_be_zero(b))
            base = add(a, mul(g.binary(BinaryFn::kEqual, a, g.scalar(0)),
                              g.binary(BinaryFn::kEqual, b, g.scalar(0))));
          return mul(dy, mul(b, g.binary(BinaryFn::kPower, base, less)));
        });
        give(1, [&] {
          const Value positive = g.binary(BinaryFn::kGreater, a, g.scalar(0));
          const Value log =
              g.unary(UnaryFn::kLog, add(mul(a, positive), sub(g.scalar(1), positive)));
          return mul(dy, mul(y, log));
        });
        break;
      case BinaryFn::kGreater:
      case BinaryFn::kGreaterEqual:
      case BinaryFn::kEqual:
        return none();
    }
    return back;
  }

  // ---- convolution ----
  Flows operator()(const ops::Conv& op) const {
    CORNU_CHECK(!op.activation);  // fused after differentiating
    Flows back = none();
    const Shape x = shape(0), kernel = shape(1);
    std::vector<int64_t> before, spatial;
    for (const ops::Edge& e : op.pad) before.push_back(e.before);
    for (int64_t a = 1; a + 1 < x.rank(); ++a) spatial.push_back(x[a]);
    if (wanted[0])
      back[0] = g.add(ops::ConvTranspose{op.stride, op.dilation, before, spatial, op.groups, {}},
                      {dy, in(1)});
    if (wanted[1])
      back[1] = g.add(
          ops::ConvFilterGrad{spatial_of_kernel(kernel), op.stride, op.dilation, before, op.groups},
          {in(0), dy});
    if (back.size() > 2 && wanted[2]) back[2] = sum_per_channel(dy);
    return back;
  }

  Flows operator()(const ops::ConvTranspose& op) const {
    CORNU_CHECK(!op.activation);
    Flows back = none();
    const Shape x = shape(0), kernel = shape(1);
    if (wanted[0]) {
      // The convolution that it is the transpose of, over `full` as far as dy says what flows into
      // it: what lies beyond full's end has no source and is cut off.
      ops::Conv conv{op.stride, op.dilation, {}, op.groups, {}};
      std::vector<ops::Edge> cut(static_cast<size_t>(x.rank()));
      for (size_t a = 0; a < op.stride.size(); ++a) {
        const auto axis = static_cast<int64_t>(a);
        const int64_t extent = (kernel[axis] - 1) * op.dilation[a] + 1;
        const int64_t full = (x[axis + 1] - 1) * op.stride[a] + extent;
        const int64_t before = std::min(op.crop[a], full);
        const int64_t known = std::min(op.length[a], full - before);
        conv.pad.push_back({before, full - before - known});
        cut[a + 1].after = known - op.length[a];
      }
      back[0] = g.add(std::move(conv), {g.pad(dy, std::move(cut)), in(1)});
    }
    if (wanted[1])
      back[1] = g.add(ops::ConvFilterGrad{spatial_of_kernel(kernel), op.stride, op.dilation,
                                          op.crop, op.groups},
                      {dy, in(0)});
    if (back.size() > 2 && wanted[2]) back[2] = sum_per_channel(dy);
    return back;
  }

  Flows operator()(const ops::MatMul&) const {
    Flows back = none();
    const auto swapped = [&](Value v) { return g.transpose(v, {0, 2, 1}); };
    if (wanted[0]) back[0] = g.add(ops::MatMul{}, {dy, swapped(in(1))});
    if (wanted[1]) back[1] = g.add(ops::MatMul{}, {swapped(in(0)), dy});
    return back;
  }

  // ---- pooling, resizing ----
  Flows operator()(const ops::Pool& op) const { return {g.add(ops::PoolGrad{op}, {in(0), dy})}; }
  Flows operator()(const ops::Resize& op) const {
    std::vector<int64_t> size;
    for (int64_t a = 1; a + 1 < shape(0).rank(); ++a) size.push_back(shape(0)[a]);
    return {g.add(ops::ResizeGrad{op.mode, std::move(size)}, {dy})};
  }

  Flows operator()(const ops::Warp&) const {
    throw ValueError(
        base::cat("nothing can be learned before an image is flipped, rotated, zoomed "
                  "or moved at random: the gradient of ",
                  ops::name_of(node.op), " is not defined"));
  }

  // ---- data movement ----
  Flows operator()(const ops::Pad& op) const {
    std::vector<ops::Edge> edges;
    for (const ops::Edge& e : op.edges) edges.push_back({-e.before, -e.after});
    return {g.pad(dy, std::move(edges))};
  }
  Flows operator()(const ops::Reshape&) const { return {g.reshape(dy, shape(0))}; }
  Flows operator()(const ops::Transpose& op) const {
    std::vector<int64_t> inverse(op.perm.size());
    for (size_t i = 0; i < op.perm.size(); ++i)
      inverse[static_cast<size_t>(op.perm[i])] = static_cast<int64_t>(i);
    return {g.transpose(dy, std::move(inverse))};
  }
  Flows operator()(const ops::Concat& op) const {
    Flows back = none();
    int64_t at = 0;
    for (size_t i = 0; i < back.size(); ++i) {
      const int64_t length = shape(i)[op.axis];
      if (wanted[i]) back[i] = g.slice(dy, op.axis, at, at + length);
      at += length;
    }
    return back;
  }
  Flows operator()(const ops::Broadcast&) const { return {sum_to(dy, shape(0))}; }

  // ---- the rest ----
  Flows operator()(const ops::Reduce& op) const {
    using Kind = ops::Reduce::Kind;
    const Shape x = shape(0);
    const auto spread = [&](Value v) { return g.add(ops::Broadcast{x}, {v}); };
    if (op.kind == Kind::kSum) return {spread(dy)};
    if (op.kind == Kind::kMean) {
      double count = 1;
      for (int64_t axis : op.axes) count *= static_cast<double>(x[axis]);
      return {spread(times(dy, 1 / count))};
    }
    // Every cell that holds the extreme takes an equal share, as in TensorFlow.
    const Value holds = g.binary(BinaryFn::kEqual, in(0), y);
    const Value holders = g.reduce(Kind::kSum, holds, op.axes);
    return {mul(holds, div(dy, holders))};
  }

  Flows operator()(const ops::Softmax& op) const {
    const bool sparse = op.kind == ops::Softmax::Kind::kSparsemax;
    return {g.add(ops::SoftmaxGrad{op.kind}, {sparse ? in(0) : y, dy})};
  }

  Flows operator()(const ops::BatchNorm& op) const {
    CORNU_CHECK(!op.activation);
    Flows back = none();
    const Value x = in(0), gamma = in(1), mean = in(3), variance = in(4);
    const bool fixed_wanted = !op.of_batch && (wanted[3] || wanted[4]);
    const bool x_needs_sums = wanted[0] && op.of_batch;
    Value sums;
    const auto row = [&](int64_t i) {
      return g.reshape(g.slice(sums, 0, i, i + 1), g.shape(gamma));
    };
    if (x_needs_sums || wanted[1] || wanted[2] || fixed_wanted)
      sums = g.add(ops::BatchNormSums{op.axis, op.epsilon}, {x, mean, variance, dy});
    // A process's gradient counts by its share, so what BatchNormGrad divides by its own count of
    // numbers has to be the mean of the processes' sums.
    if (op.synchronized) sums = g.add(ops::ReplicaMean{}, {sums});
    if (wanted[1]) back[1] = row(1);
    if (wanted[2]) back[2] = row(0);
    const auto scale = [&] {  // gamma / sqrt(variance + epsilon)
      return mul(gamma,
                 g.unary(UnaryFn::kRsqrt, g.unary(UnaryFn::kAffine, variance, 1, op.epsilon)));
    };
    if (x_needs_sums) {
      back[0] =
          g.add(ops::BatchNormGrad{op.axis, op.epsilon}, {x, gamma, mean, variance, dy, sums});
    } else if (wanted[0]) {
      Shape along(std::vector<int64_t>(static_cast<size_t>(shape(0).rank()), 1));
      along[op.axis] = shape(0)[op.axis];
      back[0] = mul(dy, g.reshape(scale(), along));
    }
    if (fixed_wanted && wanted[3]) back[3] = negate(mul(scale(), row(0)));
    if (fixed_wanted && wanted[4])
      back[4] =
          times(div(mul(gamma, row(1)), g.unary(UnaryFn::kAffine, variance, 1, op.epsilon)), -0.5);
    return back;
  }

  Flows operator()(const ops::Moments& op) const {
    // mean: dy[0] / n. variance: dy[1] * 2 (x - mean) / n.
    const Shape x = shape(0);
    Shape along(std::vector<int64_t>(static_cast<size_t>(x.rank()), 1));
    along[op.axis] = x[op.axis];
    const double count =
        static_cast<double>(x.size()) / static_cast<double>(std::max<int64_t>(x[op.axis], 1));
    const auto row = [&](Value v, int64_t i) { return g.reshape(g.slice(v, 0, i, i + 1), along); };
    const Value centred = sub(in(0), row(y, 0));
    const Value of_variance = mul(centred, times(row(dy, 1), 2 / count));
    return {add(of_variance, times(row(dy, 0), 1 / count))};
  }

  // Of each process by its share, as every gradient: the op is its own transpose.
  Flows operator()(const ops::ReplicaMean& op) const { return {g.add(op, {dy})}; }

  // ---- gradient ops ----
  template <class Op>
  Flows operator()(const Op&) const {
    throw ValueError(base::cat("the gradient of ", ops::name_of(node.op),
                               " is not defined: only first derivatives are"));
  }

 private:
  static std::vector<int64_t> spatial_of_kernel(const Shape& kernel) {
    const auto dims = kernel.dims();
    return {dims.begin(), dims.end() - 2};
  }
};

}  // namespace

Flows flows_back(Builder& g, const Node& node, Value y, Value dy, const std::vector<bool>& wanted) {
  return std::visit(Rule{g, node, y, dy, wanted}, node.op);
}

}  // namespace cornu::grad
