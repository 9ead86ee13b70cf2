#include "cornu/ops/warp.h"

#include <gtest/gtest.h>

#include <numbers>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using testing::bit_equal;
using testing::max_error;
using testing::numbers;
using testing::random_tensor;
using testing::run_op;
using Beyond = Warp::Beyond;

struct How {
  float angle = 0, zoom_y = 1, zoom_x = 1, move_y = 0, move_x = 0;
};

Tensor warped(const Tensor& x, const How& h, const Warp& op = {}) {
  Tensor how(Shape{x.shape()[0], 5});
  for (int64_t n = 0; n < x.shape()[0]; ++n)
    std::ranges::copy(std::initializer_list<float>{h.angle, h.zoom_y, h.zoom_x, h.move_y, h.move_x},
                      how.data() + 5 * n);
  return run_op(op, {x, how});
}

Tensor row(const std::vector<float>& values) {
  return Tensor(Shape{1, 1, values.size(), 1}, std::span<const float>(values));
}

TEST(Warp, NothingToDo) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 1);
  for (const bool bilinear : {false, true})
    EXPECT_TRUE(bit_equal(warped(x, {}, {.bilinear = bilinear}), x));
}

TEST(Warp, MirrorsExactly) {
  const Tensor x({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6});
  for (const bool bilinear : {false, true}) {
    const Warp op{.bilinear = bilinear};
    EXPECT_EQ(numbers(warped(x, {.zoom_x = -1}, op)), (std::vector<float>{3, 2, 1, 6, 5, 4}));
    EXPECT_EQ(numbers(warped(x, {.zoom_y = -1}, op)), (std::vector<float>{4, 5, 6, 1, 2, 3}));
    EXPECT_EQ(numbers(warped(x, {.zoom_y = -1, .zoom_x = -1}, op)),
              (std::vector<float>{6, 5, 4, 3, 2, 1}));
  }
}

TEST(Warp, TurnsCounterClockwise) {
  const Tensor x({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor want({1, 3, 3, 1}, {3, 6, 9, 2, 5, 8, 1, 4, 7});
  for (const bool bilinear : {false, true})
    EXPECT_LT(max_error(warped(x, {.angle = static_cast<float>(std::numbers::pi / 2)},
                               {.bilinear = bilinear}),
                        want),
              1e-6);
}

TEST(Warp, BeyondTheImage) {
  const Tensor x = row({1, 2, 3, 4});
  const auto moved = [&](Beyond beyond, float by) {
    return numbers(warped(x, {.move_x = by}, {.beyond = beyond, .fill = 9}));
  };
  using V = std::vector<float>;
  EXPECT_EQ(moved(Beyond::kConstant, 2), (V{9, 9, 1, 2}));
  EXPECT_EQ(moved(Beyond::kNearest, 2), (V{1, 1, 1, 2}));
  EXPECT_EQ(moved(Beyond::kReflect, 2), (V{2, 1, 1, 2}));
  EXPECT_EQ(moved(Beyond::kWrap, 2), (V{3, 4, 1, 2}));
  EXPECT_EQ(moved(Beyond::kConstant, -7), (V{9, 9, 9, 9}));
  EXPECT_EQ(moved(Beyond::kNearest, -7), (V{4, 4, 4, 4}));
  EXPECT_EQ(moved(Beyond::kReflect, -7), (V{1, 1, 2, 3}));
  EXPECT_EQ(moved(Beyond::kWrap, -7), (V{4, 1, 2, 3}));
  EXPECT_EQ(moved(Beyond::kReflect, 9), (V{1, 1, 2, 3}));
}

TEST(Warp, BetweenCells) {
  const Tensor x = row({1, 2, 4, 8});
  const Warp linear{.bilinear = true, .fill = -1};
  EXPECT_EQ(numbers(warped(x, {.move_x = 0.5f}, linear)), (std::vector<float>{0, 1.5f, 3, 6}));
  // Half as near about 1.5: cells -1.5, 0.5, 2.5, 4.5.
  EXPECT_EQ(numbers(warped(x, {.zoom_x = 2}, linear)), (std::vector<float>{-1, 1.5f, 6, -1}));
  EXPECT_EQ(numbers(warped(x, {.move_x = 0.25f}, {})), (std::vector<float>{1, 2, 4, 8}));
  Tensor steep = x;
  steep.data()[2] = INFINITY;  // a weight of 0 does not make NaN of it
  EXPECT_EQ(numbers(warped(steep, {.move_x = 1}, linear)),
            (std::vector<float>{-1, 1, 2, INFINITY}));
}

// Each sample has its own five numbers.
TEST(Warp, SamplesApart) {
  const Tensor x({2, 1, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor how({2, 5}, {0, 1, -1, 0, 0, 0, 1, 1, 0, 1});
  EXPECT_EQ(numbers(run_op(Warp{}, {x, how})), (std::vector<float>{3, 4, 1, 2, 0, 0, 5, 6}));
}

TEST(Warp, WhatIsNoNumberIsFarAway) {
  const Tensor x = row({1, 2});
  EXPECT_EQ(numbers(warped(x, {.move_x = NAN}, {.fill = 3})), (std::vector<float>{3, 3}));
  EXPECT_EQ(numbers(warped(x, {.zoom_x = INFINITY}, {.beyond = Beyond::kNearest})),
            (std::vector<float>{1, 2}));
  EXPECT_EQ(numbers(warped(x, {.move_x = 1e38f}, {.beyond = Beyond::kNearest})),
            (std::vector<float>{1, 1}));
}

TEST(Warp, Shapes) {
  EXPECT_EQ(infer_shape(Warp{}, {Shape{0, 2, 3, 4}, Shape{0, 5}}), (Shape{0, 2, 3, 4}));
  EXPECT_THROW(infer_shape(Warp{}, {Shape{2, 3, 4}, Shape{2, 5}}), InternalError);
  EXPECT_THROW(infer_shape(Warp{}, {Shape{2, 3, 4, 1}, Shape{1, 5}}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
