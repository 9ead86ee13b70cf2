#include "cornu/formats/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/onnx_test_util.h"
#include "tests/golden/golden_case.h"

namespace cornu::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_model::Folder;
using testing_onnx::Graph;
using testing_onnx::Node;
using Ints = std::vector<int64_t>;

std::string exported(const Model& model, const OnnxOptions& o = {}) {
  const Folder folder;
  export_onnx(model, folder.path("m.onnx"), o);
  return base::read_file(folder.path("m.onnx")).text();
}

// What ONNX asks of every graph: names defined once and before they are used, numbers as long as
// their shapes say.
void check(const Graph& g) {
  EXPECT_EQ(g.ir_version, 8);
  EXPECT_EQ(g.opset, 17);
  std::set<std::string> known, names;
  for (const auto& [name, shape] : g.inputs) known.insert(name);
  for (const auto& [name, value] : g.initializers) {
    EXPECT_TRUE(known.insert(name).second) << name;
    int64_t size = value.type == 1 ? 4 : 8;
    for (int64_t d : value.dims) size *= d;
    EXPECT_EQ(static_cast<int64_t>(value.raw.size()), size) << name;
  }
  for (const Node& n : g.nodes) {
    EXPECT_TRUE(names.insert(n.name).second) << n.name;
    for (const std::string& in : n.inputs) EXPECT_TRUE(in.empty() || known.contains(in)) << in;
    for (const std::string& out : n.outputs) EXPECT_TRUE(known.insert(out).second) << out;
  }
  EXPECT_FALSE(g.outputs.empty());
  for (const auto& [name, shape] : g.outputs) EXPECT_TRUE(known.contains(name)) << name;
}

Graph graph_of(const Model& model, const OnnxOptions& o = {}) {
  Graph g = testing_onnx::decode(exported(model, o));
  check(g);
  return g;
}

TEST(Onnx, AConvolutionHasChannelsFirstInside) {
  const Symbol x = Input({.shape = {5, 6, 2}, .name = "picture"});
  const Symbol y = Conv2D({.filters = 3,
                           .kernel_size = {2, 3},
                           .strides = {2, 1},
                           .padding = "same",
                           .activation = "relu",
                           .name = "conv"})(x);
  const Model model({{x}, {y}});
  Tensor kernel(Shape{2, 3, 2, 3});
  for (int64_t i = 0; i < kernel.size(); ++i) kernel.data()[i] = static_cast<float>(i);
  model.set_weights({kernel, Tensor(Shape{3}, {7, 8, 9})});
  const Graph g = graph_of(model);
  EXPECT_THAT(g.ops(), ElementsAre("Transpose", "Conv", "Relu", "Transpose"));
  EXPECT_EQ(g.inputs, (std::map<std::string, Ints>{{"picture", {1, 5, 6, 2}}}));
  EXPECT_EQ(g.outputs, (std::map<std::string, Ints>{{"conv", {1, 3, 6, 3}}}));
  const Node& conv = g.only("Conv");
  EXPECT_EQ(conv.ints.at("strides"), (Ints{2, 1}));
  EXPECT_EQ(conv.ints.at("pads"), (Ints{0, 1, 1, 1}));
  EXPECT_EQ(g.initializers.at(conv.inputs[1]).dims, (Ints{3, 2, 2, 3}));
  // Filter 1, channel 0: numbers 1 + 6 (column) + 18 (row).
  const std::vector<float> numbers = g.floats(conv.inputs[1]);
  EXPECT_THAT(std::vector<float>(numbers.begin() + 12, numbers.begin() + 18),
              ElementsAre(1, 7, 13, 19, 25, 31));
  EXPECT_THAT(g.floats(conv.inputs[2]), ElementsAre(7, 8, 9));
}

// A chain in channels-first layout turns its numbers at its ends only.
TEST(Onnx, TurnsOnlyWhereItMust) {
  const Symbol x = Input({.shape = {8, 8, 4}});
  Symbol y = BatchNormalization()(Conv2D({.filters = 4, .kernel_size = 3, .padding = "same"})(x));
  y = Add()({ReLU({.max_value = 6})(y), MaxPooling2D({.pool_size = 1})(y)});
  y = Concatenate()({y, Rescaling({.scale = 2})(y)});
  y = Cropping2D({.cropping = 1})(ZeroPadding2D({.padding = 2})(y));
  y = UpSampling2D({.size = 2})(y);
  const Graph g = graph_of(Model({{x}, {GlobalAveragePooling2D()(y)}}));
  int turns = 0;
  for (const std::string& op : g.ops()) turns += op == "Transpose";
  EXPECT_EQ(turns, 2);  // the picture, and one cell per channel
  EXPECT_EQ(g.only("Concat").ints.at("axis"), Ints{1});
}

