#include "cornu/compile/passes/fold_affine.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "cornu/compile/passes/cells.h"
#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

using graph::Node;
using graph::NodeId;

// x * factor + shift per channel, of operand `x` of a node.
struct Affine {
  size_t x = 0;
  std::vector<double> factor = {}, shift = {};
  // A shift of many times what is left would take digits away, were it added to other sums.
  bool mild = true;
  static constexpr double kMild = 16;

  void add(double f, double s) {
    factor.push_back(f);
    shift.push_back(s);
    mild = mild && std::fabs(s) <= kMild;
  }

  bool shifts() const {
    return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
  }
  bool finite() const {
    const auto is = [](double v) { return std::isfinite(v); };
    return std::all_of(factor.begin(), factor.end(), is) &&
           std::all_of(shift.begin(), shift.end(), is);
  }
};

const Tensor* constant(const Rebuild& g, NodeId id) {
  const auto* c = std::get_if<ops::Constant>(&g[id].op);
  return c ? &c->value : nullptr;
}

std::optional<Affine> read(const ops::BatchNorm& norm, const Rebuild& g, const Node& node) {
  if (norm.activation) return {};
  const float* numbers[4];
  for (size_t i = 0; i < 4; ++i) {
    const Tensor* t = constant(g, node.in[i + 1]);
    if (!t || norm.axis != node.shape.rank() - 1) return {};
    numbers[i] = t->data();
  }
  Affine affine;
  bool mild = true;
  for (int64_t c = 0; c < node.shape[-1]; ++c) {
    const double deviation = std::sqrt(double{numbers[3][c]} + norm.epsilon);
    const double factor = numbers[0][c] / deviation;
    affine.add(factor, numbers[1][c] - numbers[2][c] * factor);
    mild = mild && std::fabs(numbers[2][c]) <= Affine::kMild * deviation;
  }
  affine.mild = mild;
  return affine;
}

std::optional<Affine> read(const ops::Unary& unary, const Rebuild&, const Node& node) {
  const bool negate = unary.fn == ops::Unary::Fn::kNegate;
  if (!negate && unary.fn != ops::Unary::Fn::kAffine) return {};
  Affine affine;
  for (int64_t c = 0; c < node.shape[-1]; ++c)
    affine.add(negate ? -1 : unary.a, negate ? 0 : unary.b);
  return affine;
}

std::optional<Affine> read(const ops::Binary& binary, const Rebuild& g, const Node& node) {
  using Fn = ops::Binary::Fn;
  const size_t x = constant(g, node.in[0]) ? 1 : 0;
  const Tensor* number = constant(g, node.in[1 - x]);
  const int64_t channels = node.shape[-1];
  if (!number || g[node.in[x]].shape != node.shape) return {};
  const bool one = number->size() == 1, each = number->size() == channels;
  if (!one && !(each && number->shape()[-1] == channels)) return {};
  Affine affine{x};
  for (int64_t c = 0; c < channels; ++c) {
    const double v = number->data()[one ? 0 : c];
    double factor = 1, shift = 0;
    if (binary.fn == Fn::kAdd)
      shift = v;
    else if (binary.fn == Fn::kSubtract)
      std::tie(factor, shift) = x == 0 ? std::pair{1.0, -v} : std::pair{-1.0, v};
    else if (binary.fn == Fn::kMultiply)
      factor = v;
    else if (binary.fn == Fn::kDivide && x == 0)
      factor = 1 / v;
    else
      return {};
    affine.add(factor, shift);
  }
  return affine;
}

std::optional<Affine> affine_of(const Rebuild& g, const Node& node) {
  std::optional<Affine> affine;
  if (node.shape.rank() == 0) return {};
  if (const auto* norm = std::get_if<ops::BatchNorm>(&node.op)) affine = read(*norm, g, node);
  if (const auto* unary = std::get_if<ops::Unary>(&node.op)) affine = read(*unary, g, node);
  if (const auto* binary = std::get_if<ops::Binary>(&node.op)) affine = read(*binary, g, node);
  return affine && affine->finite() ? affine : std::nullopt;
}

// A convolution whose numbers are fixed.
struct Weights {
  const Tensor* kernel;
  const Tensor* bias;  // null: 0
  bool transposed;
  int64_t groups, channels, filters;

  // Calls f(i, channel, filter) for every entry i of the kernel, with what it connects: (*k,
  // channels of a group, filters of all), transposed (*k, filters of a group, channels of all).
  template <class F>
  void each(F&& f) const {
    const int64_t last = kernel->shape()[-1], of_group = kernel->shape()[-2];
    const int64_t rows = last == 0 ? 0 : kernel->size() / last;
    for (int64_t row = 0, i = 0; row < rows; ++row)
      for (int64_t group = 0, all = 0; group < groups; ++group) {
        const auto own = static_cast<size_t>(group * of_group + row % of_group);
        for (int64_t k = 0; k < last / groups; ++k, ++all, ++i)
          transposed ? f(i, static_cast<size_t>(all), own) : f(i, own, static_cast<size_t>(all));
      }
  }
};

