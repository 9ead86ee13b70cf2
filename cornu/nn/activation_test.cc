#include "cornu/nn/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using base::Json;
using testing::run_graph;

const nn::Where kWhere{"Conv2D", "c"};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Json json(const std::string& text) { return base::parse_json(text, "test"); }

ActivationFunction read(const std::string& text, bool keras2 = false) {
  return ActivationFunction::from_config(json(text), kWhere, keras2);
}

Tensor activate(const ActivationFunction& a, const Tensor& x) {
  a.check(kWhere);
  graph::Builder g;
  const graph::Value out = a.lower(g, g.input(x.shape()));
  EXPECT_EQ(to_text(g.shape(out)), to_text(a.output_shape(x.shape())));
  const graph::Graph graph = std::move(g).finish({out});
  graph::verify(graph);
  return run_graph(graph, {x}).at(0);
}

void expect_values(const ActivationFunction& a, const Tensor& x, const std::vector<float>& want) {
  const Tensor got = activate(a, x);
  const double error = testing::max_error(std::as_const(got).values(), std::span(want));
  EXPECT_LT(error, 2e-6) << a.name();
}

const Tensor& points() {
  static const Tensor x({9}, {-4, -2, -1, -0.5f, 0, 0.5f, 1, 2, 4});
  return x;
}

// layers.md 21.6, and for the names it leaves out the formulas of part 10.
const std::map<std::string, std::vector<float>> kValues = {
    {"linear", {-4, -2, -1, -.5f, 0, .5f, 1, 2, 4}},
    {"relu", {0, 0, 0, 0, 0, .5f, 1, 2, 4}},
    {"relu6", {0, 0, 0, 0, 0, .5f, 1, 2, 4}},
    {"leaky_relu", {-.8f, -.4f, -.2f, -.1f, 0, .5f, 1, 2, 4}},
    {"elu", {-.981684f, -.864665f, -.632121f, -.393469f, 0, .5f, 1, 2, 4}},
    {"celu", {-.981684f, -.864665f, -.632121f, -.393469f, 0, .5f, 1, 2, 4}},
    {"selu",
     {-1.725899f, -1.520166f, -1.111331f, -.691758f, 0, .52535f, 1.050701f, 2.101402f, 4.202804f}},
    {"gelu", {-.000127f, -.0455f, -.158655f, -.154269f, 0, .345731f, .841345f, 1.9545f, 3.999873f}},
    {"silu",
     {-.071945f, -.238406f, -.268941f, -.18877f, 0, .31123f, .731059f, 1.761594f, 3.928055f}},
    {"softplus",
     {.01815f, .126928f, .313262f, .474077f, .693147f, .974077f, 1.313262f, 2.126928f, 4.01815f}},
    {"softsign", {-.8f, -.666667f, -.5f, -.333333f, 0, .333333f, .5f, .666667f, .8f}},
    {"sigmoid",
     {.017986f, .119203f, .268941f, .377541f, .5f, .622459f, .731059f, .880797f, .982014f}},
    {"tanh",
     {-.9993293f, -.9640276f, -.7615942f, -.4621172f, 0, .4621172f, .7615942f, .9640276f,
      .9993293f}},
    {"exponential",
     {.01831564f, .1353353f, .3678794f, .6065307f, 1, 1.648721f, 2.718282f, 7.389056f, 54.59815f}},
    {"hard_sigmoid", {0, .166667f, .333333f, .416667f, .5f, .583333f, .666667f, .833333f, 1}},
    {"hard_sigmoid_keras2", {0, .1f, .3f, .4f, .5f, .6f, .7f, .9f, 1}},
    {"hard_silu", {0, -.333333f, -.333333f, -.208333f, 0, .291667f, .666667f, 1.666667f, 4}},
    {"hard_tanh", {-1, -1, -1, -.5f, 0, .5f, 1, 1, 1}},
    {"mish",
     {-.072592f, -.252501f, -.303401f, -.220744f, 0, .375245f, .865098f, 1.943959f, 3.997413f}},
    {"log_sigmoid",
     {-4.01815f, -2.126928f, -1.313262f, -.974077f, -.693147f, -.474077f, -.313262f, -.126928f,
      -.01815f}},
    {"sparse_sigmoid", {0, 0, 0, .25f, .5f, .75f, 1, 1, 1}},
    {"sparse_plus", {0, 0, 0, .0625f, .25f, .5625f, 1, 2, 4}},
    {"squareplus",
     {.236068f, .414214f, .618034f, .780776f, 1, 1.280776f, 1.618034f, 2.414214f, 4.236068f}},
    {"soft_shrink", {-3.5f, -1.5f, -.5f, 0, 0, 0, .5f, 1.5f, 3.5f}},
    {"hard_shrink", {-4, -2, -1, 0, 0, 0, 1, 2, 4}},
    {"tanh_shrink",
     {-3.0006707f, -1.0359724f, -.2384058f, -.0378828f, 0, .0378828f, .2384058f, 1.0359724f,
      3.0006707f}},
};

