#include "cornu/kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cornu/kernels/cpu.h"
#include "cornu/ops/unary.h"

namespace cornu::kernels {
namespace {

using Fn = ops::Unary::Fn;

TEST(Activation, FollowsEveryFunctionFarOut) {
  std::vector<float> x = {0, -0.0f, INFINITY, -INFINITY, NAN};
  for (float v = 1e-20f; v < 1e4f; v *= 1.07f) {
    x.push_back(v);
    x.push_back(-v);
  }
  const std::string before = cpu_target();
  int functions = 0;
  for (const std::string& target : cpu_targets()) {
    set_cpu_target(target);
    for (int f = 0; f <= static_cast<int>(Fn::kAffine); ++f) {
      const ops::Unary fn{static_cast<Fn>(f), 0.75f};
      const ActivationFn vectors = activation_fn(fn);
      if (!vectors) continue;
      ++functions;
      std::vector<float> y = x;
      vectors(fn, y.data(), y.data(), std::ssize(y));
      for (size_t i = 0; i < x.size(); ++i) {
        const double want = ops::apply<double>(fn, x[i]);
        SCOPED_TRACE(ops::to_text(fn) + " of " + std::to_string(x[i]) + " on " + target);
        if (std::isnan(want)) {
          ASSERT_TRUE(std::isnan(y[i]));
        } else if (std::fabs(want) > std::numeric_limits<float>::max()) {
          ASSERT_EQ(y[i], want > 0 ? INFINITY : -INFINITY);
        } else {
          // Relatively; where an exponent is large, its own rounding counts; the tiniest are lost
          // in double too.
          const double size = std::fmin(std::fabs(static_cast<double>(x[i])), 100);
          const double bound = 1e-6 * (1 + size / 2);
          ASSERT_LE(std::fabs(y[i] - want), bound * std::fabs(want) + 1e-15);
        }
      }
    }
  }
  set_cpu_target(before);
  EXPECT_EQ(functions, 16 * std::ssize(cpu_targets()));
}

}  // namespace
}  // namespace cornu::kernels
