#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

using ops::Edge;

TEST(Movement, Concat) {
  check_kernel("concat", {ops::Concat{3}, {{2, 5, 4, 3}, {2, 5, 4, 1}, {2, 5, 4, 8}}});
  check_kernel("concat", {ops::Concat{0}, {{2, 3}, {0, 3}, {40, 3}}});
  check_kernel("concat", {ops::Concat{1}, {{3, 0, 2}, {3, 0, 2}}});
  check_kernel("concat", {ops::Concat{1}, {{3, 7, 2}}});
  check_kernel("concat", {ops::Concat{2}, {{3, 90, 50}, {3, 90, 70}}});
}

TEST(Movement, Pad) {
  check_kernel("pad", {ops::Pad{{{0, 0}, {1, 2}, {3, 0}, {0, 0}}}, {{2, 5, 4, 3}}});
  check_kernel("pad", {ops::Pad{{{0, 0}, {-1, 2}, {3, -2}, {0, 0}}}, {{2, 5, 4, 3}}});
  check_kernel("pad", {ops::Pad{{{1, 0}, {0, 0}, {0, 0}}}, {{2, 5, 300}}});
  check_kernel("pad", {ops::Pad{{{0, 0}, {0, 0}}}, {{4, 5}}});
  check_kernel("pad", {ops::Pad{{{0, 0}, {0, 0}, {2, 1}}}, {{2, 100, 300}}});
  check_kernel("pad", {ops::Pad{{{0, 0}, {-3, -2}, {0, 0}}}, {{2, 5, 3}}});
  check_kernel("pad", {ops::Pad{{{1, 1}, {0, 0}}}, {{0, 3}}});
}

TEST(Movement, EveryTranspose) {
  for (const Shape& shape : {Shape{3, 4, 1, 5}, Shape{2, 17, 33, 3}, Shape{1, 1, 1, 1}}) {
    std::vector<int64_t> perm(4);
    std::iota(perm.begin(), perm.end(), 0);
    do check_kernel("transpose", {ops::Transpose{perm}, {shape}});
    while (std::next_permutation(perm.begin(), perm.end()));
  }
  check_kernel("transpose", {ops::Transpose{{}}, {Shape{}}});
  check_kernel("transpose", {ops::Transpose{{1, 0}}, {{0, 5}}});
  check_kernel("transpose", {ops::Transpose{{0, 2, 1}}, {{2, 700, 70}}});
  // depth to space and back
  check_kernel("transpose", {ops::Transpose{{0, 1, 3, 2, 4, 5}}, {{2, 5, 6, 2, 3, 4}}});
  check_kernel("transpose", {ops::Transpose{{0, 1, 4, 2, 5, 3}}, {{2, 5, 6, 3, 2, 2}}});
}

TEST(Movement, ResizeNearest) {
  using Mode = ops::Resize::Mode;
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {10, 14}}, {{2, 5, 7, 3}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {3, 20}}, {{1, 5, 7, 16}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {11}}, {{3, 4, 1}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {4, 6, 3}}, {{2, 2, 3, 1, 5}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {0, 6}}, {{2, 2, 3, 5}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {}}, {{2, 5}}});
  check_kernel("resize nearest", {ops::Resize{Mode::kNearest, {120, 160}}, {{1, 40, 80, 9}}});
}

using Mode = ops::Resize::Mode;
const Mode kModes[] = {Mode::kNearest, Mode::kBilinear, Mode::kBilinearLegacy,
                       Mode::kBicubic, Mode::kLanczos3, Mode::kLanczos5};
const std::pair<std::vector<int64_t>, Shape> kResizes[] = {
    {{10, 14}, {2, 5, 7, 3}},     {{3, 20}, {1, 5, 7, 16}}, {{11}, {3, 4, 1}},
    {{4, 6, 3}, {2, 2, 3, 1, 5}}, {{0, 6}, {2, 2, 3, 5}},   {{}, {2, 5}},
    {{24, 18}, {1, 12, 9, 33}}};

TEST(Movement, Resize) {
  for (Mode mode : kModes)
    for (const auto& [size, shape] : kResizes)
      check_kernel(mode == Mode::kNearest ? "resize nearest" : "resize",
                   {ops::Resize{mode, size}, {shape}});
}

