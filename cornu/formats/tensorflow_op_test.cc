#include "cornu/formats/tensorflow_op.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/network_config.h"

namespace cornu::formats {
namespace {

using base::cat;
using namespace testing_model;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// An entry as Keras 2.4 to 2.15 writes it.
std::string op(const std::string& function, const std::string& node,
               const std::string& class_name = "TFOpLambda") {
  return layer(class_name, cat("tf.", function),
               cat("'trainable': true, 'dtype': 'float32', 'function': '", function, "'"),
               cat("[", node, "]"));
}
// The others beside x.
std::string on_x(const std::string& arguments) { return cat("['x', 0, 0, {", arguments, "}]"); }
std::string sliced(const std::string& slices) {
  return op("__operators__.getitem", on_x(cat("'slice_spec': [", slices, "]")), "SlicingOpLambda");
}

// With inputs x and y of a shape, or of x's alone.
Model build(const std::string& entry, const std::string& output,
            const std::string& shape = "[null, 2]") {
  const auto in = [&](const char* name) {
    return layer("InputLayer", name, cat("'batch_input_shape': ", shape), "[]");
  };
  const std::string config =
      cat("{'class_name': 'Functional', 'config': {'name': 'f', 'layers': ",
          list({in("x"), in("y"), entry}), ", 'input_layers': [['x', 0, 0], ['y', 0, 0]], ",
          "'output_layers': [['", output, "', 0, 0]]}}");
  return Model(
      network_from_config(base::parse_json(json(config), "m.h5"), dialect_of("2.15.0"), "m.h5"));
}
std::vector<float> computed(const std::string& function, const std::string& node,
                            std::vector<float> x, const std::string& shape = "[null, 2]",
                            const std::string& entry = "") {
  const Model m = build(entry.empty() ? op(function, node) : entry, cat("tf.", function), shape);
  Shape s = m.inputs()[0].shape();
  s[0] = 1;
  const Tensor in(s, x), y = Tensor::full(s, 4);
  const Tensor out = m.predict(std::vector<Tensor>{in, y})[0];
  return {out.values().begin(), out.values().end()};
}
std::string refusal(const std::string& entry, const std::string& output,
                    const std::string& shape = "[null, 2]") {
  try {
    build(entry, output, shape);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(TensorflowOp, ArithmeticWithNumbersAndTensors) {
  struct Row {
    const char *function, *node;
    float first, second;  // of 1 and -2; y is 4
  };
  const std::vector<Row> rows = {
      {"math.multiply", "['x', 0, 0, {'y': 3, 'name': null}]", 3, -6},
      {"math.multiply", "['_CONSTANT_VALUE', -1, 3.0, {'y': ['x', 0, 0], 'name': null}]", 3, -6},
      {"__operators__.add", "['x', 0, 0, {'y': 0.5, 'name': null}]", 1.5, -1.5},
      {"__operators__.add", "['x', 0, 0, {'y': ['y', 0, 0], 'name': null}]", 5, 2},
      {"math.add", "[['x', 0, 0, {'y': ['y', 0, 0]}]]", 5, 2},
      {"math.subtract", "['x', 0, 0, {'y': 1.0, 'name': null}]", 0, -3},
      {"math.subtract", "['_CONSTANT_VALUE', -1, 1, {'y': ['x', 0, 0], 'name': null}]", 0, 3},
      {"math.subtract", "['y', 0, 0, {'y': ['x', 0, 0]}]", 3, 6},
      {"math.truediv", "['x', 0, 0, {'y': 127.5, 'name': null}]", 1 / 127.5f, -2 / 127.5f},
      {"math.divide", "['_CONSTANT_VALUE', -1, 2.0, {'y': ['x', 0, 0]}]", 2, -1},
      {"math.pow", "['x', 0, 0, {'y': 3}]", 1, -8},
      {"math.maximum", "['x', 0, 0, {'y': 0.25}]", 1, 0.25},
      {"math.minimum", "['_CONSTANT_VALUE', -1, 0, {'y': ['x', 0, 0]}]", 0, -2},
      {"math.negative", "['x', 0, 0, {}]", -1, 2},
      {"math.abs", "['x', 0, 0, {'name': null}]", 1, 2},
      {"math.square", "['x', 0, 0]", 1, 4},
      {"math.exp", "['x', 0, 0, {}]", std::exp(1.0f), std::exp(-2.0f)},
      // Along the channels.
      {"math.multiply", "['x', 0, 0, {'y': [2.0, 3.0]}]", 2, -6},
      {"math.multiply", "['x', 0, 0, {'y': [[2.0, 3.0]], 'name': null}]", 2, -6},
      {"math.subtract", "['x', 0, 0, {'y': [0.5, 1]}]", 0.5, -3},
      {"math.subtract", "['_CONSTANT_VALUE', -1, [0.5, 1], {'y': ['x', 0, 0]}]", -0.5, 3},
      {"__operators__.add", "['x', 0, 0, {'y': [[10, 20]]}]", 11, 18},
      {"math.truediv", "['x', 0, 0, {'y': [2.0, 4.0]}]", 0.5, -0.5},
      {"math.multiply", "['x', 0, 0, {'y': [[5.0]]}]", 5, -10},
      // Activations.
      {"nn.relu", "['x', 0, 0, {'name': null}]", 1, 0},
      {"nn.leaky_relu", "['x', 0, 0, {'alpha': 0.25}]", 1, -0.5},
      {"nn.leaky_relu", "['x', 0, 0, {}]", 1, -0.4f},
      {"math.tanh", "['x', 0, 0, {}]", std::tanh(1.0f), std::tanh(-2.0f)},
      {"math.sigmoid", "['x', 0, 0, {}]", 1 / (1 + std::exp(-1.0f)), 1 / (1 + std::exp(2.0f))},
      {"nn.softmax", "['x', 0, 0, {'axis': -1}]", 1 / (1 + std::exp(-3.0f)),
       1 / (1 + std::exp(3.0f))},
      {"nn.silu", "['x', 0, 0, {'beta': 1.0}]", 1 / (1 + std::exp(-1.0f)),
       -2 / (1 + std::exp(2.0f))},
      {"clip_by_value", "['x', 0, 0, {'clip_value_min': 0.0, 'clip_value_max': 0.5}]", 0.5, 0},
      {"cast", "['x', 0, 0, {'dtype': 'float32'}]", 1, -2},
      {"math.add_n", "[['x', 0, 0, {}], ['y', 0, 0, {}]]", 5, 2},
  };
  for (const Row& row : rows) {
    const std::vector<float> out = computed(row.function, row.node, {1, -2});
    ASSERT_EQ(out.size(), 2u) << row.function;
    EXPECT_NEAR(out[0], row.first, 1e-6f) << row.function << ' ' << row.node;
    EXPECT_NEAR(out[1], row.second, 1e-6f) << row.function << ' ' << row.node;
  }
}

TEST(TensorflowOp, ShapesAndSlices) {
  const std::string image = "[null, 3, 3, 1]";
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::string all = "{'start': null, 'stop': null, 'step': null}";
  EXPECT_THAT(computed("__operators__.getitem", "", x, image,
                       sliced(cat(all, ", {'start': 1, 'stop': null, 'step': null}, ",
                                  "{'start': 0, 'stop': -1, 'step': 1}, ", all))),
              ElementsAre(4, 5, 7, 8));
  EXPECT_THAT(computed("math.reduce_mean", on_x("'axis': [1, 2], 'keepdims': false"), x, image),
              ElementsAre(5));
  EXPECT_THAT(computed("math.reduce_max", on_x("'axis': [1, 2]"), x, image), ElementsAre(9));
  EXPECT_THAT(computed("reshape", on_x("'shape': [-1, 9]"), x, image), Pointwise(FloatEq(), x));
  EXPECT_THAT(computed("transpose", on_x("'perm': [0, 2, 1, 3]"), x, image),
              ElementsAre(1, 4, 7, 2, 5, 8, 3, 6, 9));
  EXPECT_THAT(computed("concat", "[['x', 0, 0, {'axis': -1}], ['y', 0, 0, {'axis': -1}]]", {1, 2}),
              ElementsAre(1, 2, 4, 4));
  EXPECT_THAT(
      computed("pad", on_x("'paddings': [[0, 0], [1, 0], [0, 0], [0, 0]], 'mode': 'CONSTANT'"), {7},
               "[null, 1, 1, 1]"),
      ElementsAre(0, 7));
}

TEST(TensorflowOp, TheRestIsRefusedByName) {
  struct Row {
    std::string function, node;
    const char* fragment;
  };
  const std::vector<Row> rows = {
      {"io.read_file", on_x(""), "no layer computes TensorFlow's function 'io.read_file'"},
      {"math.multiply", on_x("'y': [[1, 2], [3, 4]]"),
       "no layer computes math.multiply with y=[[1, 2], [3, 4]]"},
      {"math.multiply", on_x("'y': 'two'"), "with y=\"two\""},
      {"math.multiply", on_x("'y': NaN"), "with y=NaN"},
      {"math.multiply", on_x("'y': []"), "with y=[]"},
      {"math.multiply", on_x(""), "with y=null"},
      {"math.multiply", on_x("'y': 2, 'z': 1"), "with z=1"},
      {"math.pow", on_x("'y': [1, 2]"), "no layer computes math.pow with a list of numbers"},
      {"math.truediv", on_x("'y': [1, 0]"), "with a list of numbers"},
      {"math.multiply", "['_CONSTANT_VALUE', -1, 2, {'y': 3}]", "must be a tensor"},
      {"math.multiply", "['_CONSTANT_VALUE', -1, [2, 1], {'y': 3}]", "with its input="},
      {"nn.relu", "['_CONSTANT_VALUE', -1, 2, {}]", "with its input=["},
      {"nn.gelu", on_x("'approximate': true"), "with approximate=true"},
      {"math.reduce_mean", on_x("'axis': -1"), "with axis=-1"},
      {"reshape", on_x("'shape': [1, 2]"), "with shape=[1, 2]"},
      {"pad", on_x("'paddings': [[0, 0], [1, 1]]"), "with paddings="},
      {"nn.relu", "7", "its node holds no tensor"},
      {"nn.relu", "[]", "its node holds no tensor"},
  };
  for (const Row& row : rows)
    EXPECT_THAT(refusal(op(row.function, row.node), cat("tf.", row.function)),
                AllOf(HasSubstr("m.h5: "), HasSubstr(cat("'tf.", row.function, "'")),
                      HasSubstr(row.fragment)))
        << row.node;
  EXPECT_THAT(
      refusal(sliced("{'start': null, 'stop': null, 'step': null}, 0"), "tf.__operators__.getitem"),
      HasSubstr("SlicingOpLambda 'tf.__operators__.getitem': no layer computes "));
  EXPECT_THAT(
      refusal(op("math.multiply", on_x("'y': [[[2.0]]]")), "tf.math.multiply"),
      HasSubstr("layer 'tf.math.multiply' has a constant of 3 dimensions, but is called on "));
  // What crops and pools take by its rank.
  EXPECT_THAT(refusal(op("math.reduce_mean", on_x("'axis': [1, 2]")), "tf.math.reduce_mean"),
              HasSubstr("GlobalAveragePooling2D 'tf.math.reduce_mean'"));
  const std::string longest = cat("'y': '", std::string(1000, 'x'), "'");
  EXPECT_LT(refusal(op("math.add", on_x(longest)), "tf.math.add").size(), 300u);
  EXPECT_THAT(
      refusal(layer("Add", "a", "", "[[['x', 0, 0, {}], ['_CONSTANT_VALUE', -1, 2, {}]]]"), "a"),
      HasSubstr("layer 'a' is called with a constant, which only arithmetic takes"));
}

}  // namespace
}  // namespace cornu::formats
