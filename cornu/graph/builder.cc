#include "cornu/graph/builder.h"

#include <numeric>

#include "cornu/base/error.h"
#include "cornu/base/random.h"

namespace cornu::graph {

Builder::Builder(Graph g, Mode mode) : graph_(std::move(g)), mode_(mode) {
  for (size_t i = 0; i < graph_.nodes.size(); ++i)
    if (const auto* v = std::get_if<ops::Variable>(&graph_.nodes[i].op))
      variables_[graph_.variables[static_cast<size_t>(v->index)].get()] = {static_cast<NodeId>(i)};
}

namespace {

std::vector<Value> as_values(const std::vector<NodeId>& ids) {
  std::vector<Value> all;
  for (NodeId id : ids) all.push_back({id});
  return all;
}

}  // namespace

std::vector<Value> Builder::inputs() const { return as_values(graph_.inputs); }
std::vector<Value> Builder::outputs() const { return as_values(graph_.outputs); }

Value Builder::input(Shape shape) {
  const auto id = static_cast<NodeId>(graph_.nodes.size());
  graph_.nodes.push_back(
      {ops::Input{static_cast<int64_t>(graph_.inputs.size())}, {}, std::move(shape), layer_});
  graph_.inputs.push_back(id);
  return {id};
}

Value Builder::variable(const std::shared_ptr<cornu::Variable>& v) {
  const auto known = variables_.find(v.get());
  if (known != variables_.end()) return known->second;
  const Value value{static_cast<NodeId>(graph_.nodes.size())};
  graph_.nodes.push_back(
      {ops::Variable{static_cast<int64_t>(graph_.variables.size())}, {}, v->shape(), layer_});
  graph_.variables.push_back(v);
  variables_.emplace(v.get(), value);
  return value;
}

Value Builder::constant(Tensor value) {
  Shape shape = value.shape();
  graph_.nodes.push_back({ops::Constant{std::move(value)}, {}, std::move(shape), layer_});
  return {static_cast<NodeId>(graph_.nodes.size() - 1)};
}

Value Builder::add(ops::Op op, std::vector<Value> in) {
  std::vector<Shape> shapes;
  std::vector<NodeId> ids;
  for (Value v : in) {
    shapes.push_back(shape(v));
    ids.push_back(v.id);
  }
  Shape out = ops::infer_shape(op, shapes);
  graph_.nodes.push_back({std::move(op), std::move(ids), std::move(out), layer_});
  return {static_cast<NodeId>(graph_.nodes.size() - 1)};
}

Value Builder::reshape(Value x, Shape to) {
  if (shape(x) == to) return x;
  return add(ops::Reshape{std::move(to)}, {x});
}

Value Builder::transpose(Value x, std::vector<int64_t> perm) {
  bool same = true;
  for (size_t i = 0; i < perm.size(); ++i) same = same && perm[i] == static_cast<int64_t>(i);
  if (same) return x;
  return add(ops::Transpose{std::move(perm)}, {x});
}

Value Builder::concat(std::vector<Value> parts, int64_t axis) {
  if (parts.size() == 1) return parts[0];
  return add(ops::Concat{axis}, std::move(parts));
}

Value Builder::pad(Value x, std::vector<ops::Edge> edges) {
  bool nothing = true;
  for (const ops::Edge& e : edges) nothing = nothing && e == ops::Edge{};
  if (nothing) return x;
  return add(ops::Pad{std::move(edges)}, {x});
}

Value Builder::slice(Value x, int64_t axis, int64_t begin, int64_t end) {
  std::vector<ops::Edge> edges(static_cast<size_t>(shape(x).rank()));
  edges[static_cast<size_t>(axis)] = {-begin, end - shape(x)[axis]};
  return pad(x, std::move(edges));
}

Value Builder::move_axis(Value x, int64_t from, int64_t to) {
  const int64_t rank = shape(x).rank();
  if (from < 0) from += rank;
  if (to < 0) to += rank;
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  perm.erase(perm.begin() + from);
  perm.insert(perm.begin() + to, from);
  return transpose(x, std::move(perm));
}

Value Builder::random(ops::Random::Kind kind, Shape shape, RandomOptions o) {
  CORNU_CHECK(random_key_.id >= 0);
  int64_t site = sites_++;
  // Sites of seeds are drawn from 2^62 above those that are counted.
  if (o.seed)
    site = static_cast<int64_t>(
        base::Philox(static_cast<uint64_t>(*o.seed)).bits64(static_cast<uint64_t>(site)) >> 2 |
        uint64_t{1} << 62);
  Value key = random_key_;
  if (o.of_batch)  // as if the first sample were number 0
    key = binary(ops::Binary::Fn::kMultiply, key, constant(Tensor(Shape{6}, {1, 1, 1, 1, 0, 0})));
  return add(ops::Random{kind, std::move(shape), site}, {key});
}

void Builder::assign(const std::shared_ptr<cornu::Variable>& v, Value value) {
  CORNU_CHECK(shape(value) == v->shape());
  variables_[v.get()] = value;
  for (Update& update : updates_)
    if (update.variable == v) {
      update.value = value;
      return;
    }
  updates_.push_back({v, value});
}

void Builder::add_loss(Value scalar) {
  CORNU_CHECK(shape(scalar) == Shape{});
  if (mode_ != Mode::kPredict) losses_.push_back(scalar);
}

Graph Builder::finish(const std::vector<Value>& outputs) && {
  graph_.outputs.clear();
  for (Value v : outputs) graph_.outputs.push_back(v.id);
  return drop_dead_nodes(std::move(graph_));
}

}  // namespace cornu::graph
