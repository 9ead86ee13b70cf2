#include "cornu/layers/arithmetic.h"

#include "cornu/layers/core.h"
#include "tests/support/layer_test.h"

namespace cornu::testing {
namespace {

using layers::make_arithmetic;

// What the layer behind the symbol computes of these tensors.
Tensor computed(const Symbol& symbol, const std::vector<Tensor>& in) {
  return run_layer(Layer(symbol.call()->layer), in).at(0);
}

TEST(Arithmetic, OfSymbols) {
  const Symbol a = Input({.shape = {2}}), b = Input({.shape = {2}});
  const Tensor x({1, 2}, {1, 4}), y({1, 2}, {2, -8});
  EXPECT_TRUE(bit_equal(computed(a + b, {x, y}), Tensor({1, 2}, {3, -4})));
  EXPECT_TRUE(bit_equal(computed(a - b, {x, y}), Tensor({1, 2}, {-1, 12})));
  EXPECT_TRUE(bit_equal(computed(a * b, {x, y}), Tensor({1, 2}, {2, -32})));
  EXPECT_TRUE(bit_equal(computed(a / b, {x, y}), Tensor({1, 2}, {.5f, -.5f})));
  EXPECT_TRUE(bit_equal(computed(maximum(a, b), {x, y}), Tensor({1, 2}, {2, 4})));
  EXPECT_TRUE(bit_equal(computed(minimum(a, b), {x, y}), Tensor({1, 2}, {1, -8})));
  const Symbol twice = a + a;
  EXPECT_EQ(twice.call()->inputs, (std::vector<Symbol>{a, a}));
}

TEST(Arithmetic, OfSymbolsAndNumbers) {
  const Symbol a = Input({.shape = {2}});
  const Tensor x({1, 2}, {1, 4});
  EXPECT_TRUE(bit_equal(computed(a + 1, {x}), Tensor({1, 2}, {2, 5})));
  EXPECT_TRUE(bit_equal(computed(1 + a, {x}), Tensor({1, 2}, {2, 5})));
  EXPECT_TRUE(bit_equal(computed(a - 1.0, {x}), Tensor({1, 2}, {0, 3})));
  EXPECT_TRUE(bit_equal(computed(1.0 - a, {x}), Tensor({1, 2}, {0, -3})));
  EXPECT_TRUE(bit_equal(computed(2 * a, {x}), Tensor({1, 2}, {2, 8})));
  EXPECT_TRUE(bit_equal(computed(a * 0.5, {x}), Tensor({1, 2}, {.5f, 2})));
  EXPECT_TRUE(bit_equal(computed(a / 2, {x}), Tensor({1, 2}, {.5f, 2})));
  EXPECT_TRUE(bit_equal(computed(2 / a, {x}), Tensor({1, 2}, {2, .5f})));
  EXPECT_TRUE(bit_equal(computed(-a, {x}), Tensor({1, 2}, {-1, -4})));
  EXPECT_TRUE(bit_equal(computed(power(a, 2), {x}), Tensor({1, 2}, {1, 16})));
  EXPECT_LT(max_error(computed(power(a, 1.5), {x}), Tensor({1, 2}, {1, 8})), 1e-6);
  EXPECT_TRUE(bit_equal(computed(maximum(a, 2), {x}), Tensor({1, 2}, {2, 4})));
  EXPECT_TRUE(bit_equal(computed(minimum(a, 2), {x}), Tensor({1, 2}, {1, 2})));
  EXPECT_TRUE(bit_equal(computed(absolute(a), {Tensor({1, 2}, {-1, 4})}), x));
  EXPECT_TRUE(bit_equal(computed(square(a), {x}), Tensor({1, 2}, {1, 16})));
  EXPECT_TRUE(bit_equal(computed(sqrt(a), {x}), Tensor({1, 2}, {1, 2})));
  EXPECT_LT(max_error(computed(exp(a), {x}), Tensor({1, 2}, {2.7182818f, 54.59815f})), 1e-6);
}

TEST(Arithmetic, NamesOfTheOperations) {
  clear_session();
  const Symbol a = Input({.shape = {2}});
  EXPECT_EQ((a + 1).call()->layer->name(), "add");
  EXPECT_EQ((a + a).call()->layer->name(), "add_1");
  EXPECT_EQ((a / 2).call()->layer->name(), "true_divide");
  EXPECT_EQ((-a).call()->layer->class_name(), "Negative");
}

TEST(Arithmetic, Broadcasts) {
  const auto shape = [](Shape a, Shape b) {
    return to_text((symbol(std::move(a)) + symbol(std::move(b))).shape());
  };
  EXPECT_EQ(shape({None, 4, 4, 3}, {3}), "(None, 4, 4, 3)");
  EXPECT_EQ(shape({4, 1}, {None, 1, 5}), "(None, 4, 5)");
  EXPECT_EQ(shape({None, 1}, {1, None}), "(None, None)");
  EXPECT_EQ(shape({None, 3}, {2, 3}), "(2, 3)");
  EXPECT_EQ(shape({2, 3}, {None, 3}), "(2, 3)");
  EXPECT_ERROR(ValueError, symbol({None, 4, 4, 3}) + symbol({None, 4}), "do not broadcast");
  EXPECT_EQ(to_text((symbol({None, None}) * 2).shape()), "(None, None)");
}

TEST(Arithmetic, FromFiles) {
  const Tensor x({2}, {1, 4});
  const Layer right = make_arithmetic("Subtract", "minus", {std::nullopt, 1.0});
  EXPECT_EQ(right.name(), "minus");
  EXPECT_TRUE(bit_equal(run_layer(right, x), Tensor({2}, {0, 3})));
  EXPECT_TRUE(bit_equal(run_layer(make_arithmetic("Subtract", "", {1.0, std::nullopt}), x),
                        Tensor({2}, {0, -3})));
  EXPECT_TRUE(bit_equal(run_layer(make_arithmetic("Power", "", {2.0, std::nullopt}), x),
                        Tensor({2}, {2, 16})));
  EXPECT_TRUE(bit_equal(run_layer(make_arithmetic("Divide", "", {std::nullopt, 0.5}), x),
                        Tensor({2}, {2, 8})));
  EXPECT_LT(max_error(run_layer(make_arithmetic("Log", "", {std::nullopt}), x),
                      Tensor({2}, {0, 1.3862944f})),
            1e-6);
  ASSERT_NE(layers::arithmetic_arguments(*right.impl()), nullptr);
  EXPECT_EQ(*layers::arithmetic_arguments(*right.impl()),
            (layers::ArithmeticArguments{std::nullopt, 1.0}));
  EXPECT_EQ(layers::arithmetic_arguments(*Identity().impl()), nullptr);
  EXPECT_TRUE(layers::is_arithmetic("TrueDivide"));
  EXPECT_FALSE(layers::is_arithmetic("Conv2D"));
}

TEST(Arithmetic, Errors) {
  EXPECT_ERROR(ValueError, make_arithmetic("Mod", "x", {std::nullopt, 2.0}),
               "operation 'x': unknown operation 'Mod'");
  EXPECT_ERROR(ValueError, make_arithmetic("Add", "", {std::nullopt}), "it takes 2 arguments");
  EXPECT_ERROR(ValueError, make_arithmetic("Exp", "", {1.0}), "must be a tensor");
  EXPECT_ERROR(ValueError, make_arithmetic("Add", "", {std::nullopt, NAN}), "must be finite");
  EXPECT_ERROR(ValueError,
               make_arithmetic("Add", "", {std::nullopt, 1.0}).call(symbols({{1}, {1}})),
               "it takes 1 tensors. Received: 2 inputs");
}

}  // namespace
}  // namespace cornu::testing
