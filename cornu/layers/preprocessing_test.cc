#include "cornu/layers/preprocessing.h"

#include "cornu/nn/keras_json.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

Layer read(const char* class_name, const char* text) {
  return layers::layer_from_config(class_name, base::parse_json(text, "test"), {});
}

TEST(Rescaling, Values) {
  const Tensor x({1, 3}, {0, 127.5f, 255});
  EXPECT_LT(max_error(run_layer(Rescaling({.scale = 1 / 127.5, .offset = -1}), x),
                      Tensor({1, 3}, {-1, 0, 1})),
            1e-6);
  EXPECT_TRUE(bit_equal(run_layer(Rescaling({.scale = {1, 2, 4}, .offset = {0.5, 0, -1}}),
                                  Tensor({1, 1, 3}, {1, 1, 1})),
                        Tensor({1, 1, 3}, {1.5f, 2, 3})));
}

TEST(Rescaling, ListsFollowTheChannelsOfKerasJson) {
  set_image_data_format("channels_first");
  const Layer layer = Rescaling({.scale = {1, 10}});
  set_image_data_format("channels_last");
  EXPECT_TRUE(bit_equal(run_layer(layer, Tensor({1, 2, 1, 2}, {1, 2, 3, 4})),
                        Tensor({1, 2, 1, 2}, {1, 2, 30, 40})));
}

TEST(Rescaling, Contract) {
  check_layer(Rescaling({.scale = 2}), {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}});
  check_layer(Rescaling({.scale = 2, .offset = {1, 2, 3}}),
              {.inputs = {{None, 4, 3}}, .outputs = {{None, 4, 3}}});
  EXPECT_EQ(Rescaling({.scale = 2, .offset = {1, 2}}).impl()->config().dump(),
            R"({"scale": 2.0, "offset": [1.0, 2.0]})");
  EXPECT_ERROR(ValueError, Rescaling({.scale = {1, 2}})(symbol({None, 3})),
               "`scale` has 2 numbers");
  EXPECT_ERROR(ValueError, Rescaling({.scale = None}), "`scale`");
  EXPECT_ERROR(ValueError, Rescaling({.offset = INFINITY}), "`offset` must be finite");
}

TEST(Normalization, GivenStatistics) {
  const Tensor x({2, 2}, {1, 2, 3, 4});
  const NormalizationOptions both = {.mean = {1, 2}, .variance = {4, 1}};
  EXPECT_LT(max_error(run_layer(Normalization(both), x), Tensor({2, 2}, {0, 0, 1, 2})), 1e-6);
  NormalizationOptions back = both;
  back.invert = true;
  EXPECT_LT(max_error(run_layer(Normalization(back), Tensor({2, 2}, {0, 0, 1, 2})), x), 1e-6);
  EXPECT_LT(max_error(run_layer(Normalization({.axis = None, .mean = 2, .variance = 4}), x),
                      Tensor({2, 2}, {-.5f, 0, .5f, 1})),
            1e-6);
  // A variance of 0 counts as epsilon squared.
  EXPECT_LT(max_error(run_layer(Normalization({.axis = None, .mean = 1, .variance = 0}),
                                Tensor({1, 2}, {1, 2})),
                      Tensor({1, 2}, {0, 1e7f})),
            1e-6);
}

TEST(Normalization, StatisticsAsWeights) {
  const Layer layer = Normalization();
  layer(symbol({None, 2}));
  std::string names;
  for (const Weight& w : layer.impl()->weights()) {
    names += w.variable->name() + to_text(w.variable->shape()) + " ";
    EXPECT_FALSE(w.variable->trainable());
  }
  EXPECT_EQ(names, "mean(2,) variance(2,) count() ");
  layer.set_weights({Tensor({2}, {1, 2}), Tensor({2}, {4, 1}), Tensor(Shape{}, {10})});
  EXPECT_LT(max_error(run_layer(layer, Tensor({2, 2}, {1, 2, 3, 4})), Tensor({2, 2}, {0, 0, 1, 2})),
            1e-6);
}

