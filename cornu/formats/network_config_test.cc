#include "cornu/formats/network_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/layers/registry.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using base::cat;
using namespace testing_model;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string functional(const std::vector<std::string>& layers, const std::string& inputs,
                       const std::string& outputs, const std::string& more = "") {
  return cat("{'class_name': 'Functional', 'config': {'name': 'f', 'layers': ", list(layers),
             ", 'input_layers': ", inputs, ", 'output_layers': ", outputs, "}", more, "}");
}
// The same as a layer of another model.
std::string nested(std::string model, const std::string& name, const std::string& nodes) {
  model.pop_back();
  return cat(model, ", 'name': '", name, "', 'inbound_nodes': ", nodes, "}");
}
// A tensor in the nodes of Keras 3, and a call on some.
std::string tensor(const std::string& name, int node = 0, int index = 0) {
  return cat("{'class_name': '__keras_tensor__', 'config': {'shape': [null, 4], 'dtype': ",
             "'float32', 'keras_history': ['", name, "', ", node, ", ", index, "]}}");
}
std::string call(const std::string& args, const std::string& kwargs = "") {
  return cat("{'args': [", args, "], 'kwargs': {", kwargs, "}}");
}

Model build(const std::string& text, const std::string& version = "3.8.0") {
  return Model(network_from_config(base::parse_json(json(text), "m.keras:config.json"),
                                   dialect_of(version), "m.keras"));
}

// The kind of error and its text.
std::string error(const std::string& text) {
  try {
    build(text);
  } catch (const ValueError& e) {
    return cat("ValueError ", e.what());
  } catch (const FormatError& e) {
    return cat("FormatError ", e.what());
  } catch (const StateError& e) {
    return cat("StateError ", e.what());
  }
  return "no error";
}

std::vector<std::string> names(const Model& m) {
  std::vector<std::string> all;
  for (const Layer& each : m.layers()) all.push_back(each.name());
  return all;
}

// All weights `value`, so that results tell what was computed.
void fill(const Model& m, float value) {
  std::vector<Tensor> all;
  for (const auto& w : m.weights()) {
    all.emplace_back(w->shape());
    std::ranges::fill(all.back().values(), value);
  }
  m.set_weights(all);
}
Tensor ones(const Shape& shape) {
  Tensor x(shape);
  std::ranges::fill(x.values(), 1.0f);
  return x;
}

// ---- Sequential -------------------------------------------------------------------------------

TEST(NetworkConfigTest, SequentialOfEveryGeneration) {
  const std::string first = layer("Dense", "a", "'units': 3, 'batch_input_shape': [null, 4]");
  const std::string with_input =
      list({layer("InputLayer", "i", "'batch_input_shape': [null, 4]"), dense("a"), dense("b")});
  for (const std::string& text : {
           cat("{'class_name': 'Sequential', 'config': ", list({first, dense("b")}), "}"),
           sequential({first, dense("b")}),
           cat("{'class_name': 'Sequential', 'config': {'layers': ", with_input, "}}"),
           sequential({dense("a"), dense("b")}, ", 'build_input_shape': [7, 4]"),
           sequential({dense("a"), dense("b")},
                      ", 'build_input_shape': {'class_name': 'TensorShape', 'items': [null, 4]}"),
       }) {
    SCOPED_TRACE(text);
    const Model m = build(text);
    EXPECT_THAT(names(m), ElementsAre("a", "b"));
    EXPECT_EQ(m.input_shape(), (Shape{None, 4}));
    EXPECT_EQ(m.output_shape(), (Shape{None, 3}));
  }
}

TEST(NetworkConfigTest, SequentialWithoutShapesIsBuiltLater) {
  const Model m = build(sequential({dense("a")}));
  EXPECT_FALSE(m.built());
  EXPECT_EQ(m.predict(ones({1, 5})).shape(), (Shape{1, 3}));
}

