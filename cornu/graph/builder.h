#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/graph/graph.h"

namespace cornu::graph {

// A node of the graph being built.
struct Value {
  NodeId id = -1;
};

// What a model is traced for. Evaluating differs from predicting in that penalties are gathered;
// training is when dropout drops, and when batch normalization uses and updates statistics.
enum class Mode { kPredict, kEvaluate, kTrain };

// The only way a layer speaks to the graph: it is given values and adds ops. Every shape is known.
// Adding an op whose operands do not fit throws InternalError: layers check what users give them
// before they lower.
class CORNU_API Builder {
 public:
  explicit Builder(Mode mode = Mode::kPredict) : mode_(mode) {}
  // Goes on where a graph ended; outputs() are its outputs.
  Builder(Graph g, Mode mode);

  Value input(Shape shape);
  // One node however often it is used; what assign() gave it, after that.
  Value variable(const std::shared_ptr<cornu::Variable>& v);
  Value constant(Tensor value);
  Value scalar(float value) { return constant(Tensor(Shape{}, {value})); }
  Value add(ops::Op op, std::vector<Value> in);
  // A copy: adding nodes moves the graph's own.
  Shape shape(Value v) const { return graph_[v.id].shape; }
  const Node& node(Value v) const { return graph_[v.id]; }
  std::vector<Value> inputs() const;
  std::vector<Value> outputs() const;

  // ---- training ----
  Mode mode() const { return mode_; }
  bool training() const { return mode_ == Mode::kTrain; }
  // The operand of ops::Random. random() needs it: whoever traces a model for training gives it.
  void set_random_key(Value key) { random_key_ = key; }
  // Random numbers of a site of their own. `shape` starts with the samples, unless they are
  // `of_batch`: the same for all samples. A layer's `seed` makes it another site, for the same key.
  struct RandomOptions {
    std::optional<int64_t> seed = {};
    bool of_batch = false;
  };
  Value random(ops::Random::Kind kind, Shape shape, RandomOptions o);
  Value random(ops::Random::Kind kind, Shape shape) { return random(kind, std::move(shape), {}); }
  int64_t random_sites() const { return sites_; }
  // The value a variable is to have after this run.
  void assign(const std::shared_ptr<cornu::Variable>& v, Value value);
  // A scalar to add to the loss. Nothing is done when predicting.
  void add_loss(Value scalar);
  struct Update {
    std::shared_ptr<cornu::Variable> variable;
    Value value;
  };
  const std::vector<Update>& updates() const { return updates_; }  // one per variable
  const std::vector<Value>& losses() const { return losses_; }

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
  Mode mode_;
  Value random_key_;
  int64_t sites_ = 0;
  std::vector<Update> updates_;
  std::vector<Value> losses_;
};

}  // namespace cornu::graph
