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
  const testing::Outcome r =
      testing::run_outside(cat("node ", CORNU_SOURCE_DIR, "/tests/formats_check/run_tfjs.mjs ",
                               modules, " ", folder.path("")));
  EXPECT_EQ(r.status, 0) << r.output;
  EXPECT_NE(r.output.find(cat(count, " models, 0 complaints")), std::string::npos) << r.output;
}

}  // namespace
}  // namespace cornu
