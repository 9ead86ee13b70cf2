#include "cornu/graph/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/graph/interpret.h"

namespace cornu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a formula of one input makes of these numbers, with its shape.
struct Result {
  Shape shape;
  std::vector<float> values;
};
Result result(const Tensor& x, const std::function<Expression(Expression)>& formula) {
  graph::Builder g;
  const graph::Value y = formula({g, g.input(x.shape())});
  const Shape shape = g.shape(y);
  const graph::Graph graph = std::move(g).finish({y});
  return {shape, graph::interpret<float>(graph, std::span(&x, 1)).at(0)};
}

// Equal numbers, NaN where NaN is wanted and nowhere else.
void expect_values(const Result& got, const Shape& shape, const std::vector<float>& wanted) {
  EXPECT_EQ(got.shape, shape);
  ASSERT_EQ(got.values.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got.values[i])) << "at " << i << ": " << got.values[i];
    else
      EXPECT_EQ(got.values[i], wanted[i]) << "at " << i;
  }
}

const Tensor kTable(Shape{2, 3}, {1, 2, 3, 4, 5, 6});

// ---- values -------------------------------------------------------------------------------------

TEST(Expression, ArithmeticBroadcasts) {
  const auto halves = [](Expression x) { return ops::slice(x, 0, 0, 1) * ops::slice(x, 1, 1, 2); };
  expect_values(result(kTable, halves), {2, 3}, {2, 4, 6, 5, 10, 15});
  expect_values(result(kTable, [](Expression x) { return x + ops::max(x); }), {2, 3},
                {7, 8, 9, 10, 11, 12});
  expect_values(result(Tensor(Shape{2}, {4, -2}), [](Expression x) { return (1 - x) / 2 + -x; }),
                {2}, {-5.5, 3.5});
  expect_values(result(Tensor(Shape{2}, {4, -2}), [](Expression x) { return 8 / x - 2 * x; }), {2},
                {-6, 0});
}

TEST(Expression, Reduces) {
  expect_values(result(kTable, [](Expression x) { return ops::sum(x); }), {}, {21});
  expect_values(result(kTable, [](Expression x) { return ops::mean(x, {.axis = {-1}}); }), {2},
                {2, 5});
  expect_values(
      result(kTable, [](Expression x) { return ops::max(x, {.axis = {0}, .keepdims = true}); }),
      {1, 3}, {4, 5, 6});
  expect_values(result(kTable,
                       [](Expression x) {
                         return ops::min(x, {.axis = {1, 0}});
                       }),
                {}, {1});
  expect_values(
      result(Tensor(Shape{0, 2}, {}), [](Expression x) { return ops::sum(x, {.axis = {0}}); }), {2},
      {0, 0});
}

TEST(Expression, MovesNumbers) {
  expect_values(result(kTable,
                       [](Expression x) {
                         return ops::transpose(x, {1, 0});
                       }),
                {3, 2}, {1, 4, 2, 5, 3, 6});
  expect_values(result(kTable,
                       [](Expression x) {
                         return ops::reshape(x, {3, 1, 2});
                       }),
                {3, 1, 2}, {1, 2, 3, 4, 5, 6});
  expect_values(result(kTable,
                       [](Expression x) {
                         return ops::concatenate({x, ops::slice(x, -1, 2, 3)});
                       }),
                {2, 4}, {1, 2, 3, 3, 4, 5, 6, 6});
  expect_values(result(Tensor(Shape{2}, {2, 0}), [](Expression x) { return ops::one_hot(x, 3); }),
                {2, 3}, {0, 0, 1, 1, 0, 0});
  expect_values(result(kTable,
                       [](Expression x) {
                         return ops::matmul(ops::reshape(x, {1, 2, 3}), ops::reshape(x, {1, 3, 2}));
                       }),
                {1, 2, 2}, {22, 28, 49, 64});
  expect_values(result(Tensor(Shape{2, 1}, {3, 7}), [](Expression x) { return ops::softmax(x); }),
                {2, 1}, {1, 1});
  expect_values(
      result(Tensor(Shape{2, 1}, {3, 3}), [](Expression x) { return ops::softmax(x, 0); }), {2, 1},
      {.5, .5});
}

