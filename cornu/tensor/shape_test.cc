#include "cornu/tensor/shape.h"

#include <gtest/gtest.h>

#include "cornu/base/text.h"

namespace cornu {
namespace {

TEST(Shape, AxesCountFromEitherEnd) {
  Shape s{None, 28, 14, 3};
  EXPECT_EQ(s.rank(), 4);
  EXPECT_EQ(s[0], Dim::kUnknown);
  EXPECT_EQ(s[1], 28);
  EXPECT_EQ(s[-1], 3);
  EXPECT_EQ(s[-4], Dim::kUnknown);
  s[-2] = 7;
  EXPECT_EQ(s, (Shape{None, 28, 7, 3}));
}

TEST(Shape, Known) {
  const Shape s{None, 2};
  EXPECT_FALSE(s.known(0));
  EXPECT_TRUE(s.known(1));
  EXPECT_TRUE(s.known(-1));
  EXPECT_FALSE(s.fully_known());
  EXPECT_TRUE((Shape{2, 0}).fully_known());
  EXPECT_TRUE(Shape{}.fully_known());
}

TEST(Shape, Size) {
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).size(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).size(), 0);
}

TEST(Shape, CheckedSize) {
  constexpr int64_t kHuge = int64_t{1} << 40;
  EXPECT_EQ(Shape{}.checked_size(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).checked_size(), 24);
  EXPECT_EQ((Shape{2, 0}).checked_size(), 0);
  EXPECT_EQ(Shape{int64_t{1} << 60}.checked_size(), int64_t{1} << 60);
  EXPECT_EQ((Shape{None, 2}).checked_size(), std::nullopt);
  EXPECT_EQ((Shape{-3, -3}).checked_size(), std::nullopt);
  EXPECT_EQ((Shape{kHuge, kHuge}).checked_size(), std::nullopt);
  EXPECT_EQ((Shape{int64_t{1} << 60, 2}).checked_size(), std::nullopt);
  EXPECT_EQ((Shape{0, kHuge, kHuge}).checked_size(), std::nullopt);
  EXPECT_EQ((Shape{kHuge, kHuge, 0}).checked_size(), std::nullopt);
}

TEST(Shape, Editing) {
  Shape s{2, 3};
  s.push_back(4);
  s.insert(0, Dim::kUnknown);
  EXPECT_EQ(s, (Shape{None, 2, 3, 4}));
  s.erase(1);
  EXPECT_EQ(s, (Shape{None, 3, 4}));
  EXPECT_NE(s, (Shape{None, 3}));
  EXPECT_NE(s, (Shape{1, 3, 4}));
  EXPECT_EQ(s, Shape(std::vector<int64_t>{-1, 3, 4}));
  EXPECT_EQ(std::vector<int64_t>(s.begin(), s.end()), (std::vector<int64_t>{-1, 3, 4}));
}

TEST(Shape, TextIsThePythonTuple) {
  EXPECT_EQ(to_text(Shape{}), "()");
  EXPECT_EQ(to_text(Shape{5}), "(5,)");
  EXPECT_EQ(to_text(Shape{None}), "(None,)");
  EXPECT_EQ(to_text(Shape{None, 28, 28, 1}), "(None, 28, 28, 1)");
  EXPECT_EQ(base::cat("shape=", Shape{2, 3}), "shape=(2, 3)");
}

}  // namespace
}  // namespace cornu
