#include "cornu/compile/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "cornu/compile/compile.h"
#include "cornu/graph/builder.h"

namespace cornu::compile {
namespace {

// No two blocks alive at once share a float, whatever their sizes and lives.
TEST(PlaceBlocks, NeverOverlapsWhatIsAlive) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Block> blocks;
    const auto count = 1 + random() % 30;
    for (uint64_t i = 0; i < count; ++i) {
      const auto first = static_cast<int64_t>(random() % 20);
      blocks.push_back({static_cast<int64_t>(random() % 200), first,
                        first + static_cast<int64_t>(random() % 6)});
    }
    const int64_t arena = place_blocks(blocks);
    int64_t sum = 0;
    for (const Block& a : blocks) {
      EXPECT_EQ(a.offset % 16, 0);
      EXPECT_LE(a.offset + a.size, arena);
      sum += (a.size + 15) / 16 * 16;
      for (const Block& b : blocks) {
        if (&a == &b || a.last < b.first || b.last < a.first) continue;
        EXPECT_TRUE(a.offset + a.size <= b.offset || b.offset + b.size <= a.offset);
      }
    }
    EXPECT_LE(arena, sum);
  }
}

TEST(PlaceBlocks, ReusesWhatIsFree) {
  std::vector<Block> blocks = {{160, 0, 1}, {160, 1, 2}, {160, 2, 3}, {160, 3, 4}};
  EXPECT_EQ(place_blocks(blocks), 320);
}

TEST(PlanMemory, KeepsAChainInTwoPlaces) {
  graph::Builder g;
  graph::Value x = g.input({1, 32, 32, 16});
  for (int i = 0; i < 10; ++i) x = g.unary(ops::Unary::Fn::kTanh, x);
  const auto plan = compile(std::move(g).finish({x}));
  EXPECT_EQ(plan->steps.size(), 10u);
  EXPECT_LE(plan->arena_floats, 2 * 32 * 32 * 16 + 1024);
  EXPECT_EQ(plan->plain_floats, 2 * 32 * 32 * 16);
}

TEST(PlanMemory, WritesOutputsInPlaceAndCopiesTheRest) {
  graph::Builder g;
  const graph::Value x = g.input({1, 4});
  const graph::Value y = g.unary(ops::Unary::Fn::kAbs, x);
  const auto plan = compile(std::move(g).finish({y, y, x, g.constant(Tensor(Shape{3}))}));
  EXPECT_EQ(plan->steps.size(), 4u);  // abs, and three copies
  EXPECT_EQ(plan->steps[0].out, (Location{Location::Kind::kOutput, 0}));
}

}  // namespace
}  // namespace cornu::compile