TEST(NetworkConfigTest, ArgumentsThatOlderWritersAdd) {
  const Model m = build(sequential(
      {layer("InputLayer", "i", "'batch_input_shape': [null, 8, 8, 2], 'sparse': false"),
       layer("DepthwiseConv2D", "d", "'kernel_size': 3, 'groups': 1, 'unheard_of': null")}));
  EXPECT_EQ(m.output_shape(), (Shape{None, 6, 6, 2}));
  EXPECT_THAT(error(sequential({layer("Dense", "d", "'units': 3, 'unheard_of': 7")})),
              StartsWith("ValueError m.keras: Dense 'd': unknown argument 'unheard_of'. Received: "
                         "unheard_of=7"));
}

TEST(NetworkConfigTest, FrozenModelsStayFrozen) {
  const Model m =
      build(sequential({dense("a")}, ", 'trainable': false, 'build_input_shape': [1, 4]"));
  EXPECT_TRUE(m.trainable_weights().empty());
  EXPECT_EQ(m.non_trainable_weights().size(), 2u);
}

// ---- Functional -------------------------------------------------------------------------------

TEST(NetworkConfigTest, NodesOfKeras2And3InAnyOrder) {
  // 4 -> 3 -> 2, listed backwards.
  for (const auto& [to_a, to_b] : std::vector<std::pair<std::string, std::string>>{
           {"[[['a', 0, 0, {}]]]", "[[['i', 0, 0, {}]]]"},
           {"[[['a', 0, 0]]]", "[[['i', 0, 0]]]"},
           {"[['a', 0, 0, {}]]", "[['i', 0, 0, {}]]"},  // a call of one tensor without its list
           {cat("[", call(tensor("a")), "]"), cat("[", call(tensor("i")), "]")},
           {cat("[", call(cat("[", tensor("a"), "]")), "]"),
            cat("[", call(tensor("i"), "'training': false, 'mask': null"), "]")},
       }) {
    SCOPED_TRACE(to_a);
    for (const char* edges : {"['b', 0, 0]", "[['b', 0, 0]]", "{'out': ['b', 0, 0]}"}) {
      const Model m = build(functional({dense("b", to_a, 2), dense("a", to_b, 3), input("i")},
                                       "[['i', 0, 0]]", edges));
      EXPECT_THAT(names(m), ElementsAre("i", "a", "b"));
      EXPECT_EQ(m.output_shape(), (Shape{None, 2}));
    }
  }
}

TEST(NetworkConfigTest, SharedLayersKeepTheOrderOfTheirCalls) {
  // a(i) and a(j), as first and second call; the outputs are given the other way round.
  for (const std::string& nodes : {std::string("[[['i', 0, 0, {}]], [['j', 0, 0, {}]]]"),
                                   cat("[", call(tensor("i")), ", ", call(tensor("j")), "]")}) {
    const Model m = build(functional({input("i"), input("j"), dense("a", nodes)},
                                     "[['i', 0, 0], ['j', 0, 0]]", "[['a', 1, 0], ['a', 0, 0]]"));
    fill(m, 1);
    Tensor x = ones({1, 4}), y = ones({1, 4});
    std::ranges::fill(y.values(), 2.0f);
    const std::vector<Tensor> out = m.predict({x, y});
    EXPECT_EQ(out[0].values()[0], 9);  // 4 * 2 + 1
    EXPECT_EQ(out[1].values()[0], 5);
    EXPECT_EQ(m.weights().size(), 2u);
  }
}

TEST(NetworkConfigTest, SeveralInputsAndOutputsAsDictionaries) {
  const Model m = build(functional(
      {input("i"), input("j"), layer("Add", "sum", "", "[[['i', 0, 0, {}], ['j', 0, 0, {}]]]"),
       layer("Add", "sum3", "",
             cat("[", call(cat("[", tensor("sum"), ", ", tensor("i"), "]")), "]"))},
      "{'x': ['i', 0, 0], 'y': ['j', 0, 0]}", "{'p': ['sum', 0, 0], 'q': ['sum3', 0, 0]}"));
  const std::vector<Tensor> out = m.predict({ones({1, 4}), ones({1, 4})});
  EXPECT_EQ(out[0].values()[0], 2);
  EXPECT_EQ(out[1].values()[0], 3);
}

