#include "cornu/layers/activation_layers.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

const Tensor kPoints({9}, {-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4});

Layer read(const char* class_name, const char* text) {
  return layers::layer_from_config(class_name, base::parse_json(text, "test"), {});
}

TEST(ReLU, Values) {
  EXPECT_TRUE(bit_equal(run_layer(ReLU(), kPoints), Tensor({9}, {0, 0, 0, 0, 0, .5f, 1, 2, 4})));
  const Layer all = ReLU({.max_value = 3, .negative_slope = 0.1, .threshold = 1});  // 21.6
  EXPECT_LT(max_error(run_layer(all, kPoints),
                      Tensor({9}, {-.5f, -.3f, -.2f, -.15f, -.1f, -.05f, 0, 2, 3})),
            1e-6);
}

TEST(ReLU, Contract) {
  check_layer(ReLU({.max_value = 6}), {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  EXPECT_EQ(ReLU({.max_value = 6}).impl()->config().dump(),
            R"({"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0})");
  EXPECT_ERROR(ValueError, ReLU({.max_value = -1}), "`max_value` must be zero or positive");
  EXPECT_ERROR(ValueError, ReLU({.negative_slope = -1}), "negative_slope=-1.0");
  EXPECT_ERROR(ValueError, ReLU({.threshold = NAN}), "`threshold` must be finite");
}

TEST(LeakyReLU, Values) {
  EXPECT_LT(max_error(run_layer(LeakyReLU(), kPoints),
                      Tensor({9}, {-1.2f, -.6f, -.3f, -.15f, 0, .5f, 1, 2, 4})),
            1e-6);
  const Tensor fifth({9}, {-.8f, -.4f, -.2f, -.1f, 0, .5f, 1, 2, 4});
  EXPECT_LT(max_error(run_layer(read("LeakyReLU", R"({"alpha": 0.2})"), kPoints), fifth), 1e-6);
  EXPECT_LT(max_error(run_layer(read("LeakyReLU", R"({"negative_slope": 0.2})"), kPoints), fifth),
            1e-6);
}

TEST(LeakyReLU, Contract) {
  check_layer(LeakyReLU(), {.inputs = {{None, 3}}, .outputs = {{None, 3}}});
  EXPECT_EQ(LeakyReLU().impl()->config().dump(), R"({"negative_slope": 0.3})");
  EXPECT_ERROR(ValueError, LeakyReLU({.negative_slope = -0.1}),
               "`negative_slope` must be zero or positive. Received: negative_slope=-0.1");
}

// layers.md D23; Keras 2.2 wrote ReLU's numbers as NumPy arrays.
TEST(LeakyReLU, OtherFiles) {
  const auto config = [](const char* class_name, const char* text) {
    return layer_from(class_name, text).impl()->config().dump();
  };
  EXPECT_EQ(config("LeakyReLU", R"({"alpha": 0.25})"), R"({"negative_slope": 0.25})");
  EXPECT_EQ(config("ReLU", R"({"alpha": 0.25})"),
            R"({"max_value": null, "negative_slope": 0.25, "threshold": 0.0})");
  EXPECT_EQ(config("ReLU", R"({"max_value": {"type": "ndarray", "value": 6.0}})"),
            R"({"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0})");
  EXPECT_ERROR(ValueError, layer_from("LeakyReLU", R"({"name": "l", "alpha": -1})"),
               "LeakyReLU 'l': `negative_slope` must be zero or positive. Received: "
               "negative_slope=-1.0");
}

TEST(ELU, Values) {
  EXPECT_LT(max_error(run_layer(ELU({.alpha = 2}), kPoints),
                      Tensor({9}, {-2 * .981684f, -2 * .864665f, -2 * .632121f, -2 * .393469f, 0,
                                   .5f, 1, 2, 4})),
            1e-6);
  check_layer(ELU(), {.inputs = {{None, 3}}, .outputs = {{None, 3}}});
  EXPECT_EQ(config_keys(ELU()), "alpha");
}

TEST(ThresholdedReLU, Values) {
  EXPECT_TRUE(
      bit_equal(run_layer(ThresholdedReLU(), kPoints), Tensor({9}, {0, 0, 0, 0, 0, 0, 0, 2, 4})));
  check_layer(ThresholdedReLU({.theta = 0.5}), {.inputs = {{None, 3}}, .outputs = {{None, 3}}});
  EXPECT_ERROR(ValueError, ThresholdedReLU({.theta = -1}), "`theta` must be zero or positive");
}

