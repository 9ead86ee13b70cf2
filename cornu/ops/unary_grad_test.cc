#include "cornu/ops/unary_grad.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/ops/unary.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Fn = Unary::Fn;

constexpr float kNone = std::numeric_limits<float>::infinity();

template <class F>
void for_each_function(F&& f) {
  for (int i = 0; i <= static_cast<int>(Fn::kStopGradient); ++i)
    f(Unary{.fn = static_cast<Fn>(i), .a = 0.5f, .b = 2, .c = 0});
}

TEST(UnaryGrad, KinksFollowTheSpecification) {  // layers.md part 19, and Keras's own formulas
  struct Kink {
    Unary op;
    float x, slope;
  };
  const Unary relu{Fn::kRelu, 0, kNone}, relu6{Fn::kRelu, 0, 6}, leaky{Fn::kRelu, 0.25f, kNone};
  const Kink kinks[] = {
      {relu, 0, 0},
      {relu, -0.0f, 0},
      {relu6, 0, 0},
      {relu6, 6, 0},
      {relu6, 5.999f, 1},
      {leaky, 0, 0.25f},
      {{Fn::kRelu, 0.5f, 3, 1}, 1, 0.5f},
      {{Fn::kRelu, 0.5f, 3, 1}, 3, 0},
      {{Fn::kAbs}, 0, 0},
      {{Fn::kAbs}, -0.0f, 0},
      {{Fn::kElu, 1}, 0, 1},
      {{Fn::kCelu, 2}, 0, 1},
      {{Fn::kSelu}, 0, 1.0507009873554805f},
      {{Fn::kClip, -1, 1}, -1, 1},
      {{Fn::kClip, -1, 1}, 1, 1},
      {{Fn::kClip, -1, 1}, 1.001f, 0},
      {{Fn::kHardSigmoid, 0.25f, 0.5f}, 2, 0},
      {{Fn::kHardSigmoid, 0.25f, 0.5f}, -2, 0},
      {{Fn::kHardSilu}, -3, 0},
      {{Fn::kHardSilu}, 3, 1},
      {{Fn::kSparseSigmoid}, 1, 0},
      {{Fn::kSparseSigmoid}, -1, 0},
      {{Fn::kSparsePlus}, -1, 0},
      {{Fn::kSparsePlus}, 1, 1},
      {{Fn::kSoftShrink, 0.5f}, 0.5f, 0},
      {{Fn::kSoftShrink, 0.5f}, -0.5f, 0},
      {{Fn::kHardShrink, 0.5f}, -0.5f, 0},
      {{Fn::kThreshold, 0.5f, -3}, 0.5f, 0},
      {{Fn::kSoftsign}, 0, 1},
      {{Fn::kStopGradient}, 1, 0},
  };
  for (const Kink& k : kinks) {
    SCOPED_TRACE(to_text(Op(k.op)) + " at " + std::to_string(k.x));
    EXPECT_EQ(derivative(k.op, k.x), k.slope);
    EXPECT_EQ(static_cast<float>(derivative(k.op, static_cast<double>(k.x))), k.slope);
    if (!output_tells_derivative(k.op)) continue;
    EXPECT_EQ(derivative_from_output(k.op, apply(k.op, k.x)), k.slope);
  }
}

TEST(UnaryGrad, TheOutputTellsTheSame) {
  int told = 0;
  const auto check = [&](const Unary& op) {
    if (!output_tells_derivative(op)) return;
    ++told;
    const bool positive = op.fn == Fn::kSqrt || op.fn == Fn::kRsqrt;
    for (int i = positive ? 1 : -40; i <= 40; ++i) {
      const double x = i / 8.0;
      EXPECT_NEAR(derivative_from_output(op, apply(op, x)), derivative(op, x), 1e-13)
          << to_text(Op(op)) << " at " << x;
    }
  };
  for_each_function(check);
  check(Unary{Fn::kRelu, 0, kNone});
  check(Unary{Fn::kRelu, 0.25f, 3});
  EXPECT_EQ(told, 9);
  EXPECT_FALSE(output_tells_derivative(Unary{Fn::kRelu, 0, kNone, 1}));   // y = 0 at x = 1/2
  EXPECT_FALSE(output_tells_derivative(Unary{Fn::kRelu, -0.5f, kNone}));  // two x for one y
  EXPECT_FALSE(output_tells_derivative(Unary{Fn::kElu, -0.5f}));
  EXPECT_FALSE(output_tells_derivative(Unary{Fn::kGelu}));
}

