// What we write for TensorFlow.js, loaded and run by TensorFlow.js itself (run_tfjs.mjs). Skipped
// where there is none (scripts/fetch-node-packages.sh).

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/tfjs_writer.h"
#include "tests/support/outside.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;

const std::string kCases = CORNU_SOURCE_DIR "/tests/golden/cases/";

Json tensors_json(const std::vector<Tensor>& tensors) {
  std::vector<Json> list;
  for (const Tensor& t : tensors)
    list.push_back(
        Json::object({{"shape", Json::list(t.shape())}, {"values", Json::list(t.values())}}));
  return Json::array(list);
}

// In a folder of its own, with what we answer.
void write_case(const Model& model, const std::vector<Tensor>& inputs, const std::string& folder) {
  std::filesystem::create_directory(folder);
  export_tfjs(model, folder + "/model.json");
  const Json answers =
      Json::object({{"inputs", tensors_json(inputs)},
                    {"outputs", tensors_json(model.predict(inputs, {.precision = "strict"}))}});
  std::FILE* file = std::fopen((folder + "/case.json").c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(answers.dump().c_str(), file);
  std::fclose(file);
}

// Layers that are written as others with Reshapes to a size of -1, which TensorFlow.js takes for
// unknown as it does null: alone, and beside a tensor whose length is unknown there otherwise.
std::vector<Model> of_unknown_length() {
  const Symbol x = Input({.shape = {None, 4}});
  const Symbol causal = Conv1D({.filters = 4, .kernel_size = 3, .padding = "causal"})(x);
  const Symbol up = Conv1DTranspose({.filters = 4, .kernel_size = 2, .strides = 2})(causal);
  const Symbol other = MaxPooling1D({.pool_size = 2})(UpSampling1D({.size = 2})(x));
  const Symbol both =
      Concatenate()({DepthwiseConv1D({.kernel_size = 3, .padding = "same"})(other), x, causal});
  return {
      Model(Sequential({Input({.shape = {None, 4}}), ZeroPadding1D({.padding = {1, 2}}),
                        SeparableConv1D({.filters = 3, .kernel_size = 2, .strides = 2}),
                        Conv1D({.filters = 2, .kernel_size = 2}),
                        GlobalAveragePooling1D({.keepdims = true})})),
      Model({.inputs = {x}, .outputs = {up, both, GlobalMaxPooling1D({.keepdims = true})(both)}})};
}

TEST(TfjsFiles, TensorFlowJsAnswersTheSame) {
  const std::string modules = testing::node_modules();
  if (!std::filesystem::exists(modules + "/@tensorflow/tfjs"))
    GTEST_SKIP() << "no @tensorflow/tfjs in " << modules;
  const formats::testing_model::Folder folder;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    if (entry.path().extension() != ".keras") continue;
    const std::string name = entry.path().stem();
    const Model model = load_model(entry.path());
    std::vector<Tensor> inputs;
    for (const auto& [key, value] : load_npz(kCases + name + ".npz"))
      if (key.starts_with("input_")) inputs.push_back(value);
    if (inputs.empty()) continue;  // training runs
    try {
      formats::tfjs_files(model);
    } catch (const ValueError&) {
      continue;  // the list is in tfjs_writer_test.cc
    }
    write_case(model, inputs, folder.path(name));
    ++count;
  }
  EXPECT_GT(count, 160);
  for (const Model& model : of_unknown_length()) {
    Tensor in(Shape{2, 9, 4});
    for (int64_t i = 0; i < in.size(); ++i) in.data()[i] = static_cast<float>(i % 7) - 3;
    write_case(model, {in}, folder.path(cat("unknown_length_", count)));
    ++count;
  }
  const testing::Outcome r =
      testing::run_outside(cat("node ", CORNU_SOURCE_DIR, "/tests/formats_check/run_tfjs.mjs ",
                               modules, " ", folder.path("")));
  EXPECT_EQ(r.status, 0) << r.output;
  EXPECT_NE(r.output.find(cat(count, " models, 0 complaints")), std::string::npos) << r.output;
}

}  // namespace
}  // namespace cornu