TEST(PReLU, Contract) {
  check_layer(PReLU({.shared_axes = {1, 2}}),
              {.inputs = {{None, 8, 8, 3}}, .outputs = {{None, 8, 8, 3}}, .params = 3});  // S52
  check_layer(PReLU({.shared_axes = {1, 2}}),
              {.inputs = {{None, None, None, 3}}, .outputs = {{None, None, None, 3}}, .params = 3});
  check_layer(PReLU(), {.inputs = {{None, 4, 5}}, .outputs = {{None, 4, 5}}, .params = 20});
  EXPECT_EQ(config_keys(PReLU()),
            "alpha_initializer alpha_regularizer alpha_constraint shared_axes");
  EXPECT_TRUE(PReLU().impl()->config().at("shared_axes").is_null());
  EXPECT_EQ(PReLU({.shared_axes = 1}).impl()->config().at("shared_axes").dump(), "[1]");
}

TEST(PReLU, Values) {
  const Layer prelu = PReLU({.shared_axes = 1});
  prelu(symbol({None, 2, 2}));
  prelu.set_weights({Tensor({1, 2}, {0.5f, -2})});
  EXPECT_TRUE(bit_equal(run_layer(prelu, Tensor({1, 2, 2}, {-1, -1, 4, -3})),
                        Tensor({1, 2, 2}, {-.5f, 2, 4, 6})));
}

TEST(PReLU, Errors) {
  EXPECT_ERROR(ValueError, PReLU()(symbol({None, None, 3})), "axis 1 of the input must be known");
  EXPECT_ERROR(ValueError, PReLU({.shared_axes = {0}}), "`shared_axes` must be positive");
  EXPECT_ERROR(ValueError, PReLU({.shared_axes = {3}})(symbol({None, 4, 3})), "shared_axes=3");
  const Layer prelu = PReLU({.shared_axes = {1}});
  prelu(symbol({None, 4, 3}));
  EXPECT_NO_THROW(prelu(symbol({None, 9, 3})));
  EXPECT_ERROR(ValueError, prelu(symbol({None, 4, 2})), "expected axis 2");
  EXPECT_ERROR(ValueError, prelu(symbol({None, 4, 3, 3})), "expected ndim=3");
}

TEST(Softmax, Contract) {
  check_layer(Softmax(), {.inputs = {{None, 4, 3}}, .outputs = {{None, 4, 3}}});
  check_layer(Softmax({.axis = 1}), {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  check_layer(Softmax({.axis = {1, -1}}),
              {.inputs = {{None, 4, 5, 3}}, .outputs = {{None, 4, 5, 3}}});
  EXPECT_EQ(Softmax().impl()->config().dump(), R"({"axis": -1})");
  EXPECT_EQ(Softmax({.axis = {1, 2}}).impl()->config().dump(), R"({"axis": [1, 2]})");
}

TEST(Softmax, Values) {
  const Tensor want({1, 3}, {.090031f, .244728f, .665241f});
  EXPECT_LT(max_error(run_layer(Softmax(), Tensor({1, 3}, {1, 2, 3})), want), 1e-6);
  EXPECT_LT(max_error(run_layer(Softmax({.axis = 1}), Tensor({1, 3, 1}, {1, 2, 3})),
                      want.reshaped({1, 3, 1})),
            1e-6);
}

TEST(Softmax, SeveralAxesTogether) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 3);
  const Tensor y = run_layer(Softmax({.axis = {1, 3}}), x);
  const auto at = [](const Tensor& t, int64_t b, int64_t i, int64_t j, int64_t k) {
    return double{t.values()[static_cast<size_t>(((b * 3 + i) * 4 + j) * 5 + k)]};
  };
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t j = 0; j < 4; ++j) {
      double sum = 0;
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t k = 0; k < 5; ++k) sum += std::exp(at(x, b, i, j, k));
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t k = 0; k < 5; ++k)
          EXPECT_NEAR(at(y, b, i, j, k), std::exp(at(x, b, i, j, k)) / sum, 1e-6);
    }
}

TEST(Softmax, Errors) {
  EXPECT_ERROR(ValueError, Softmax({.axis = 2})(symbol({None, 3})), "`axis` must be in [-2, 2)");
  EXPECT_ERROR(ValueError, Softmax({.axis = {1, -1}})(symbol({None, 3})), "names an axis twice");
  EXPECT_ERROR(ValueError, Softmax({.axis = None}), "`axis`");
}

}  // namespace
}  // namespace cornu::testing
