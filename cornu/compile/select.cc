#include "cornu/compile/select.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "cornu/base/text.h"
#include "cornu/compile/measured.h"
#include "cornu/ops/evaluate.h"
#include "cornu/tensor/held.h"

namespace cornu::compile {
namespace {

using kernels::Prepared;
using kernels::Problem;

// ---- the reference step: any op, by its own loops
// --------------------------------------------------

using FloatView = ops::View<const float>;

struct ReferenceState {
  ops::Op op;
  std::vector<Shape> in;
  Shape out;
  int64_t rows, rows_per_task;
};

void run_reference(const kernels::Call& call) noexcept {
  const auto& state = *static_cast<const ReferenceState*>(call.state);
  auto* views = reinterpret_cast<FloatView*>(call.scratch);
  for (size_t i = 0; i < state.in.size(); ++i) new (views + i) FloatView{&state.in[i], call.in[i]};
  const std::span<const FloatView> in(views, state.in.size());
  const ops::View<float> out{&state.out, call.out};
  const int64_t tasks = (state.rows + state.rows_per_task - 1) / state.rows_per_task;
  call.pool->parallel_for(tasks, [&](int64_t task) {
    const int64_t begin = task * state.rows_per_task;
    ops::evaluate<float>(state.op, in, out,
                         {begin, std::min(begin + state.rows_per_task, state.rows)});
  });
}

Prepared reference_step(const Problem& problem) {
  auto state = std::make_shared<ReferenceState>();
  state->op = *problem.op;
  for (const kernels::Operand& operand : problem.in) state->in.push_back(operand.shape);
  state->out = problem.out;
  state->rows = ops::row_count(problem.out);
  // Enough work per piece that handing it out costs nothing beside it.
  constexpr int64_t kSmallestTask = 4096;
  const int64_t row = std::max<int64_t>(1, problem.out.size() / std::max<int64_t>(1, state->rows));
  state->rows_per_task = std::max({int64_t{1}, kSmallestTask / row, (state->rows + 63) / 64});
  Prepared p;
  p.run = run_reference;
  p.scratch_floats =
      static_cast<int64_t>((problem.in.size() * sizeof(FloatView) + 3) / sizeof(float));
  p.packed.assign(problem.in.size(), false);
  p.state = std::move(state);
  return p;
}

// ---- the step that other processes take part in
// --------------------------------------------------

struct ReplicaState {
  size_t size;
};

void run_replica_mean(const kernels::Call& call) noexcept {
  const std::span<float> out(call.out, static_cast<const ReplicaState*>(call.state)->size);
  std::copy_n(call.in[0], out.size(), out.data());
  if (call.replicas) call.replicas->mean(out);
}

Prepared replica_step(const Problem& problem) {
  Prepared p;
  p.run = run_replica_mean;
  p.state = std::make_shared<ReplicaState>(ReplicaState{static_cast<size_t>(problem.out.size())});
  p.packed.assign(problem.in.size(), false);
  return p;
}

// ---- choosing
// ---------------------------------------------------------------------------------------

#ifndef CORNU_NO_KERNELS
// 2.1
std::string times(double gain) { return base::to_text(std::round(gain * 10) / 10); }

// The first of the kernels that accept, best first, that expects to be the fastest.
void take_expected(std::span<const kernels::Kernel* const> candidates, Choice& choice) {
  std::string slower;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const kernels::Kernel& kernel = *candidates[i];
    const bool last = i + 1 == candidates.size();
    const double gain = kernel.gain ? kernel.gain(choice.problem) : 0;
    if (kernel.gain && gain <= 1 && !last) {
      slower += base::cat(slower.empty() ? "" : ", ", kernel.name, " would be ", times(gain),
                          " times as fast");
      continue;
    }
    choice.kernel = &kernel;
    if (!slower.empty())
      choice.reason = std::move(slower);
    else if (last)
      choice.reason = "the only one";
    else if (kernel.gain)
      choice.reason = base::cat(times(gain), " times as fast as ", candidates[i + 1]->name);
    else
      choice.reason = base::cat("made for it, before ", candidates[i + 1]->name);
    return;
  }
}
#endif

void choose([[maybe_unused]] const Options& options, Choice& choice) {
#ifndef CORNU_NO_KERNELS
  std::vector<const kernels::Kernel*> candidates;
  if (!options.reference && !std::holds_alternative<ops::ReplicaMean>(*choice.problem.op))
    for (const kernels::Kernel& kernel : kernels::table())
      if (kernel.accepts(choice.problem)) candidates.push_back(&kernel);
  if (options.measured && candidates.size() > 1)
    choice.kernel = options.measured->fastest(choice.problem, candidates, choice.reason);
  else
    take_expected(candidates, choice);
#endif
  if (!choice.kernel) choice.reason = "no kernel takes it";
}

Selected prepare(const Choice& choice) {
  if (!choice.kernel) {
    if (std::holds_alternative<ops::ReplicaMean>(*choice.problem.op))
      return {replica_step(choice.problem), "processes", choice.reason};
    return {reference_step(choice.problem), "reference", choice.reason};
  }
  Prepared prepared = choice.kernel->prepare(choice.problem);
  prepared.packed.resize(choice.problem.in.size(), false);
  std::string name = choice.kernel->name;
  if (!prepared.detail.empty()) name += " " + prepared.detail;
  return {std::move(prepared), std::move(name), choice.reason};
}

bool needs_code(const ops::Op& op) {
  return !std::holds_alternative<ops::Input>(op) && !std::holds_alternative<ops::Variable>(op) &&
         !std::holds_alternative<ops::Constant>(op) && !std::holds_alternative<ops::Reshape>(op);
}

}  // namespace