TEST(Onnx, ChannelsFirstModelsTurnNothing) {
  const Symbol x = Input({.shape = {3, 8, 8}});
  const Symbol y = Conv2D({.filters = 2, .kernel_size = 3, .data_format = "channels_first"})(x);
  EXPECT_THAT(graph_of(Model({{x}, {y}})).ops(), ElementsAre("Conv"));
}

TEST(Onnx, DepthToSpaceIsOneNode) {
  const Symbol x = Input({.shape = {4, 4, 12}});
  const Symbol y = Conv2D({.filters = 12, .kernel_size = 1})(x);
  const Symbol split =
      Permute({.dims = {1, 3, 2, 4, 5}})(Reshape({.target_shape = {4, 4, 2, 2, 3}})(y));
  const Symbol z = Reshape({.target_shape = {8, 8, 3}})(split);
  const Graph g = graph_of(Model({{x}, {z}}));
  EXPECT_THAT(g.ops(), ElementsAre("Transpose", "Conv", "DepthToSpace", "Transpose"));
  EXPECT_EQ(g.only("DepthToSpace").ints.at("blocksize"), Ints{2});
}

TEST(Onnx, EqualModelsMakeEqualFiles) {
  const Model model = load_model(cornu::testing::golden_model("graph_unet"));
  const std::string once = exported(model);
  EXPECT_EQ(once, exported(model));
  EXPECT_EQ(once, exported(load_model(cornu::testing::golden_model("graph_unet"))));
}

TEST(Onnx, ManyInputsAndOutputsKeepTheirOrderAndNames) {
  const Symbol a = Input({.shape = {3}, .name = "a"}), b = Input({.shape = {3}, .name = "b"});
  const Symbol sum = Add({.name = "sum"})({a, b});
  const Graph g = graph_of(Model({{b, a}, {sum, b, sum}}), {.input_shapes = {{2, 3}, {2, 3}}});
  EXPECT_EQ(g.inputs, (std::map<std::string, Ints>{{"a", {2, 3}}, {"b", {2, 3}}}));
  EXPECT_EQ(g.outputs,
            (std::map<std::string, Ints>{{"sum", {2, 3}}, {"b_1", {2, 3}}, {"sum_1", {2, 3}}}));
}

std::string refusal(const Model& model, const std::string& path, const OnnxOptions& o = {}) {
  try {
    export_onnx(model, path, o);
  } catch (const ValueError& e) {
    EXPECT_FALSE(base::file_exists(path));
    return e.what();
  }
  return "nothing";
}

TEST(Onnx, RefusesByName) {
  const Folder folder;
  const std::string path = folder.path("m.onnx");
  const Symbol x = Input({.shape = {8, 8, 3}}), any = Input({.shape = {None, None, 3}});
  const Model odd({{x}, {Activation({.activation = "sparsemax", .name = "odd"})(x)}});
  EXPECT_EQ(refusal(odd, path), "export_onnx: layer 'odd': ONNX cannot say 'sparsemax'");
  const Model lanczos(
      {{x}, {Resizing({.height = 5, .width = 5, .interpolation = "lanczos3", .name = "r"})(x)}});
  EXPECT_THAT(refusal(lanczos, path), HasSubstr("layer 'r': ONNX cannot say 'resize lanczos3'"));
  const Model open({{any}, {ReLU()(any)}});
  EXPECT_THAT(refusal(open, path), HasSubstr("export_onnx() needs input shapes without None"));
  EXPECT_EQ(refusal(open, path, {.input_shapes = {{1, 4, 4, 3}}}), "nothing");
  EXPECT_EQ(refusal(odd, folder.path("m.pb")),
            "export_onnx: the filename must end in '.onnx'. Received: filepath=" +
                base::quoted(folder.path("m.pb")));
  EXPECT_THROW(export_onnx(open, "/nowhere/m.onnx", {.input_shapes = {{1, 4, 4, 3}}}), IoError);
}

// Every layer's golden case has an ONNX graph, or a refusal that names the reason.
TEST(Onnx, GoldenCases) {
  int refused = 0;
  for (const std::string& name : cornu::testing::golden_names()) {
    SCOPED_TRACE(name);
    const Model model = load_model(cornu::testing::golden_model(name));
    const OnnxOptions o{.input_shapes = cornu::testing::golden_case(name).input_shapes()};
    try {
      graph_of(model, o);
    } catch (const ValueError& e) {
      EXPECT_THAT(e.what(), HasSubstr("ONNX cannot say"));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace cornu::formats
