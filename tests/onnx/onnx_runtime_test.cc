// What export_onnx() writes, in the hands of others: ONNX Runtime must compute the same numbers,
// and ONNX's own checker accept it. Skipped where these are not installed:
// scripts/fetch-node-packages.sh, Debian's python3-onnx.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "tests/golden/golden_case.h"
#include "tests/support/compare.h"
#include "tests/support/outside.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;
using formats::testing_model::Folder;
using testing::node_modules;

bool succeeds(const std::string& command) { return std::system(command.c_str()) == 0; }

struct Case {
  std::string name;
  Model model;
  std::vector<Tensor> inputs, outputs;
};

std::vector<Case> golden_cases() {
  std::vector<Case> cases;
  for (const std::string& name : testing::golden_names()) {
    const testing::GoldenCase c = testing::golden_case(name);
    cases.push_back({name, load_model(testing::golden_model(name)), c.inputs, c.outputs});
  }
  return cases;
}

Case of(const std::string& name, const Model& model, const Shape& input) {
  const Tensor x = testing::random_tensor(input, 1, -3, 3);
  return {name, model, {x}, {model.predict(x, {.precision = "strict"})}};
}
Case of(const std::string& name, Layer layer, const Shape& input) {
  const Symbol x = Input({.shape = Shape(std::vector<int64_t>(input.begin() + 1, input.end()))});
  return of(name, Model({{x}, {layer(x)}}), input);
}

// What no golden case has.
std::vector<Case> other_cases() {
  std::vector<Case> cases;
  for (const char* name : {"nearest", "bilinear", "bicubic"}) {
    cases.push_back(of(cat("resizing ", name, " down"),
                       Resizing({.height = 5, .width = 4, .interpolation = name}), {2, 7, 9, 3}));
    cases.push_back(of(cat("resizing ", name, " up"),
                       Resizing({.height = 11, .width = 13, .interpolation = name}), {2, 7, 9, 3}));
  }
  cases.push_back(
      of("legacy bilinear",
         UpSampling2D({.size = 2, .interpolation = "bilinear", .legacy_bilinear = true}),
         {1, 3, 4, 2}));
  cases.push_back(of("layer normalization", LayerNormalization(), {2, 5, 6, 4}));
  cases.push_back(of("group normalization", GroupNormalization({.groups = 2}), {2, 5, 6, 4}));
  cases.push_back(
      of("average pooling", AveragePooling2D({.pool_size = 3, .padding = "same"}), {1, 5, 6, 4}));
  return cases;
}

std::string bytes_of(const Tensor& t) {
  return {reinterpret_cast<const char*>(t.data()), t.values().size_bytes()};
}

Tensor read(const std::string& path, const Shape& shape) {
  const std::string bytes = base::read_file(path).text();
  Tensor t(shape);
  EXPECT_EQ(bytes.size(), t.values().size_bytes()) << path;
  if (bytes.size() == t.values().size_bytes()) std::memcpy(t.data(), bytes.data(), bytes.size());
  return t;
}

// Exports them; the manifest of run_onnx.mjs.
Json prepare(const std::vector<Case>& cases, const Folder& folder) {
  std::vector<Json> list;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const std::string path = folder.path(cat(i, ".onnx"));
    std::vector<Json> inputs, outputs;
    OnnxOptions o;
    for (size_t k = 0; k < c.inputs.size(); ++k) {
      const Shape& shape = c.inputs[k].shape();
      const std::string file = folder.write(cat(i, ".in", k), bytes_of(c.inputs[k]));
      inputs.push_back(
          Json::object({{"shape", Json::list(std::vector<int64_t>(shape.begin(), shape.end()))},
                        {"file", file}}));
      o.input_shapes.push_back(shape);
    }
    export_onnx(c.model, path, o);
    for (size_t k = 0; k < c.outputs.size(); ++k)
      outputs.emplace_back(folder.path(cat(i, ".out", k)));
    list.push_back(Json::object(
        {{"model", path}, {"inputs", Json::array(inputs)}, {"outputs", Json::array(outputs)}}));
  }
  return Json::array(list);
}

void expect_same_in_runtime(const std::vector<Case>& cases, const char* optimization) {
  if (!succeeds(cat("cd '", node_modules(),
                    "/onnxruntime-node' 2>/dev/null && node --version >/dev/null")))
    GTEST_SKIP() << "no onnxruntime-node in " << node_modules()
                 << ": scripts/fetch-node-packages.sh";
  const Folder folder;
  folder.write("all.json", prepare(cases, folder).dump());
  ASSERT_TRUE(
      succeeds(cat("node '", CORNU_SOURCE_DIR, "/tests/onnx/run_onnx.mjs' '", node_modules(), "' ",
                   optimization, " '", folder.path("all.json"), "'")));
  for (size_t i = 0; i < cases.size(); ++i)
    for (size_t k = 0; k < cases[i].outputs.size(); ++k) {
      const Tensor& want = cases[i].outputs[k];
      const Tensor got = read(folder.path(cat(i, ".out", k)), want.shape());
      EXPECT_LE(testing::max_error(got, want), 1e-5) << cases[i].name;
    }
}

TEST(OnnxRuntime, ComputesTheGoldenCases) { expect_same_in_runtime(golden_cases(), "all"); }
// Its optimizer moves Transposes past a bicubic Resize that it then cannot run.
TEST(OnnxRuntime, ComputesWhatNoGoldenCaseHas) {
  expect_same_in_runtime(other_cases(), "disabled");
}

TEST(OnnxChecker, AcceptsTheGoldenCases) {
  const std::string python =
      succeeds("python3 -c 'import onnx' 2>/dev/null") ? "python3" : "/usr/bin/python3";
  if (!succeeds(python + " -c 'import onnx' 2>/dev/null")) GTEST_SKIP() << "no python3-onnx";
  const Folder folder;
  std::vector<Case> cases = golden_cases();
  for (Case& c : other_cases()) cases.push_back(std::move(c));
  prepare(cases, folder);
  std::string command = cat(python, " '", CORNU_SOURCE_DIR, "/tests/onnx/check_onnx.py'");
  for (size_t i = 0; i < cases.size(); ++i) command += cat(" '", folder.path(cat(i, ".onnx")), "'");
  EXPECT_TRUE(succeeds(command));
}

}  // namespace
}  // namespace cornu
