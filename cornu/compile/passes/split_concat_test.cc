#include "cornu/compile/passes/split_concat.h"

#include "cornu/compile/passes/fold_upsampling.h"
#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::Value;
using testing::count;
using testing::expect_equal_values;

struct Decoder {
  std::vector<int64_t> n;  // before upsampling
  int64_t upsampled, others, kernel;
  int64_t factor = 2, stride = 1;
  std::vector<int> order = {0, 1};  // of upsampled and others, 2: others once more
};
struct Net : graph::Builder {
  uint64_t seed = 0;
  Value numbers(Shape shape) {
    return constant(testing::random_tensor(std::move(shape), ++seed, -0.1f, 0.1f));
  }
};
Shape shape_of(const Decoder& d, int64_t factor, int64_t channels) {
  Shape s{2};
  for (int64_t n : d.n) s.push_back(factor * n);
  s.push_back(channels);
  return s;
}
// `use` makes outputs of what is concatenated, upsampled, and convolved.
template <class Use>
Graph make(const Decoder& d, Use&& use) {
  Net g;
  const size_t axes = d.n.size();
  const Value a = g.input(shape_of(d, 1, d.upsampled)),
              b = g.input(shape_of(d, d.factor, d.others));
  ops::Resize resize;
  for (int64_t n : d.n) resize.size.push_back(d.factor * n);
  const Value up = g.add(resize, {a}), parts[] = {up, b, g.unary(ops::Unary::Fn::kTanh, b)};
  std::vector<Value> in;
  for (int i : d.order) in.push_back(parts[i]);
  const Value all = g.concat(in, g.shape(a).rank() - 1);
  Shape kernel(std::vector<int64_t>(axes, d.kernel));
  kernel.push_back(g.shape(all)[-1]);
  kernel.push_back(5);
  ops::Conv conv{std::vector(axes, d.stride), std::vector<int64_t>(axes, 1), {}};
  for (size_t i = 0; i < axes; ++i) conv.pad.push_back({d.kernel / 2, (d.kernel - 1) / 2});
  const Value y = g.add(conv, {all, g.numbers(kernel), g.numbers({5})});
  return std::move(g).finish(use(all, up, y));
}
// Convolutions that are left of it: 2 where it was split.
template <class Use>
int convolutions(const Decoder& d, Use&& use) {
  const Graph before = make(d, use), after = split_concat(before);
  expect_equal_values(before, after, 1e-4);
  expect_equal_values(before, fold_upsampling(after), 1e-4);
  if (count<ops::Conv>(after) == 2) {
    EXPECT_EQ(count<ops::Resize>(fold_upsampling(after)), 0);
    EXPECT_EQ(count<ops::Concat>(after), d.order.size() - 2);
  }
  return count<ops::Conv>(after);
}
int convolutions(const Decoder& d) {
  return convolutions(d, [](Value, Value, Value y) { return std::vector{y}; });
}

TEST(SplitConcat, WhereMuchIsSaved) {
  EXPECT_EQ(convolutions({{3, 4}, 32, 32, 5}), 2);
  EXPECT_EQ(convolutions({{3, 4}, 32, 17, 5, 2, 1, {1, 0}}), 2);
  EXPECT_EQ(convolutions({{3, 2}, 64, 20, 5, 3, 1, {1, 0, 2}}), 2);
  EXPECT_EQ(convolutions({{3, 4}, 250, 1, 3, 4}), 2);
  EXPECT_EQ(convolutions({{2, 3, 2}, 64, 20, 3}), 2);
  EXPECT_EQ(convolutions({{9}, 250, 20, 9}), 2);
}

TEST(SplitConcat, NotWhereAddingCostsAsMuch) {
  EXPECT_EQ(convolutions({{3, 4}, 128, 64, 3}), 1);
  EXPECT_EQ(convolutions({{3, 4}, 8, 8, 5}), 1);
  EXPECT_EQ(convolutions({{3, 4}, 32, 200, 5}), 1);
  EXPECT_EQ(convolutions({{3, 4}, 250, 20, 1}), 1);
}

TEST(SplitConcat, NotWhereItDoesNotFold) {
  EXPECT_EQ(convolutions({{3, 4}, 64, 32, 5, 2, 2}), 1);  // a stride
  EXPECT_EQ(convolutions({{3, 4}, 64, 32, 5, 1}), 1);     // no upsampling
  const Decoder d{{3, 4}, 64, 32, 5};
  EXPECT_EQ(convolutions(d, [](Value all, Value, Value y) { return std::vector{y, all}; }), 1);
  EXPECT_EQ(convolutions(d, [](Value, Value up, Value y) { return std::vector{y, up}; }), 1);
}

}  // namespace
}  // namespace cornu::compile