// A nested model that adds 1 to each element of its input by its bias, called on i and then on its
// own result; the outputs are both results.
std::string twice(const std::string& inner, const std::string& nodes, const std::string& outputs) {
  return functional({input("i"), nested(inner, "inner", nodes)}, "[['i', 0, 0]]", outputs);
}

void expect_first_then_second(const Model& m) {
  fill(m, 1);
  const std::vector<Tensor> out = m.predict(std::vector<Tensor>{ones({1, 4})});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].values()[0], 5);  // 4 * 1 + 1
  EXPECT_EQ(out[1].values()[0], 4 * 5 + 1);
}

TEST(NetworkConfigTest, NodeNumbersOfNestedModels) {
  const std::string of_calls = functional({input("x"), dense("d", "[[['x', 0, 0, {}]]]", 4)},
                                          "[['x', 0, 0]]", "[['d', 0, 0]]");
  const std::string with_input =
      sequential({layer("InputLayer", "x", "'batch_shape': [null, 4]"), dense("d", "", 4)});
  const std::string without_input = sequential({dense("d", "", 4)});
  const auto keras2 = [](int first) {
    return cat("[[['i', 0, 0, {}]], [['inner', ", first, ", 0, {}]]]");
  };
  const std::string keras3 = cat("[", call(tensor("i")), ", ", call(tensor("inner", 0)), "]");
  const std::string from_zero = "[['inner', 0, 0], ['inner', 1, 0]]";
  const std::string from_one = "[['inner', 1, 0], ['inner', 2, 0]]";
  // Keras 2 counts from 1 where the inner model has an input of its own.
  expect_first_then_second(build(twice(of_calls, keras2(1), from_one)));
  expect_first_then_second(build(twice(with_input, keras2(1), from_one)));
  expect_first_then_second(build(twice(without_input, keras2(0), from_zero)));
  // Keras 3 does only in the outputs, and only for a Functional.
  expect_first_then_second(build(twice(of_calls, keras3, from_one)));
  expect_first_then_second(build(twice(with_input, keras3, from_zero)));
  expect_first_then_second(build(twice(without_input, keras3, from_zero)));
}

TEST(NetworkConfigTest, ArithmeticWithConstantsOnEitherSide) {
  const auto op = [](const std::string& class_name, const std::string& name,
                     const std::string& args) {
    return layer(class_name, name, "", cat("[", call(args), "]"),
                 ", 'module': 'keras.src.ops.numpy'");
  };
  const Model m = build(functional(
      {input("i"), op("Subtract", "left", cat("3.0, ", tensor("i"))),
       op("Subtract", "right", cat(tensor("i"), ", 3")),
       op("Multiply", "both", cat(tensor("left"), ", ", tensor("right"))),
       op("Negative", "minus", tensor("both"))},
      "[['i', 0, 0]]", "[['left', 0, 0], ['right', 0, 0], ['both', 0, 0], ['minus', 0, 0]]"));
  const std::vector<Tensor> out = m.predict(std::vector<Tensor>{ones({1, 4})});
  EXPECT_EQ(out[0].values()[0], 2);
  EXPECT_EQ(out[1].values()[0], -2);
  EXPECT_EQ(out[2].values()[0], -4);
  EXPECT_EQ(out[3].values()[0], 4);
}

