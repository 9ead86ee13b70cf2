#include "cornu/ops/movement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "cornu/base/error.h"
#include "tests/support/compare.h"
#include "tests/support/run_op.h"

namespace cornu::ops {
namespace {

using namespace cornu::testing;  // NOLINT
using MultiIndex = std::vector<int64_t>;

// Calls fn for every multi-index of the shape, in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const MultiIndex&)>& fn) {
  MultiIndex index(static_cast<size_t>(shape.rank()));
  const std::function<void(size_t)> walk = [&](size_t axis) {
    if (axis == index.size()) return fn(index);
    for (index[axis] = 0; index[axis] < shape[static_cast<int64_t>(axis)]; ++index[axis])
      walk(axis + 1);
  };
  walk(0);
}

// The element at a multi-index, 0 outside.
float at(const Tensor& t, const MultiIndex& index) {
  int64_t flat = 0;
  for (size_t a = 0; a < index.size(); ++a) {
    const int64_t n = t.shape()[static_cast<int64_t>(a)];
    if (index[a] < 0 || index[a] >= n) return 0;
    flat = flat * n + index[a];
  }
  return t.data()[flat];
}

// The tensor whose element at each multi-index is fn(index).
Tensor filled(const Shape& shape, const std::function<float(const MultiIndex&)>& fn) {
  std::vector<float> values;
  for_each_index(shape, [&](const MultiIndex& index) { values.push_back(fn(index)); });
  return Tensor(shape, values);
}

struct Random {
  std::mt19937_64 engine{21};
  int64_t operator()(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % static_cast<uint64_t>(high - low + 1));
  }
  Shape shape(int64_t low_rank) {
    Shape shape;
    for (int64_t rank = (*this)(low_rank, 5); shape.rank() < rank;) shape.push_back((*this)(1, 4));
    return shape;
  }
};

TEST(Movement, PadIsAShiftedCopy) {
  Random random;
  for (uint64_t i = 0; i < 200; ++i) {
    const Tensor x = random_tensor(random.shape(0), i);
    Pad op;
    Shape out;
    for (int64_t n : x.shape()) {
      Edge e{random(-n, 3), random(-n, 3)};
      e.after = std::max(e.after, -n - e.before);
      op.edges.push_back(e);
      out.push_back(n + e.before + e.after);
    }
    SCOPED_TRACE(to_text(Op(op)) + to_text(x.shape()));
    EXPECT_TRUE(bit_equal(run_op(op, {x}), filled(out, [&](MultiIndex index) {
                            for (size_t a = 0; a < index.size(); ++a)
                              index[a] -= op.edges[a].before;
                            return at(x, index);
                          })));
  }
}

TEST(Movement, TransposePermutesIndices) {
  Random random;
  for (uint64_t i = 0; i < 200; ++i) {
    const Tensor x = random_tensor(random.shape(0), i);
    Transpose op{.perm = MultiIndex(static_cast<size_t>(x.shape().rank()))};
    std::iota(op.perm.begin(), op.perm.end(), 0);
    std::shuffle(op.perm.begin(), op.perm.end(), random.engine);
    Shape out;
    for (int64_t axis : op.perm) out.push_back(x.shape()[axis]);
    SCOPED_TRACE(to_text(Op(op)) + to_text(x.shape()));
    EXPECT_TRUE(bit_equal(run_op(op, {x}), filled(out, [&](const MultiIndex& index) {
                            MultiIndex source(index.size());
                            for (size_t a = 0; a < index.size(); ++a)
                              source[static_cast<size_t>(op.perm[a])] = index[a];
                            return at(x, source);
                          })));
  }
}

TEST(Movement, ConcatLinesUpAlongItsAxis) {
  Random random;
  for (uint64_t i = 0; i < 200; ++i) {
    Shape shape = random.shape(1);
    const Concat op{.axis = random(0, shape.rank() - 1)};
    std::vector<Tensor> parts;
    Shape out = shape;
    out[op.axis] = 0;
    for (int64_t count = random(1, 4); std::ssize(parts) < count;) {
      shape[op.axis] = random(0, 3);
      out[op.axis] += shape[op.axis];
      parts.push_back(random_tensor(shape, 10 * i + parts.size()));
    }
    SCOPED_TRACE(to_text(Op(op)) + to_text(out));
    EXPECT_TRUE(bit_equal(run_op(op, parts), filled(out, [&](MultiIndex index) {
                            auto& k = index[static_cast<size_t>(op.axis)];
                            size_t part = 0;
                            for (; k >= parts[part].shape()[op.axis]; ++part)
                              k -= parts[part].shape()[op.axis];
                            return at(parts[part], index);
                          })));
  }
}