// A number that is none comes out as one, and is never hidden by a comparison or a bound.
TEST(Expression, NaNStays) {
  const Tensor x(Shape{3}, {kNan, -1, 2});
  const std::vector<std::pair<std::function<Expression(Expression)>, std::vector<float>>> cases = {
      {[](Expression v) { return v * 0; }, {kNan, 0, 0}},
      {[](Expression v) { return ops::maximum(v, 0); }, {kNan, 0, 2}},
      {[](Expression v) { return ops::minimum(0 * v, v); }, {kNan, -1, 0}},
      {[](Expression v) { return ops::relu(v); }, {kNan, 0, 2}},
      {[](Expression v) { return ops::clip(v, -.5, 1); }, {kNan, -.5, 1}},
      {[](Expression v) { return ops::absolute(v); }, {kNan, 1, 2}},
      {[](Expression v) { return ops::stop_gradient(v); }, {kNan, -1, 2}},
      {[](Expression v) { return ops::power(v, 2); }, {kNan, 1, 4}},
      {[](Expression v) { return ops::greater(v, 0); }, {0, 0, 1}},
      {[](Expression v) { return ops::equal(v, v); }, {0, 1, 1}},
      {[](Expression v) { return ops::log(v - 2); }, {kNan, kNan, -kInfinity}},
      {[](Expression v) { return ops::sqrt(v - 2); }, {kNan, kNan, 0}},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    expect_values(result(x, cases[i].first), {3}, cases[i].second);
  }
  for (const auto& reduced : {ops::sum, ops::mean, ops::max, ops::min})
    expect_values(result(x, [&](Expression v) { return reduced(v, {}); }), {}, {kNan});
  expect_values(result(x, [](Expression v) { return ops::softmax(v); }), {3}, {kNan, kNan, kNan});
}

// ---- refusals -----------------------------------------------------------------------------------

// A formula on values of shapes (2, 3), (3,) and (2, 4, 5) that must be refused, with these words.
using Formula = std::function<Expression(Expression, Expression, Expression)>;
void expect_refused(const Formula& formula, const std::string& words) {
  graph::Builder g;
  const Expression table(g, g.input({2, 3})), line(g, g.input({3})), block(g, g.input({2, 4, 5}));
  try {
    formula(table, line, block);
    ADD_FAILURE() << "nothing was thrown; expected: " << words;
  } catch (const ValueError& e) {
    EXPECT_THAT(e.what(), HasSubstr(words));
  }
}

TEST(Expression, RefusesShapesThatDoNotBroadcast) {
  const std::string words = "shapes (2, 3) and (2, 4, 5) do not broadcast";
  using E = Expression;
  expect_refused([](E x, E, E z) { return x + z; }, words);
  expect_refused([](E x, E, E z) { return x - z; }, words);
  expect_refused([](E x, E, E z) { return x * z; }, words);
  expect_refused([](E x, E, E z) { return x / z; }, words);
  expect_refused([](E x, E, E z) { return ops::maximum(x, z); }, words);
  expect_refused([](E x, E, E z) { return ops::minimum(x, z); }, words);
  expect_refused([](E x, E, E z) { return ops::power(x, z); }, words);
  expect_refused([](E x, E, E z) { return ops::greater(x, z); }, words);
  expect_refused([](E x, E, E z) { return ops::greater_equal(x, z); }, words);
  expect_refused([](E x, E, E z) { return ops::equal(x, z); }, words);
  expect_refused([](E, E y, E z) { return y + z; }, "shapes (3,) and (2, 4, 5) do not broadcast");
}

TEST(Expression, RefusesAxesThatAreNotThere) {
  using E = Expression;
  const std::string words = "there is no axis 2 in shape (2, 3)";
  for (const auto& reduced : {ops::sum, ops::mean, ops::max, ops::min}) {
    expect_refused([&](E x, E, E) { return reduced(x, {.axis = {0, 2}}); }, words);
    expect_refused([&](E x, E, E) { return reduced(x, {.axis = {-3}}); },
                   "there is no axis -3 in shape (2, 3)");
    expect_refused(
        [&](E x, E, E) {
          return reduced(x, {.axis = {1, -1}});
        },
        "axis 1 of shape (2, 3) is given twice");
  }
  expect_refused([](E x, E, E) { return ops::softmax(x, 2); }, words);
  expect_refused([](E x, E, E) { return ops::log_softmax(x, 2); }, words);
  expect_refused([](E x, E, E) { return ops::softmax(ops::sum(x)); },
                 "there is no axis -1 in shape ()");
  expect_refused([](E x, E, E) { return ops::concatenate({x, x}, 2); }, words);
  expect_refused([](E x, E, E) { return ops::slice(x, 2, 0, 1); }, words);
  for (const std::vector<int64_t>& axes :
       std::vector<std::vector<int64_t>>{{0}, {0, 0}, {0, 2}, {1, 0, 2}, {-1, 0}})
    expect_refused([&](E x, E, E) { return ops::transpose(x, axes); },
                   "transpose needs each axis of (2, 3) once");
}

