// Random models of 1 to 20 layers through every format and back: equal bits, and equal
// configurations where the format keeps them. Names are what people and machines make of names.
// CORNU_MODELS_DRAWN says how many models there are.

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "tests/support/conversions.h"
#include "tests/support/random_model.h"
#include "tests/support/written.h"

namespace cornu::formats {
namespace {

using ::cornu::testing::conversions;
using ::cornu::testing::expect_close;
using ::cornu::testing::expect_same;
using ::cornu::testing::expect_same_numbers;
using ::cornu::testing::expect_same_numbers_somewhere;
using ::cornu::testing::random_model;
using ::cornu::testing::some_inputs;
using testing_model::Folder;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kMany = 1000;
#else
constexpr int kMany = 5000;
#endif

uint64_t drawn() {
  const char* asked = std::getenv("CORNU_MODELS_DRAWN");
  return asked ? std::stoull(asked) : 150;
}

// Through one format and back: what returns makes the same archive.
Model expect_round_trip(const ::cornu::testing::Conversion& c, const Model& model,
                        const std::string& archive) {
  SCOPED_TRACE(c.format);
  const Folder folder;
  const LoadResult back = c.through(model, folder.path(""));
  EXPECT_TRUE(back.warnings.empty()) << back.warnings[0];
  expect_same_numbers(back.model, model);
  EXPECT_TRUE(keras_archive(back.model).text() == archive);
  return back.model;
}

// Through all of them; what comes back from format `predicts` computes the same, as then the others
// do, whose archives are equal. Is it a model that TensorFlow.js can express?
bool expect_round_trips(const Model& model, std::optional<size_t> predicts) {
  const std::string archive = keras_archive(model).text();
  const auto formats = conversions();
  for (size_t i = 0; i < formats.size(); ++i) {
    const Model back = expect_round_trip(formats[i], model, archive);
    if (i != predicts) continue;
    const std::vector<Tensor> x = some_inputs(model);
    expect_same(back.predict(x), model.predict(x));
  }
  const Folder folder;
  try {
    const Model back = ::cornu::testing::through_tfjs(model, folder.path("")).model;
    expect_same_numbers_somewhere(back, model);
    const std::vector<Tensor> x = some_inputs(model);
    if (predicts) expect_close(back.predict(x), model.predict(x));
    return true;
  } catch (const ValueError&) {  // tfjs_writer_test.cc has what TensorFlow.js lacks
    return false;
  }
}

TEST(RoundTrip, RandomModels) {
  uint64_t expressed = 0;
  for (uint64_t seed = 0; seed < drawn(); ++seed) {
    SCOPED_TRACE(seed);
    expressed += expect_round_trips(random_model(seed), seed % conversions().size());
  }
  EXPECT_GT(expressed * 20, drawn());
}

TEST(RoundTrip, ManyLayers) {
  std::vector<Layer> layers = {Input({.shape = {1}})};
  for (int i = 0; i < kMany; ++i) layers.push_back(Dense({.units = 1, .name = base::cat("d", i)}));
  EXPECT_TRUE(expect_round_trips(Sequential(layers), {}));
}

}  // namespace
}  // namespace cornu::formats