TEST(Movement, ReshapeKeepsTheOrder) {
  const Tensor x = random_tensor(Shape{2, 3, 4}, 1);
  for (const Shape& shape : {Shape{24}, Shape{4, 3, 2}, Shape{1, 24, 1, 1}, Shape{2, 3, 4}})
    EXPECT_TRUE(bit_equal(run_op(Reshape{shape}, {x}), x.reshaped(shape)));
  EXPECT_TRUE(bit_equal(run_op(Reshape{Shape{}}, {line({3})}), Tensor(Shape{}, {3})));
}

TEST(Movement, BitsSurvive) {
  const Tensor x = line({-0.0f, NAN, -INFINITY, 1e-45f});
  EXPECT_TRUE(bit_equal(run_op(Pad{{{0, 0}, {0, 0}, {0, 0}}}, {x}), x));
  EXPECT_TRUE(bit_equal(run_op(Transpose{{0, 1, 2}}, {x}), x));
  EXPECT_TRUE(bit_equal(run_op(Concat{1}, {x}), x));
  EXPECT_TRUE(bit_equal(run_op(Reshape{x.shape()}, {x}), x));
}

TEST(Movement, ShapeRules) {
  const Shape x{2, 3};
  EXPECT_THROW(infer_shape(Pad{{{0, 0}}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Pad{{{0, 0}, {-2, -2}}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Pad{{{0, 0}, {-4, 9}}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reshape{Shape{5}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reshape{Shape{None, 6}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Reshape{Shape{-2, -3}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Transpose{{0}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Transpose{{0, 0}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Transpose{{0, 2}}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Concat{0}, {}), InternalError);
  EXPECT_THROW(infer_shape(Concat{-1}, {x}), InternalError);
  EXPECT_THROW(infer_shape(Concat{0}, {x, Shape{2, 4}}), InternalError);
  EXPECT_THROW(infer_shape(Concat{0}, {x, Shape{3}}), InternalError);
  EXPECT_EQ(infer_shape(Concat{0}, {x, Shape{0, 3}, Shape{5, 3}}), (Shape{7, 3}));
}

TEST(Movement, BroadcastRepeats) {
  const auto to = [](Shape shape, const Tensor& x) {
    return numbers(run_op(Broadcast{std::move(shape)}, {x}));
  };
  EXPECT_EQ(to({2, 3}, Tensor(Shape{}, {5})), (std::vector<float>(6, 5)));
  EXPECT_EQ(to({2, 3}, Tensor(Shape{3}, {1, 2, 3})), (std::vector<float>{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(to({2, 3}, Tensor(Shape{2, 1}, {1, 2})), (std::vector<float>{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(to({2, 2, 2}, Tensor(Shape{2, 1, 2}, {1, 2, 3, 4})),
            (std::vector<float>{1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_EQ(to({}, Tensor(Shape{}, {5})), (std::vector<float>{5}));
  EXPECT_TRUE(to({0, 3}, Tensor(Shape{3})).empty());
  const Tensor bits = line({-0.0f, NAN, -INFINITY, 1e-45f});
  EXPECT_TRUE(bit_equal(run_op(Broadcast{bits.shape()}, {bits}), bits));
}

TEST(Movement, BroadcastShapeRule) {
  const auto fails = [](Shape to, Shape from) {
    EXPECT_THROW(infer_shape(Broadcast{std::move(to)}, {from}), InternalError);
  };
  EXPECT_EQ(infer_shape(Broadcast{Shape{4, 0, 3}}, {Shape{1, 3}}), (Shape{4, 0, 3}));
  fails({3}, {1, 3});  // fewer axes
  fails({2, 3}, {2});
  fails({1}, {3});
  fails({None, 3}, {3});
  EXPECT_THROW(infer_shape(Broadcast{Shape{3}}, {}), InternalError);
}

}  // namespace
}  // namespace cornu::ops