TEST(ActivationNames, ElementwiseValues) {
  for (const auto& [name, want] : kValues) {
    expect_values(name, points(), want);
    EXPECT_FALSE(ActivationFunction(name).acts_on_axis()) << name;
    EXPECT_TRUE(std::isnan(activate(name, Tensor({1}, {kNan})).data()[0])) << name;
    EXPECT_EQ(ActivationFunction(name).is_linear(), name == "linear");
  }
  expect_values("relu6", Tensor({3}, {5.5f, 6, 7}), {5.5f, 6, 6});
}

TEST(ActivationNames, LastAxisValues) {
  const Tensor x({1, 3}, {1, 2, 3});
  expect_values("softmax", x, {.090031f, .244728f, .665241f});
  expect_values("log_softmax", x, {-2.407606f, -1.407606f, -.407606f});
  expect_values("sparsemax", x, {0, 0, 1});
  // As Keras 3 ships it; the projection onto the simplex would be .2333 .3333 .4333.
  expect_values("sparsemax", Tensor({1, 3}, {.1f, .2f, .3f}), {0, .066667f, .166667f});
  expect_values("glu", Tensor({1, 4}, {1, 2, 3, 4}), {.952574f, 1.964028f});
  // Every row on its own.
  expect_values("softmax", Tensor({2, 1, 2}, {0, 0, 1, 1}), {.5f, .5f, .5f, .5f});
  expect_values("glu", Tensor({2, 2}, {1, 0, 2, 0}), {.5f, 1});
  for (const char* name : {"softmax", "log_softmax", "sparsemax", "glu"}) {
    EXPECT_TRUE(ActivationFunction(name).acts_on_axis()) << name;
    EXPECT_FALSE(ActivationFunction(name).is_linear()) << name;
  }
}

TEST(ActivationNames, GluHalvesTheLastAxis) {
  const ActivationFunction glu = "glu";
  EXPECT_EQ(glu.output_shape({None, 5, 6}), (Shape{None, 5, 3}));
  EXPECT_EQ(glu.output_shape({None, None}), (Shape{None, None}));
  EXPECT_ERROR(ValueError, glu.output_shape({2, 3}),
               "activation 'glu' needs an even last axis. Received: shape=(2, 3)");
  EXPECT_ERROR(ValueError, glu.output_shape({}), "needs an even last axis");
}

TEST(ActivationNames, AliasesAndNone) {
  EXPECT_EQ(ActivationFunction("swish").name(), "silu");
  EXPECT_EQ(ActivationFunction("hard_swish").name(), "hard_silu");
  expect_values("swish", points(), kValues.at("silu"));
  expect_values("hard_swish", points(), kValues.at("hard_silu"));
  for (const ActivationFunction& a : {ActivationFunction(), ActivationFunction(None)}) {
    EXPECT_EQ(a.name(), "linear");
    EXPECT_TRUE(a.is_linear());
    EXPECT_EQ(a.config().dump(), "\"linear\"");
  }
  graph::Builder g;
  const graph::Value x = g.input({2});
  EXPECT_EQ(ActivationFunction("linear").lower(g, x).id, x.id);
}

