#include "cornu/layers/reshaping.h"

#include "cornu/nn/keras_json.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

Tensor counting(Shape shape) {
  Tensor t(std::move(shape));
  float next = 0;
  for (float& v : t.values()) v = next++;
  return t;
}

TEST(Flatten, Contract) {  // S49, S50
  check_layer(Flatten(), {.inputs = {{None, 4, 5, 6}}, .outputs = {{None, 120}}});
  check_layer(Flatten(), {.inputs = {{None, None, 3}}, .outputs = {{None, None}}});
  check_layer(Flatten(), {.inputs = {{None}}, .outputs = {{None, 1}}});
  check_layer(Flatten({.data_format = "channels_first"}),
              {.inputs = {{None, 3, 4, 5}}, .outputs = {{None, 60}}});
  EXPECT_EQ(Flatten().impl()->config().dump(), R"({"data_format": "channels_last"})");
}

TEST(Flatten, ChannelsFirstTransposes) {
  const Tensor x = counting({1, 2, 3});  // two channels of three cells
  EXPECT_TRUE(bit_equal(run_layer(Flatten(), x), Tensor({1, 6}, {0, 1, 2, 3, 4, 5})));
  EXPECT_TRUE(bit_equal(run_layer(Flatten({.data_format = "channels_first"}), x),
                        Tensor({1, 6}, {0, 3, 1, 4, 2, 5})));
  set_image_data_format("channels_first");
  const Layer by_default = Flatten();
  set_image_data_format("channels_last");
  EXPECT_TRUE(bit_equal(run_layer(by_default, x), Tensor({1, 6}, {0, 3, 1, 4, 2, 5})));
  EXPECT_ERROR(ValueError, Flatten({.data_format = "NHWC"}), "`data_format`");
}

TEST(Reshape, Contract) {
  check_layer(Reshape({.target_shape = {-1, 3}}),
              {.inputs = {{None, 4, 6}}, .outputs = {{None, 8, 3}}});
  check_layer(Reshape({.target_shape = {4, -1}}),
              {.inputs = {{None, None, 4}}, .outputs = {{None, 4, None}}});
  check_layer(Reshape({.target_shape = {7, 3}}),
              {.inputs = {{None, None, 3}}, .outputs = {{None, 7, 3}}});
  check_layer(Reshape({.target_shape = {}}), {.inputs = {{None, 1, 1}}, .outputs = {{None}}});
  check_layer(Reshape({.target_shape = {0, -1}}),
              {.inputs = {{None, 0, 4}}, .outputs = {{None, 0, 0}}});
  const Tensor x = random_tensor({2, 4, 6}, 1);
  EXPECT_TRUE(bit_equal(run_layer(Reshape({.target_shape = {3, -1}}), x), x.reshaped({2, 3, 8})));
  EXPECT_EQ(Reshape({.target_shape = {6, -1}}).impl()->config().dump(),
            R"({"target_shape": [6, -1]})");
}

TEST(Reshape, Errors) {
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {-1, 2, -1}}),
               "`target_shape` may hold -1 once. Received: target_shape=(-1, 2, -1)");
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {-2, 2}}), "target_shape=(-2, 2)");
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {5}})(symbol({None, 6})),
               "the total size of the tensor must be unchanged. Received: input shape=(None, 6), "
               "target_shape=5");
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {4, -1}})(symbol({None, 6})), "total size");
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {0, -1}})(symbol({None, 6})), "total size");
  EXPECT_ERROR(ValueError, run_layer(Reshape({.target_shape = {4, -1}}), Tensor({1, 6})),
               "total size");
  EXPECT_ERROR(ValueError, Reshape({.target_shape = {int64_t{1} << 62, 4, -1}})(symbol({None, 6})),
               "total size");
}

TEST(Permute, Contract) {
  check_layer(Permute({.dims = {2, 1}}), {.inputs = {{None, 10, 64}}, .outputs = {{None, 64, 10}}});
  check_layer(Permute({.dims = {3, 1, 2}}),
              {.inputs = {{None, 3, None, 2}}, .outputs = {{None, 2, 3, None}}});
  EXPECT_TRUE(bit_equal(run_layer(Permute({.dims = {2, 1}}), counting({1, 2, 3})),
                        Tensor({1, 3, 2}, {0, 3, 1, 4, 2, 5})));
}

TEST(Permute, Errors) {
  EXPECT_ERROR(ValueError, Permute({.dims = {0, 1}}),
               "`dims` must be a permutation of consecutive axes from 1 on. Received: dims=(0, 1)");
  EXPECT_ERROR(ValueError, Permute({.dims = {1, 1}}), "dims=(1, 1)");
  EXPECT_ERROR(ValueError, Permute({.dims = {1, 3}}), "dims=(1, 3)");
  EXPECT_ERROR(ValueError, Permute({.dims = {2, 1}})(symbol({None, 3})), "expected ndim=3");
}

TEST(RepeatVector, Contract) {
  check_layer(RepeatVector({.n = 3}), {.inputs = {{None, 4}}, .outputs = {{None, 3, 4}}});
  EXPECT_TRUE(bit_equal(run_layer(RepeatVector({.n = 2}), Tensor({2, 2}, {1, 2, 3, 4})),
                        Tensor({2, 2, 2}, {1, 2, 1, 2, 3, 4, 3, 4})));
  EXPECT_ERROR(ValueError, RepeatVector({}), "`n` must be positive. Received: n=0");
  EXPECT_ERROR(ValueError, RepeatVector({.n = 2})(symbol({None, 3, 4})), "expected ndim=2");
}

}  // namespace
}  // namespace cornu::testing
