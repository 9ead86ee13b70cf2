#include "cornu/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "cornu/base/error.h"

namespace cornu {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(Tensor, StartsAsZeros) {
  const Tensor t(Shape{2, 3});
  EXPECT_EQ(t.size(), 6);
  EXPECT_EQ(t.values().size(), 6u);
  EXPECT_THAT(t.values(), Each(0));
  EXPECT_EQ(Tensor().size(), 0);
  EXPECT_EQ(Tensor().shape(), Shape{0});
}

TEST(Tensor, HoldsWhatItWasGiven) {
  const Tensor t(Shape{2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(t.values(), ElementsAre(1, 2, 3, 4));
  const std::vector<float> values = {5, 6};
  EXPECT_THAT(Tensor(Shape{2}, values).values(), ElementsAre(5, 6));
  EXPECT_THAT(Tensor::full(Shape{3}, -1).values(), ElementsAre(-1, -1, -1));
  EXPECT_THAT(Tensor(Shape{}, {7}).values(), ElementsAre(7));
}

TEST(Tensor, MemoryIsAligned) {
  for (int64_t n : {0, 1, 3, 17, 1000})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(Tensor(Shape{n}).data()) % 64, 0u);
}

TEST(Tensor, CopiesShareUntilWrittenTo) {
  const Tensor a(Shape{2}, {1, 2});
  Tensor b = a;
  EXPECT_EQ(a.data(), std::as_const(b).data());
  b.data()[0] = 9;
  EXPECT_NE(a.data(), std::as_const(b).data());
  EXPECT_THAT(a.values(), ElementsAre(1, 2));
  EXPECT_THAT(b.values(), ElementsAre(9, 2));
  // Alone again, it writes in place.
  const float* before = std::as_const(b).data();
  b.values()[1] = 8;
  EXPECT_EQ(std::as_const(b).data(), before);
  EXPECT_THAT(b.values(), ElementsAre(9, 8));
}

TEST(Tensor, WritingTheOriginalLeavesTheCopy) {
  Tensor a(Shape{2}, {1, 2});
  const Tensor b = a;
  a.data()[0] = 9;
  EXPECT_THAT(b.values(), ElementsAre(1, 2));
}

TEST(Tensor, ReshapedKeepsNumbersAndIsIndependent) {
  const Tensor a(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor b = a.reshaped(Shape{3, 2});
  EXPECT_EQ(b.shape(), (Shape{3, 2}));
  EXPECT_EQ(std::as_const(b).data(), a.data());
  b.data()[0] = 0;
  EXPECT_THAT(a.values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THROW(a.reshaped(Shape{5}), ValueError);
  EXPECT_THROW(a.reshaped(Shape{None, 6}), ValueError);
}

TEST(Tensor, BadShapes) {
  EXPECT_THROW(Tensor(Shape{None, 2}), ValueError);
  EXPECT_THROW(Tensor(Shape{-5}), ValueError);
  EXPECT_THROW(Tensor(Shape{2}, {1}), ValueError);
  EXPECT_THROW(Tensor(Shape{2}, {1, 2, 3}), ValueError);
  constexpr int64_t kHuge = int64_t{1} << 40;
  EXPECT_THROW(Tensor(Shape{kHuge, kHuge}), OutOfMemory);
  EXPECT_THROW(Tensor(Shape{kHuge, kHuge}, {1}), OutOfMemory);
  EXPECT_THROW(Tensor(Shape{0, kHuge, kHuge}), OutOfMemory);
}

TEST(Tensor, BadShapesAreNamed) {
  try {
    Tensor(Shape{2, 3}, {1});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "a tensor of shape (2, 3) holds 6 numbers. Received: 1");
  }
  try {
    Tensor(Shape{None, 3});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "a tensor needs a known shape. Received: shape=(None, 3)");
  }
}

// Some of its memory may lie in huge pages.
TEST(Tensor, LargeOnesAreWholeToo) {
  for (const int64_t size : {(1 << 20) - 1, 1 << 20, (3 << 20) + 5}) {
    Tensor t = Tensor::full(Shape{size}, 2);
    t.data()[size - 1] = 3;
    EXPECT_EQ(t.data()[0], 2);
    EXPECT_EQ(t.data()[size - 2], 2);
    EXPECT_EQ(t.data()[size - 1], 3);
  }
}

}  // namespace
}  // namespace cornu
