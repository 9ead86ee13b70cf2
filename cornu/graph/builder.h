#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/graph/graph.h"

namespace cornu::graph {

// A node of the graph being built.
struct Value {
  NodeId id = -1;
};

// The only way a layer speaks to the graph: it is given values and adds ops. Every shape is known.
// Adding an op whose operands do not fit throws InternalError: layers check what users give them
// before they lower.
class CORNU_API Builder {
 public:
  Value input(Shape shape);
  Value variable(const std::shared_ptr<cornu::Variable>& v);  // one node however often it is used
  Value constant(Tensor value);
  Value scalar(float value) { return constant(Tensor(Shape{}, {value})); }
  Value add(ops::Op op, std::vector<Value> in);
  const Shape& shape(Value v) const { return graph_[v.id].shape; }

  // ---- short forms ----
  Value unary(ops::Unary::Fn fn, Value x, float a = 0, float b = 0, float c = 0) {
    return add(ops::Unary{fn, a, b, c}, {x});
  }
  Value binary(ops::Binary::Fn fn, Value a, Value b) { return add(ops::Binary{fn}, {a, b}); }
  Value reduce(ops::Reduce::Kind kind, Value x, std::vector<int64_t> axes) {
    return add(ops::Reduce{kind, std::move(axes)}, {x});
  }
  // Nothing is added where the shape, or the order of the axes, is the same already.
  Value reshape(Value x, Shape shape);
  Value transpose(Value x, std::vector<int64_t> perm);
  Value concat(std::vector<Value> parts, int64_t axis);
  // One edge per axis; < 0 removes.
  Value pad(Value x, std::vector<ops::Edge> edges);
  // Rows [begin, end) of an axis.
  Value slice(Value x, int64_t axis, int64_t begin, int64_t end);
  // Moves one axis to another place, the others keeping their order: (N, C, H, W) with 1 -> -1 is
  // (N, H, W, C). How channels_first layers reach the channels-last ops.
  Value move_axis(Value x, int64_t from, int64_t to);

  // The layer that following ops are attributed to.
  void set_layer(std::string name) { layer_ = std::move(name); }
  const std::string& layer() const { return layer_; }

  Graph finish(const std::vector<Value>& outputs) &&;

 private:
  Graph graph_;
  std::string layer_;
  std::map<const cornu::Variable*, Value> variables_;
};

}  // namespace cornu::graph
