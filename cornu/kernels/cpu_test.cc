#include "cornu/kernels/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "cornu/base/error.h"
#include "cornu/kernels/kernel.h"

namespace cornu {
namespace {

// A prepared Dense layer says which target it was made for.
std::string target_of_a_plan() {
  const ops::Op op = ops::Conv{};
  const kernels::Problem problem{&op, {{{1, 4}}, {{4, 8}}}, {1, 8}};
  for (const kernels::Kernel& kernel : kernels::table())
    if (kernel.wins(problem)) return kernel.prepare(problem).detail;
  return "";
}

TEST(Cpu, EveryTargetCanBeChosen) {
  const std::vector<std::string> all = cpu_targets();
  ASSERT_FALSE(all.empty());
  const std::string before = cpu_target();
  std::vector<std::string> details;
  for (const std::string& name : all) {
    set_cpu_target(name);
    EXPECT_EQ(cpu_target(), name);
    details.push_back(target_of_a_plan());
    EXPECT_NE(details.back(), "");
    for (size_t i = 0; i + 1 < details.size(); ++i) EXPECT_NE(details[i], details.back());
  }
  set_cpu_target(before);
}

TEST(Cpu, RefusesOtherNames) {
  const std::string before = cpu_target();
  EXPECT_THROW(set_cpu_target("z80"), ValueError);
  EXPECT_THROW(set_cpu_target(""), ValueError);
  EXPECT_EQ(cpu_target(), before);
}

// In a process of its own, for the variable is read once.
TEST(CpuDeathTest, ObeysTheVariable) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const std::string last = cpu_targets().back();
        setenv("CORNU_CPU", last.c_str(), 1);
        std::exit(cpu_target() == last ? 3 : 1);
      },
      testing::ExitedWithCode(3), "");
  EXPECT_EXIT(
      {
        setenv("CORNU_CPU", "z80", 1);
        try {
          target_of_a_plan();
        } catch (const ValueError&) {
          std::exit(4);
        }
        std::exit(1);
      },
      testing::ExitedWithCode(4), "");
}

}  // namespace
}  // namespace cornu
