#include "cornu/ops/resize.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using Mode = Resize::Mode;

std::vector<double> parse(const char* text) {
  std::istringstream in(text);
  std::vector<double> out;
  for (double v; in >> v;) out.push_back(v);
  return out;
}

TEST(Resize, LinesOfTheSpecification) {  // layers.md 21.4
  struct Case {
    const char* name;
    Mode mode;
    int64_t factor;
    const char *two, *three;
  };
  const Case cases[] = {
      {"U1", Mode::kNearest, 2, "0 0 10 10", "0 0 10 10 20 20"},
      {"U2", Mode::kBilinear, 2, "0 2.5 7.5 10", "0 2.5 7.5 12.5 17.5 20"},
      {"U3", Mode::kBilinear, 3, "0 0 3.333333 6.666667 10 10",
       "0 0 3.333333 6.666667 10 13.333333 16.666667 20 20"},
      {"U4", Mode::kBilinear, 4, "0 0 1.25 3.75 6.25 8.75 10 10",
       "0 0 1.25 3.75 6.25 8.75 11.25 13.75 16.25 18.75 20 20"},
      {"U5", Mode::kBilinearLegacy, 2, "0 5 10 10", "0 5 10 15 20 20"},
      {"U6", Mode::kBilinearLegacy, 3, "0 3.333333 6.666667 10 10 10",
       "0 3.333333 6.666667 10 13.333333 16.666667 20 20 20"},
      {"U7", Mode::kBicubic, 2, "-0.882353 2.071429 7.928571 10.882353",
       "-0.882353 1.678832 7.099237 12.900763 18.321168 20.882353"},
      {"U8", Mode::kLanczos3, 2, "-1.754777 2.328707 7.671293 11.754777",
       "-0.925143 1.232141 6.076831 13.923169 18.767859 20.925143"},
      {"U9", Mode::kLanczos5, 2, "-2.207119 2.438317 7.561683 12.207119",
       "-0.277668 0.745958 5.591798 14.408202 19.254042 20.277668"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    for (int64_t n : {2, 3}) {
      const std::vector<double> want = parse(n == 2 ? c.two : c.three);
      const Tensor x = n == 2 ? line({0, 10}) : line({0, 10, 20});
      const Resize op{.mode = c.mode, .size = {n * c.factor}};
      const std::vector<double> got = run_op_double(op, {x});
      EXPECT_LT(max_error(got, want), 6e-7);
      EXPECT_LT(max_error(run_op(op, {x}).values(), want), 1e-6);
    }
  }
}

// The window formulas of layers.md 4.7 read aloud: every cell, weight 0 beyond the radius.
double by_formula(Mode mode, const Tensor& x, int64_t i, int64_t factor) {
  const auto weight = [&](double d) {
    if (mode == Mode::kBicubic) {
      if (d >= 2) return 0.0;
      return d < 1 ? ((1.5 * d - 2.5) * d) * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
    }
    const double radius = mode == Mode::kLanczos3 ? 3 : 5;
    if (d > radius) return 0.0;
    return d <= 1e-3
               ? 1
               : radius * std::sin(M_PI * d) * std::sin(M_PI * d / radius) / (M_PI * M_PI * d * d);
  };
  const double c = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
  double sum = 0, weights = 0;
  for (int64_t k = 0; k < x.size(); ++k) {
    const double w = weight(std::fabs(c - static_cast<double>(k)));
    sum += w * static_cast<double>(x.data()[k]);
    weights += w;
  }
  return sum / weights;
}

TEST(Resize, WindowsFollowTheFormula) {
  for (const Mode mode : {Mode::kBicubic, Mode::kLanczos3, Mode::kLanczos5})
    for (const int64_t factor : {1, 2, 3, 4, 5, 6, 7, 12})
      for (const int64_t n : {1, 2, 5, 14}) {
        const Resize op{.mode = mode, .size = {n * factor}};
        SCOPED_TRACE(to_text(Op(op)));
        const Tensor x = random_tensor(Shape{1, n, 1}, static_cast<uint64_t>(factor));
        std::vector<double> want;
        for (int64_t i = 0; i < n * factor; ++i) want.push_back(by_formula(mode, x, i, factor));
        EXPECT_LT(max_error(run_op_double(op, {x}), want), 1e-13);
      }
}

// Repeating each element, for every factor: nothing may be rounded to a neighbour.
TEST(Resize, NearestRepeats) {
  for (int64_t factor : {1, 2, 3, 7, 41, 47, 55, 61, 82, 99, 100}) {
    const int64_t n = 100;
    const Tensor x = random_tensor(Shape{1, n, 1}, 1);
    const Tensor y = run_op(Resize{.size = {n * factor}}, {x});
    for (int64_t i = 0; i < n * factor; ++i)
      ASSERT_EQ(y.data()[i], x.data()[i / factor]) << i << " factor " << factor;
  }
}

TEST(Resize, NearestCopiesBits) {
  const Tensor x = line({-0.0f, NAN});
  const Tensor y = run_op(Resize{.size = {4}}, {x});
  EXPECT_TRUE(bit_equal(y, line({-0.0f, -0.0f, NAN, NAN})));
}

// Two axes are two resizes of one axis each.
TEST(Resize, AxesAreSeparable) {
  for (const Mode mode : {Mode::kNearest, Mode::kBilinear, Mode::kBilinearLegacy, Mode::kBicubic,
                          Mode::kLanczos3, Mode::kLanczos5}) {
    SCOPED_TRACE(name_of(Resize{.mode = mode}));
    const Tensor x = random_tensor(Shape{2, 4, 5, 3}, 3);
    const Tensor rows = run_op(Resize{.mode = mode, .size = {12, 5}}, {x});
    const Tensor both = run_op(Resize{.mode = mode, .size = {12, 10}}, {rows});
    EXPECT_LT(max_error(run_op(Resize{.mode = mode, .size = {12, 10}}, {x}), both), 1e-6);
    // A constant stays constant: the weights sum to 1.
    const Tensor flat = Tensor::full(Shape{1, 3, 2, 1}, 0.7f);
    EXPECT_LT(max_error(run_op(Resize{.mode = mode, .size = {9, 4}}, {flat}),
                        Tensor::full(Shape{1, 9, 4, 1}, 0.7f)),
              1e-6);
    // The same size changes nothing.
    EXPECT_LT(max_error(run_op(Resize{.mode = mode, .size = {4, 5}}, {x}), x), 1e-7);
  }
}

TEST(Resize, ShapeRule) {
  const Resize op{.size = {4, 6}};
  EXPECT_EQ(infer_shape(op, {Shape{2, 2, 3, 5}}), (Shape{2, 4, 6, 5}));
  EXPECT_EQ(infer_shape(op, {Shape{0, 2, 3, 5}}), (Shape{0, 4, 6, 5}));
  EXPECT_EQ(infer_shape(Resize{.size = {0}}, {Shape{1, 0, 5}}), (Shape{1, 0, 5}));
  EXPECT_THROW(infer_shape(op, {Shape{2, 2, 5}}), InternalError);
  EXPECT_THROW(infer_shape(op, {Shape{2, 0, 3, 5}}), InternalError);
  EXPECT_THROW(infer_shape(Resize{.size = {-1}}, {Shape{1, 2, 5}}), InternalError);
}

TEST(ResizeGrad, NearestSumsBlocks) {  // layers.md part 19
  const auto grad = [](int64_t n, const std::vector<float>& dy) {
    return numbers(run_op(ResizeGrad{Mode::kNearest, {n}}, {line(dy)}));
  };
  EXPECT_EQ(grad(2, {1, 10, 100, 1000}), (std::vector<float>{11, 1100}));
  EXPECT_EQ(grad(1, {1, 10, 100}), (std::vector<float>{111}));
  EXPECT_EQ(grad(3, {1, 10, 100}), (std::vector<float>{1, 10, 100}));
  EXPECT_EQ(grad(4, {1, 10}), (std::vector<float>{0, 1, 0, 10}));  // made smaller
}

// Resizing is linear, and this its transpose: <dy, resize(x)> = <grad(dy), x>.
TEST(ResizeGrad, IsTheTransposeOfResize) {
  uint64_t seed = 0;
  for (const Mode mode : {Mode::kNearest, Mode::kBilinear, Mode::kBilinearLegacy, Mode::kBicubic,
                          Mode::kLanczos3, Mode::kLanczos5})
    for (const int64_t n : {1, 2, 5, 17})
      for (const int64_t m : {1, 4, 10, 51}) {
        const Tensor x = random_tensor(Shape{2, n, 3, 17}, ++seed);
        const Resize op{mode, {m, 7}};
        const Tensor y = run_op(op, {x}), dy = random_tensor(y.shape(), ++seed);
        const Tensor dx = run_op(ResizeGrad{mode, {n, 3}}, {dy});
        ASSERT_EQ(dx.shape(), x.shape());
        const double size = std::sqrt(dot(y, y) * dot(dy, dy));
        EXPECT_NEAR(dot(dx, x), dot(dy, y), 1e-6 * (1 + size)) << to_text(Op(op)) << " of " << n;
      }
}

TEST(ResizeGrad, ShapeRule) {
  const ResizeGrad op{Mode::kBilinear, {3, 4}};
  EXPECT_EQ(infer_shape(op, {Shape{2, 6, 9, 5}}), (Shape{2, 3, 4, 5}));
  EXPECT_EQ(infer_shape(op, {Shape{0, 6, 9, 5}}), (Shape{0, 3, 4, 5}));
  EXPECT_THROW(infer_shape(op, {}), InternalError);
  EXPECT_THROW(infer_shape(op, {Shape{2, 6, 5}}), InternalError);
  EXPECT_THROW(infer_shape(op, {Shape{2}}), InternalError);
  EXPECT_THROW(infer_shape(ResizeGrad{Mode::kBilinear, {3, -1}}, {Shape{2, 6, 9, 5}}),
               InternalError);
  EXPECT_THROW(infer_shape(ResizeGrad{Mode::kBilinear, {3, 0}}, {Shape{2, 6, 9, 5}}),
               InternalError);  // out of nothing
}

}  // namespace
}  // namespace cornu::ops
