#include "cornu/layers/global_pooling.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

TEST(GlobalPooling, Contract) {
  check_layer(GlobalMaxPooling3D({.data_format = "channels_first", .keepdims = true}),
              {.inputs = {{None, 5, 7, 7, 7}}, .outputs = {{None, 5, 1, 1, 1}}});  // S48
  check_layer(GlobalAveragePooling1D(), {.inputs = {{None, None, 3}}, .outputs = {{None, 3}}});
  check_layer(GlobalAveragePooling2D(), {.inputs = {{None, 4, None, 3}}, .outputs = {{None, 3}}});
  check_layer(GlobalAveragePooling3D({.keepdims = true}),
              {.inputs = {{None, 2, 3, 4, 5}}, .outputs = {{None, 1, 1, 1, 5}}});
  check_layer(GlobalMaxPooling1D({.data_format = "channels_first"}),
              {.inputs = {{None, 3, 5}}, .outputs = {{None, 3}}});
  check_layer(GlobalMaxPool2D(), {.inputs = {{None, 4, 5, 3}}, .outputs = {{None, 3}}});
}

TEST(GlobalPooling, Values) {
  const Tensor x({1, 2, 2, 2}, {1, -8, 2, -6, 3, -4, 6, -2});
  EXPECT_TRUE(bit_equal(run_layer(GlobalMaxPooling2D(), x), Tensor({1, 2}, {6, -2})));
  EXPECT_TRUE(bit_equal(run_layer(GlobalAveragePooling2D(), x), Tensor({1, 2}, {3, -5})));
}

TEST(GlobalPooling, ConfigAndErrors) {
  EXPECT_EQ(GlobalMaxPooling2D().impl()->config().dump(),
            R"({"data_format": "channels_last", "keepdims": false})");
  EXPECT_EQ(layers::layer_from_config("GlobalAvgPool1D", base::Json::object(), {}).class_name(),
            "GlobalAveragePooling1D");
  EXPECT_ERROR(ValueError, GlobalMaxPooling2D()(symbol({None, 3, 3})), "expected ndim=4");
  EXPECT_ERROR(ValueError, GlobalMaxPooling2D()(symbol({None, 0, 3, 3})), "nothing to pool");
}

}  // namespace
}  // namespace cornu::testing
