#include "cornu/ops/op.h"

#include <span>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/ops/binary.h"
#include "cornu/ops/index.h"
#include "cornu/ops/unary.h"

namespace cornu::ops {
namespace {

using base::cat;

std::string text(Sizes numbers) {
  std::string out;
  for (int64_t n : numbers) out += cat(out.empty() ? "" : ", ", n);
  return cat("(", out, ")");
}

std::string text(const std::vector<Edge>& edges) {
  std::string out;
  for (const Edge& e : edges) out += cat(out.empty() ? "" : ", ", e.before, ":", e.after);
  return cat("(", out, ")");
}

// "(negative_slope=0.0, max_value=inf, threshold=0.0)", nothing where there are no parameters.
std::string parameters(const Unary& op) {
  const float values[] = {op.a, op.b, op.c};
  std::string out;
  size_t i = 0;
  for (const char* name : signature(op.fn).parameters)
    out += cat(i == 0 ? "" : ", ", name, "=", values[i]), ++i;
  return out.empty() ? out : cat("(", out, ")");
}

std::string activation_text(const std::optional<Unary>& activation) {
  if (!activation) return {};
  return cat(", activation=", signature(activation->fn).name, parameters(*activation));
}

std::string groups_and_activation(int64_t groups, const std::optional<Unary>& activation) {
  return cat(groups == 1 ? "" : cat(", groups=", groups), activation_text(activation));
}

const char* kind_of(const Pool& op) { return op.kind == Pool::Kind::kMax ? "max" : "average"; }

const char* kind_of(Resize::Mode mode) {
  using Mode = Resize::Mode;
  switch (mode) {
    case Mode::kNearest:
      return "nearest";
    case Mode::kBilinear:
      return "bilinear";
    case Mode::kBilinearLegacy:
      return "bilinear_legacy";
    case Mode::kBicubic:
      return "bicubic";
    case Mode::kLanczos3:
      return "lanczos3";
    case Mode::kLanczos5:
      return "lanczos5";
  }
  return "?";
}

const char* kind_of(Warp::Beyond beyond) {
  using Beyond = Warp::Beyond;
  switch (beyond) {
    case Beyond::kConstant:
      return "constant";
    case Beyond::kNearest:
      return "nearest";
    case Beyond::kReflect:
      return "reflect";
    case Beyond::kWrap:
      return "wrap";
  }
  return "?";
}

const char* kind_of(const Reduce& op) {
  using Kind = Reduce::Kind;
  switch (op.kind) {
    case Kind::kSum:
      return "sum";
    case Kind::kMean:
      return "mean";
    case Kind::kMax:
      return "max";
    case Kind::kMin:
      return "min";
  }
  return "?";
}

const char* kind_of(Softmax::Kind kind) {
  using Kind = Softmax::Kind;
  switch (kind) {
    case Kind::kSoftmax:
      return "softmax";
    case Kind::kLogSoftmax:
      return "log_softmax";
    case Kind::kSparsemax:
      return "sparsemax";
  }
  return "?";
}

// The attributes in brackets, nothing for an op without any.
struct Attributes {
  std::string operator()(const Input& op) const { return cat("(", op.index, ")"); }
  std::string operator()(const Variable& op) const { return cat("(", op.index, ")"); }
  std::string operator()(const Constant& op) const { return to_text(op.value.shape()); }
  std::string operator()(const Unary& op) const { return parameters(op); }
  std::string operator()(const Binary&) const { return {}; }
  std::string operator()(const Conv& op) const {
    return cat("(stride=", text(op.stride), ", dilation=", text(op.dilation),
               ", pad=", text(op.pad), groups_and_activation(op.groups, op.activation), ")");
  }
  std::string operator()(const ConvTranspose& op) const {
    return cat("(stride=", text(op.stride), ", dilation=", text(op.dilation),
               ", crop=", text(op.crop), ", length=", text(op.length),
               groups_and_activation(op.groups, op.activation), ")");
  }
  std::string operator()(const Pool& op) const {
    return cat("(window=", text(op.window), ", stride=", text(op.stride), ", pad=", text(op.pad),
               ")");
  }
  std::string operator()(const Resize& op) const { return cat("(size=", text(op.size), ")"); }
  std::string operator()(const Warp& op) const {
    return cat("(beyond=", kind_of(op.beyond), op.bilinear ? ", bilinear" : "", ", fill=", op.fill,
               ")");
  }
  std::string operator()(const Pad& op) const { return cat("(edges=", text(op.edges), ")"); }
  std::string operator()(const Reshape& op) const { return to_text(op.shape); }
  std::string operator()(const Transpose& op) const { return cat("(perm=", text(op.perm), ")"); }
  std::string operator()(const Concat& op) const { return cat("(axis=", op.axis, ")"); }
  std::string operator()(const Broadcast& op) const { return to_text(op.shape); }
  std::string operator()(const OneHot& op) const { return cat("(depth=", op.depth, ")"); }
  std::string operator()(const Reduce& op) const { return cat("(axes=", text(op.axes), ")"); }
  std::string operator()(const Softmax&) const { return {}; }
  std::string operator()(const BatchNorm& op) const {
    return cat("(axis=", op.axis, ", epsilon=", op.epsilon, op.of_batch ? ", of_batch" : "",
               op.synchronized ? ", synchronized" : "", activation_text(op.activation), ")");
  }
  std::string operator()(const Moments& op) const { return cat("(axis=", op.axis, ")"); }
  std::string operator()(const ReplicaMean&) const { return {}; }
  std::string operator()(const MatMul&) const { return {}; }
  std::string operator()(const Random& op) const {
    return cat("(shape=", op.shape, ", site=", op.site, ")");
  }
  std::string operator()(const UnaryGrad& op) const {
    return cat(parameters(op.of), op.from_output ? "(from_output)" : "");
  }
  std::string operator()(const ConvFilterGrad& op) const {
    return cat("(kernel=", text(op.kernel), ", stride=", text(op.stride),
               ", dilation=", text(op.dilation), ", before=", text(op.before),
               groups_and_activation(op.groups, {}), ")");
  }
  std::string operator()(const PoolGrad& op) const { return (*this)(op.of); }
  std::string operator()(const ResizeGrad& op) const { return cat("(size=", text(op.size), ")"); }
  std::string operator()(const SoftmaxGrad&) const { return {}; }
  std::string operator()(const BatchNormSums& op) const {
    return cat("(axis=", op.axis, ", epsilon=", op.epsilon, ")");
  }
  std::string operator()(const BatchNormGrad& op) const {
    return cat("(axis=", op.axis, ", epsilon=", op.epsilon, ")");
  }
};

}  // namespace

std::string name_of(const Op& op) {
  return std::visit(
      overloaded{[](const Input&) { return cat("input"); },
                 [](const Variable&) { return cat("variable"); },
                 [](const Constant&) { return cat("constant"); },
                 [](const Unary& x) { return cat("unary ", signature(x.fn).name); },
                 [](const Binary& x) { return cat("binary ", name_of(x.fn)); },
                 [](const Conv&) { return cat("conv"); },
                 [](const ConvTranspose&) { return cat("conv_transpose"); },
                 [](const Pool& x) { return cat("pool ", kind_of(x)); },
                 [](const Resize& x) { return cat("resize ", kind_of(x.mode)); },
                 [](const Warp&) { return cat("warp"); },
                 [](const Pad&) { return cat("pad"); },
                 [](const Reshape&) { return cat("reshape"); },
                 [](const Transpose&) { return cat("transpose"); },
                 [](const Concat&) { return cat("concat"); },
                 [](const Broadcast&) { return cat("broadcast"); },
                 [](const OneHot&) { return cat("one_hot"); },
                 [](const Reduce& x) { return cat("reduce ", kind_of(x)); },
                 [](const Softmax& x) { return cat(kind_of(x.kind)); },
                 [](const BatchNorm&) { return cat("batch_norm"); },
                 [](const Moments&) { return cat("moments"); },
                 [](const ReplicaMean&) { return cat("replica_mean"); },
                 [](const MatMul&) { return cat("matmul"); },
                 [](const Random& x) {
                   return cat(x.kind == Random::Kind::kUniform ? "random uniform"
                                                               : "random normal");
                 },
                 [](const UnaryGrad& x) { return cat("unary_grad ", signature(x.of.fn).name); },
                 [](const ConvFilterGrad&) { return cat("conv_filter_grad"); },
                 [](const PoolGrad& x) { return cat("pool_grad ", kind_of(x.of)); },
                 [](const ResizeGrad& x) { return cat("resize_grad ", kind_of(x.mode)); },
                 [](const SoftmaxGrad& x) { return cat(kind_of(x.kind), "_grad"); },
                 [](const BatchNormSums&) { return cat("batch_norm_sums"); },
                 [](const BatchNormGrad&) { return cat("batch_norm_grad"); }},
      op);
}

std::string to_text(const Op& op) { return name_of(op) + std::visit(Attributes{}, op); }

bool moves_data_only(const Op& op) {
  const auto* resize = std::get_if<Resize>(&op);
  return std::holds_alternative<Pad>(op) || std::holds_alternative<Reshape>(op) ||
         std::holds_alternative<Transpose>(op) || std::holds_alternative<Concat>(op) ||
         std::holds_alternative<Broadcast>(op) ||
         (resize && resize->mode == Resize::Mode::kNearest);
}

void misfit(const Op& op, const std::vector<Shape>& in, std::string_view rule) {
  std::string shapes;
  for (const Shape& shape : in) shapes += cat(shapes.empty() ? "" : ", ", shape);
  throw InternalError(
      cat("internal error: ", to_text(op), " needs: ", rule, ". Received: shapes ", shapes));
}

}  // namespace cornu::ops