std::vector<Choice> choose_nothing(const graph::Graph& g) {
  std::vector<Choice> all(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i) all[i].needs_code = needs_code(g.nodes[i].op);
  return all;
}

std::vector<Choice> choose_kernels(const graph::Graph& g, const Options& options) {
  std::vector<Choice> all(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const graph::Node& node = g.nodes[i];
    Choice& choice = all[i];
    choice.needs_code = needs_code(node.op);
    if (!choice.needs_code) continue;
    choice.problem.op = &node.op;
    choice.problem.out = node.shape;
    choice.problem.strict = options.strict;
    for (graph::NodeId id : node.in) {
      const auto* constant = std::get_if<ops::Constant>(&g[id].op);
      choice.problem.in.push_back({g[id].shape, constant ? &constant->value : nullptr});
    }
    choose(options, choice);
  }
  return all;
}

std::vector<Selected> prepare_kernels(const graph::Graph& g, std::vector<Choice> choices,
                                      const Buffers& buffers) {
  std::vector<Selected> all(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!choices[i].needs_code || buffers.is_gone(static_cast<graph::NodeId>(i))) continue;
    const graph::Node& node = g.nodes[i];
    Problem& problem = choices[i].problem;
    problem.out_pitch = buffers.spots[i].pitch;
    for (size_t k = 0; k < node.in.size(); ++k) {
      problem.in[k].pitch = buffers.spots[static_cast<size_t>(node.in[k])].pitch;
      for (graph::NodeId part : buffers.segments[static_cast<size_t>(node.in[k])])
        problem.in[k].segments.push_back(kernels::pitch_or_length(0, g[part].shape));
      problem.in[k].in_place = !buffers.in_place[i].empty() && buffers.in_place[i][k];
    }
    const int64_t held = tensor_bytes_held();
    all[i] = prepare(choices[i]);
    all[i].packed_bytes = tensor_bytes_held() - held;
    for (size_t k = 0; k < node.in.size(); ++k)
      if (problem.in[k].in_place) all[i].prepared.packed[k] = true;
  }
  return all;
}

}  // namespace cornu::compile
