#include "cornu/compile/passes/fold_upsampling.h"

#include "cornu/compile/passes/rebuild.h"

namespace cornu::compile {
namespace {

// More phases than this share too little.
constexpr int64_t kMostPhases = 64;

// The factors per spatial axis, empty where the resize is none by whole ones.
std::vector<int64_t> factors(const ops::Resize& resize, const Shape& in) {
  std::vector<int64_t> all;
  int64_t phases = 1;
  for (size_t a = 0; a < resize.size.size(); ++a) {
    const int64_t from = in[static_cast<int64_t>(a) + 1];
    if (resize.mode != ops::Resize::Mode::kNearest || from == 0 || resize.size[a] % from != 0)
      return {};
    all.push_back(resize.size[a] / from);
    phases *= all.back();
  }
  return phases > 1 && phases <= kMostPhases ? all : std::vector<int64_t>{};
}

bool fits(const ops::Conv& conv, const Shape& kernel) {
  int64_t cells = 1;
  for (size_t a = 0; a < conv.stride.size(); ++a) {
    const int64_t size = kernel[static_cast<int64_t>(a)];
    if (conv.stride[a] != 1 || conv.dilation[a] != 1 || conv.pad[a].before >= size) return false;
    cells *= size;
  }
  // A kernel of one cell gains nothing; of one channel per group, the depthwise kernel is better.
  return cells > 1 && (conv.groups == 1 || kernel[-2] > 1);
}

// Cell q of an axis of the new kernel takes part in cell i of the old one, of `size`, where
//   0 <= q - (size - 1 - i) < factor.
// Adds the old kernel's cell `from` (an index over the cells) into all cells it takes part in.
struct Spread {
  const Shape& from;
  const Shape& to;
  const std::vector<int64_t>& factor;

  template <class F>
  void each(int64_t cell, F&& add) const {
    const size_t axes = factor.size();
    int64_t at[3] = {};
    for (size_t a = axes; a-- > 0;) {
      const int64_t size = from[static_cast<int64_t>(a)];
      at[a] = size - 1 - cell % size;
      cell /= size;
    }
    int64_t steps = 1;
    for (int64_t f : factor) steps *= f;
    for (int64_t step = 0; step < steps; ++step) {
      int64_t rest = step, index = 0, scale = 1;
      for (size_t a = axes; a-- > 0;) {
        index += (at[a] + rest % factor[a]) * scale;
        scale *= to[static_cast<int64_t>(a)];
        rest /= factor[a];
      }
      add(index);
    }
  }
};

// (*k, C / groups, F) to (*k + factor - 1, F / groups, C).
Tensor summed(const Tensor& kernel, const std::vector<int64_t>& factor, int64_t groups) {
  const Shape& from = kernel.shape();
  const int64_t channels = from[-2], filters = from[-1] / groups;
  Shape to;
  for (size_t a = 0; a < factor.size(); ++a)
    to.push_back(from[static_cast<int64_t>(a)] + factor[a] - 1);
  to.push_back(filters);
  to.push_back(channels * groups);
  std::vector<double> sums(static_cast<size_t>(to.size()), 0.0);
  const int64_t size = from[-2] * from[-1];
  const Spread spread{from, to, factor};
  for (int64_t cell = 0; cell < kernel.size() / size; ++cell)
    spread.each(cell, [&](int64_t index) {
      const float* old = kernel.data() + cell * size;
      double* sum = sums.data() + index * size;
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t f = 0; f < from[-1]; ++f)
          sum[f % filters * channels * groups + f / filters * channels + c] +=
              old[c * from[-1] + f];
    });
  Tensor result(to);
  std::transform(sums.begin(), sums.end(), result.data(),
                 [](double v) { return static_cast<float>(v); });
  return result;
}

}  // namespace

std::vector<int64_t> foldable_factors(const ops::Resize& resize, const Shape& x,
                                      const ops::Conv& conv, const Shape& kernel) {
  return kernel.rank() <= 5 && fits(conv, kernel) ? factors(resize, x) : std::vector<int64_t>{};
}

graph::Graph fold_upsampling(graph::Graph g) {
  Rebuild to(g);
  for (const graph::Node& node : g.nodes) {
    const auto* conv = std::get_if<ops::Conv>(&node.op);
    const auto* resize = conv ? std::get_if<ops::Resize>(&g[node.in[0]].op) : nullptr;
    const auto* kernel = resize ? std::get_if<ops::Constant>(&g[node.in[1]].op) : nullptr;
    std::vector<int64_t> factor;
    if (kernel)
      factor =
          foldable_factors(*resize, g[g[node.in[0]].in[0]].shape, *conv, kernel->value.shape());
    if (factor.empty()) {
      to.keep();
      continue;
    }
    ops::ConvTranspose op{
        factor, std::vector<int64_t>(factor.size(), 1), {}, {}, conv->groups, conv->activation};
    for (size_t a = 0; a < factor.size(); ++a) {
      const auto axis = static_cast<int64_t>(a);
      op.crop.push_back(kernel->value.shape()[axis] - 1 - conv->pad[a].before);
      op.length.push_back(node.shape[axis + 1]);
    }
    std::vector<graph::NodeId> in = {
        to.at(g[node.in[0]].in[0]),
        to.constant(summed(kernel->value, factor, conv->groups), node.layer)};
    if (node.in.size() > 2) in.push_back(to.at(node.in[2]));
    to.replace(to.add({std::move(op), std::move(in), node.shape, node.layer}));
  }
  return std::move(to).finish();
}

}  // namespace cornu::compile
