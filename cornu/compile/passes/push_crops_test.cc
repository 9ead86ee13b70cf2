#include "cornu/compile/passes/push_crops.h"

#include "cornu/compile/passes/merge_borders.h"
#include "tests/support/pass_check.h"

namespace cornu::compile {
namespace {

using graph::Builder;
using graph::Graph;
using graph::Value;
using ops::Edge;
using testing::check_random_graphs;
using testing::count;
using testing::expect_equal_values;

Graph run(Graph g) { return merge_borders(push_crops(std::move(g))); }

TEST(PushCrops, KeepsTheBitsOfRandomGraphs) {
  EXPECT_GT(check_random_graphs(push_crops, 0), 200);
  EXPECT_GT(check_random_graphs(run, 0), 200);
}

struct Net : Builder {
  uint64_t seed = 0;
  Value numbers(Shape shape) { return constant(testing::random_tensor(std::move(shape), ++seed)); }
  Value conv(Value x, int64_t filters, Edge pad = {}, int64_t stride = 1) {
    return add(ops::Conv{{stride, stride}, {1, 1}, {pad, pad}},
               {x, numbers({3, 3, shape(x)[-1], filters})});
  }
  Value relu(Value x) { return unary(ops::Unary::Fn::kRelu, x, 0, 1e9f); }
  Value crop(Value x, int64_t before, int64_t after) {
    return pad(x, {{}, {-before, -after}, {-before, -after}, {}});
  }
  Value up(Value x, int64_t times) {
    return add(ops::Resize{{}, {times * shape(x)[1], times * shape(x)[2]}}, {x});
  }
};
// The result of `make` with the crops pushed back.
template <class Make>
Graph pushed(Make&& make) {
  Net g;
  const Value y = make(g, g.input({1, 20, 20, 4}));
  const Graph before = std::move(g).finish({y}), after = run(before);
  expect_equal_values(before, after, 0);
  return after;
}

template <class Op>
std::vector<Shape> shapes(const Graph& g) {
  std::vector<Shape> all;
  for (const graph::Node& node : g.nodes)
    if (std::holds_alternative<Op>(node.op)) all.push_back(node.shape);
  return all;
}

TEST(PushCrops, ConvolutionsComputeWhatIsLeft) {
  const Graph g = pushed([](Net& n, Value x) {
    return n.crop(n.conv(n.relu(n.conv(x, 8, {1, 1})), 8, {1, 1}), 5, 6);
  });
  EXPECT_EQ(shapes<ops::Conv>(g), (std::vector<Shape>{{1, 11, 11, 8}, {1, 9, 9, 8}}));
  EXPECT_EQ(shapes<ops::Pad>(g), (std::vector<Shape>{{1, 13, 13, 4}}));  // the input
}

TEST(PushCrops, BordersThatAreZeroStay) {
  const Graph g = pushed([](Net& n, Value x) {
    return n.pad(n.conv(x, 8, {2, 2}), {{}, {-6, 1}, {0, -7}, {}});
  });
  const auto& conv = std::get<ops::Conv>(g[g[g.outputs[0]].in[0]].op);
  EXPECT_EQ(conv.pad, (std::vector<Edge>{{0, 2}, {2, 0}}));
  EXPECT_EQ(shapes<ops::Conv>(g), (std::vector<Shape>{{1, 16, 15, 8}}));
}

TEST(PushCrops, VanishInTransposedConvolutions) {
  const Graph g = pushed([](Net& n, Value x) {
    const Value y =
        n.add(ops::ConvTranspose{{2, 2}, {1, 1}, {1, 0}, {40, 42}}, {x, n.numbers({4, 3, 6, 4})});
    return n.crop(y, 3, 4);
  });
  EXPECT_EQ(count<ops::Pad>(g), 0);
  EXPECT_EQ(shapes<ops::ConvTranspose>(g), (std::vector<Shape>{{1, 33, 35, 6}}));
}

TEST(PushCrops, PassUpsampling) {
  const Graph divisible = pushed([](Net& n, Value x) { return n.crop(n.up(x, 2), 4, 6); });
  EXPECT_EQ(shapes<ops::Pad>(divisible), (std::vector<Shape>{{1, 15, 15, 4}}));
  const Graph rest = pushed([](Net& n, Value x) { return n.crop(n.up(n.conv(x, 8), 3), 13, 10); });
  EXPECT_EQ(shapes<ops::Conv>(rest), (std::vector<Shape>{{1, 11, 11, 8}}));
  const Graph between = pushed([](Net& n, Value x) {
    return n.crop(n.add(ops::Resize{ops::Resize::Mode::kBilinear, {40, 40}}, {x}), 4, 6);
  });
  EXPECT_EQ(shapes<ops::Resize>(between), (std::vector<Shape>{{1, 40, 40, 4}}));
}

TEST(PushCrops, SkipConnectionsMeetInOneBox) {
  const Graph g = pushed([](Net& n, Value x) {
    const Value skip = n.relu(n.conv(x, 8, {1, 1}));
    const Value inner = n.conv(n.conv(skip, 8), 8);
    return n.crop(n.concat({n.crop(skip, 2, 2), inner}, 3), 3, 3);
  });
  EXPECT_EQ(shapes<ops::Conv>(g),
            (std::vector<Shape>{{1, 14, 14, 8}, {1, 12, 12, 8}, {1, 10, 10, 8}}));
}

TEST(PushCrops, DepthToSpace) {
  const Graph g = pushed([](Net& n, Value x) {
    const Value y = n.conv(x, 8, {1, 1});
    const Shape s = n.shape(y);  // each cell becomes 2x2 cells
    const Value split = n.reshape(y, {s[0], s[1], s[2], 2, 2, 2});
    const Value turned = n.add(ops::Transpose{{0, 1, 3, 2, 4, 5}}, {split});
    return n.crop(n.reshape(turned, {s[0], 2 * s[1], 2 * s[2], 2}), 5, 6);
  });
  EXPECT_EQ(shapes<ops::Conv>(g), (std::vector<Shape>{{1, 15, 15, 8}}));
}

TEST(PushCrops, CellsThatAReshapeKeepsTogether) {
  const Graph g = pushed([](Net& n, Value x) {
    return n.pad(n.reshape(n.conv(x, 8, {1, 1}), {1, 400, 8}), {{}, {-101, 0}, {}});
  });
  EXPECT_EQ(shapes<ops::Conv>(g), (std::vector<Shape>{{1, 15, 20, 8}}));
}

// What someone needs as a whole is computed as a whole.
TEST(PushCrops, StopWhereAllIsNeeded) {
  const auto conv = [](const Graph& g) { return shapes<ops::Conv>(g)[0]; };
  const Shape all{1, 20, 20, 8};
  EXPECT_EQ(conv(pushed([](Net& n, Value x) {
              const Value y = n.conv(x, 8, {1, 1});
              return n.binary({}, n.crop(y, 5, 5), n.reduce({}, y, {1, 2}));
            })),
            all);
  EXPECT_EQ(conv(pushed([](Net& n, Value x) {
              const Value y = n.conv(x, 8, {1, 1}), moments = n.add(ops::Moments{3}, {y});
              return n.binary({}, n.crop(y, 5, 5), n.slice(moments, 0, 0, 1));
            })),
            all);
  EXPECT_EQ(conv(pushed([](Net& n, Value x) {
              return n.pad(n.reshape(n.conv(x, 8, {1, 1}), {1, 16, 200}), {{}, {-4, 0}, {}});
            })),
            all);
  EXPECT_EQ(conv(pushed([](Net& n, Value x) {  // channels
              return n.pad(n.conv(x, 8, {1, 1}), {{}, {}, {}, {-4, 0}});
            })),
            all);
  Net n;
  const Value y = n.conv(n.input({1, 20, 20, 4}), 8, {1, 1}), cropped = n.crop(y, 5, 5);
  EXPECT_EQ(conv(run(std::move(n).finish({cropped, y}))), all) << "an output";
}

TEST(PushCrops, DoNotCopyMuchToSaveLittle) {
  const auto conv_size = [](int64_t filters) {
    Net n;  // a row and a column
    const Value y = n.crop(n.conv(n.input({1, 20, 20, 64}), filters), 0, 1);
    return shapes<ops::Conv>(run(std::move(n).finish({y})))[0][1];
  };
  EXPECT_EQ(conv_size(1), 18);
  EXPECT_EQ(conv_size(64), 17);
}

}  // namespace
}  // namespace cornu::compile
