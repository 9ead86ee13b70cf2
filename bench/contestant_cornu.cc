#include <limits>
#include <optional>

#include "bench/contestant.h"
#include "cornu/compile/compile.h"
#include "cornu/exec/program.h"
#include "cornu/graph/builder.h"

namespace cornu::bench {

namespace {

using graph::Value;
using Kind = Workload::Kind;

std::vector<int64_t> all_axes(const Workload& w, int64_t value) {
  return std::vector<int64_t>(w.n.size(), value);
}

std::vector<int64_t> before(const Workload& w) {
  std::vector<int64_t> cells;
  for (size_t a = 0; a < w.n.size(); ++a) cells.push_back(w.edge(a).before);
  return cells;
}

ops::Conv conv_op(const Workload& w) {
  ops::Conv op{all_axes(w, w.stride), all_axes(w, w.dilation), {}, w.groups, {}};
  for (size_t a = 0; a < w.n.size(); ++a) op.pad.push_back(w.edge(a));
  return op;
}

Value bias_and_relu(graph::Builder& g, const ops::Op& op, const Workload& w, Value x,
                    Tensor kernel) {
  const Value bias = g.constant(bias_numbers(w));
  const Value y = g.add(op, {x, g.constant(std::move(kernel)), bias});
  return g.unary(ops::Unary::Fn::kRelu, y, 0, std::numeric_limits<float>::infinity());
}

Value separable(graph::Builder& g, const Workload& w, Value x) {
  ops::Conv depthwise = conv_op(w), pointwise{{1, 1}, {1, 1}, {{}, {}}, 1, {}};
  depthwise.groups = w.channels;
  Shape kernel(w.k);
  kernel.push_back(1);
  kernel.push_back(w.channels);
  const Value middle =
      g.add(depthwise, {x, g.constant(kernel_numbers(kernel, kKernel, w.k[0] * w.k[1]))});
  return bias_and_relu(g, pointwise, w, middle,
                       kernel_numbers({1, 1, w.channels, w.filters}, kPointwise, w.channels));
}

Value forward(graph::Builder& g, const Workload& w) {
  Value x = g.input(w.input());
  if (w.kind == Kind::kSeparable) return separable(g, w, x);
  Tensor kernel = kernel_numbers(w.kernel(), kKernel, Shape(w.k).size() * w.channels / w.groups);
  if (w.kind == Kind::kTransposed) {
    ops::ConvTranspose op{
        all_axes(w, w.stride), all_axes(w, w.dilation), before(w), {}, w.groups, {}};
    for (int64_t size : w.n) op.length.push_back(size * w.stride);
    return g.add(op, {x, g.constant(std::move(kernel))});
  }
  ops::Conv op = conv_op(w);
  if (w.kind == Kind::kUpsampled) {
    ops::Resize twice;
    for (int64_t size : w.n) twice.size.push_back(2 * size);
    x = g.add(twice, {x});
  }
  if (w.kind == Kind::kPadded) {
    std::vector<ops::Edge> edges(w.n.size() + 2);
    std::copy(op.pad.begin(), op.pad.end(), edges.begin() + 1);
    std::fill(op.pad.begin(), op.pad.end(), ops::Edge{});
    x = g.pad(x, edges);
  }
  return bias_and_relu(g, op, w, x, std::move(kernel));
}

Value gradient(graph::Builder& g, const Workload& w) {
  const auto stride = all_axes(w, w.stride), dilation = all_axes(w, w.dilation);
  if (w.kind == Kind::kFilterGrad) {
    const Value x = g.input(w.input()), dy = g.input(w.output());
    return g.add(ops::ConvFilterGrad{w.k, stride, dilation, before(w), w.groups}, {x, dy});
  }
  const Value dy = g.input(w.output()), kernel = g.input(w.kernel());
  return g.add(ops::ConvTranspose{stride, dilation, before(w), w.n, w.groups, {}}, {dy, kernel});
}

std::vector<Tensor> inputs_of(const Workload& w) {
  const auto x = [&] { return numbers(w.input(), kX); };
  const auto dy = [&] { return numbers(w.output(), kGradient); };
  if (w.kind == Kind::kFilterGrad) return {x(), dy()};
  if (w.kind == Kind::kInputGrad)
    return {dy(), kernel_numbers(w.kernel(), kKernel, Shape(w.k).size() * w.filters / w.groups)};
  return {x()};
}

class Cornu : public LocalContestant {
 public:
  Cornu(const Workload& w, int threads) : inputs_(inputs_of(w)) {
    graph::Builder g;
    const bool grad = w.kind == Kind::kInputGrad || w.kind == Kind::kFilterGrad;
    const Value y = grad ? gradient(g, w) : forward(g, w);
    workspace_.emplace(Program(compile::compile(std::move(g).finish({y}))), threads);
    name_ = "Cornu";
    for (const Program::StepInfo& step : workspace_->program().steps())
      detail_ += (detail_.empty() ? "" : ", ") + step.kernel;
    for (const Tensor& t : inputs_) in_.push_back(t.values());
    output_ = Tensor(workspace_->program().output_shape());
    out_ = {output_.values()};
  }
  void run() override { workspace_->run(in_, out_); }
  Tensor output() override { return Tensor(output_.shape(), std::as_const(output_).values()); }

 private:
  std::vector<Tensor> inputs_;
  std::optional<Workspace> workspace_;
  Tensor output_;
  std::vector<std::span<const float>> in_;
  std::vector<std::span<float>> out_;
};

}  // namespace

std::unique_ptr<LocalContestant> make_cornu(const Workload& w, int threads) {
  return std::make_unique<Cornu>(w, threads);
}

}  // namespace cornu::bench
