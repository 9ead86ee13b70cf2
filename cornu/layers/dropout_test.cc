#include "cornu/layers/dropout.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

TEST(Dropout, GivesWhatItTakesAtInference) {
  const Tensor x = random_tensor({2, 3, 4}, 1), image = random_tensor({2, 3, 4, 5}, 2),
               volume = random_tensor({2, 3, 4, 5, 2}, 3);
  EXPECT_TRUE(bit_equal(run_layer(Dropout({.rate = 0.5}), x), x));
  EXPECT_TRUE(bit_equal(run_layer(SpatialDropout1D({.rate = 0.5}), x), x));
  EXPECT_TRUE(bit_equal(run_layer(SpatialDropout2D({.rate = 0.5}), image), image));
  EXPECT_TRUE(bit_equal(run_layer(SpatialDropout3D({.rate = 0.5}), volume), volume));
  EXPECT_TRUE(bit_equal(run_layer(GaussianDropout({.rate = 0.5}), x), x));
  EXPECT_TRUE(bit_equal(run_layer(AlphaDropout({.rate = 0.5}), x), x));
  EXPECT_TRUE(bit_equal(run_layer(GaussianNoise({.stddev = 0.5}), x), x));
  EXPECT_TRUE(bit_equal(run_layer(ActivityRegularization({.l2 = 0.5}), x), x));
}

TEST(Dropout, Contract) {
  const LayerCheck any = {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}};
  check_layer(Dropout({.rate = 0.25, .noise_shape = Shape{None, 1, 3}, .seed = 7}), any);
  check_layer(SpatialDropout1D({.rate = 0.25}), any);
  check_layer(SpatialDropout2D({.rate = 0.25}),
              {.inputs = {{None, 4, 5, 3}}, .outputs = {{None, 4, 5, 3}}});
  check_layer(SpatialDropout3D({.rate = 0.25}),
              {.inputs = {{None, 4, 5, 6, 3}}, .outputs = {{None, 4, 5, 6, 3}}});
  check_layer(GaussianDropout({.rate = 1}), any);
  check_layer(AlphaDropout({.rate = 0}), any);
  check_layer(GaussianNoise({.stddev = 0.1}), any);
  check_layer(ActivityRegularization({.l1 = 0.1}), any);
}

TEST(Dropout, Config) {
  EXPECT_EQ(Dropout({.rate = 0.5}).impl()->config().dump(),
            R"({"rate": 0.5, "seed": null, "noise_shape": null})");
  EXPECT_EQ(
      Dropout({.rate = 0.5, .noise_shape = Shape{None, 1}, .seed = 3}).impl()->config().dump(),
      R"({"rate": 0.5, "seed": 3, "noise_shape": [null, 1]})");
  EXPECT_EQ(config_keys(AlphaDropout({.rate = 0.5})), "rate seed noise_shape");
  EXPECT_EQ(config_keys(SpatialDropout1D({.rate = 0.5})), "rate seed");
  EXPECT_EQ(config_keys(SpatialDropout2D({.rate = 0.5})), "rate seed data_format");
  EXPECT_EQ(config_keys(GaussianDropout({.rate = 0.5})), "rate seed");
  EXPECT_EQ(config_keys(GaussianNoise({.stddev = 0.5})), "stddev seed");
  EXPECT_EQ(config_keys(ActivityRegularization()), "l1 l2");
}

TEST(Dropout, Errors) {
  EXPECT_ERROR(ValueError, Dropout({.rate = 1.5}), "`rate` must be in [0, 1]. Received: rate=1.5");
  EXPECT_ERROR(ValueError, AlphaDropout({.rate = -0.1}), "rate=-0.1");
  EXPECT_ERROR(ValueError, SpatialDropout1D({.rate = NAN}), "`rate` must be in [0, 1]");
  EXPECT_ERROR(ValueError, SpatialDropout2D({.rate = 2}), "rate=2.0");
  EXPECT_ERROR(ValueError, SpatialDropout3D({.data_format = "NDHWC"}), "`data_format`");
  EXPECT_ERROR(ValueError, GaussianDropout({.rate = 2}), "rate=2.0");
  EXPECT_ERROR(ValueError, GaussianNoise({.stddev = 2}), "`stddev` must be in [0, 1]");
  EXPECT_ERROR(ValueError, ActivityRegularization({.l1 = -1}), "`l1` must be zero or positive");
  EXPECT_ERROR(ValueError, SpatialDropout1D({.rate = 0.5})(symbol({None, 3})), "expected ndim=3");
  EXPECT_ERROR(ValueError, SpatialDropout2D({.rate = 0.5})(symbol({None, 3})), "expected ndim=4");
  const base::Json old = base::parse_json(R"({"stddev": 2.0})", "test");
  EXPECT_NO_THROW(layers::layer_from_config("GaussianNoise", old, {}));
}

}  // namespace
}  // namespace cornu::testing
