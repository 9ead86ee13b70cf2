// Every golden case, from its .keras file, through the interpreter and through the plan, on one and
// two threads, in both precisions.

#include <gtest/gtest.h>

#include <set>

#include "cornu/exec/interpreter.h"
#include "tests/golden/golden_case.h"
#include "tests/support/compare.h"

namespace cornu {
namespace {

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

class Golden : public ::testing::TestWithParam<std::string> {
 protected:
  ~Golden() override { set_num_threads(0); }
};

void expect_close(const std::vector<Tensor>& got, const testing::GoldenCase& c, double tolerance,
                  bool bits) {
  ASSERT_EQ(got.size(), c.outputs.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].shape(), c.outputs[i].shape());
    EXPECT_LE(testing::max_error(got[i], c.outputs[i]), tolerance);
    EXPECT_TRUE(!bits || testing::bit_equal(got[i], c.outputs[i]));
  }
}

TEST_P(Golden, Interpreter) {
  const Model model = load_model(testing::golden_model(GetParam()));
  const testing::GoldenCase c = testing::golden_case(GetParam());
  const graph::Graph g = model.trace(c.input_shapes());
  ASSERT_NO_THROW(graph::verify(g));
  std::vector<Tensor> got;
  const auto results = exec::interpret<float>(g, c.inputs);
  for (size_t i = 0; i < results.size(); ++i)
    got.emplace_back(g[g.outputs[i]].shape, std::span<const float>(results[i]));
  expect_close(got, c, 2e-5, only_moves(model));
}

TEST_P(Golden, Plan) {
  const LoadResult loaded = load(testing::golden_model(GetParam()));
  EXPECT_TRUE(loaded.warnings.empty());
  const testing::GoldenCase c = testing::golden_case(GetParam());
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

// The graphs also come as HDF5.
TEST(GoldenH5, Graphs) {
  int files = 0;
  for (const std::string& name : testing::golden_names()) {
    const std::string path = testing::kGoldenFolder + "cases/" + name + ".h5";
    if (!base::file_exists(path)) continue;
    const LoadResult loaded = load(path);
    EXPECT_TRUE(loaded.warnings.empty());
    const testing::GoldenCase c = testing::golden_case(name);
    expect_close(loaded.model.predict(c.inputs, {.precision = "strict"}), c, 2e-5,
                 only_moves(loaded.model));
    ++files;
  }
  EXPECT_EQ(files, 6);
}

INSTANTIATE_TEST_SUITE_P(Keras, Golden, ::testing::ValuesIn(testing::golden_names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoldenCases, AreAllThere) { EXPECT_EQ(testing::golden_names().size(), 201u); }

}  // namespace
}  // namespace cornu
