#include "cornu/compile/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "cornu/base/error.h"

namespace cornu::compile {

int64_t place_blocks(std::vector<Block>& blocks) {
  constexpr int64_t kLine = 16;  // floats in a cache line
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].size > blocks[b].size; });
  int64_t arena = 0;
  std::vector<const Block*> placed;  // by offset
  for (size_t i : order) {
    Block& block = blocks[i];
    const int64_t size = (block.size + kLine - 1) / kLine * kLine;
    int64_t at = 0;
    for (const Block* other : placed) {
      if (other->last < block.first || other->first > block.last) continue;
      if (other->offset >= at + size) break;
      at = std::max(at, other->offset + (other->size + kLine - 1) / kLine * kLine);
    }
    block.offset = at;
    arena = std::max(arena, at + size);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &block,
                         [](const Block* a, const Block* b) { return a->offset < b->offset; }),
        &block);
  }
  return arena;
}

namespace {

using graph::NodeId;

size_t index(NodeId id) { return static_cast<size_t>(id); }

double flops_of(const graph::Graph& g, const graph::Node& node) {
  const auto out = static_cast<double>(node.shape.size());
  if (std::holds_alternative<ops::Conv>(node.op)) {
    const Shape& kernel = g[node.in[1]].shape;
    return 2 * out * static_cast<double>(kernel.size()) /
           static_cast<double>(std::max<int64_t>(1, kernel[-1]));
  }
  if (std::holds_alternative<ops::ConvTranspose>(node.op)) {
    // Every input cell meets every kernel entry of its channel once.
    const Shape& kernel = g[node.in[1]].shape;
    return 2 * static_cast<double>(g[node.in[0]].shape.size()) *
           static_cast<double>(kernel.size()) /
           static_cast<double>(std::max<int64_t>(1, kernel[-1]));
  }
  if (std::holds_alternative<ops::MatMul>(node.op))
    return 2 * out * static_cast<double>(g[node.in[0]].shape[-1]);
  return ops::moves_data_only(node.op) ? 0 : out;
}

void copy_step(const kernels::Call& call) noexcept {
  const auto count = *static_cast<const int64_t*>(call.state);
  std::copy_n(call.in[0], count, call.out);
}

// Where every tensor is, and the scratch memory of every step.
struct Places {
  std::vector<Location> of_node;
  std::vector<int64_t> scratch;
};

// The inputs, and the constants that some step does not have packed.
void place_leaves(const graph::Graph& g, const Buffers& buffers,
                  const std::vector<Selected>& selected, Plan& plan,
                  std::vector<Location>& of_node) {
  using Kind = Location::Kind;
  for (NodeId id : g.inputs) {
    of_node[index(id)] = {Kind::kInput, std::ssize(plan.inputs)};
    plan.inputs.push_back(g[id].shape);
  }
  std::vector<bool> read(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i)
    for (size_t k = 0; selected[i].prepared.run && k < g.nodes[i].in.size(); ++k) {
      if (!selected[i].prepared.packed[k]) read[index(g.nodes[i].in[k])] = true;
      for (NodeId part : buffers.segments[index(g.nodes[i].in[k])]) read[index(part)] = true;
    }
  for (NodeId id : g.outputs) read[index(id)] = true;
  for (size_t i = g.nodes.size(); i-- > 0;)
    if (read[i] && std::holds_alternative<ops::Reshape>(g.nodes[i].op))
      read[index(g.nodes[i].in[0])] = true;
  for (size_t i = 0; i < g.nodes.size(); ++i)
    if (const auto* constant = std::get_if<ops::Constant>(&g.nodes[i].op); constant && read[i]) {
      of_node[i] = {Kind::kConstant, std::ssize(plan.constants)};
      plan.constants.push_back(constant->value);
      plan.weight_bytes += constant->value.size() * static_cast<int64_t>(sizeof(float));
    }
}

// Outputs are written in place where one node is one output; what is left is copied at the end.
std::vector<Location> place_outputs(const graph::Graph& g, const Buffers& buffers) {
  std::vector<Location> at(buffers.buffers.size());
  for (size_t i = 0; i < g.outputs.size(); ++i) {
    const Spot& spot = buffers.spots[index(g.outputs[i])];
    if (spot.buffer < 0) continue;
    Location& own = at[static_cast<size_t>(spot.buffer)];
    if (own.kind == Location::Kind::kNone) own = {Location::Kind::kOutput, static_cast<int64_t>(i)};
  }
  return at;
}

Places place_all(const graph::Graph& g, const Buffers& buffers,
                 const std::vector<Selected>& selected, Plan& plan) {
  Places places{std::vector<Location>(g.nodes.size()), std::vector<int64_t>(g.nodes.size())};
  std::vector<Location> of_buffer = place_outputs(g, buffers);
  std::vector<Block> blocks;
  std::vector<std::pair<int64_t*, size_t>> owners;  // what is placed, and its block
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    if (!selected[i].prepared.run) continue;
    owners.emplace_back(&places.scratch[i], blocks.size());
    const auto step = static_cast<int64_t>(i);
    blocks.push_back({selected[i].prepared.scratch_floats, step, step});
  }
  for (size_t b = 0; b < of_buffer.size(); ++b) {
    if (of_buffer[b].kind != Location::Kind::kNone) continue;
    const Buffer& buffer = buffers.buffers[b];
    of_buffer[b].kind = Location::Kind::kArena;
    owners.emplace_back(&of_buffer[b].index, blocks.size());
    blocks.push_back({buffer.size(), buffer.first, buffer.last});
  }
  plan.arena_floats = place_blocks(blocks);
  for (auto& [to, block] : owners) *to = blocks[block].offset;

