#include "cornu/compile/passes/fold_batch_norm.h"

#include <cmath>

#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

const Tensor* constant(const graph::Graph& g, graph::NodeId id) {
  const auto* c = std::get_if<ops::Constant>(&g[id].op);
  return c ? &c->value : nullptr;
}

// y * factor + shift per channel is what the batch normalization does.
struct Channels {
  std::vector<double> factor, shift;
};

// False where one of its numbers is not fixed.
bool read(const graph::Graph& g, const graph::Node& node, Channels& channels) {
  const float* numbers[4];
  for (size_t i = 0; i < 4; ++i) {
    const Tensor* t = constant(g, node.in[i + 1]);
    if (!t) return false;
    numbers[i] = t->data();
  }
  const double epsilon = std::get<ops::BatchNorm>(node.op).epsilon;
  for (int64_t c = 0; c < node.shape[-1]; ++c) {
    const double factor = numbers[0][c] / std::sqrt(numbers[3][c] + epsilon);
    channels.factor.push_back(factor);
    channels.shift.push_back(numbers[1][c] - numbers[2][c] * factor);
  }
  return true;
}

// The kernel with each output channel's numbers times its factor.
Tensor scaled(const ops::Op& op, const Tensor& kernel, const std::vector<double>& factor) {
  Tensor result(kernel.shape());
  const auto* transposed = std::get_if<ops::ConvTranspose>(&op);
  const int64_t last = kernel.shape()[-1];
  for (int64_t i = 0; i < kernel.size(); ++i) {
    int64_t channel = i % last;
    if (transposed) {  // (…, filters of a group, channels of all groups)
      const int64_t of_group = kernel.shape()[-2];
      channel = channel / (last / transposed->groups) * of_group + i / last % of_group;
    }
    result.data()[i] = static_cast<float>(kernel.data()[i] * factor[static_cast<size_t>(channel)]);
  }
  return result;
}

bool is_plain_convolution(const ops::Op& op) {
  if (const auto* conv = std::get_if<ops::Conv>(&op)) return !conv->activation;
  const auto* transposed = std::get_if<ops::ConvTranspose>(&op);
  return transposed && !transposed->activation;
}

}  // namespace

graph::Graph fold_batch_norm(graph::Graph g) {
  const std::vector<int> uses = graph::use_counts(g);
  Rebuild to(g);
  for (const graph::Node& node : g.nodes) {
    const auto* norm = std::get_if<ops::BatchNorm>(&node.op);
    Channels channels;
    if (!norm || norm->axis != node.shape.rank() - 1 ||
        uses[static_cast<size_t>(node.in[0])] != 1 || !is_plain_convolution(g[node.in[0]].op) ||
        !read(g, node, channels)) {
      to.keep();
      continue;
    }
    const graph::Node& conv = g[node.in[0]];
    const Tensor* kernel = constant(g, conv.in[1]);
    const Tensor* bias = conv.in.size() > 2 ? constant(g, conv.in[2]) : nullptr;
    if (!kernel || (conv.in.size() > 2 && !bias)) {
      to.keep();
      continue;
    }
    Tensor shift(Shape{node.shape[-1]});
    for (int64_t c = 0; c < shift.size(); ++c) {
      const auto at = static_cast<size_t>(c);
      const double from = bias ? bias->data()[c] * channels.factor[at] : 0;
      shift.data()[c] = static_cast<float>(from + channels.shift[at]);
    }
    const graph::NodeId weights =
        to.constant(scaled(conv.op, *kernel, channels.factor), conv.layer);
    const graph::NodeId start = to.constant(std::move(shift), conv.layer);
    to.replace(to.add({conv.op, {to.at(conv.in[0]), weights, start}, node.shape, conv.layer}));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