TEST(NetworkConfigTest, NumbersAreArgumentsOfOperationsAlone) {
  const auto with = [](const std::string& class_name, const std::string& calls,
                       const std::string& more) {
    return error(functional({input("i"), layer(class_name, "a", "", cat("[", calls, "]"), more)},
                            "['i', 0, 0]", "['a', 0, 0]"));
  };
  const std::string op = ", 'module': 'keras.src.ops.numpy'";
  EXPECT_THAT(with("Add", call(cat(tensor("i"), ", 2.0")), ""),
              AllOf(StartsWith("FormatError m.keras: "), HasSubstr("called with a number")));
  EXPECT_THAT(
      with("Add", cat(call(cat(tensor("i"), ", 2.0")), ", ", call(cat(tensor("i"), ", 3.0"))), op),
      HasSubstr("different constants"));
  EXPECT_THAT(with("Add", call(cat(tensor("i"), ", NaN")), op), HasSubstr("an argument that is"));
  EXPECT_THAT(with("Nothing", call(tensor("i")), op),
              StartsWith("ValueError m.keras: operation 'a': unknown operation 'Nothing'"));
  EXPECT_THAT(with("Add", "", op), HasSubstr("never called"));
}

TEST(NetworkConfigTest, OneIdIsOneObject) {
  const auto inner = [&](const std::string& name, int id, const std::string& nodes) {
    const std::string more = cat(", 'shared_object_id': ", id);
    const std::string d = layer("Dense", "d", "'units': 4", "", more);
    return nested(sequential({input("x"), d}, "", name), name, nodes);
  };
  const auto model = [&](int p, int q) {
    return build(functional(
        {input("i"), inner("p", p, "[[['i', 0, 0, {}]]]"), inner("q", q, "[[['p', 1, 0, {}]]]")},
        "['i', 0, 0]", "['q', 1, 0]"));
  };
  EXPECT_EQ(model(1, 2).weights().size(), 4u);
  EXPECT_EQ(model(1, 1).weights().size(), 2u);
}

TEST(NetworkConfigTest, WrappersAndBuildInputShape) {
  const Model m =
      build(sequential({layer("TimeDistributed", "t", cat("'layer': ", dense("inside", "", 2)))},
                       ", 'build_input_shape': [null, 5, 4]"));
  EXPECT_EQ(m.output_shape(), (Shape{None, 5, 2}));
  EXPECT_THAT(error(sequential({dense("a")}, ", 'build_input_shape': [null, 'x']")),
              StartsWith("FormatError m.keras: build_input_shape must hold integers or null"));
}

// {'layer': model}, as Keras 3 writes a layer that holds another.
std::string steps_of(std::string model, const std::string& name, const std::string& nodes = "") {
  model.pop_back();
  return layer("TimeDistributed", name,
               cat("'layer': ", model, ", 'module': 'keras', 'registered_name': null}"), nodes);
}

TEST(NetworkConfigTest, WrappersHoldModels) {
  const std::string chain = sequential({input("x"), dense("a"), dense("b", "", 2)});
  const std::string graph =
      functional({input("x"), dense("d", "[[['x', 0, 0, {}]]]", 2)}, "['x', 0, 0]", "['d', 0, 0]");
  for (const std::string& inner : {chain, graph, sequential({dense("a"), dense("b", "", 2)})}) {
    const Model m = build(sequential({input("steps", "[null, 3, 4]"), steps_of(inner, "t")}));
    EXPECT_EQ(m.output_shape(), (Shape{None, 3, 2}));
    const Layer held = m.get_layer("t").impl()->inner_layers().at(0);
    const Model alone(std::dynamic_pointer_cast<model::Network>(held.impl()));
    EXPECT_EQ(m.weights(), alone.weights());
    Tensor x({2, 3, 4});
    for (int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i) / 8;
    EXPECT_TRUE(cornu::testing::bit_equal(m.predict(x),
                                          alone.predict(x.reshaped({6, 4})).reshaped({2, 3, 2})));
  }
  EXPECT_THAT(error(sequential({steps_of(sequential({layer("Dance", "d", "")}), "t")})),
              StartsWith("ValueError m.keras: layer 'd': unknown class 'Dance'"));
  EXPECT_THAT(error(sequential({steps_of("{'class_name': 'Sequential'}", "t")})),
              StartsWith("FormatError m.keras: the Sequential model lacks 'config'"));
}

