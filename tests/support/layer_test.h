#pragma once

// What tests of layers share: running a layer on numbers, the checks that every layer must pass,
// and expectations about errors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cornu/exec/interpreter.h"
#include "cornu/layers/registry.h"
#include "tests/support/compare.h"

namespace cornu::testing {

// ---- errors -------------------------------------------------------------------------------------

struct Caught {
  std::string kind;  // "ValueError", …; "nothing" where nothing was thrown
  std::string text;
};

template <class F>
Caught error_of(const F& f) {
  try {
    f();
  } catch (const ValueError& e) {
    return {"ValueError", e.what()};
  } catch (const TypeError& e) {
    return {"TypeError", e.what()};
  } catch (const StateError& e) {
    return {"StateError", e.what()};
  } catch (const FormatError& e) {
    return {"FormatError", e.what()};
  } catch (const InternalError& e) {
    return {"InternalError", e.what()};
  } catch (const std::exception& e) {
    return {"another exception", e.what()};
  }
  return {"nothing", ""};
}

// EXPECT_ERROR(ValueError, Conv2D({.filters = 0}), "`filters` must be positive")
#define EXPECT_ERROR(error_kind, expression, fragment)           \
  do {                                                           \
    const ::cornu::testing::Caught caught =                      \
        ::cornu::testing::error_of([&] { (void)(expression); }); \
    EXPECT_EQ(caught.kind, #error_kind) << caught.text;          \
    EXPECT_THAT(caught.text, ::testing::HasSubstr(fragment));    \
  } while (false)

// ---- running ------------------------------------------------------------------------------------

// A symbol of this shape (None allowed), as Input makes it.
inline Symbol symbol(Shape shape) {
  return Symbol(
      std::make_shared<Call>(nullptr, std::vector<Symbol>{}, std::vector<Shape>{std::move(shape)}),
      0);
}

inline Symbols symbols(const std::vector<Shape>& shapes) {
  Symbols all;
  for (const Shape& s : shapes) all.push_back(symbol(s));
  return all;
}

// What the reference executor makes of a graph.
inline std::vector<Tensor> run_graph(const graph::Graph& g, const std::vector<Tensor>& inputs) {
  const std::vector<std::vector<float>> values = exec::interpret<float>(g, inputs);
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < values.size(); ++i)
    outputs.emplace_back(g[g.outputs[i]].shape, std::span<const float>(values[i]));
  return outputs;
}

// The layer as ops for these shapes, which are fully known. Builds the layer if need be.
inline graph::Graph lower_layer(const Layer& layer, const std::vector<Shape>& in) {
  const std::vector<Shape> out = layer.impl()->output_shapes(in);
  layer.impl()->build(in);
  graph::Builder g;
  g.set_layer(layer.name());
  std::vector<graph::Value> values;
  for (const Shape& s : in) values.push_back(g.input(s));
  values = layer.impl()->trace(g, values);
  EXPECT_EQ(values.size(), out.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(to_text(g.shape(values[i])), to_text(out[i])) << "shape of the graph, of the layer";
  graph::Graph graph = std::move(g).finish(values);
  graph::verify(graph);
  return graph;
}

inline std::vector<Tensor> run_layer(const Layer& layer, const std::vector<Tensor>& in) {
  std::vector<Shape> shapes;
  for (const Tensor& t : in) shapes.push_back(t.shape());
  return run_graph(lower_layer(layer, shapes), in);
}

inline Tensor run_layer(const Layer& layer, const Tensor& in) {
  return run_layer(layer, std::vector<Tensor>{in}).at(0);
}

// The same with these weights.
inline Tensor run_layer(const Layer& layer, const Tensor& in, const std::vector<Tensor>& weights) {
  layer.impl()->build({in.shape()});
  layer.set_weights(weights);
  return run_layer(layer, in);
}

// One sample of one channel: (1, n, 1).
inline Tensor steps(const std::vector<float>& values) {
  return Tensor(Shape{1, values.size(), 1}, std::span<const float>(values));
}
inline std::vector<float> numbers(const Tensor& t) {
  return {t.values().begin(), t.values().end()};
}

// A layer from the text of a configuration, as a reader of files makes it.
inline Layer layer_from(const std::string& class_name, const std::string& json,
                        const layers::Dialect& dialect = {}) {
  return layers::layer_from_config(class_name, base::parse_json(json, "test"), dialect);
}

// Random numbers for every weight (variances stay positive).
inline void randomize_weights(const Layer& layer, uint64_t seed = 1) {
  for (const Weight& w : layer.impl()->weights()) {
    const bool positive = w.variable->name().find("variance") != std::string::npos;
    w.variable->assign(random_tensor(w.variable->shape(), ++seed, positive ? 0.1f : -1.0f));
  }
}

// ---- what every layer must do -------------------------------------------------------------------

struct LayerCheck {
  std::vector<Shape> inputs;     // batch included, None allowed
  std::vector<Shape> outputs;    // what the layer promises for them
  int64_t params = 0;            // count_params()
  std::vector<Shape> real = {};  // inputs without None; by default None is 2 for a batch, else 7
  // A layer with a data_format gives the same with the other one, its input (and, where it has as
  // many axes, its output) moved. False for layers with an activation along an axis.
  bool swaps_data_format = true;
  double tolerance = 1e-5;  // of that comparison
};

namespace internal {

inline std::vector<Shape> real_shapes(const LayerCheck& c) {
  if (!c.real.empty()) return c.real;
  std::vector<Shape> real = c.inputs;
  for (Shape& s : real)
    for (int64_t i = 0; i < s.rank(); ++i)
      if (!s.known(i)) s[i] = i == 0 ? 2 : 7;
  return real;
}

inline std::string shapes_text(const std::vector<Shape>& shapes) {
  std::string text;
  for (const Shape& s : shapes) text += to_text(s);
  return text;
}

inline Shape move_axis(const Shape& s, int64_t from, int64_t to) {
  Shape moved = s;
  moved.erase(from);
  moved.insert(to, s[from]);
  return moved;
}

inline Tensor move_axis(const Tensor& t, int64_t from, int64_t to) {
  graph::Builder g;
  const graph::Value x = g.input(t.shape());
  const graph::Value y = g.move_axis(x, from, to);
  return run_graph(std::move(g).finish({y}), {t}).at(0);
}

// The layer's configuration makes the same layer again.
inline void check_config(const Layer& layer, const LayerCheck& c, const std::vector<Tensor>& in,
                         const std::vector<Tensor>& out) {
  const base::Json config = layer.impl()->config();
  const Layer again = layers::layer_from_config(layer.class_name(), config, {});
  EXPECT_EQ(again.class_name(), layer.class_name());
  EXPECT_EQ(again.impl()->config().dump(), config.dump());
  again.call(symbols(c.inputs));
  again.set_weights(layer.get_weights());
  const std::vector<Tensor> same = run_layer(again, in);
  ASSERT_EQ(same.size(), out.size());
  for (size_t i = 0; i < out.size(); ++i) EXPECT_TRUE(bit_equal(same[i], out[i]));
}

inline void check_data_format(const Layer& layer, const LayerCheck& c,
                              const std::vector<Tensor>& in, const std::vector<Tensor>& out) {
  base::Json config = layer.impl()->config();
  const auto format = config.find("data_format");
  if (!c.swaps_data_format || !format || in.size() != 1 || in[0].shape().rank() < 3) return;
  const bool first = format->as_string() == "channels_first";
  config.set("data_format", first ? "channels_last" : "channels_first");
  const int64_t rank = in[0].shape().rank();
  const int64_t from = first ? 1 : rank - 1, to = first ? rank - 1 : 1;
  const Layer other = layers::layer_from_config(layer.class_name(), config, {});
  const Symbols other_out = other.call(symbols({move_axis(c.inputs[0], from, to)}));
  other.set_weights(layer.get_weights());
  Tensor got = run_layer(other, move_axis(in[0], from, to));
  Shape symbolic = other_out[0].shape();
  if (got.shape().rank() == rank) {
    got = move_axis(got, to, from);
    symbolic = move_axis(symbolic, to, from);
  }
  EXPECT_EQ(to_text(symbolic), to_text(c.outputs[0])) << "with the other data_format";
  EXPECT_LT(max_error(got, out[0]), c.tolerance) << "with the other data_format";
}

// A batch of none is legal (layers.md 4.11).
inline void check_empty_batch(const Layer& layer, const LayerCheck& c, std::vector<Shape> real) {
  for (size_t i = 0; i < real.size(); ++i) {
    if (c.inputs[i].known(0)) return;
    real[i][0] = 0;
  }
  std::vector<Tensor> in;
  for (const Shape& s : real) in.emplace_back(s);
  for (const Tensor& t : run_layer(layer, in)) EXPECT_EQ(t.size(), 0);
}

}  // namespace internal

// Calls the layer on symbols, runs it on random numbers with random weights and checks: symbolic
// shape, number of parameters, shape of the result, no NaN, configuration, data_format, batch 0.
// `layer` must not have been called before.
inline void check_layer(const Layer& layer, const LayerCheck& c) {
  SCOPED_TRACE(layer.class_name() + " " + layer.impl()->config().dump() + " on " +
               internal::shapes_text(c.inputs));
  const Symbols symbolic = layer.call(symbols(c.inputs));
  std::vector<Shape> promised;
  for (const Symbol& s : symbolic) promised.push_back(s.shape());
  ASSERT_EQ(internal::shapes_text(promised), internal::shapes_text(c.outputs));
  EXPECT_EQ(layer.count_params(), c.params);
  randomize_weights(layer);

  const std::vector<Shape> real = internal::real_shapes(c);
  std::vector<Tensor> in;
  for (const Shape& s : real) in.push_back(random_tensor(s, 100 + in.size()));
  const std::vector<Tensor> out = run_layer(layer, in);
  ASSERT_EQ(out.size(), promised.size());
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i].shape().rank(), promised[i].rank());
    for (int64_t d = 0; d < promised[i].rank(); ++d)
      EXPECT_TRUE(!promised[i].known(d) || out[i].shape()[d] == promised[i][d])
          << "axis " << d << " of " << to_text(out[i].shape());
    for (float v : out[i].values()) ASSERT_TRUE(std::isfinite(v));
  }
  internal::check_config(layer, c, in, out);
  internal::check_data_format(layer, c, in, out);
  internal::check_empty_batch(layer, c, real);
}

// The keys of the layer's configuration, in order, separated by spaces.
inline std::string config_keys(const Layer& layer) {
  std::string keys;
  const base::Json config = layer.impl()->config();
  for (const auto& [key, value] : config.items()) {
    if (!keys.empty()) keys += ' ';
    keys += key;
  }
  return keys;
}

}  // namespace cornu::testing