TEST(ActivationNames, Unknown) {
  EXPECT_ERROR(ValueError, ActivationFunction("rellu").check(kWhere),
               "Conv2D 'c': unknown activation 'rellu'. Received: \"rellu\"");
  // Names are exact (layers.md 2.2).
  for (const char* name : {"", "ReLU", "RELU", "relu ", "Relu6", "softMax"})
    EXPECT_ERROR(ValueError, ActivationFunction(name).check(kWhere), "unknown activation '");
  EXPECT_ERROR(ValueError, ActivationFunction("threshold").check(kWhere),
               "Conv2D 'c': activation 'threshold' needs a threshold and a value");
  EXPECT_ERROR(ValueError, read("\"rellu\""), "Conv2D 'c': unknown activation 'rellu'");
}

// ---- from files ---------------------------------------------------------------------------------

TEST(ActivationConfig, Names) {
  std::set<std::string> names = {"softmax", "log_softmax", "sparsemax", "glu", "swish"};
  for (const auto& [name, values] : kValues) names.insert(name);
  for (const std::string& name : names) {
    const ActivationFunction a = read("\"" + name + "\"");
    EXPECT_EQ(a.name(), name == "swish" ? "silu" : name);
    EXPECT_EQ(a.config().dump(), "\"" + name + "\"");
  }
  EXPECT_EQ(read("null").config().dump(), "\"linear\"");
}

TEST(ActivationConfig, Keras2HardSigmoid) {
  const ActivationFunction old = read("\"hard_sigmoid\"", true);
  expect_values(old, points(), kValues.at("hard_sigmoid_keras2"));
  expect_values(read("\"hard_sigmoid\""), points(), kValues.at("hard_sigmoid"));
  // Written back it keeps its meaning, whatever the reader takes the file for.
  const ActivationFunction again = ActivationFunction::from_config(old.config(), kWhere, false);
  expect_values(again, points(), kValues.at("hard_sigmoid_keras2"));
  const ActivationFunction inside =
      read(R"({"class_name": "Activation", "config": {"activation": "hard_sigmoid"}})", true);
  expect_values(inside, points(), kValues.at("hard_sigmoid_keras2"));
  expect_values(read("\"relu\"", true), points(), kValues.at("relu"));
}

struct LayerCase {
  const char* config;
  std::vector<float> want;
};

TEST(ActivationConfig, Layers) {
  const LayerCase cases[] = {
      {R"({"module": "keras.layers", "class_name": "ReLU", "config": {"name": "re_lu",
           "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy",
           "config": {"name": "float32"}, "registered_name": null}, "max_value": 3.0,
           "negative_slope": 0.1, "threshold": 1.0}, "registered_name": null,
           "build_config": {"input_shape": [null, 9]}})",
       {-.5f, -.3f, -.2f, -.15f, -.1f, -.05f, 0, 2, 3}},
      {R"({"class_name": "ReLU", "config": {"max_value": null}})", {0, 0, 0, 0, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "ReLU", "config": {"max_value": 2}})", {0, 0, 0, 0, 0, .5f, 1, 2, 2}},
      {R"({"class_name": "LeakyReLU", "config": {}})", {-1.2f, -.6f, -.3f, -.15f, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "LeakyReLU", "config": {"negative_slope": 0.5}})",
       {-2, -1, -.5f, -.25f, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "LeakyReLU", "config": {"alpha": {"type": "ndarray", "value": 0.5}}})",
       {-2, -1, -.5f, -.25f, 0, .5f, 1, 2, 4}},
      {R"({"module": "keras.src.layers.activations.leaky_relu", "class_name": "LeakyReLU",
           "config": {"alpha": 0.5}, "registered_name": "LeakyReLU"})",
       {-2, -1, -.5f, -.25f, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "ELU", "config": {"alpha": 2}})",
       {-1.963369f, -1.729329f, -1.264241f, -.786939f, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "ThresholdedReLU", "config": {"theta": 1.0}})",
       {0, 0, 0, 0, 0, 0, 0, 2, 4}},
      {R"({"class_name": "Activation", "config": {"name": "a", "activation": "relu"}})",
       {0, 0, 0, 0, 0, .5f, 1, 2, 4}},
      {R"({"class_name": "Activation", "config": {"activation": {"class_name": "Activation",
           "config": {"activation": {"class_name": "ReLU", "config": {"max_value": 1}}}}}})",
       {0, 0, 0, 0, 0, .5f, 1, 1, 1}},
      {R"({"class_name": "Activation", "config": {"activation": null}})",
       {-4, -2, -1, -.5f, 0, .5f, 1, 2, 4}},
      {R"({"module": "builtins", "class_name": "function", "config": "relu",
           "registered_name": "function"})",
       {0, 0, 0, 0, 0, .5f, 1, 2, 4}},
  };
  for (const LayerCase& c : cases) {
    SCOPED_TRACE(c.config);
    const ActivationFunction a = read(c.config);
    expect_values(a, points(), c.want);
    // Written back as it was, and the same again when read once more.
    EXPECT_EQ(a.config().dump(), json(c.config).dump());
    expect_values(ActivationFunction::from_config(a.config(), kWhere, false), points(), c.want);
  }
  EXPECT_TRUE(read(cases[11].config).is_linear());
}

