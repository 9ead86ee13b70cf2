#include "cornu/ops/unary.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <sstream>

#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Fn = Unary::Fn;

constexpr Fn kLast = Fn::kStopGradient;

template <class F>
void for_each_function(F&& f) {
  for (int i = 0; i <= static_cast<int>(kLast); ++i)
    f(Unary{.fn = static_cast<Fn>(i), .a = 0.5f, .b = 2, .c = 0.25f});
}

// layers.md 21.6.
const float kPoints[] = {-4, -2, -1, -0.5f, 0, 0.5f, 1, 2, 4};
struct Row {
  Unary op;
  const char* values;
};
const Row kRows[] = {
    {{Fn::kRelu, 0.2f, INFINITY}, "-.8 -.4 -.2 -.1 0 .5 1 2 4"},  // leaky_relu
    {{Fn::kElu, 1}, "-.981684 -.864665 -.632121 -.393469 0 .5 1 2 4"},
    {{Fn::kCelu, 1}, "-.981684 -.864665 -.632121 -.393469 0 .5 1 2 4"},
    {{Fn::kSelu}, "-1.725899 -1.520166 -1.111331 -.691758 0 .52535 1.050701 2.101402 4.202804"},
    {{Fn::kGelu}, "-.000127 -.0455 -.158655 -.154269 0 .345731 .841345 1.9545 3.999873"},
    {{Fn::kGeluTanh}, "-.00007 -.045402 -.158808 -.154286 0 .345714 .841192 1.954598 3.99993"},
    {{Fn::kSilu}, "-.071945 -.238406 -.268941 -.18877 0 .31123 .731059 1.761594 3.928055"},
    {{Fn::kSoftplus}, ".01815 .126928 .313262 .474077 .693147 .974077 1.313262 2.126928 4.01815"},
    {{Fn::kSoftsign}, "-.8 -.666667 -.5 -.333333 0 .333333 .5 .666667 .8"},
    {{Fn::kSigmoid}, ".017986 .119203 .268941 .377541 .5 .622459 .731059 .880797 .982014"},
    {{Fn::kHardSigmoid, 1 / 6.f, 0.5f}, "0 .166667 .333333 .416667 .5 .583333 .666667 .833333 1"},
    {{Fn::kHardSilu}, "0 -.333333 -.333333 -.208333 0 .291667 .666667 1.666667 4"},
    {{Fn::kMish}, "-.072592 -.252501 -.303401 -.220744 0 .375245 .865098 1.943959 3.997413"},
    {{Fn::kSquareplus, 4}, ".236068 .414214 .618034 .780776 1 1.280776 1.618034 2.414214 4.236068"},
    {{Fn::kSparsePlus}, "0 0 0 .0625 .25 .5625 1 2 4"},
    {{Fn::kRelu, 0.1f, 3, 1}, "-.5 -.3 -.2 -.15 -.1 -.05 0 2 3"},
};

TEST(Unary, TableOfTheSpecification) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(to_text(Op(row.op)));
    std::istringstream in(row.values);
    for (const float x : kPoints) {
      double want = NAN;
      ASSERT_TRUE(in >> want);
      EXPECT_NEAR(static_cast<double>(apply(row.op, x)), want, 1.3e-6) << "x = " << x;
      EXPECT_NEAR(apply(row.op, static_cast<double>(x)), want, 6e-7) << "x = " << x;
    }
    double more;
    EXPECT_FALSE(in >> more);
  }
}

