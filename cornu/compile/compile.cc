#include "cornu/compile/compile.h"

#include "cornu/compile/memory_plan.h"
#include "cornu/compile/passes/cancel_movement.h"
#include "cornu/compile/passes/fold_affine.h"
#include "cornu/compile/passes/fold_constants.h"
#include "cornu/compile/passes/fold_pad_into_conv.h"
#include "cornu/compile/passes/fold_pad_into_pool.h"
#include "cornu/compile/passes/fold_upsampling.h"
#include "cornu/compile/passes/fuse_activation.h"
#include "cornu/compile/passes/fuse_add.h"
#include "cornu/compile/passes/merge_borders.h"
#include "cornu/compile/passes/pool_first.h"
#include "cornu/compile/passes/push_crops.h"
#include "cornu/compile/passes/push_strides.h"
#include "cornu/compile/passes/sink_pads.h"
#include "cornu/compile/passes/sink_upsampling.h"
#include "cornu/compile/passes/split_concat.h"
#include "cornu/compile/select.h"

namespace cornu::compile {

graph::Graph rewrite(graph::Graph g) {
  g = cancel_movement(std::move(g));
  g = push_crops(std::move(g));
  g = push_strides(std::move(g));
  g = sink_pads(std::move(g));
  g = sink_upsampling(std::move(g));
  g = merge_borders(std::move(g));
  g = fold_pad_into_conv(std::move(g));
  g = fold_pad_into_pool(std::move(g));
  return g;
}

graph::Graph optimize(graph::Graph g, const Options& options) {
  g = options.freeze ? freeze_variables(std::move(g)) : variables_to_inputs(std::move(g));
  g = fold_constants(std::move(g));
  if (!options.rewrite) return g;
  g = rewrite(std::move(g));
  if (!options.strict) {  // sums of other numbers than the layers' own
    g = pool_first(std::move(g));
    g = fold_affine(std::move(g));
    g = split_concat(std::move(g));
    g = fold_upsampling(std::move(g));
  }
  return fuse_activation(fuse_add(std::move(g)));
}

std::shared_ptr<const Plan> compile(graph::Graph g, const Options& options) {
  const int64_t plain = arena_of(assign_buffers(g, choose_nothing(g), false));
  g = optimize(std::move(g), options);
  graph::verify(g);
  std::vector<Choice> choices = choose_kernels(g, options);
  const Buffers buffers = assign_buffers(g, choices, options.rewrite);
  std::shared_ptr<Plan> plan =
      plan_memory(g, buffers, prepare_kernels(g, std::move(choices), buffers));
  plan->plain_floats = plain;
  return plan;
}

}  // namespace cornu::compile