TEST(ActivationConfig, SoftmaxLayer) {
  for (const char* axis : {"-1", "[-1]", R"({"class_name": "__tuple__", "items": [-1]})"}) {
    const ActivationFunction a =
        read(base::cat(R"({"class_name": "Softmax", "config": {"axis": )", axis, "}}"));
    expect_values(a, Tensor({1, 3}, {1, 2, 3}), {.090031f, .244728f, .665241f});
    EXPECT_TRUE(a.acts_on_axis());
  }
  for (const char* axis : {"1", "[1, 2]", "[]", "null"})
    EXPECT_ERROR(
        ValueError, read(base::cat(R"({"class_name": "Softmax", "config": {"axis": )", axis, "}}")),
        "Conv2D 'c': activation Softmax: `axis` must be -1 where Softmax is another layer's "
        "activation. Received: axis=");
}

TEST(ActivationConfig, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"class_name": "PReLU", "config": {"shared_axes": null}})",
       "Conv2D 'c': activation 'PReLU' has weights: add it to the model as a layer of its own. "
       "Received: {\"class_name\": \"PReLU\""},
      {R"({"class_name": "Dense", "config": {"units": 3}})",
       "Conv2D 'c': unknown activation 'Dense'. Received: {"},
      {R"({"class_name": "ReLU", "config": {"negative_slope": -0.1}})",
       "Conv2D 'c': activation ReLU: `negative_slope` must be zero or positive. Received: "
       "negative_slope=-0.1"},
      {R"({"class_name": "ReLU", "config": {"max_value": -1}})", "`max_value` must be zero or"},
      {R"({"class_name": "ReLU", "config": {"threshold": -1}})", "`threshold` must be zero or"},
      {R"({"class_name": "ReLU", "config": {"max_value": NaN}})",
       "activation ReLU: `max_value` must be a finite number. Received: max_value=NaN"},
      {R"({"class_name": "ReLU", "config": {"max_value": 1e300}})",
       "`max_value` must be a finite number. Received: max_value=1e+300"},
      {R"({"class_name": "ReLU", "config": {"slope": 1}})",
       "activation ReLU: unknown argument 'slope'. Received: slope=1"},
      {R"({"class_name": "ReLU", "config": [1]})",
       "activation ReLU: its configuration must be an object. Received: [1]"},
      {R"({"class_name": "LeakyReLU", "config": {"negative_slope": -0.1}})", "zero or positive"},
      {R"({"class_name": "LeakyReLU", "config": {"negative_slope": Infinity}})", "finite number"},
      {R"({"class_name": "LeakyReLU", "config": {"negative_slope": "0.1"}})", "finite number"},
      {R"({"class_name": "ELU", "config": {"alpha": -Infinity}})", "finite number"},
      {R"({"class_name": "Softmax", "config": {"axis": 1.0}})",
       "`axis` must be an integer or a list of integers"},
      {R"({"module": "mine", "class_name": "ReLU", "config": {}, "registered_name": "mine>ReLU"})",
       "unknown activation 'mine>ReLU'"},
      {R"({"module": null, "class_name": "ReLU", "config": {}})", "unknown activation 'ReLU'"},
      {R"({"module": "builtins", "class_name": "function", "config": "f"})",
       "unknown activation 'f'"},
      {R"({"config": {}})",
       "Conv2D 'c': the activation must be a name or an object with a class_name. Received: "
       "{\"config\": {}}"},
      {R"({"class_name": 3})", "must be a name or an object"},
      {"3", "must be a name or an object with a class_name. Received: 3"},
      {"[]", "must be a name or an object"},
      {"true", "must be a name or an object"},
      {"{\"class_name\": \"__lambda__\", \"config\": {\"value\": \"x\"}}",
       "unknown activation '__lambda__'"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
  // A long configuration is cut in the message.
  const std::string lengthy(5000, 'x');
  const std::string text =
      testing::error_of([&] { read("{\"class_name\": \"" + lengthy + "\"}"); }).text;
  EXPECT_LT(text.size(), 600u);
}

