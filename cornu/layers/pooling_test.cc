#include "cornu/layers/pooling.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

// On 1..5 along the steps.
Tensor pooled(const Layer& layer, float sign = 1) {
  Tensor x({1, 5, 1});
  for (int i = 0; i < 5; ++i) x.values()[static_cast<size_t>(i)] = sign * static_cast<float>(i + 1);
  const Tensor y = run_layer(layer, x);
  return y.reshaped({y.size()});
}

TEST(Pooling, Values) {  // layers.md 21.5
  const struct {
    PoolingOptions<1> options;
    std::vector<float> max, average;
  } cases[] = {
      {{.pool_size = 2}, {2, 4}, {1.5, 3.5}},
      {{.pool_size = 2, .padding = "same"}, {2, 4, 5}, {1.5, 3.5, 5}},
      {{.pool_size = 3, .strides = 1, .padding = "same"}, {2, 3, 4, 5, 5}, {1.5, 2, 3, 4, 4.5}},
      {{.pool_size = 3, .strides = 2, .padding = "same"}, {2, 4, 5}, {1.5, 3, 4.5}},
      {{.pool_size = 2, .strides = 1, .padding = "same"}, {2, 3, 4, 5, 5}, {1.5, 2.5, 3.5, 4.5, 5}},
      {{.pool_size = 3, .strides = 3, .padding = "same"}, {3, 5}, {2, 4.5}},
  };
  for (const auto& c : cases) {
    const auto count = static_cast<int64_t>(c.max.size());
    EXPECT_TRUE(bit_equal(pooled(MaxPooling1D(c.options)), Tensor({count}, c.max)));
    EXPECT_LT(max_error(pooled(AveragePooling1D(c.options)), Tensor({count}, c.average)), 1e-6);
  }
  EXPECT_TRUE(bit_equal(pooled(MaxPooling1D({.pool_size = 3, .strides = 2, .padding = "same"}), -1),
                        Tensor({3}, {-1, -2, -4})));
}

TEST(Pooling, Contract) {
  check_layer(MaxPooling2D(), {.inputs = {{None, 7, 8, 3}}, .outputs = {{None, 3, 4, 3}}});  // S45
  check_layer(MaxPooling2D({.padding = "SAME"}),
              {.inputs = {{None, 7, 8, 3}}, .outputs = {{None, 4, 4, 3}}});
  check_layer(AveragePooling1D({.pool_size = 3, .strides = 2, .padding = "same"}),
              {.inputs = {{None, 10, 3}}, .outputs = {{None, 5, 3}}});  // S46
  check_layer(MaxPooling3D({.pool_size = {1, 2, 3}}),
              {.inputs = {{None, 4, 5, 6, 2}}, .outputs = {{None, 4, 2, 2, 2}}});  // S47
  check_layer(AveragePooling2D({.pool_size = {2, 3}, .strides = {1, 2}, .padding = "same"}),
              {.inputs = {{None, None, 8, 3}}, .outputs = {{None, None, 4, 3}}});
  check_layer(AveragePooling3D({.data_format = "channels_first"}),
              {.inputs = {{None, 2, 4, 5, 6}}, .outputs = {{None, 2, 2, 2, 3}}});
  check_layer(MaxPool1D(), {.inputs = {{None, None, 2}}, .outputs = {{None, None, 2}}});
}

TEST(Pooling, Config) {
  EXPECT_EQ(MaxPooling2D({.pool_size = 3}).impl()->config().dump(),
            R"({"pool_size": [3, 3], "padding": "valid", "strides": [3, 3], )"
            R"("data_format": "channels_last"})");
  const Layer other_name = layers::layer_from_config(
      "AvgPool2D", base::parse_json(R"({"pool_size": 2, "strides": null})", "test"), {});
  EXPECT_EQ(other_name.class_name(), "AveragePooling2D");
  EXPECT_EQ(other_name.impl()->config().at("strides").dump(), "[2, 2]");
}

TEST(Pooling, Errors) {
  EXPECT_ERROR(ValueError, MaxPooling2D({.pool_size = {2, 0}}),
               "`pool_size` must be positive. Received: pool_size=(2, 0)");
  EXPECT_ERROR(ValueError, MaxPooling1D({.strides = 0}), "`strides` must be positive");
  EXPECT_ERROR(ValueError, MaxPooling1D({.padding = "causal"}), "`padding` must be one of");
  EXPECT_ERROR(ValueError, AveragePooling1D({.data_format = "NHWC"}), "`data_format`");
  EXPECT_ERROR(ValueError, MaxPooling2D({.pool_size = 4})(symbol({None, 3, 8, 1})),
               "computed output size would be zero or negative");
  EXPECT_ERROR(ValueError, MaxPooling2D({.padding = "same"})(symbol({None, 0, 8, 1})),
               "computed output size would be zero or negative");
  EXPECT_ERROR(ValueError, MaxPooling2D()(symbol({None, 3, 8})), "expected ndim=4, found ndim=3");
}

}  // namespace
}  // namespace cornu::testing
