#include "cornu/layers/dense.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

TEST(Dense, Contract) {
  check_layer(Dense({.units = 7}),
              {.inputs = {{None, 4, 5, 6}}, .outputs = {{None, 4, 5, 7}}, .params = 49});  // S51
  check_layer(Dense({.units = 3, .activation = "softmax"}),
              {.inputs = {{None, 5}}, .outputs = {{None, 3}}, .params = 18});
  check_layer(Dense({.units = 4, .activation = "glu", .use_bias = false}),
              {.inputs = {{None, None, 2}}, .outputs = {{None, None, 2}}, .params = 8});
}

TEST(Dense, Values) {
  const Layer dense = Dense({.units = 2, .activation = "relu"});
  dense(symbol({None, 3}));
  dense.set_weights({Tensor({3, 2}, {1, 2, 3, 4, 5, 6}), Tensor({2}, {10, -100})});
  EXPECT_TRUE(bit_equal(run_layer(dense, Tensor({2, 3}, {1, 2, 3, -1, 0, 2})),
                        Tensor({2, 2}, {32, 0, 19, 0})));
}

TEST(Dense, EachRowAlone) {
  const Layer dense = Dense({.units = 5, .activation = "tanh"});
  dense(symbol({None, 2, 3, 4}));
  randomize_weights(dense);
  const Tensor x = random_tensor({2, 2, 3, 4}, 9);
  const Tensor y = run_layer(dense, x);
  const Tensor kernel = dense.get_weights()[0], bias = dense.get_weights()[1];
  std::vector<double> want;
  for (int64_t row = 0; row < 12; ++row)
    for (int64_t f = 0; f < 5; ++f) {
      double sum = bias.values()[static_cast<size_t>(f)];
      for (int64_t k = 0; k < 4; ++k)
        sum += double{x.values()[static_cast<size_t>(row * 4 + k)]} *
               double{kernel.values()[static_cast<size_t>(k * 5 + f)]};
      want.push_back(std::tanh(sum));
    }
  EXPECT_LT(max_error(y.values(), std::span<const double>(want)), 1e-6);
}

TEST(Dense, Errors) {
  EXPECT_ERROR(ValueError, Dense({}), "`units` must be positive. Received: units=0");
  EXPECT_ERROR(ValueError, Dense({.units = -1, .name = "head"}), "Dense 'head': `units`");
  EXPECT_ERROR(ValueError, Dense({.units = 1, .activation = "reluu"}), "'reluu'");
  EXPECT_ERROR(ValueError, Dense({.units = 1, .kernel_initializer = "glorot"}), "'glorot'");
  EXPECT_ERROR(ValueError, Dense({.units = 1, .bias_regularizer = "l3"}), "'l3'");
  EXPECT_ERROR(ValueError, Dense({.units = 1, .activity_regularizer = "l3"}), "'l3'");
  EXPECT_ERROR(ValueError, Dense({.units = 1, .kernel_constraint = "maximal"}), "'maximal'");
  EXPECT_ERROR(ValueError, Dense({.units = 1})(symbol({None})),
               "expected min_ndim=2, found ndim=1");
  EXPECT_ERROR(ValueError, Dense({.units = 1})(symbol({2, None})),
               "axis -1 of the input must be known");
  const Layer dense = Dense({.units = 1});
  dense(symbol({None, 3}));
  EXPECT_ERROR(ValueError, dense(symbol({None, 4})), "expected axis -1");
  EXPECT_EQ(to_text(dense(symbol({None, 2, None})).shape()), "(None, 2, 1)");
}

TEST(Dense, Config) {
  EXPECT_EQ(config_keys(Dense({.units = 1})),
            "units activation use_bias kernel_initializer bias_initializer kernel_regularizer "
            "bias_regularizer kernel_constraint bias_constraint");
  const base::Json full = layers::full_config(*Dense({.units = 1, .name = "a"}).impl());
  EXPECT_TRUE(full.dump().starts_with(
      R"({"name": "a", "trainable": true, "dtype": {"module": "keras", )"
      R"("class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}, )"
      R"("units": 1, "activation": "linear", "use_bias": true, )"))
      << full.dump();
}

TEST(Dense, InputDim) {
  EXPECT_EQ(Dense({.units = 1, .input_dim = 4}).impl()->common().input_shape, Shape{4});
}

TEST(Dense, ReadsFiles) {
  const auto read = [](const char* text) {
    return layers::layer_from_config("Dense", base::parse_json(text, "test"), {});
  };
  const Layer keras2 = read(
      R"({"name": "d", "trainable": false, "batch_input_shape": [null, 5], "dtype": "float32",
          "units": 3, "activation": "relu", "use_bias": false,
          "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0,
              "mode": "fan_avg", "distribution": "uniform", "seed": null}},
          "bias_initializer": {"class_name": "Zeros", "config": {}},
          "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
          "bias_regularizer": null, "activity_regularizer": null, "kernel_constraint": null,
          "bias_constraint": null})");
  EXPECT_EQ(keras2.name(), "d");
  EXPECT_FALSE(keras2.trainable());
  EXPECT_EQ(keras2.impl()->common().input_shape, Shape{5});
  EXPECT_EQ(to_text(keras2(symbol({None, 5})).shape()), "(None, 3)");
  EXPECT_EQ(keras2.count_params(), 15);
  EXPECT_ERROR(ValueError, read(R"({"units": 2.0})"), "`units` must be an integer");
  EXPECT_ERROR(ValueError, read(R"({"units": true})"), "`units` must be an integer");
  EXPECT_ERROR(ValueError, read(R"({"units": 2, "unit": 3})"), "unknown argument 'unit'");
  EXPECT_ERROR(ValueError, read(R"({"units": 2, "lora_rank": 4})"), "'lora_rank'");
}

}  // namespace
}  // namespace cornu::testing