TEST(Normalization, Adapt) {
  const Tensor x({4, 3}, {0, 7, 4, 2, 9, 6, 0, 7, 4, 2, 9, 8});
  const Layer each = Normalization(), all = Normalization({.axis = None}),
              sample = Normalization({.axis = {0, 1}});
  each.adapt(x);
  EXPECT_EQ(numbers(each.get_weights()[0]), (std::vector<float>{1, 8, 5.5f}));
  EXPECT_EQ(numbers(each.get_weights()[1]), (std::vector<float>{1, 1, 2.75f}));
  EXPECT_LT(max_error(run_layer(each, Tensor({1, 3}, {0, 7, 5.5f})), Tensor({1, 3}, {-1, -1, 0})),
            1e-6);
  all.adapt(Tensor({5}, {1, 2, 3, 4, 5}));
  EXPECT_EQ(numbers(all.get_weights()[0]), std::vector<float>{3});
  EXPECT_LT(max_error(run_layer(all, Tensor({1}, {1})), Tensor({1}, {-1.4142135f})), 1e-6);
  sample.adapt(x);
  EXPECT_EQ(numbers(sample.get_weights()[0]), numbers(x));
  // Built before, it must fit; again, it starts anew.
  EXPECT_ERROR(ValueError, each.adapt(Tensor(Shape{4, 2})), "expected axis 1");
  each.adapt(Tensor({1, 3}, {5, 6, 7}));
  EXPECT_EQ(numbers(each.get_weights()[0]), (std::vector<float>{5, 6, 7}));
  EXPECT_ERROR(ValueError, each.adapt(Tensor(Shape{0, 3})), "adapt() needs data");
  EXPECT_ERROR(ValueError, Normalization({.mean = 1, .variance = 2}).adapt(x), "are given");
  EXPECT_ERROR(ValueError, Rescaling({.name = "r"}).adapt(x),
               "Rescaling 'r': there is nothing that adapt() could set");
}

TEST(Normalization, Contract) {
  check_layer(Normalization(),
              {.inputs = {{None, None, 3}}, .outputs = {{None, None, 3}}, .params = 7});
  check_layer(Normalization({.axis = {1, -1}}),
              {.inputs = {{None, 2, 5, 3}}, .outputs = {{None, 2, 5, 3}}, .params = 13});
  check_layer(Normalization({.mean = {1, 2, 3}, .variance = 2}),
              {.inputs = {{None, 4, 3}}, .outputs = {{None, 4, 3}}});
  EXPECT_EQ(Normalization({.mean = 1, .variance = {2}}).impl()->config().dump(),
            R"({"axis": -1, "invert": false, "mean": 1.0, "variance": [2.0]})");
}

TEST(Normalization, ReadsFiles) {
  const Layer given = read("Normalization",
                           R"({"axis": [-1], "invert": false,
          "mean": {"class_name": "__numpy__", "config": {"value": [[1.0, 2.0]], "dtype": "float32"}},
          "variance": {"class_name": "__numpy__",
                       "config": {"value": [[4.0, 1.0]], "dtype": "float32"}}})");
  EXPECT_LT(max_error(run_layer(given, Tensor({1, 2}, {3, 4})), Tensor({1, 2}, {1, 2})), 1e-6);
  const Layer adapted = read("Normalization",
                             R"({"axis": [-1], "invert": false,
          "mean": {"class_name": "__numpy__", "config": {"value": null, "dtype": "object"}},
          "variance": null})");
  adapted(symbol({None, 2}));
  EXPECT_EQ(adapted.count_params(), 5);
}

TEST(Normalization, Errors) {
  EXPECT_ERROR(ValueError, Normalization({.mean = 1}), "must be given together");
  EXPECT_ERROR(ValueError, Normalization({.mean = 1, .variance = -1}), "`variance`");
  EXPECT_ERROR(ValueError, Normalization()(symbol({2, None})), "must be known");
  EXPECT_ERROR(ValueError, Normalization({.axis = 2})(symbol({2, 3})), "`axis` must be in");
  EXPECT_ERROR(ValueError, Normalization({.mean = {1, 2}, .variance = 1})(symbol({2, 3})),
               "`mean` must hold 1 or 3 numbers");
}

}  // namespace
}  // namespace cornu::testing