TEST(NetworkConfigTest, ModelsInWrappersAreBoundedToo) {
  std::string text = sequential({dense("d", "", 4)});
  for (int i = 0; i < 40; ++i) text = sequential({steps_of(text, "t")});
  EXPECT_THAT(error(text), HasSubstr("nested more than 32 deep"));
  // Each level calls the one inside twice, on every step of one more axis.
  text = functional({input("x", "[null, 4]"), layer("Identity", "d", "", "[[['x', 0, 0, {}]]]")},
                    "['x', 0, 0]", "['d', 0, 0]");
  std::string axes = "4]";
  for (int i = 0; i < 20; ++i) {
    axes = cat("1, ", axes);
    text = functional({input("x", cat("[null, ", axes)),
                       steps_of(text, "m", "[[['x', 0, 0, {}]], [['m', 0, 0, {}]]]")},
                      "['x', 0, 0]", "['m', 1, 0]");
  }
  EXPECT_THAT(error(text), HasSubstr("the model calls more than 262144 layers"));
}

// ---- classes ----------------------------------------------------------------------------------

TEST(NetworkConfigTest, ClassesOfOnesOwnGoByTheirRegisteredName) {
  register_layer("NetworkConfigTest>Twice", [](const base::Json& config) {
    return Rescaling({.scale = 2, .name = std::string(config.at("name").as_string())});
  });
  const std::string own = ", 'module': null, 'registered_name': 'NetworkConfigTest>Twice'";
  const Model m =
      build(sequential({layer("Twice", "t", "", "", own)}, ", 'build_input_shape': [null, 4]"));
  EXPECT_EQ(m.predict(ones({1, 4})).values()[0], 2);
  EXPECT_THAT(error(sequential({layer("Twice", "t", "")})),
              StartsWith("ValueError m.keras: layer 't': unknown class 'Twice'"));
}

TEST(NetworkConfigTest, ForeignClassesAreNotKerass) {
  const auto of = [](const std::string& module, const std::string& registered) {
    return sequential({layer("Dense", "d", "'units': 3", "",
                             cat(", 'module': ", module, ", 'registered_name': ", registered))});
  };
  for (const char* own : {"'keras.layers'", "'keras.src.layers.core.dense'", "'tf_keras.layers'"}) {
    EXPECT_EQ(error(of(own, "null")), "no error") << own;
    EXPECT_EQ(error(of(own, "'Dense'")), "no error") << own;
  }
  for (const char* other : {"'my_layers'", "'keras_hub.layers'", "null", "7"}) {
    EXPECT_THAT(error(of(other, "null")),
                AllOf(StartsWith("ValueError m.keras: layer 'd': "), HasSubstr("not Keras's own")))
        << other;
    EXPECT_THAT(error(of(other, "'Dense'")), HasSubstr("not Keras's own")) << other;
    EXPECT_THAT(error(of(other, "'mine>Dense'")), HasSubstr("unknown class 'mine>Dense'")) << other;
  }
  EXPECT_THAT(error(functional({input("i")}, "['i', 0, 0]", "['i', 0, 0]", ", 'module': 'mine'")),
              AllOf(StartsWith("FormatError"), HasSubstr("not Keras's own")));
}

TEST(NetworkConfigTest, CodeIsRefused) {
  EXPECT_THAT(error(sequential({layer("Lambda", "l", "'function': {'class_name': '__lambda__'}")})),
              AllOf(StartsWith("ValueError m.keras: layer 'l'"), HasSubstr("never run")));
}

// ---- refusals ---------------------------------------------------------------------------------