TEST(UnaryGrad, FloatFollowsDouble) {
  for_each_function([](const Unary& op) {
    for (int i = -64; i <= 64; ++i) {
      const float x = static_cast<float>(i) / 8;
      const double want = derivative(op, static_cast<double>(x));
      if (!std::isfinite(want)) continue;
      EXPECT_NEAR(static_cast<double>(derivative(op, x)), want, 1e-6 * (1 + std::fabs(want)))
          << to_text(Op(op)) << " at " << x;
    }
  });
}

TEST(UnaryGrad, NanGoesThrough) {
  for_each_function([](const Unary& op) {
    EXPECT_TRUE(std::isnan(derivative(op, NAN))) << to_text(Op(op));
    if (!output_tells_derivative(op)) return;
    EXPECT_TRUE(std::isnan(derivative_from_output(op, NAN))) << to_text(Op(op));
  });
}

TEST(UnaryGrad, FarFromZeroNothingOverflows) {
  for_each_function([](const Unary& op) {
    for (const float x : {-1e4f, 1e4f, -100.0f, 100.0f}) {
      const bool outside = x < 0 && (op.fn == Fn::kSqrt || op.fn == Fn::kRsqrt);
      const bool large = x > 0 && op.fn == Fn::kExp;
      if (outside || large) continue;
      const float slope = derivative(op, x);
      EXPECT_LE(std::fabs(slope), 2 * std::max(1.0f, std::fabs(x))) << to_text(Op(op)) << x;
    }
  });
  for (const Fn fn : {Fn::kSilu, Fn::kMish, Fn::kGelu, Fn::kGeluTanh, Fn::kSoftplus}) {
    EXPECT_EQ(derivative(Unary{fn}, 1e4f), 1) << to_text(Op(Unary{fn}));
    EXPECT_EQ(derivative(Unary{fn}, -1e4f), 0) << to_text(Op(Unary{fn}));
  }
}

TEST(UnaryGrad, IsTheSlopeTimesWhatFlowsIn) {
  const Tensor x = random_tensor(Shape{3, 17}, 1, -2, 2), dy = random_tensor(Shape{3, 17}, 2);
  for_each_function([&](const Unary& op) {
    const Tensor dx = run_op(UnaryGrad{op}, {x, dy});
    for (size_t i = 0; i < dx.values().size(); ++i) {
      const float want = dy.values()[i] * derivative(op, x.values()[i]);
      const float got = dx.values()[i];
      EXPECT_TRUE(got == want || (std::isnan(got) && std::isnan(want))) << to_text(Op(op));
    }
  });
  const Tensor y = run_op(Unary{Fn::kTanh}, {x});
  EXPECT_LT(max_error(run_op(UnaryGrad{{Fn::kTanh}, true}, {y, dy}),
                      run_op(UnaryGrad{{Fn::kTanh}}, {x, dy})),
            1e-6);
}

TEST(UnaryGrad, ShapeRule) {
  const Shape x{2, 3};
  EXPECT_EQ(infer_shape(UnaryGrad{{Fn::kGelu}}, {x, x}), x);
  EXPECT_EQ(infer_shape(UnaryGrad{{Fn::kTanh}, true}, {x, x}), x);
  EXPECT_THROW(infer_shape(UnaryGrad{{Fn::kGelu}, true}, {x, x}), InternalError);
  EXPECT_THROW(infer_shape(UnaryGrad{{Fn::kGelu}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(UnaryGrad{{Fn::kGelu}}, {x, Shape{3}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
