#include "cornu/formats/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"
#include "tests/support/compare.h"

namespace cornu::formats {
namespace {

using ::cornu::testing::bit_equal;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing_model;

// The model's archive without what Keras 3.0 to 3.14 left out.
std::string without_padding(const Model& model, const Folder& folder) {
  model.save(folder.path("whole.keras"));
  std::string config = read_member(folder.path("whole.keras"), "config.json").value();
  const std::string key = "\"output_padding\": ";
  for (size_t at = 0; (at = config.find(key, at)) != std::string::npos;) {
    at += key.size();
    config.replace(at, config.find(']', at) + 1 - at, "null");
  }
  return folder.write(
      "lost.keras",
      keras_archive(config, read_member(folder.path("whole.keras"), "model.weights.h5").value()));
}

void expect_mended(const Model& model, const Tensor& x, size_t findings) {
  const Folder folder;
  const std::string path = without_padding(model, folder);
  const Diagnosis d = diagnose(path);
  EXPECT_EQ(d.error, "");
  EXPECT_EQ(d.kind, "a .keras archive");
  EXPECT_EQ(d.keras_version, "3.8.0");
  ASSERT_EQ(d.findings.size(), findings);
  EXPECT_THAT(d.findings[0], HasSubstr("`output_padding` was lost"));
  ASSERT_TRUE(d.model);
  EXPECT_TRUE(bit_equal(d.model->predict(x), model.predict(x)));
  d.model->save(folder.path("mended.keras"));
  EXPECT_THAT(diagnose(folder.path("mended.keras")).findings, IsEmpty());
  EXPECT_TRUE(bit_equal(load_model(folder.path("mended.keras")).predict(x), model.predict(x)));
}

TEST(Doctor, FindsLostOutputPadding) {
  const Symbol x = Input({.shape = {5, 6, 2}});
  const Symbol y = Conv2DTranspose(
      {.filters = 3, .kernel_size = 3, .strides = 2, .padding = "same", .output_padding = 0})(x);
  const Tensor image = Tensor::full({1, 5, 6, 2}, 0.5f);
  expect_mended(Model({.inputs = x, .outputs = {Conv2D({.filters = 1, .kernel_size = 2})(y)}}),
                image, 1);
  expect_mended(
      Sequential(
          {Input({.shape = {5, 6, 2}}),
           Conv2DTranspose(
               {.filters = 3, .kernel_size = {2, 3}, .strides = {2, 3}, .output_padding = {1, 2}}),
           Conv2D({.filters = 1, .kernel_size = 2})}),
      image, 1);
  // In a nested model.
  const Sequential inner(
      {Input({.shape = {4, 2}}),
       Conv1DTranspose(
           {.filters = 2, .kernel_size = 3, .strides = 3, .padding = "same", .output_padding = 1}),
       Conv1D({.filters = 1, .kernel_size = 1})});
  expect_mended(Sequential({Input({.shape = {4, 2}}), inner}), Tensor::full({1, 4, 2}, 0.5f), 1);
}

// Shapes that no padding explains, or the default does, change nothing.
TEST(Doctor, LeavesTheRest) {
  const Folder folder;
  const Sequential plain({Input({.shape = {5, 2}}),
                          Conv1DTranspose({.filters = 3, .kernel_size = 3, .strides = 2}),
                          Conv1D({.filters = 1, .kernel_size = 2})});
  EXPECT_THAT(diagnose(without_padding(plain, folder)).findings, IsEmpty());
}

TEST(Doctor, TellsWhatAFileIs) {
  const Folder folder;
  const Sequential model({Input({.shape = {4}}), Dense({.units = 3, .name = "a"})});
  model.save(folder.path("m.keras"));
  model.save(folder.path("m.h5"));
  model.save_weights(folder.path("m.weights.h5"));
  export_tfjs(model, folder.path("model.json"));
  const auto kind = [&](const std::string& name) { return diagnose(folder.path(name)).kind; };
  EXPECT_EQ(kind("m.keras"), "a .keras archive");
  EXPECT_EQ(kind("m.h5"), "a whole model in HDF5");
  EXPECT_EQ(kind("m.weights.h5"), "weights in HDF5, as Keras 3 keeps them");
  EXPECT_EQ(kind("model.json"), "a TensorFlow.js model");
  folder.write("config.json", model.to_json());
  EXPECT_EQ(kind("config.json"), "the configuration of a model");
  folder.write("text", "hello");
  EXPECT_EQ(kind("text"), "no file of Keras");
  folder.write("cut.h5", "\x89HDF\r\n\x1a\n");
  EXPECT_EQ(kind("cut.h5"), "a damaged file");
  EXPECT_THROW(diagnose(folder.path("none")), IoError);
  for (const char* good : {"m.keras", "m.h5", "model.json"}) {
    const Diagnosis d = diagnose(folder.path(good));
    EXPECT_THAT(d.findings, IsEmpty()) << good;
    EXPECT_TRUE(d.model) << good;
  }
  EXPECT_THAT(diagnose(folder.path("m.weights.h5")).error, HasSubstr("holds no model"));
  std::filesystem::rename(folder.path("m.h5"), folder.path("old.keras"));
  const Diagnosis renamed = diagnose(folder.path("old.keras"));
  ASSERT_EQ(renamed.findings.size(), 1u);
  EXPECT_EQ(renamed.findings[0], "its name should end in '.h5'");
  EXPECT_TRUE(renamed.model);
}

TEST(Doctor, TellsOfOldMeanings) {
  const Folder folder;
  const auto sequential_of = [&](const std::string& layers) {
    return folder.write("m.json",
                        json(cat("{'class_name': 'Sequential', 'keras_version': '2.3.1', ",
                                 "'config': {'name': 's', 'layers': [", layers, "]}}")));
  };
  const Diagnosis sigmoid = diagnose(sequential_of(
      layer("Activation", "h", "'activation': 'hard_sigmoid', 'batch_input_shape': [null, 1]")));
  ASSERT_EQ(sigmoid.findings.size(), 2u);  // and that there are no weights
  EXPECT_THAT(sigmoid.findings[1], HasSubstr("hard_sigmoid is Keras 2's"));
  const Diagnosis groups = diagnose(sequential_of(
      layer("DepthwiseConv2D", "d",
            "'kernel_size': [1, 1], 'groups': 1, 'batch_input_shape': [null, 2, 2, 1]")));
  ASSERT_EQ(groups.findings.size(), 2u);
  EXPECT_THAT(groups.findings[0], HasSubstr("Keras 3 refuses the file"));
  const Diagnosis lambda = diagnose(sequential_of(layer("Lambda", "l", "")));
  EXPECT_FALSE(lambda.model);
  EXPECT_THAT(lambda.error, HasSubstr("Lambda"));
}

}  // namespace
}  // namespace cornu::formats