TEST(NetworkConfigTest, BrokenStructuresAreNamed) {
  const std::string i = input("i"), to_i = "[[['i', 0, 0, {}]]]";
  const auto model = [&](const std::string& nodes_of_a,
                         const std::string& outputs = "['a', 0, 0]") {
    return functional({input("i"), dense("a", nodes_of_a), dense("b", "[[['a', 0, 0, {}]]]")},
                      "['i', 0, 0]", outputs);
  };
  for (const auto& [text, fragment] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "the model lacks 'class_name'"},
           {"{'class_name': 7}", "class_name of the model must be a string, not an integer"},
           {"{'class_name': 'Dense'}", "must be Sequential or Functional, not 'Dense'"},
           {"{'class_name': 'Sequential'}", "lacks 'config'"},
           {"{'class_name': 'Sequential', 'config': {}}", "lacks 'layers'"},
           {"{'class_name': 'Sequential', 'config': {'layers': {}}}", "must be a list"},
           {sequential({"7"}), "a layer must be an object"},
           {sequential({"{}"}), "a layer lacks 'class_name'"},
           {sequential({"{'class_name': 'Dense'}"}), "layer class 'Dense' lacks 'config'"},
           {functional({dense("a", to_i), dense("a", to_i)}, "['a', 0, 0]", "['a', 0, 0]"),
            "two layers are named 'a'"},
           {functional({"{'config': {}}"}, "[]", "[]"), "a layer's config lacks 'name'"},
           {functional({"{'name': 7}"}, "[]", "[]"), "the name of a layer must be a string"},
           {functional({i}, "[]", "['i', 0, 0]"), "input_layers names no tensor"},
           {functional({i}, "['i', 0, 0]", "7"), "output_layers names no tensor"},
           {functional({i}, "['i', 0]", "['i', 0, 0]"), "a tensor must be [layer, node, tensor]"},
           {functional({i}, "['i', 0, 0]", "['z', 0, 0]"), "names a layer 'z'"},
           {model("[[['z', 0, 0, {}]]]"), "names a layer 'z' that it does not have"},
           {model("[[['b', 0, 0, {}]]]"), "layer 'a' is connected in a loop"},
           {model("[[['a', 0, 0, {}]]]"), "layer 'a' is connected in a loop"},
           {model("[[['i', 5, 0, {}]]]"), "layer 'a' is connected in a loop, or to a call"},
           {model("[[['i', -1, 0, {}]]]"), "layer 'a' is connected in a loop, or to a call"},
           {model("[[['i', 0, 1, {}]]]"), "layer 'a' is connected in a loop, or to a call"},
           {model(to_i, "['a', 3, 0]"), "there is no tensor ['a', 3, 0]"},
           {model("{}"), "inbound_nodes of layer 'a' must be a list"},
           {model("[7]"), "a call of layer 'a' must be a list"},
           {model("[[7]]"), "an input of layer 'a': a tensor must be"},
           {model("[[['i', 0.0, 0, {}]]]"), "a tensor must be"},
           {model("[[['_CONSTANT_VALUE', -1, 2, {}]]]"), "layer 'a' is called with a constant"},
           {model("[[['i', 0, 0, {'training': true}]]]"),
            "layer 'a' is called with the argument 'training'"},
           {model(cat("[", call(tensor("i"), "'training': true"), "]")), "argument 'training'"},
           {model("[{}]"), "a call of layer 'a' lacks 'args'"},
           {model("[{'args': [{}]}]"), "an input of layer 'a' lacks 'config'"},
           {model("[{'args': ['x']}]"), "layer 'a' is called with an argument that is a string"},
       })
    EXPECT_THAT(error(text), AllOf(StartsWith("FormatError m.keras: "), HasSubstr(fragment)))
        << text;
}

TEST(NetworkConfigTest, ErrorsOfLayersNameTheFileAndKeepTheirKind) {
  EXPECT_THAT(error(sequential({layer("Dense", "d", "'units': 0")})),
              StartsWith("ValueError m.keras: Dense 'd': `units` must be positive"));
  EXPECT_THAT(
      error(sequential({dense("d"), dense("d")})),
      StartsWith("ValueError m.keras: Sequential 's': all layers should have unique names"));
  EXPECT_THAT(error(functional({input("i"), layer("Flatten", "a", "", "[[]]")}, "['i', 0, 0]",
                               "['a', 0, 0]")),
              StartsWith("ValueError m.keras: Flatten 'a': it takes one input"));
  EXPECT_THAT(error(functional({input("i"), input("j")}, "['i', 0, 0]", "['j', 0, 0]")),
              StartsWith("ValueError m.keras: Functional 'f': the graph is disconnected"));
}

