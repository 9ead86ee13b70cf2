#include "cornu/layers/normalization.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

Layer read(const char* class_name, const char* text) {
  return layers::layer_from_config(class_name, base::parse_json(text, "test"), {});
}

TEST(BatchNormalization, Contract) {
  check_layer(BatchNormalization(),
              {.inputs = {{None, 8, 8, 3}}, .outputs = {{None, 8, 8, 3}}, .params = 12});  // S52
  check_layer(BatchNormalization({.axis = 1, .scale = false}),
              {.inputs = {{None, 3, None}}, .outputs = {{None, 3, None}}, .params = 9});
  check_layer(BatchNormalization({.center = false}),
              {.inputs = {{None, 5}}, .outputs = {{None, 5}}, .params = 15});
}

// layers.md 21.12: the statistics after one step of training, then inference.
TEST(BatchNormalization, Values) {
  const Layer bn = BatchNormalization();
  bn(symbol({None, 2}));
  bn.set_weights({Tensor({2}, {1, 1}), Tensor({2}, {0, 0}), Tensor({2}, {.03f, .05f}),
                  Tensor({2}, {1.016667f, 1.076667f})});
  EXPECT_LT(max_error(run_layer(bn, Tensor({1, 2}, {1, 2})), Tensor({1, 2}, {.961544f, 1.878419f})),
            1e-6);
}

TEST(BatchNormalization, FreshOneHardlyChangesAnything) {
  const Tensor x = random_tensor({2, 3}, 5);
  Tensor want = x;
  for (float& v : want.values()) v /= std::sqrt(1.001f);
  EXPECT_LT(max_error(run_layer(BatchNormalization({.center = false, .scale = false}), x), want),
            1e-6);
}

TEST(BatchNormalization, WeightsInOrder) {
  const Layer bn = BatchNormalization();
  bn(symbol({None, 2}));
  std::string names;
  for (const Weight& w : bn.impl()->weights())
    names += w.variable->name() + (w.variable->trainable() ? " " : "* ");
  EXPECT_EQ(names, "gamma beta moving_mean* moving_variance* ");
}

TEST(BatchNormalization, Config) {
  EXPECT_EQ(config_keys(BatchNormalization()),
            "axis momentum epsilon center scale beta_initializer gamma_initializer "
            "moving_mean_initializer moving_variance_initializer beta_regularizer "
            "gamma_regularizer beta_constraint gamma_constraint synchronized");
  EXPECT_EQ(BatchNormalization().impl()->config().at("axis").dump(), "-1");
  const Layer from_list = read("BatchNormalization",
                               R"({"axis": [3], "synchronized": false, "renorm": false,
                                   "renorm_clipping": null, "renorm_momentum": 0.99})");
  EXPECT_EQ(from_list.impl()->config().at("axis").dump(), "3");
}

TEST(BatchNormalization, Errors) {
  EXPECT_ERROR(ValueError, BatchNormalization({.axis = 3})(symbol({None, 4, 3})),
               "`axis` must be in [-3, 3)");
  EXPECT_ERROR(ValueError, BatchNormalization({.axis = 1})(symbol({None, None, 3})),
               "axis 1 of the input must be known");
  EXPECT_ERROR(ValueError, BatchNormalization({.axis = {1, 2}}), "`axis` must be one integer");
  EXPECT_ERROR(ValueError, BatchNormalization({.epsilon = -1}), "`epsilon`");
  EXPECT_ERROR(ValueError, read("BatchNormalization", R"({"renorm": true})"), "renorm=True");
  EXPECT_ERROR(ValueError, BatchNormalization({.gamma_initializer = "one_and_a_half"}),
               "'one_and_a_half'");
  const Layer bn = BatchNormalization();
  bn(symbol({None, 4, 3}));
  EXPECT_ERROR(ValueError, bn(symbol({None, 4, 2})), "expected axis 2");
  EXPECT_ERROR(ValueError, bn(symbol({None, 3})), "expected ndim=3, found ndim=2");
}

// The mean and variance over the cells that share a group, in double.
struct Moments {
  double sum = 0, squares = 0;
  int64_t count = 0;
  void add(double v) { sum += v, squares += v * v, ++count; }
  double normalized(double v, double epsilon) const {
    const double mean = sum / static_cast<double>(count);
    const double variance = squares / static_cast<double>(count) - mean * mean;
    return (v - mean) / std::sqrt(variance + epsilon);
  }
};