TEST(Movement, ResizeGrad) {
  for (Mode mode : kModes)
    for (const auto& [size, shape] : kResizes) {
      const Shape y = ops::infer_shape(ops::Resize{mode, size}, {shape});
      const auto n = shape.dims().subspan(1, size.size());
      check_kernel("resize grad", {ops::ResizeGrad{mode, {n.begin(), n.end()}}, {y}});
    }
}

TEST(Movement, OneHot) {
  for (int64_t depth : {1, 3, 10}) {
    check_kernel("one hot", {ops::OneHot{depth}, {{7, 50}}, Check::Numbers::kIntegers});
    check_kernel("one hot", {ops::OneHot{depth}, {{20}}});
    check_kernel("one hot", {ops::OneHot{depth}, {{}}, Check::Numbers::kIntegers});
    check_kernel("one hot", {ops::OneHot{depth}, {{0, 2}}});
    check_kernel("one hot", {ops::OneHot{depth}, {{30}}, Check::Numbers::kIntegers, {}, true});
  }
}

TEST(Random, EqualsTheReference) {
  using Kind = ops::Random::Kind;
  for (Kind kind : {Kind::kUniform, Kind::kNormal})
    for (const Shape& shape :
         {Shape{3, 5, 7}, Shape{1}, Shape{2, 9000}, Shape{0, 4}, Shape{64, 16}})
      for (Check::Numbers numbers : {Check::Numbers::kPositive, Check::Numbers::kKey})
        check_kernel("random", {ops::Random{kind, shape, 5}, {{6}}, numbers});
}

std::vector<std::pair<ops::Pool, Shape>> pool_cases(ops::Pool::Kind kind) {
  return {
      {{kind, {2, 2}, {2, 2}, {{0, 0}, {0, 0}}}, {2, 8, 9, 17}},
      {{kind, {3, 3}, {2, 2}, {{1, 1}, {0, 1}}}, {2, 8, 9, 3}},
      {{kind, {3, 2}, {1, 3}, {{2, 2}, {1, 1}}}, {1, 5, 7, 33}},
      {{kind, {4}, {7}, {{0, 3}}}, {3, 30, 2}},
      {{kind, {2, 3, 2}, {1, 2, 3}, {{1, 0}, {0, 0}, {1, 1}}}, {2, 4, 5, 6, 3}},
      {{kind, {}, {}, {}}, {3, 4}},
      {{kind, {2, 2}, {2, 2}, {{0, 0}, {0, 0}}}, {0, 8, 9, 17}},
      {{kind, {2, 2}, {2, 2}, {{0, 0}, {0, 0}}}, {1, 90, 90, 16}},
      {{kind, {5, 3}, {2, 1}, {{2, 2}, {1, 1}}}, {1, 24, 9, 70}},
      {{kind, {2, 2}, {1, 3}, {{1, 1}, {0, 0}}}, {2, 1, 40, 70}},
  };
}

const ops::Pool::Kind kKinds[] = {ops::Pool::Kind::kMax, ops::Pool::Kind::kAverage};

TEST(Pool, EqualsTheReference) {
  for (ops::Pool::Kind kind : kKinds)
    for (const auto& [op, shape] : pool_cases(kind)) {
      Check check{op, {shape}};
      check_kernel("pool", check);
      check.numbers = Check::Numbers::kIntegers;
      check_kernel("pool", check);
      check.special = shape.size() > 0;
      check_kernel("pool", check);
    }
}

TEST(Pool, GradientEqualsTheReference) {
  for (ops::Pool::Kind kind : kKinds)
    for (const auto& [op, shape] : pool_cases(kind)) {
      Check check{ops::PoolGrad{op}, {shape, ops::infer_shape(op, {shape})}};
      check_kernel("pool grad", check);
      check.numbers = Check::Numbers::kIntegers;  // with many equal maxima
      check_kernel("pool grad", check);
      check.special = shape.size() > 0;
      check_kernel("pool grad", check);
    }
}

}  // namespace
}  // namespace cornu::kernels