TEST(NetworkConfigTest, NestingIsBounded) {
  const auto deep = [](int depth) {
    std::string text = sequential({dense("d", "", 4)}, ", 'build_input_shape': [null, 4]");
    for (int i = 1; i < depth; ++i) text = sequential({text});
    return text;
  };
  EXPECT_EQ(build(deep(30)).output_shape(), (Shape{None, 4}));
  EXPECT_THAT(error(deep(40)), HasSubstr("nested more than 32 deep"));
}

TEST(NetworkConfigTest, ModelsThatCallModelsTwiceAreCounted) {
  // Each level calls the one inside twice: 2^30 calls from a few kilobytes.
  std::string text =
      functional({input("x"), dense("d", "[[['x', 0, 0, {}]]]", 4)}, "['x', 0, 0]", "['d', 0, 0]");
  for (int i = 0; i < 30; ++i)
    text = functional({input("x"), nested(text, "m", "[[['x', 0, 0, {}]], [['m', 1, 0, {}]]]")},
                      "['x', 0, 0]", "['m', 2, 0]");
  EXPECT_THAT(error(text), HasSubstr("the model calls more than 262144 layers"));
}

TEST(NetworkConfigTest, DialectOfEveryKindOfVersion) {
  const auto told = [](const char* version) {
    const layers::Dialect d = dialect_of(version);
    return std::pair(d.keras2_hard_sigmoid, d.legacy_bilinear);
  };
  for (const char* v : {"3.0.0", "3.15.1", "4.0", "", "nonsense", "3"})
    EXPECT_EQ(told(v), std::pair(false, false)) << v;
  for (const char* v : {"2.4.0", "2.15.0", "2.2.4-tf", "2.10.0", "tfjs-layers 4.22.0", "tfjs"})
    EXPECT_EQ(told(v), std::pair(true, false)) << v;
  for (const char* v : {"2.0.2", "2.3.1", "1.2.2", "1.9.0"})
    EXPECT_EQ(told(v), std::pair(true, true)) << v;
}

// ---- size -------------------------------------------------------------------------------------

TEST(NetworkConfigTest, LongModelsAreBuiltAndRun) {
  std::vector<std::string> layers;
  for (int i = 0; i < 5000; ++i) layers.push_back(layer("ReLU", cat("r", i), ""));
  const Model m = build(sequential(layers, ", 'build_input_shape': [null, 4]"));
  EXPECT_EQ(m.layers().size(), 5000u);
  EXPECT_EQ(m.predict(ones({1, 4})).values()[0], 1);
  EXPECT_THAT(m.summary_text(), HasSubstr("r4999"));
}

TEST(NetworkConfigTest, BackwardListsAndManyInputsAreReadInLinearTime) {
  constexpr int kCount = 10000;
  std::vector<std::string> layers;
  std::string inputs;
  for (int i = 0; i < kCount; ++i) inputs += cat(i ? ", " : "", "['r", i, "', 0, 0, {}]");
  layers.push_back(layer("Add", "sum", "", cat("[[", inputs, "]]")));
  for (int i = kCount; i-- > 0;)
    layers.push_back(
        layer("ReLU", cat("r", i), "", cat("[[['", i ? cat("r", i - 1) : "i", "', 0, 0, {}]]]")));
  layers.push_back(input("i"));
  const Model m = build(functional(layers, "['i', 0, 0]", "['sum', 0, 0]"));
  EXPECT_EQ(m.layers().size(), kCount + 2u);
}

}  // namespace
}  // namespace cornu::formats