// The formulas of layers.md 6.3 and 10 as they stand there, where no care for rounding is needed.
struct Formula {
  Unary op;
  std::function<double(double)> f;
};
double sig(double x) { return 1 / (1 + std::exp(-x)); }
double plus(double x) { return std::log(1 + std::exp(x)); }
const Formula kFormulas[] = {
    {{Fn::kIdentity}, [](double x) { return x; }},
    {{Fn::kRelu, 0, 6, 0}, [](double x) { return std::min(std::max(x, 0.0), 6.0); }},
    {{Fn::kRelu, 0, INFINITY, 0}, [](double x) { return std::max(x, 0.0); }},
    {{Fn::kRelu, 0.5f, 3, 1}, [](double x) { return x >= 3 ? 3 : (x > 1 ? x : 0.5 * (x - 1)); }},
    {{Fn::kElu, 2}, [](double x) { return x > 0 ? x : 2 * (std::exp(x) - 1); }},
    {{Fn::kCelu, 2},
     [](double x) { return std::max(x, 0.0) + 2 * std::expm1(std::min(x, 0.0) / 2); }},
    {{Fn::kSelu},
     [](double x) {
       return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1));
     }},
    {{Fn::kGelu}, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
    {{Fn::kGeluTanh},
     [](double x) {
       return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
     }},
    {{Fn::kSilu}, [](double x) { return x * sig(x); }},
    {{Fn::kSigmoid}, sig},
    {{Fn::kTanh}, [](double x) { return std::tanh(x); }},
    {{Fn::kExp}, [](double x) { return std::exp(x); }},
    {{Fn::kLog}, [](double x) { return std::log(x); }},
    {{Fn::kSqrt}, [](double x) { return std::sqrt(x); }},
    {{Fn::kRsqrt}, [](double x) { return 1 / std::sqrt(x); }},
    {{Fn::kSquare}, [](double x) { return x * x; }},
    {{Fn::kAbs}, [](double x) { return std::fabs(x); }},
    {{Fn::kNegate}, [](double x) { return -x; }},
    {{Fn::kSoftplus}, plus},
    {{Fn::kSoftsign}, [](double x) { return x / (1 + std::fabs(x)); }},
    {{Fn::kHardSigmoid, 0.25f, 0.5f},
     [](double x) { return std::max(0.0, std::min(1.0, 0.25 * x + 0.5)); }},
    {{Fn::kHardSilu}, [](double x) { return x * std::max(0.0, std::min(6.0, x + 3)) / 6; }},
    {{Fn::kClip, -1, 1}, [](double x) { return std::max(-1.0, std::min(1.0, x)); }},
    {{Fn::kMish}, [](double x) { return x * std::tanh(plus(x)); }},
    {{Fn::kLogSigmoid}, [](double x) { return -plus(-x); }},
    {{Fn::kSparseSigmoid}, [](double x) { return x <= -1 ? 0 : (x >= 1 ? 1 : (x + 1) / 2); }},
    {{Fn::kSparsePlus},
     [](double x) { return x <= -1 ? 0 : (x >= 1 ? x : (x + 1) * (x + 1) / 4); }},
    {{Fn::kSquareplus, 4}, [](double x) { return (x + std::sqrt(x * x + 4)) / 2; }},
    {{Fn::kSoftShrink, 0.5f},
     [](double x) { return x > 0.5 ? x - 0.5 : (x < -0.5 ? x + 0.5 : 0); }},
    {{Fn::kHardShrink, 0.5f}, [](double x) { return std::fabs(x) > 0.5 ? x : 0; }},
    {{Fn::kTanhShrink}, [](double x) { return x - std::tanh(x); }},
    {{Fn::kThreshold, 0.5f, -3}, [](double x) { return x > 0.5 ? x : -3; }},
    {{Fn::kAffine, 2, -3}, [](double x) { return 2 * x - 3; }},
    {{Fn::kStopGradient}, [](double x) { return x; }},
};

TEST(Unary, FormulasOfTheSpecification) {
  std::set<Fn> covered;
  for (const Formula& formula : kFormulas) {
    SCOPED_TRACE(to_text(Op(formula.op)));
    covered.insert(formula.op.fn);
    std::vector<double> got, want;
    std::vector<float> single;
    for (int i = -80; i <= 80; ++i) {
      const double x = i / 10.0;
      want.push_back(formula.f(x));
      got.push_back(apply(formula.op, x));
    }
    EXPECT_LT(max_error(got, want), 1e-13);
    // float follows double; points that float cannot hold exactly are off the steps.
    want.clear();
    for (int i = -64; i <= 64; ++i) {
      const double x = i / 8.0;
      want.push_back(formula.f(x));
      single.push_back(apply(formula.op, static_cast<float>(x)));
    }
    EXPECT_LT(max_error(single, want), 5e-7);
  }
  for_each_function([&](const Unary& op) { EXPECT_TRUE(covered.count(op.fn)) << to_text(Op(op)); });
}

