#include "cornu/layers/merging.h"

#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

Tensor merged(const Layer& layer, const std::vector<Tensor>& in) {
  return run_layer(layer, in).at(0);
}

Layer read(const char* class_name, const char* text) {
  return layers::layer_from_config(class_name, base::parse_json(text, "test"), {});
}

TEST(Merging, Values) {
  const std::vector<Tensor> in = {Tensor({1, 3}, {1, 2, 6}), Tensor({1, 3}, {3, -4, 0.5f})};
  EXPECT_TRUE(bit_equal(merged(Add(), in), Tensor({1, 3}, {4, -2, 6.5f})));
  EXPECT_TRUE(bit_equal(merged(Subtract(), in), Tensor({1, 3}, {-2, 6, 5.5f})));
  EXPECT_TRUE(bit_equal(merged(Multiply(), in), Tensor({1, 3}, {3, -8, 3})));
  EXPECT_TRUE(bit_equal(merged(Average(), in), Tensor({1, 3}, {2, -1, 3.25f})));
  EXPECT_TRUE(bit_equal(merged(Maximum(), in), Tensor({1, 3}, {3, 2, 6})));
  EXPECT_TRUE(bit_equal(merged(Minimum(), in), Tensor({1, 3}, {1, -4, 0.5f})));
}

TEST(Merging, OfThree) {
  const std::vector<Tensor> in = {Tensor({1, 2}, {1, 2}), Tensor({1, 2}, {4, 5}),
                                  Tensor({1, 2}, {10, -1})};
  EXPECT_TRUE(bit_equal(merged(Add(), in), Tensor({1, 2}, {15, 6})));
  EXPECT_LT(max_error(merged(Average(), in), Tensor({1, 2}, {5, 2})), 1e-6);
  EXPECT_TRUE(bit_equal(merged(Maximum(), in), Tensor({1, 2}, {10, 5})));
}

TEST(Merging, Contract) {
  const Shape a{None, 4, 3};
  for (const auto& make : {Add, Subtract, Multiply, Average, Maximum, Minimum})
    check_layer(make({}), {.inputs = {a, a}, .outputs = {a}});
  check_layer(Add(), {.inputs = {{None, None, 3}, {None, 4, 3}, {None, 4, 1}},
                      .outputs = {{None, None, 3}},
                      .real = {{2, 4, 3}, {2, 4, 3}, {2, 4, 1}}});
  EXPECT_EQ(Add().impl()->config().dump(), "{}");
}

TEST(Merging, LowerRanksGetAxesAfterTheBatch) {  // S53
  const Layer add = Add();
  EXPECT_EQ(to_text(add(symbols({{2, 4, 4, 3}, {2, 3}})).shape()), "(2, 4, 4, 3)");
  const Tensor x = random_tensor({2, 4, 4, 3}, 1), y({2, 3}, {10, 20, 30, 40, 50, 60});
  Tensor want = x;
  for (int64_t i = 0; i < want.size(); ++i)
    want.data()[i] += y.values()[static_cast<size_t>(i / 48 * 3 + i % 3)];
  EXPECT_TRUE(bit_equal(merged(add, {x, y}), want));
  EXPECT_TRUE(bit_equal(merged(Add(), {y, x}), want));
}

TEST(Merging, Broadcasts) {
  EXPECT_EQ(to_text(Multiply()(symbols({{None, 1, 3}, {5, 4, 1}})).shape()), "(5, 4, 3)");
  EXPECT_TRUE(bit_equal(merged(Multiply(), {Tensor({1, 1, 2}, {1, 10}), Tensor({1, 2, 1}, {3, 4})}),
                        Tensor({1, 2, 2}, {3, 30, 4, 40})));
}

TEST(Merging, Errors) {
  EXPECT_ERROR(ValueError, Add()(symbol({None, 3})),
               "should be called on a list of at least 2 inputs. Received: 1 inputs");
  EXPECT_ERROR(ValueError, Add()({}), "Received: 0 inputs");
  EXPECT_ERROR(ValueError, Add({.name = "sum"})(symbols({{1, 2}, {1, 3}})),
               "Add 'sum': inputs have incompatible shapes. Received: shapes [(1, 2), (1, 3)]");
  EXPECT_ERROR(ValueError, Add()(symbols({{1, 3}, {2, 3}})),
               "cannot merge tensors with different batch sizes");
  EXPECT_ERROR(ValueError, Subtract()(symbols({{1, 2}, {1, 2}, {1, 2}})),
               "exactly 2 inputs. Received: 3 inputs");
  EXPECT_NO_THROW(read("Add", "{}")(symbol({None, 3})));  // a list of one, in a file
  EXPECT_ERROR(ValueError, read("Subtract", "{}")(symbol({None, 3})), "exactly 2 inputs");
}

