#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "cornu/model/network.h"

namespace cornu::model {

using base::cat;
using base::quoted;

// ---- Network
// --------------------------------------------------------------------------------------

std::vector<Weight> Network::weights() const {
  std::vector<Weight> all;
  std::unordered_set<const Variable*> seen;  // models may share layers
  for (const Layer& layer : layers()) {
    for (Weight& w : layer.impl()->weights()) {
      if (!seen.insert(w.variable.get()).second) continue;
      all.push_back(std::move(w));
      all.back().trainable = all.back().trainable && trainable();
    }
  }
  return all;
}

void Network::set_trainable(bool trainable) {
  LayerImpl::set_trainable(trainable);
  for (const Layer& layer : layers()) layer.set_trainable(trainable);
}

// ---- sorting the calls
// ----------------------------------------------------------------------------

namespace {

using CallPtr = std::shared_ptr<const Call>;

// Depth first from the outputs with a stack of its own: files decide how long a chain is.
class Sorter {
 public:
  Sorter(const nn::Where& where, const std::vector<Symbol>& inputs) : where_(where) {
    for (const Symbol& s : inputs) {
      input_calls_[s.call().get()].insert(s.index());
      // The layer behind an input belongs to the model even where nothing uses it.
      if (s.call()->inputs.empty()) given_.push_back(s.call());
    }
  }

  void visit(const Symbol& output) {
    enter(output);
    while (!stack_.empty()) {
      Frame& top = stack_.back();
      if (top.next < top.call->inputs.size()) {
        enter(top.call->inputs[top.next++]);
        continue;
      }
      done_.insert(top.call.get());
      sorted_.push_back(top.call);
      stack_.pop_back();
    }
  }

  std::vector<CallPtr> sorted() && {
    std::vector<CallPtr> all;
    for (const CallPtr& call : given_)
      if (done_.insert(call.get()).second) {
        note_layer(call);
        all.push_back(call);
      }
    all.insert(all.end(), sorted_.begin(), sorted_.end());
    return all;
  }

  // Order in which layers were first met, for ties of depth (Keras: operation_indices).
  size_t met(const LayerImpl* layer) const { return met_.at(layer); }

 private:
  struct Frame {
    CallPtr call;
    size_t next = 0;
  };

  bool is_input(const Symbol& s) const {
    const auto it = input_calls_.find(s.call().get());
    return it != input_calls_.end() && it->second.contains(s.index());
  }

  void note_layer(const CallPtr& call) { met_.emplace(call->layer.get(), met_.size()); }

  void enter(const Symbol& s) {
    const CallPtr& call = s.call();
    if (done_.contains(call.get())) return;
    if (is_input(s)) {
      if (!call->inputs.empty()) return;  // in the middle of another model: no layer of this one
    } else if (call->inputs.empty()) {
      throw ValueError(where_.message("the graph is disconnected: an output needs ",
                                      quoted(call->layer->name()),
                                      ", which is not among the inputs"));
    }
    note_layer(call);
    stack_.push_back({call});
  }