  place_leaves(g, buffers, selected, plan, places.of_node);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const Spot& spot = buffers.spots[i];
    if (spot.buffer >= 0) {
      places.of_node[i] = of_buffer[static_cast<size_t>(spot.buffer)];
      const bool arena = places.of_node[i].kind == Location::Kind::kArena;
      (arena ? places.of_node[i].index : places.of_node[i].offset) += spot.channel;
    } else if (std::holds_alternative<ops::Reshape>(g.nodes[i].op)) {
      places.of_node[i] = places.of_node[index(g.nodes[i].in[0])];
    }
  }
  return places;
}

// The first segments of operands in their places, further ones behind all operands.
std::vector<Location> operands_of(const graph::Node& node, const Buffers& buffers,
                                  const std::vector<bool>& packed, const Places& places) {
  std::vector<Location> in, further;
  for (size_t k = 0; k < node.in.size(); ++k) {
    const std::vector<NodeId>& segments = buffers.segments[index(node.in[k])];
    const NodeId first = segments.empty() ? node.in[k] : segments[0];
    in.push_back(packed[k] ? Location{} : places.of_node[index(first)]);
    for (size_t s = 1; s < segments.size(); ++s)
      further.push_back(places.of_node[index(segments[s])]);
  }
  in.insert(in.end(), further.begin(), further.end());
  return in;
}

Step copy_of(const Location& from, const Location& to, int64_t size) {
  Step step;
  step.run = copy_step;
  step.state = std::make_shared<const int64_t>(size);
  step.in = {from};
  step.out = to;
  step.op = "copy";
  step.kernel = "copy";
  return step;
}

}  // namespace

std::shared_ptr<Plan> plan_memory(const graph::Graph& g, const Buffers& buffers,
                                  std::vector<Selected> selected) {
  auto plan = std::make_shared<Plan>();
  for (NodeId id : g.outputs) plan->outputs.push_back(g[id].shape);
  const Places places = place_all(g, buffers, selected, *plan);
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    kernels::Prepared& prepared = selected[i].prepared;
    if (!prepared.run) continue;
    const graph::Node& node = g.nodes[i];
    Step step;
    step.run = prepared.run;
    step.state = std::move(prepared.state);
    step.in = operands_of(node, buffers, prepared.packed, places);
    step.out = places.of_node[i];
    step.scratch = places.scratch[i];
    step.layer = node.layer;
    step.op = ops::name_of(node.op);
    step.kernel = std::move(selected[i].kernel);
    step.reason = std::move(selected[i].reason);
    step.flops = flops_of(g, node);
    plan->weight_bytes += selected[i].packed_bytes;
    plan->steps.push_back(std::move(step));
  }
  for (size_t i = 0; i < g.outputs.size(); ++i) {
    const Location from = places.of_node[index(g.outputs[i])];
    const Location to{Location::Kind::kOutput, static_cast<int64_t>(i)};
    if (from == to) continue;
    CORNU_CHECK(from.kind != Location::Kind::kNone);
    plan->steps.push_back(copy_of(from, to, plan->outputs[i].size()));
  }
  return plan;
}

}  // namespace cornu::compile
