#include "cornu/compile/memory_plan.h"

#include <algorithm>
#include <map>
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

// Follows reshapes to the node whose memory is meant.
class Places {
 public:
  Places(const graph::Graph& g, const std::vector<Selected>& selected) : g_(g) {
    root_.resize(g.nodes.size());
    for (size_t i = 0; i < g.nodes.size(); ++i) {
      const bool alias = std::holds_alternative<ops::Reshape>(g.nodes[i].op);
      root_[i] = alias ? root(g.nodes[i].in[0]) : static_cast<NodeId>(i);
    }
    location_.resize(g.nodes.size());
    last_use_.assign(g.nodes.size(), -1);
    for (size_t i = 0; i < g.nodes.size(); ++i)
      if (selected[i].prepared.run)
        for (size_t k = 0; k < g.nodes[i].in.size(); ++k)
          if (!selected[i].prepared.packed[k])
            last_use_[index(root(g.nodes[i].in[k]))] = static_cast<int64_t>(i);
  }
  NodeId root(NodeId id) const { return root_[index(id)]; }
  Location& at(NodeId id) { return location_[index(root(id))]; }
  int64_t& last_use(NodeId id) { return last_use_[index(root(id))]; }
  const graph::Node& node(NodeId id) const { return g_[root(id)]; }

 private:
  static size_t index(NodeId id) { return static_cast<size_t>(id); }
  const graph::Graph& g_;
  std::vector<NodeId> root_;
  std::vector<Location> location_;
  std::vector<int64_t> last_use_;
};

// Outputs are written in place where one node is one output; what is left is copied at the end.
void place_outputs(const graph::Graph& g, const std::vector<Selected>& selected, Places& places) {
  for (size_t i = 0; i < g.outputs.size(); ++i) {
    const NodeId root = places.root(g.outputs[i]);
    const bool computed = selected[static_cast<size_t>(root)].prepared.run != nullptr;
    Location& at = places.at(root);
    if (computed && at.kind == Location::Kind::kNone)
      at = {Location::Kind::kOutput, static_cast<int64_t>(i)};
    places.last_use(root) = static_cast<int64_t>(g.nodes.size());
  }
}

}  // namespace

std::shared_ptr<const Plan> plan_memory(const graph::Graph& g, std::vector<Selected> selected) {
  using Kind = Location::Kind;
  auto plan = std::make_shared<Plan>();
  Places places(g, selected);
  for (NodeId id : g.inputs) {
    plan->inputs.push_back(g[id].shape);
    places.at(id) = {Kind::kInput, static_cast<int64_t>(plan->inputs.size()) - 1};
  }
  for (NodeId id : g.outputs) plan->outputs.push_back(g[id].shape);
  place_outputs(g, selected, places);

  std::vector<Block> blocks;
  std::vector<std::pair<Location*, size_t>> owners;  // arena tensors and their blocks
  std::vector<size_t> scratch_block(g.nodes.size());
  for (size_t i = 0; i < g.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const auto step = static_cast<int64_t>(i);
    if (const auto* constant = std::get_if<ops::Constant>(&g.nodes[i].op)) {
      if (places.last_use(id) < 0) continue;  // every user packed it
      plan->constants.push_back(constant->value);
      places.at(id) = {Kind::kConstant, static_cast<int64_t>(plan->constants.size()) - 1};
    }
    if (!selected[i].prepared.run) continue;
    scratch_block[i] = blocks.size();
    blocks.push_back({selected[i].prepared.scratch_floats, step, step});
    if (places.at(id).kind == Kind::kNone) {
      owners.emplace_back(&places.at(id), blocks.size());
      blocks.push_back({g.nodes[i].shape.size(), step, std::max(step, places.last_use(id))});
    }
  }
  plan->arena_floats = place_blocks(blocks);
  for (auto& [location, block] : owners) *location = {Kind::kArena, blocks[block].offset};

  for (size_t i = 0; i < g.nodes.size(); ++i) {
    kernels::Prepared& prepared = selected[i].prepared;
    if (!prepared.run) continue;
    const graph::Node& node = g.nodes[i];
    Step step;
    step.run = prepared.run;
    step.state = std::move(prepared.state);
    for (size_t k = 0; k < node.in.size(); ++k)
      step.in.push_back(prepared.packed[k] ? Location{} : places.at(node.in[k]));
    step.out = places.at(static_cast<NodeId>(i));
    step.scratch = blocks[scratch_block[i]].offset;
    step.layer = node.layer;
    step.op = ops::name_of(node.op);
    step.kernel = std::move(selected[i].kernel);
    step.flops = flops_of(g, node);
    plan->steps.push_back(std::move(step));
  }
  for (size_t i = 0; i < g.outputs.size(); ++i) {
    const Location from = places.at(g.outputs[i]);
    const Location to{Kind::kOutput, static_cast<int64_t>(i)};
    if (from == to) continue;
    CORNU_CHECK(from.kind != Kind::kNone);
    Step step;
    step.run = copy_step;
    step.state = std::make_shared<const int64_t>(plan->outputs[i].size());
    step.in = {from};
    step.out = to;
    step.op = "copy";
    step.kernel = "copy";
    plan->steps.push_back(std::move(step));
  }
  return plan;
}

}  // namespace cornu::compile
