#include "cornu/grad/differentiate.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/grad/rules.h"

namespace cornu::grad {

using graph::Builder;
using graph::NodeId;
using graph::Value;

namespace {

// For each node up to `last`: does it depend on one of `wrt`?
std::vector<bool> dependents(const Builder& g, const std::vector<Value>& wrt, NodeId last) {
  std::vector<bool> depends(static_cast<size_t>(last) + 1, false);
  for (Value v : wrt)
    if (v.id <= last) depends[static_cast<size_t>(v.id)] = true;
  for (NodeId id = 0; id <= last; ++id)
    for (NodeId in : g.node({id}).in)
      if (depends[static_cast<size_t>(in)]) depends[static_cast<size_t>(id)] = true;
  return depends;
}

}  // namespace

std::vector<Value> differentiate(Builder& g, const std::vector<Value>& ys,
                                 const std::vector<Value>& cotangents,
                                 const std::vector<Value>& wrt) {
  CORNU_CHECK(ys.size() == cotangents.size());
  NodeId last = -1;
  for (Value y : ys) last = std::max(last, y.id);
  const std::vector<bool> depends = dependents(g, wrt, last);

  std::vector<Value> flow(static_cast<size_t>(last) + 1);  // what has come back to each node so far
  const auto add = [&](NodeId id, Value dy) {
    CORNU_CHECK(g.shape(dy) == g.shape({id}));
    if (g.shape(dy).size() == 0) return;  // nothing flows through nothing
    Value& sum = flow[static_cast<size_t>(id)];
    sum = sum.id < 0 ? dy : g.binary(ops::Binary::Fn::kAdd, sum, dy);
  };
  for (size_t i = 0; i < ys.size(); ++i)
    if (depends[static_cast<size_t>(ys[i].id)]) add(ys[i].id, cotangents[i]);

  const std::string layer = g.layer();
  for (NodeId id = last; id >= 0; --id) {
    const Value dy = flow[static_cast<size_t>(id)];
    if (dy.id < 0 || g.node({id}).in.empty()) continue;
    const graph::Node node = g.node({id});  // a copy: the rules add nodes
    std::vector<bool> wanted;
    for (NodeId in : node.in) wanted.push_back(depends[static_cast<size_t>(in)]);
    if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) continue;
    g.set_layer(node.layer);
    const Flows back = flows_back(g, node, {id}, dy, wanted);
    for (size_t k = 0; k < back.size(); ++k)
      if (back[k] && wanted[k]) add(node.in[k], *back[k]);
  }
  g.set_layer(layer);

  std::vector<Value> result;
  for (Value v : wrt) {
    const bool met = v.id <= last && flow[static_cast<size_t>(v.id)].id >= 0;
    result.push_back(met ? flow[static_cast<size_t>(v.id)] : g.constant(Tensor(g.shape(v))));
  }
  return result;
}

std::vector<Value> differentiate(Builder& g, Value y, const std::vector<Value>& wrt) {
  CORNU_CHECK(g.shape(y) == Shape{});
  return differentiate(g, {y}, {g.scalar(1)}, wrt);
}

}  // namespace cornu::grad
