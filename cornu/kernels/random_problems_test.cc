// Random convolutions: of small integers, which every strict kernel must compute to the last bit,
// and of real numbers; on every target and with any number of threads. CORNU_PROBLEMS=10000 makes
// it a campaign (docs/campaigns.md), CORNU_FIRST_PROBLEM=n begins with the n-th.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "cornu/kernels/conv_cases.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

class Draw {
 public:
  explicit Draw(int64_t seed) : random_(static_cast<uint64_t>(seed)) {}
  int64_t from(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  int64_t one_of(const Ints& values) {
    return values[static_cast<size_t>(from(0, std::ssize(values) - 1))];
  }
  bool one_in(int64_t n) { return from(1, n) == 1; }

 private:
  std::mt19937_64 random_;
};

// Multiplications that the reference loops do in a few tens of milliseconds.
constexpr int64_t kMost = 1'500'000;

int64_t product(const Ints& v) {
  int64_t all = 1;
  for (int64_t n : v) all *= n;
  return all;
}

Case draw_case(Draw& d) {
  Case c;
  const int64_t axes = d.one_of({0, 1, 1, 2, 2, 2, 2, 3});
  const int64_t most = axes == 1 ? 60 : axes == 2 ? 19 : 8;
  for (int64_t a = 0; a < axes; ++a) {
    c.n.push_back(d.from(1, most));
    c.k.push_back(
        d.one_of(axes == 1 ? Ints{1, 2, 3, 4, 5, 7, 9, 31} : Ints{1, 2, 3, 3, 3, 4, 5, 7}));
  }
  // A stride, a dilation and a padding for some of the axes, or the one of all.
  const auto each = [&](int64_t chance, const Ints& values) {
    Ints v(c.n.size(), 1);
    if (!d.one_in(chance)) return v;
    const int64_t all = d.one_of(values);
    for (int64_t& n : v) n = d.one_in(3) ? d.one_of(values) : all;
    return v;
  };
  c.more.stride = each(3, {1, 2, 2, 3, 5});
  c.more.dilation = each(4, {1, 2, 2, 3, 12});
  for (size_t a = 0; a < c.n.size(); ++a) {
    const int64_t reach = (c.k[a] - 1) * c.more.dilation[a];
    Edge pad;
    if (!d.one_in(3)) pad = {reach / 2, reach - reach / 2};
    if (d.one_in(8)) pad = {d.from(0, reach + 2), d.from(0, reach + 2)};
    pad.after = std::max(pad.after, reach + 1 - c.n[a] - pad.before);  // at least one result
    c.more.pad.push_back(pad);
  }
  const Ints channels{1, 2, 3, 4, 8, 15, 16, 17, 24, 32, 33, 64};
  c.more.groups = d.one_in(3) ? d.one_of({2, 3, 4, 16, 17, 32, 40}) : 1;
  const Ints within = c.more.groups == 1 ? channels : Ints{1, 1, 1, 2, 3, 4, 8};
  c.channels = c.more.groups * d.one_of(within);
  c.filters = c.more.groups * (d.one_in(2) ? c.channels / c.more.groups : d.one_of(within));
  c.more.bias = !d.one_in(3);
  c.more.batch = d.one_in(20) ? 0 : d.one_in(3) ? d.from(2, 5) : 1;
  // Smaller until the reference loops are done soon.
  const auto work = [&] {
    return c.more.batch * product(c.n) * product(c.k) * c.channels * c.filters / c.more.groups;
  };
  while (work() > kMost && c.more.batch > 1) --c.more.batch;
  for (size_t a = 0; work() > kMost && !c.n.empty(); a = (a + 1) % c.n.size()) {
    if (c.n[a] == 1 && product(c.n) == 1) break;
    const int64_t smaller = (c.n[a] + 1) / 2;
    c.more.pad[a].after += c.n[a] - smaller;
    c.n[a] = smaller;
  }
  return c;
}

Check filter_grad(const Case& c) {
  const Check forward = conv(c);
  const auto& op = std::get<ops::Conv>(forward.op);
  Ints before;
  for (const Edge& pad : op.pad) before.push_back(pad.before);
  Check check{ops::ConvFilterGrad{c.k, op.stride, op.dilation, before, op.groups}, {forward.in[0]}};
  check.in.push_back(ops::infer_shape(forward.op, forward.in));
  return check;
}

Check draw(int64_t seed) {
  Draw d(seed);
  Case c = draw_case(d);
  const int64_t kind = d.from(0, 3);
  if (kind == 3) return filter_grad(c);
  if (kind == 2) {
    // A crop that leaves a result; strides and dilation together are no transposed layer of Keras,
    // but gradients of ordinary ones.
    for (size_t a = 0; a < c.n.size(); ++a) {
      const int64_t full = (c.n[a] - 1) * c.more.stride[a] + (c.k[a] - 1) * c.more.dilation[a] + 1;
      Edge& crop = c.more.pad[a];
      crop.before = std::min(crop.before, full - 1);
      crop.after = std::min(crop.after, full - 1 - crop.before);
      if (d.one_in(6)) crop.after = -d.from(0, 3);
    }
    return transposed(c);
  }
  c.more.adds = c.more.bias && seed % 3 == 0;
  return conv(c);
}

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

// Checks the drawn problems with every kernel that accepts them; the kernels named must be among
// them.
void check_problems(bool strict, const std::vector<std::string>& expected) {
  const int64_t first = setting("CORNU_FIRST_PROBLEM", 0), count = setting("CORNU_PROBLEMS", 300);
  std::map<std::string, int64_t> runs;
  for (int64_t i = first; i < first + count; ++i) {
    SCOPED_TRACE(testing::Message() << "problem " << i);
    Check check = draw(i);
    check.numbers = strict ? Check::Numbers::kIntegers : Check::Numbers::kReals;
    check.strict = strict;
    if (!strict) check.loss = 2e-5;
    if (!std::holds_alternative<ops::ConvFilterGrad>(check.op)) {
      check.constant.assign(check.in.size(), i % 2 == 0);
      check.constant[0] = false;
    }
    for (const std::string& kernel : kernels_for(check)) {
      ++runs[kernel];
      check_kernel(kernel, check);
    }
    if (testing::Test::HasFailure()) return;  // the first one says enough
  }
  for (const auto& [kernel, n] : runs) testing::Test::RecordProperty(kernel, std::to_string(n));
  for (const std::string& kernel : expected) EXPECT_GT(runs[kernel], 0) << kernel;
}

TEST(RandomProblems, StrictKernelsAreBitEqualToTheReference) {
  check_problems(true, {"conv direct", "conv winograd", "conv few", "conv dot", "depthwise",
                        "depthwise filter grad", "conv filter grad"});
}

TEST(RandomProblems, FastKernelsKeepTheirBound) {
  check_problems(false, {"conv winograd", "filter grad winograd"});
}

}  // namespace
}  // namespace cornu::kernels