std::optional<Weights> weights_of(const Rebuild& g, const Node& node) {
  const auto* conv = std::get_if<ops::Conv>(&node.op);
  const auto* transposed = std::get_if<ops::ConvTranspose>(&node.op);
  if (!conv && !transposed) return {};
  const Tensor* kernel = constant(g, node.in[1]);
  const Tensor* bias = node.in.size() > 2 ? constant(g, node.in[2]) : nullptr;
  if (!kernel || (node.in.size() > 2 && !bias)) return {};
  return Weights{kernel,
                 bias,
                 transposed != nullptr,
                 conv ? conv->groups : transposed->groups,
                 g[node.in[0]].shape[-1],
                 node.shape[-1]};
}

// The convolution with other numbers.
NodeId with_weights(Rebuild& g, const Node& conv, Tensor kernel, const std::vector<double>& bias) {
  Tensor start(Shape{static_cast<int64_t>(bias.size())});
  std::transform(bias.begin(), bias.end(), start.data(),
                 [](double v) { return static_cast<float>(v); });
  const NodeId k = g.constant(std::move(kernel), conv.layer);
  const NodeId b = g.constant(std::move(start), conv.layer);
  return g.add({conv.op, {conv.in[0], k, b}, conv.shape, conv.layer});
}

std::vector<double> bias_of(const Weights& w) {
  std::vector<double> bias(static_cast<size_t>(w.filters), 0.0);
  if (w.bias) std::copy_n(w.bias->data(), bias.size(), bias.begin());
  return bias;
}

// affine(conv(x)) as a convolution, or nothing.
std::optional<NodeId> fold_behind(Rebuild& g, Node conv, const Affine& affine) {
  const std::optional<Weights> w = weights_of(g, conv);
  const auto* plain = std::get_if<ops::Conv>(&conv.op);
  if (!w || (plain ? plain->activation : std::get<ops::ConvTranspose>(conv.op).activation))
    return {};
  Tensor kernel(w->kernel->shape());
  const float* from = w->kernel->data();
  float* to = kernel.data();
  w->each([&](int64_t i, size_t, size_t filter) {
    to[i] = static_cast<float>(from[i] * affine.factor[filter]);
  });
  std::vector<double> bias = bias_of(*w);
  for (size_t f = 0; f < bias.size(); ++f) bias[f] = bias[f] * affine.factor[f] + affine.shift[f];
  return with_weights(g, conv, std::move(kernel), bias);
}

// What is added reaches every result alike.
bool can_shift(const ops::Op& op) {
  const auto* conv = std::get_if<ops::Conv>(&op);
  return conv && is_bare(conv->pad);
}

// conv(affine(x)) as a convolution, or nothing.
std::optional<NodeId> fold_before(Rebuild& g, Node conv, const Affine& affine, NodeId x) {
  const std::optional<Weights> w = weights_of(g, conv);
  if (!w || (affine.shifts() && !(can_shift(conv.op) && affine.mild))) return {};
  Tensor kernel(w->kernel->shape());
  std::vector<double> bias = bias_of(*w);
  const float* from = w->kernel->data();
  float* to = kernel.data();
  w->each([&](int64_t i, size_t channel, size_t filter) {
    to[i] = static_cast<float>(from[i] * affine.factor[channel]);
    bias[filter] += from[i] * affine.shift[channel];
  });
  conv.in[0] = x;
  return with_weights(g, conv, std::move(kernel), bias);
}

}  // namespace

graph::Graph fold_affine(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  const auto alone = [&](NodeId id) { return uses[static_cast<size_t>(id)] == 1; };
  Rebuild to(g);
  for (const Node& old : g.nodes) {
    NodeId now = to.add(to.next_node());
    if (const auto affine = affine_of(to, to[now])) {
      if (alone(old.in[affine->x]))
        now = fold_behind(to, to[to.at(old.in[affine->x])], *affine).value_or(now);
    } else if (!old.in.empty()) {
      for (NodeId in = old.in[0]; alone(in);) {  // one after another
        const auto before = affine_of(to, to[to.at(in)]);
        if (!before) break;
        in = g[in].in[before->x];
        const auto folded = fold_before(to, to[now], *before, to.at(in));
        if (!folded) break;
        now = *folded;
      }
    }
    to.replace(now);
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