TEST(Concatenate, Contract) {
  check_layer(Concatenate(),
              {.inputs = {{None, 4, 3}, {None, 4, 5}}, .outputs = {{None, 4, 8}}});  // S54
  check_layer(Concatenate({.axis = 1}), {.inputs = {{None, None, 3}, {None, 4, 3}, {None, 2, 3}},
                                         .outputs = {{None, None, 3}}});
  check_layer(Concatenate({.axis = 2}),
              {.inputs = {{None, None, 3}, {None, 7, 3}}, .outputs = {{None, None, 6}}});
  EXPECT_EQ(Concatenate().impl()->config().dump(), R"({"axis": -1})");
  EXPECT_EQ(to_text(Concatenate({.axis = 0})(symbols({{2, 3}, {4, 3}})).shape()), "(6, 3)");
}

TEST(Concatenate, Values) {
  EXPECT_TRUE(
      bit_equal(merged(Concatenate(), {Tensor({2, 1}, {1, 2}), Tensor({2, 2}, {3, 4, 5, 6})}),
                Tensor({2, 3}, {1, 3, 4, 2, 5, 6})));
}

TEST(Concatenate, Errors) {
  EXPECT_ERROR(ValueError, Concatenate()(symbols({{None, 4, 3}, {None, 5, 3}})),
               "matching shapes except for the axis of concatenation");
  EXPECT_ERROR(ValueError, Concatenate()(symbols({{None, 3}, {None, 3, 3}})), "matching shapes");
  EXPECT_ERROR(ValueError, Concatenate()(symbols({{None, None, 3}, {None, 4, 3}, {None, 5, 3}})),
               "matching shapes");
  EXPECT_ERROR(ValueError, Concatenate({.axis = 3})(symbols({{None, 3}, {None, 3}})), "`axis`");
  EXPECT_ERROR(ValueError, Concatenate()(symbol({None, 3})), "at least 2 inputs");
  EXPECT_NO_THROW(read("Concatenate", R"({"axis": -1})")(symbol({None, 3})));
}

TEST(Dot, Contract) {
  check_layer(Dot({.axes = 1}),
              {.inputs = {{None, 4, 3}, {None, 4, 5}}, .outputs = {{None, 3, 5}}});  // S54
  check_layer(Dot({.axes = {2, -1}, .normalize = true}),
              {.inputs = {{None, 2, 3, 4}, {None, 6, 3}}, .outputs = {{None, 2, 4, 6}}});
  check_layer(Dot({.axes = -1}), {.inputs = {{None, 3}, {None, 3}}, .outputs = {{None, 1}}});
  check_layer(Dot({.axes = 1}), {.inputs = {{None, None, 3}, {None, 4, 5}},
                                 .outputs = {{None, 3, 5}},
                                 .real = {{2, 4, 3}, {2, 4, 5}}});
  EXPECT_EQ(Dot({.axes = {1, 2}}).impl()->config().dump(),
            R"({"axes": [1, 2], "normalize": false})");
  EXPECT_EQ(Dot({.axes = 1}).impl()->config().dump(), R"({"axes": 1, "normalize": false})");
}

TEST(Dot, Values) {
  const Tensor a({1, 2, 2}, {1, 2, 3, 4}), b({1, 2, 3}, {1, 0, 2, 0, 1, 1});
  EXPECT_TRUE(bit_equal(merged(Dot({.axes = 1}), {a, b}), Tensor({1, 2, 3}, {1, 3, 5, 2, 4, 8})));
  EXPECT_TRUE(
      bit_equal(merged(Dot({.axes = {2, 1}}), {a, b}), Tensor({1, 2, 3}, {1, 2, 4, 3, 4, 10})));
  EXPECT_LT(max_error(merged(Dot({.axes = 1, .normalize = true}),
                             {Tensor({2, 2}, {3, 4, 0, 0}), Tensor({2, 2}, {1, 0, 1, 0})}),
                      Tensor({2, 1}, {0.6f, 0})),
            1e-6);
}

TEST(Dot, Errors) {
  EXPECT_ERROR(ValueError, Dot({}), "`axes` must be an integer or a pair");
  EXPECT_ERROR(ValueError, Dot({.axes = {1, 1, 1}}), "Received: 3 numbers");
  EXPECT_ERROR(ValueError, Dot({.axes = 0}), "`axes` cannot be the batch axis");
  EXPECT_ERROR(ValueError, Dot({.axes = -2})(symbols({{None, 3}, {None, 3}})), "the batch axis");
  EXPECT_ERROR(ValueError, Dot({.axes = 1})(symbols({{None, 3}, {None, 4}})),
               "sizes along `axes` differ: 3 and 4");
  EXPECT_ERROR(ValueError, Dot({.axes = 2})(symbols({{None, 3}, {None, 3}})), "`axis` must be in");
  EXPECT_ERROR(ValueError, Dot({.axes = 1})(symbol({None, 3})), "exactly 2 inputs");
}

}  // namespace
}  // namespace cornu::testing
