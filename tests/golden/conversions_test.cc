// Every golden model into each format and back: what comes back gives the .keras archive that the
// model itself gives, byte for byte, so that any way from format to format ends the same, and it
// computes the same bits.

#include "tests/support/conversions.h"

#include <gtest/gtest.h>

#include "cornu/model/network.h"
#include "tests/golden/golden_case.h"
#include "tests/support/written.h"

namespace cornu {
namespace {

using formats::testing_model::Folder;
using testing::expect_same;
using testing::expect_same_numbers;
using testing::expect_same_numbers_somewhere;
using testing::some_inputs;

// The .keras archive; without the optimizer, whose state not every format has.
std::string archive(const Model& model, bool training = true) {
  if (!training) model.network()->loaded_training.reset();
  return formats::keras_archive(model).text();
}

void expect_conversions(const std::vector<testing::Conversion>& conversions, const Model& model,
                        const std::vector<Tensor>& x, const std::vector<Tensor>& y) {
  const std::string bytes = archive(model);
  std::vector<Model> back;
  for (const testing::Conversion& c : conversions) {
    SCOPED_TRACE(c.format);
    const Folder folder;
    const LoadResult loaded = c.through(model, folder.path(""));
    EXPECT_TRUE(loaded.warnings.empty());
    expect_same_numbers(loaded.model, model);
    expect_same(loaded.model.predict(x), y);
    if (c.keeps_training)
      EXPECT_TRUE(archive(loaded.model) == bytes);
    else
      back.push_back(loaded.model);
  }
  const std::string untrained = archive(model, false);
  for (const Model& other : back) EXPECT_TRUE(archive(other, false) == untrained);
}

TEST(Conversions, EveryGoldenModelThroughEveryFormat) {
  for (const std::string& name : testing::golden_models()) {
    SCOPED_TRACE(name);
    const Model golden = load_model(testing::golden_model(name));
    const Folder folder;
    // HDF5 does not say an optimizer's module, which Keras's own archives do.
    const Model model = testing::conversion::as(".h5", golden, folder.path("")).model;
    expect_same_numbers(model, golden);
    const std::vector<Tensor> x = some_inputs(golden), y = golden.predict(x);
    expect_conversions(testing::conversions(), model, x, y);
  }
}

// Which models TensorFlow.js cannot express, tfjs_writer_test.cc says.
TEST(Conversions, FromTfjs) {
  const std::vector<testing::Conversion> all = testing::conversions();
  int count = 0;
  for (const std::string& name : testing::golden_models()) {
    SCOPED_TRACE(name);
    const Model golden = load_model(testing::golden_model(name));
    const Folder tfjs;
    try {
      export_tfjs(golden, tfjs.path("model.json"));
    } catch (const ValueError&) {
      continue;
    }
    ++count;
    const Model model = load_model(tfjs.path("model.json"));
    expect_same_numbers_somewhere(golden, model);
    const std::vector<Tensor> x = some_inputs(golden), y = golden.predict(x);
    expect_conversions({all[0], all[1]}, model, x, y);
  }
  EXPECT_GT(count, 215);
}

}  // namespace
}  // namespace cornu