  const nn::Where& where_;
  std::unordered_map<const Call*, std::set<size_t>> input_calls_;
  std::vector<CallPtr> given_, sorted_;
  std::unordered_set<const Call*> done_;
  std::vector<Frame> stack_;
  std::unordered_map<const LayerImpl*, size_t> met_;
};

// Keras's order of model.layers: the deepest first (the longest way to an output), then as met.
std::vector<Layer> order_layers(const std::vector<CallPtr>& calls, const Sorter& sorter) {
  std::unordered_map<const LayerImpl*, int64_t> layer_depth;
  std::unordered_map<const Call*, int64_t> call_depth;
  std::vector<std::shared_ptr<LayerImpl>> layers;
  for (auto it = calls.rbegin(); it != calls.rend(); ++it) {
    const CallPtr& call = *it;
    auto [own, first] = layer_depth.emplace(call->layer.get(), 0);
    if (first) layers.push_back(call->layer);
    const int64_t depth = std::max(call_depth[call.get()], own->second);
    own->second = depth;
    call_depth[call.get()] = depth;
    for (const Symbol& s : call->inputs) {
      int64_t& before = call_depth[s.call().get()];
      before = std::max(before, depth + 1);
    }
  }
  std::stable_sort(layers.begin(), layers.end(), [&](const auto& a, const auto& b) {
    const int64_t da = layer_depth[a.get()], db = layer_depth[b.get()];
    return da != db ? da > db : sorter.met(a.get()) < sorter.met(b.get());
  });
  return {layers.begin(), layers.end()};
}

}  // namespace

// ---- Functional
// -----------------------------------------------------------------------------------

Functional::Functional(std::string name, std::vector<Symbol> inputs, std::vector<Symbol> outputs,
                       const char* class_name)
    : Network(class_name, {std::move(name)}),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {
  if (inputs_.empty() || outputs_.empty())
    throw ValueError(where().message("a model needs at least one input and one output"));
  for (const std::vector<Symbol>* list : {&inputs_, &outputs_})
    for (const Symbol& s : *list)
      if (!s.call()) throw ValueError(where().message("an input or output is an empty Symbol"));
  Sorter sorter(where(), inputs_);
  for (const Symbol& s : outputs_) sorter.visit(s);
  steps_ = std::move(sorter).sorted();
  layers_ = order_layers(steps_, sorter);

  std::unordered_map<std::string, int> names;
  for (const Layer& layer : layers_)
    if (++names[layer.name()] > 1)
      throw ValueError(where().message("the name ", quoted(layer.name()),
                                       " is used twice. All layer names must be unique"));
  build({});
}

void Functional::check_inputs(const std::vector<Shape>& in) const {
  if (in.size() != inputs_.size())
    throw ValueError(
        where().message("it takes ", inputs_.size(), " inputs. Received: ", in.size(), " inputs"));
  for (size_t i = 0; i < in.size(); ++i) {
    const Shape& wanted = inputs_[i].shape();
    bool fits = in[i].rank() == wanted.rank();
    for (int64_t axis = 0; fits && axis < wanted.rank(); ++axis)
      fits = !wanted.known(axis) || !in[i].known(axis) || wanted[axis] == in[i][axis];
    if (!fits)
      throw ValueError(where().message("invalid shape for input ",
                                       quoted(inputs_[i].call()->layer->name()), ": expected ",
                                       wanted, ". Received: shape=", in[i]));
  }
}

namespace {

// Runs over the calls with something known of every symbol: shapes, or values of a graph.
template <class T>
class Known {
 public:
  // What is known first stays: a model's input is what it was given.
  void set(const Symbol& s, T what) {
    all_[s.call().get()].try_emplace(s.index(), std::move(what));
  }
  bool has_all(const Call* call) const {
    const auto it = all_.find(call);
    return it != all_.end() && it->second.size() == call->outputs.size();
  }
  const T& at(const Symbol& s) const { return all_.at(s.call().get()).at(s.index()); }
  std::vector<T> at(const std::vector<Symbol>& list) const {
    std::vector<T> out;
    for (const Symbol& s : list) out.push_back(at(s));
    return out;
  }

 private:
  std::unordered_map<const Call*, std::map<size_t, T>> all_;
};

template <class T, class F>
std::vector<T> walk(const Functional& net, const std::vector<T>& in, F&& step) {
  Known<T> known;
  for (size_t i = 0; i < in.size(); ++i) known.set(net.inputs()[i], in[i]);
  for (const CallPtr& call : net.steps()) {
    if (known.has_all(call.get())) continue;  // an input
    const std::vector<T> out = step(*call, known.at(call->inputs));
    for (size_t i = 0; i < out.size(); ++i) known.set(Symbol(call, i), out[i]);
  }
  return known.at(net.outputs());
}

}  // namespace

std::vector<Shape> Functional::output_shapes(const std::vector<Shape>& in) const {
  check_inputs(in);
  return walk(*this, in, [](const Call& call, const std::vector<Shape>& shapes) {
    return call.layer->output_shapes(shapes);
  });
}

std::vector<graph::Value> Functional::lower(graph::Builder& g,
                                            const std::vector<graph::Value>& in) const {
  const std::string outer = g.layer();
  auto out = walk(*this, in, [&](const Call& call, const std::vector<graph::Value>& values) {
    std::vector<Shape> shapes;
    for (graph::Value v : values) shapes.push_back(g.shape(v));
    const std::vector<Shape> expected = call.layer->output_shapes(shapes);
    g.set_layer(outer.empty() ? call.layer->name() : cat(outer, "/", call.layer->name()));
    std::vector<graph::Value> results = call.layer->trace(g, values);
    CORNU_CHECK(results.size() == expected.size());
    for (size_t i = 0; i < results.size(); ++i) CORNU_CHECK(g.shape(results[i]) == expected[i]);
    return results;
  });
  g.set_layer(outer);
  return out;
}

}  // namespace cornu::model