TEST(Expression, RefusesToReduceNothing) {
  graph::Builder g;
  const Expression empty(g, g.input({2, 0}));
  for (const bool largest : {true, false}) {
    const auto reduced = largest ? ops::max : ops::min;
    const char* name = largest ? "max" : "min";
    EXPECT_EQ(reduced(empty, {.axis = {0}}).shape(), Shape{0});
    try {
      reduced(empty, {.axis = {1}});
      ADD_FAILURE() << name;
    } catch (const ValueError& e) {
      EXPECT_EQ(std::string(e.what()),
                base::cat("nothing has no ", name, ". Received: axis 1 of shape (2, 0)"));
    }
    EXPECT_THROW(reduced(empty, {}), ValueError);
  }
}

TEST(Expression, RefusesShapesOfOtherSizes) {
  using E = Expression;
  expect_refused([](E x, E, E) { return ops::reshape(x, {4}); }, "cannot reshape (2, 3) into (4,)");
  expect_refused([](E x, E, E) { return ops::reshape(x, {}); }, "cannot reshape (2, 3) into ()");
  expect_refused(
      [](E x, E, E) {
        return ops::reshape(x, {2, None});
      },
      "cannot reshape (2, 3) into (2, None)");
  expect_refused(
      [](E x, E, E) {
        return ops::reshape(x, {-2, -3});
      },
      "cannot reshape (2, 3) into (-2, -3)");
  expect_refused(
      [](E x, E, E) {
        return ops::reshape(x, Shape(std::vector<int64_t>{int64_t{1} << 40, int64_t{1} << 40}));
      },
      "cannot reshape (2, 3) into (1099511627776, 1099511627776)");
  expect_refused(
      [](E x, E, E) {
        return ops::reshape(x, {1, 1, 1, 1, 1, 1, 1, 2, 3});
      },
      "reshape: a result has at most 8 axes. Received: 9");
}

TEST(Expression, RefusesPartsThatDoNotFit) {
  using E = Expression;
  expect_refused([](E, E, E) { return ops::concatenate({}); },
                 "concatenate needs at least one part");
  expect_refused(
      [](E x, E y, E) {
        return ops::concatenate({x, y});
      },
      "cannot concatenate shapes (2, 3) and (3,) along axis -1");
  expect_refused(
      [](E x, E, E) {
        return ops::concatenate({x, ops::reshape(x, {3, 2})}, 0);
      },
      "cannot concatenate shapes (2, 3) and (3, 2) along axis 0");
  for (const auto& [begin, end] : {std::pair(-1, 2), {2, 1}, {0, 4}, {4, 4}})
    expect_refused([b = begin, e = end](E x, E, E) { return ops::slice(x, 1, b, e); },
                   base::cat("there are no entries [", begin, ", ", end, ") on axis 1 of shape"));
  expect_refused([](E, E y, E) { return ops::one_hot(y, 0); },
                 "one_hot: `num_classes` must be positive. Received: 0");
  expect_refused(
      [](E x, E, E) {
        return ops::one_hot(ops::reshape(x, {1, 1, 1, 1, 1, 1, 2, 3}), 2);
      },
      "one_hot: a result has at most 8 axes. Received: 9");
}

TEST(Expression, RefusesProductsThatDoNotFit) {
  using E = Expression;
  expect_refused([](E x, E, E z) { return ops::matmul(x, z); },
                 "matmul needs (B, M, K) and (B, K, N). Received: (2, 3) and (2, 4, 5)");
  expect_refused([](E, E, E z) { return ops::matmul(z, z); },
                 "matmul needs (B, M, K) and (B, K, N). Received: (2, 4, 5) and (2, 4, 5)");
  expect_refused(
      [](E, E, E z) {
        return ops::matmul(z, ops::reshape(z, {1, 5, 8}));
      },
      "Received: (2, 4, 5) and (1, 5, 8)");
}

TEST(Expression, RefusesValuesOfTwoGraphs) {
  graph::Builder other;
  const Expression foreign(other, other.input({2, 3}));
  const Expression cube(other, other.input({2, 3, 1}));
  using E = Expression;
  const std::string words =
      "values of two graphs cannot be put together. Received: shapes (2, 3) and (2, 3)";
  expect_refused([&](E x, E, E) { return x + foreign; }, words);
  expect_refused([&](E x, E, E) { return foreign / x; }, words);
  expect_refused([&](E x, E, E) { return ops::maximum(x, foreign); }, words);
  expect_refused([&](E x, E, E) { return ops::equal(x, foreign); }, words);
  expect_refused([&](E x, E, E) { return ops::concatenate({x, x, foreign}); }, words);
  expect_refused(
      [&](E x, E, E) {
        return ops::matmul(ops::reshape(x, {2, 1, 3}), cube);
      },
      "values of two graphs cannot be put together");
}

}  // namespace
}  // namespace cornu
