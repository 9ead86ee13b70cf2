// Every golden case, from its .keras file, through the interpreter and through the plan, on one and
// two threads, in both precisions.

#include <gtest/gtest.h>

#include <set>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/exec/interpreter.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

const std::string kFolder = CORNU_SOURCE_DIR "/tests/golden/";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const base::Bytes bytes = base::read_file(kFolder + "manifest.json");
  const base::Json manifest = base::parse_json(bytes.text(), "manifest.json");
  for (const base::Json& c : manifest.elements()) names.emplace_back(c.at("name").as_string());
  return names;
}

// Layers that only move numbers, whose results must be the same bits.
bool only_moves(const Model& model) {
  static const std::set<std::string> kMoving = {"InputLayer",
                                                "Cropping1D",
                                                "Cropping2D",
                                                "Cropping3D",
                                                "ZeroPadding1D",
                                                "ZeroPadding2D",
                                                "ZeroPadding3D",
                                                "UpSampling1D",
                                                "UpSampling2D",
                                                "UpSampling3D",
                                                "Reshape",
                                                "Flatten",
                                                "Permute",
                                                "Concatenate",
                                                "MaxPooling1D",
                                                "MaxPooling2D",
                                                "MaxPooling3D",
                                                "GlobalMaxPooling1D",
                                                "GlobalMaxPooling2D",
                                                "GlobalMaxPooling3D",
                                                "RepeatVector",
                                                "Maximum",
                                                "Minimum"};
  for (const Layer& layer : model.layers()) {
    if (!kMoving.contains(layer.class_name())) return false;
    const auto interpolation = layer.impl()->config().find("interpolation");
    if (interpolation && interpolation->as_string() != "nearest") return false;
  }
  return true;
}

struct Case {
  std::vector<Tensor> inputs, outputs;
};

Case read_case(const std::string& name) {
  Case c;
  for (auto& [key, tensor] : load_npz(kFolder + "cases/" + name + ".npz")) {
    if (key.starts_with("input_")) c.inputs.push_back(std::move(tensor));
    if (key.starts_with("output_")) c.outputs.push_back(std::move(tensor));
  }
  return c;
}

class Golden : public ::testing::TestWithParam<std::string> {
 protected:
  ~Golden() override { set_num_threads(0); }
};

void expect_close(const std::vector<Tensor>& got, const Case& c, double tolerance, bool bits) {
  ASSERT_EQ(got.size(), c.outputs.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].shape(), c.outputs[i].shape());
    EXPECT_LE(testing::max_error(got[i], c.outputs[i]), tolerance);
    EXPECT_TRUE(!bits || testing::bit_equal(got[i], c.outputs[i]));
  }
}

TEST_P(Golden, Interpreter) {
  const Model model = load_model(kFolder + "cases/" + GetParam() + ".keras");
  const Case c = read_case(GetParam());
  std::vector<Shape> shapes;
  for (const Tensor& x : c.inputs) shapes.push_back(x.shape());
  const graph::Graph g = model.trace(shapes);
  ASSERT_NO_THROW(graph::verify(g));
  std::vector<Tensor> got;
  const auto results = exec::interpret<float>(g, c.inputs);
  for (size_t i = 0; i < results.size(); ++i)
    got.emplace_back(g[g.outputs[i]].shape, std::span<const float>(results[i]));
  expect_close(got, c, 2e-5, only_moves(model));
}

TEST_P(Golden, Plan) {
  const LoadResult loaded = load(kFolder + "cases/" + GetParam() + ".keras");
  EXPECT_TRUE(loaded.warnings.empty());
  const Case c = read_case(GetParam());
  const bool bits = only_moves(loaded.model);
  for (const char* precision : {"strict", "fast"}) {
    const double tolerance = std::string(precision) == "strict" ? 2e-5 : 5e-5;
    set_num_threads(1);
    const auto one = loaded.model.predict(c.inputs, {.precision = precision});
    expect_close(one, c, tolerance, bits);
    // A copy of the model has plans of its own, and so the new threads.
    set_num_threads(2);
    const auto two = Model(loaded.model.network()).predict(c.inputs, {.precision = precision});
    ASSERT_EQ(one.size(), two.size());
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(testing::bit_equal(one[i], two[i]));
    // Results do not depend on how the batch is cut.
    const auto single = loaded.model.predict(c.inputs, {.batch_size = 1, .precision = precision});
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(testing::bit_equal(one[i], single[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(Keras, Golden, ::testing::ValuesIn(case_names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoldenCases, AreAllThere) { EXPECT_EQ(case_names().size(), 201u); }

}  // namespace
}  // namespace cornu