// ---- functions of the user's own ----------------------------------------------------------------

graph::Value twice(graph::Builder& g, graph::Value x) {
  return g.unary(ops::Unary::Fn::kAffine, x, 2, 0);
}

TEST(OwnActivation, Runs) {
  const ActivationFunction a("twice", twice);
  expect_values(a, Tensor({2}, {1, -3}), {2, -6});
  EXPECT_FALSE(a.is_linear());
  EXPECT_EQ(a.config().dump(),
            R"({"module": "builtins", "class_name": "function", "config": "twice", )"
            R"("registered_name": "twice"})");
  // The function counts, not a name that Keras has too.
  const ActivationFunction softmax("softmax", twice);
  EXPECT_FALSE(softmax.acts_on_axis());
  expect_values(softmax, Tensor({2}, {1, -3}), {2, -6});
  EXPECT_EQ(ActivationFunction("glu", twice).output_shape({3}), (Shape{3}));
}

TEST(OwnActivation, MustKeepTheShape) {
  const ActivationFunction a("flat",
                             [](graph::Builder& g, graph::Value x) { return g.reshape(x, {4}); });
  EXPECT_ERROR(ValueError, activate(a, Tensor({2, 2}, {1, 2, 3, 4})),
               "activation 'flat' must keep the shape. Received: (4,) for (2, 2)");
}

TEST(OwnActivation, RegisteredNamesAreRead) {
  EXPECT_ERROR(ValueError, ActivationFunction("twice_registered").check(kWhere), "unknown");
  register_activation("twice_registered", twice);
  register_activation("pack>relu", twice);
  const Tensor x({2}, {1, -3});
  expect_values("twice_registered", x, {2, -6});
  for (const char* config :
       {"\"twice_registered\"",
        R"({"module": "builtins", "class_name": "function", "config": "twice_registered",
            "registered_name": "function"})",
        R"({"module": "builtins", "class_name": "function", "config": "relu",
            "registered_name": "pack>relu"})",
        R"({"module": "pack", "class_name": "relu", "config": {},
            "registered_name": "pack>relu"})"}) {
    SCOPED_TRACE(config);
    const ActivationFunction a = read(config);
    expect_values(a, x, {2, -6});
    EXPECT_EQ(a.config().dump(), json(config).dump());
  }
  for (const char* name : {"relu", "softmax", "glu", "threshold", "swish", "linear"})
    EXPECT_ERROR(ValueError, register_activation(name, twice), "cannot be replaced");
}

TEST(OwnActivation, InfinityIsOneOfTheInputs) {
  expect_values("relu", Tensor({2}, {kInfinity, -kInfinity}), {kInfinity, 0});
}

}  // namespace
}  // namespace cornu
