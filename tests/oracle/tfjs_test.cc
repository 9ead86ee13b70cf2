// Real trained models against what TensorFlow.js answers (README.md here). The models are not part
// of the sources: without them (scripts/fetch-models.sh) these tests are skipped, and say so.

#include <gtest/gtest.h>

#include <filesystem>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "examples/esrgan_layers.h"
#include "tests/support/compare.h"
#include "tests/support/models.h"

namespace cornu {
namespace {

const std::string kFolder = CORNU_SOURCE_DIR "/tests/oracle/";

struct Answer {
  std::string package, model, output;
  int64_t height = 0, width = 0, divide = 1;
};

std::vector<Answer> answers() {
  std::vector<Answer> all;
  const base::Json manifest =
      base::parse_json(base::read_file(kFolder + "manifest.json").text(), "manifest.json");
  for (const base::Json& a : manifest.at("answers").elements())
    all.push_back({std::string(a.at("package").as_string()), std::string(a.at("model").as_string()),
                   std::string(a.at("output").as_string()), a.at("height").as_int(),
                   a.at("width").as_int(), a.at("divide").as_int()});
  return all;
}

// The formula of README.md.
Tensor picture(int64_t height, int64_t width, int64_t divide) {
  Tensor t({1, height, width, 3});
  float* out = t.data();
  for (uint32_t y = 0; y < height; ++y)
    for (uint32_t x = 0; x < width; ++x)
      for (uint32_t c = 0; c < 3; ++c) {
        const uint32_t i = (y * static_cast<uint32_t>(width) + x) * 3 + c;
        uint32_t h = (i + 1) * 2654435761u;
        h = (h ^ h >> 15) * 2246822519u;
        h = (h ^ h >> 13) * 3266489917u;
        const uint32_t value = (7 * x + 11 * y + 60 * c + ((h ^ h >> 16) & 31)) & 255;
        *out++ = static_cast<float>(value) / static_cast<float>(divide);
      }
  return t;
}

class Tfjs : public ::testing::TestWithParam<Answer> {};

TEST_P(Tfjs, GivesTheSameAnswer) {
  const Answer& a = GetParam();
  const std::string path = testing::models_folder() + "/" + a.package + "/" + a.model;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no model at " << path;
  esrgan::register_layers();
  const LoadResult loaded = load(path);
  EXPECT_TRUE(loaded.warnings.empty());
  const Tensor expected = load_npy(kFolder + a.output);
  const Tensor x = picture(a.height, a.width, a.divide);
  for (const char* precision : {"fast", "strict"}) {
    const Tensor y = loaded.model.predict(x, {.precision = precision});
    ASSERT_EQ(y.shape(), expected.shape());
    EXPECT_LE(testing::max_error(y, expected), 1e-3);
    // The bar above is the promise; this is what to expect (README.md): 1e-5 of the largest number.
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < y.size(); ++i) {
      const double e = expected.data()[i], difference = std::fabs(y.data()[i] - e);
      largest = std::fmax(largest, std::fabs(e));
      worst = std::fmax(worst, difference);
    }
    EXPECT_LE(worst, 1e-5 * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Tfjs, ::testing::ValuesIn(answers()), [](const auto& parameter) {
  std::string name = parameter.param.output;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace cornu