TEST(Unary, NanGoesThroughEveryFunction) {
  for_each_function([](const Unary& op) {
    EXPECT_TRUE(std::isnan(apply(op, NAN))) << to_text(Op(op));
    EXPECT_TRUE(std::isnan(apply(op, static_cast<double>(NAN)))) << to_text(Op(op));
  });
}

TEST(Unary, FarFromZeroNothingOverflows) {
  const auto f = [](Fn fn, float x) { return apply(Unary{.fn = fn, .a = 4, .b = INFINITY}, x); };
  EXPECT_EQ(f(Fn::kSigmoid, -1000), 0);
  EXPECT_EQ(f(Fn::kSigmoid, 1000), 1);
  EXPECT_GT(f(Fn::kSigmoid, -85), 0);
  EXPECT_EQ(f(Fn::kSoftplus, 1000), 1000);
  EXPECT_EQ(f(Fn::kSoftplus, -1000), 0);
  EXPECT_EQ(f(Fn::kSoftplus, INFINITY), INFINITY);
  EXPECT_GT(f(Fn::kSoftplus, -50), 0);
  EXPECT_EQ(f(Fn::kLogSigmoid, -1000), -1000);
  EXPECT_EQ(f(Fn::kLogSigmoid, 1000), 0);
  EXPECT_EQ(f(Fn::kMish, -1000), 0);
  EXPECT_EQ(f(Fn::kMish, 1000), 1000);
  EXPECT_EQ(f(Fn::kSilu, -1000), 0);
  EXPECT_EQ(f(Fn::kSquareplus, -1e30f), 0);
  EXPECT_NEAR(f(Fn::kSquareplus, -1000), 1e-3, 1e-8);
  EXPECT_LT(f(Fn::kGelu, -5), 0);
  EXPECT_EQ(f(Fn::kTanh, 1000), 1);
}

TEST(Unary, ReluAtTheEdges) {
  const auto relu = [](float slope, float max, float threshold, float x) {
    return apply(Unary{.fn = Fn::kRelu, .a = slope, .b = max, .c = threshold}, x);
  };
  EXPECT_EQ(relu(0, INFINITY, 0, -INFINITY), 0);
  EXPECT_EQ(relu(0, INFINITY, 0, INFINITY), INFINITY);
  EXPECT_EQ(relu(0.5f, INFINITY, 0, -INFINITY), -INFINITY);
  EXPECT_EQ(relu(0, 6, 0, INFINITY), 6);
  EXPECT_EQ(relu(0, INFINITY, 1, 1), 0);  // at the threshold the lower branch holds
  // A cap below the threshold: up to the threshold Keras takes the slope.
  EXPECT_EQ(relu(0.5f, 1, 3, 2), -0.5f);
  EXPECT_EQ(relu(0.5f, 1, 3, 4), 1);
  EXPECT_FALSE(std::signbit(relu(0, INFINITY, 0, -5)));
}

TEST(Unary, RowsAndScalarsAgree) {
  const Tensor x = random_tensor(Shape{3, 5}, 1);
  for_each_function([&](const Unary& op) {
    const Tensor y = run_op(op, {x});
    Tensor in_place = x, one_by_one = x;
    apply(op, in_place.data(), in_place.size());
    for (float& v : one_by_one.values()) v = apply(op, v);
    EXPECT_TRUE(bit_equal(y, in_place)) << to_text(Op(op));
    EXPECT_TRUE(bit_equal(y, one_by_one)) << to_text(Op(op));
  });
}

TEST(Unary, NamesAreDistinct) {
  std::set<std::string> names;
  for_each_function([&](const Unary& op) {
    names.insert(name_of(op));
    EXPECT_LE(signature(op.fn).parameters.size(), 3u);
  });
  EXPECT_EQ(names.size(), static_cast<size_t>(kLast) + 1);
  EXPECT_FALSE(names.count("unary ?"));
}

}  // namespace
}  // namespace cornu::ops
