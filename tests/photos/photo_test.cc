// The enlargers' authors ship a photo and what their models made of it: load_image, load, predict
// and encode_png together must make the same. Models: scripts/fetch-models.sh, as in tests/oracle.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <ostream>

#include "cornu/cornu.h"
#include "cornu/image/image.h"
#include "examples/esrgan_layers.h"
#include "tests/support/models.h"

namespace cornu {
namespace {

struct Case {
  const char *name, *package, *model, *result;
  float divide = 1;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Photo : public ::testing::TestWithParam<Case> {};

TEST_P(Photo, IsEnlargedAsTheAuthorsDid) {
  const Case& c = GetParam();
  const std::string package = testing::models_folder() + "/" + c.package;
  if (!std::filesystem::exists(package)) GTEST_SKIP() << "no models at " << package;
  esrgan::register_layers();
  Tensor photo = load_image(package + "/assets/fixture.png", {.channels = 3});
  for (float& v : photo.values()) v /= c.divide;
  const Shape& s = photo.shape();
  Tensor large = load_model(package + c.model).predict(photo.reshaped(Shape{1, s[0], s[1], s[2]}));
  for (float& v : large.values()) v *= c.divide;
  const Tensor ours = decode_image(encode_png(large));
  const Tensor theirs = load_image(package + c.result, {.channels = 3});
  ASSERT_EQ(ours.shape(), theirs.shape());
  int64_t different = 0;
  for (int64_t i = 0; i < ours.size(); ++i) {
    const float difference = std::fabs(ours.data()[i] - theirs.data()[i]);
    ASSERT_LE(difference, 1) << "at " << i;
    different += difference > 0;
  }
  // A number that lies at a half may round either way; hardly any does.
  EXPECT_LE(different, ours.size() / 1000);
}

INSTANTIATE_TEST_SUITE_P(
    Models, Photo,
    ::testing::Values(Case{"slim_x2", "default-model", "/models/model.json",
                           "/assets/samples/2x/result.png"},
                      Case{"medium_x3", "esrgan-medium", "/models/x3/model.json",
                           "/assets/samples/3x/result.png"},
                      Case{"medium_x4", "esrgan-medium", "/models/x4/model.json",
                           "/assets/samples/4x/result.png"},
                      Case{"thick_x4", "esrgan-thick", "/models/x4/model.json",
                           "/assets/samples/4x/result.png", 255}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace cornu