// `group` tells which cells belong together, `weight` which gamma and beta a cell has.
template <class Group, class Place>
void expect_normalized(const Layer& layer, const Tensor& x, Group group, Place place) {
  layer.call(symbols({x.shape()}));
  randomize_weights(layer);
  const Tensor y = run_layer(layer, x);
  const Tensor gamma = layer.get_weights()[0], beta = layer.get_weights()[1];
  std::map<int64_t, Moments> moments;
  for (int64_t i = 0; i < x.size(); ++i) moments[group(i)].add(x.data()[i]);
  std::vector<double> want;
  for (int64_t i = 0; i < x.size(); ++i)
    want.push_back(moments[group(i)].normalized(x.data()[i], 1e-3) * gamma.data()[place(i)] +
                   beta.data()[place(i)]);
  EXPECT_LT(max_error(y.values(), std::span<const double>(want)), 1e-5);
}

TEST(LayerNormalization, Contract) {
  check_layer(LayerNormalization(),
              {.inputs = {{None, None, 5}}, .outputs = {{None, None, 5}}, .params = 10});
  check_layer(LayerNormalization({.axis = {1, -1}, .center = false}),
              {.inputs = {{None, 4, 2, 3}}, .outputs = {{None, 4, 2, 3}}, .params = 12});
  check_layer(LayerNormalization({.axis = 1, .center = false, .scale = false}),
              {.inputs = {{None, 4, None}}, .outputs = {{None, 4, None}}});
  EXPECT_EQ(config_keys(LayerNormalization()),
            "axis epsilon center scale beta_initializer gamma_initializer beta_regularizer "
            "gamma_regularizer beta_constraint gamma_constraint");
}

TEST(LayerNormalization, Values) {
  const Tensor x = random_tensor({2, 3, 4}, 7, -2, 5);
  expect_normalized(
      LayerNormalization(), x, [](int64_t i) { return i / 4; }, [](int64_t i) { return i % 4; });
  expect_normalized(
      LayerNormalization({.axis = {1, 2}}), x, [](int64_t i) { return i / 12; },
      [](int64_t i) { return i % 12; });
  expect_normalized(
      LayerNormalization({.axis = 1}), x, [](int64_t i) { return i / 12 * 4 + i % 4; },
      [](int64_t i) { return i / 4 % 3; });
}

TEST(LayerNormalization, Errors) {
  EXPECT_ERROR(ValueError, LayerNormalization()(symbol({None, None})),
               "axis 1 of the input must be known");
  EXPECT_ERROR(ValueError, LayerNormalization({.axis = {1, -1}})(symbol({None, 3})), "twice");
  EXPECT_ERROR(ValueError, read("LayerNormalization", R"({"rms_scaling": true})"), "'rms_scaling'");
  EXPECT_NO_THROW(read("LayerNormalization", R"({"axis": [-1], "rms_scaling": false})"));
  const Layer ln = LayerNormalization();
  ln(symbol({None, 3}));
  EXPECT_ERROR(ValueError, ln(symbol({None, 4})), "expected axis 1");
}

TEST(GroupNormalization, Contract) {
  check_layer(GroupNormalization({.groups = 2}),
              {.inputs = {{None, None, 4, 6}}, .outputs = {{None, None, 4, 6}}, .params = 12});
  check_layer(GroupNormalization({.groups = -1, .axis = 1, .scale = false}),
              {.inputs = {{None, 6, 3}}, .outputs = {{None, 6, 3}}, .params = 6});
  EXPECT_EQ(config_keys(GroupNormalization()),
            "groups axis epsilon center scale beta_initializer gamma_initializer beta_regularizer "
            "gamma_regularizer beta_constraint gamma_constraint");
}

TEST(GroupNormalization, Values) {
  const Tensor x = random_tensor({2, 5, 6}, 8, -2, 5);
  expect_normalized(
      GroupNormalization({.groups = 2}), x, [](int64_t i) { return i / 30 * 2 + i % 6 / 3; },
      [](int64_t i) { return i % 6; });
  const Tensor first = random_tensor({2, 6, 5}, 9, -2, 5);
  expect_normalized(
      GroupNormalization({.groups = 3, .axis = 1}), first, [](int64_t i) { return i / 10; },
      [](int64_t i) { return i / 5 % 6; });
}

TEST(GroupNormalization, Errors) {
  EXPECT_ERROR(ValueError, GroupNormalization({.groups = 0}), "`groups` must be positive");
  EXPECT_ERROR(ValueError, GroupNormalization({.groups = 4})(symbol({None, 6})),
               "`groups` must divide the channels");
  EXPECT_ERROR(ValueError, GroupNormalization({.groups = 2})(symbol({None, None})),
               "must be known");
}

}  // namespace
}  // namespace cornu::testing
