#include <gtest/gtest.h>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {
namespace {

using Ints = std::vector<int64_t>;

struct More {
  Ints stride = {}, dilation = {}, before = {};
  int64_t groups = 1, batch = 1;
};
struct Case {
  Ints n, p;  // spatial sizes of x and of dy
  int64_t channels, filters;
  Ints k;
  More more = {};
};

Check filter_grad(const Case& c) {
  const auto or_all = [&](const Ints& v, int64_t value) {
    return v.empty() ? Ints(c.n.size(), value) : v;
  };
  const ops::ConvFilterGrad op{c.k, or_all(c.more.stride, 1), or_all(c.more.dilation, 1),
                               or_all(c.more.before, 0), c.more.groups};
  Shape x{c.more.batch}, dy{c.more.batch};
  for (int64_t n : c.n) x.push_back(n);
  for (int64_t n : c.p) dy.push_back(n);
  x.push_back(c.channels);
  dy.push_back(c.filters);
  return {op, {x, dy}};
}

void check_both(const std::string& kernel, Check check) {
  for (Check::Numbers numbers : {Check::Numbers::kIntegers, Check::Numbers::kReals}) {
    check.numbers = numbers;
    check_kernel(kernel, check);
  }
}

TEST(ConvFilterGrad, EqualsTheReference) {
  const Case cases[] = {
      // Dense layers
      {{}, {}, 1, 1, {}},
      {{}, {}, 37, 41, {}, {.batch = 5}},
      {{}, {}, 300, 10, {}, {.batch = 33}},
      {{}, {}, 3, 200, {}, {.batch = 130}},
      {{}, {}, 7, 33, {}, {.batch = 600}},
      // one axis
      {{17}, {15}, 3, 5, {3}},
      {{40}, {40}, 8, 33, {9}, {.before = {4}}},
      {{31}, {31}, 15, 7, {5}, {.dilation = {8}, .before = {32}}},
      {{9}, {2}, 5, 5, {2}, {.stride = {4}}},
      {{20}, {15}, 4, 3, {3}, {.stride = {2}, .dilation = {3}, .before = {7}, .batch = 3}},
      {{400}, {81}, 2, 3, {350}, {.before = {20}}},
      {{700}, {100}, 1, 33, {601}},
      // few channels: long lines, dilated, in groups
      {{6, 150}, {6, 150}, 2, 33, {3, 3}, {.before = {1, 1}, .batch = 2}},
      {{9, 40}, {9, 36}, 3, 5, {2, 3}, {.dilation = {2, 4}, .before = {1, 2}}},
      {{9, 70}, {4, 70}, 7, 20, {4, 3}, {.stride = {2, 1}, .before = {1, 3}, .batch = 3}},
      {{5, 9, 11}, {5, 5, 11}, 5, 20, {2, 3, 3}, {.stride = {1, 2, 1}, .before = {1, 1, 1}}},
      {{11, 12}, {11, 12}, 15, 10, {3, 2}, {.before = {1, 1}, .groups = 5, .batch = 2}},
      // two axes
      {{1, 1}, {1, 1}, 1, 1, {1, 1}},
      {{28, 28}, {28, 28}, 1, 32, {3, 3}, {.before = {1, 1}, .batch = 2}},
      {{7, 5}, {7, 5}, 37, 41, {3, 2}, {.before = {1, 0}, .batch = 2}},
      {{13, 29}, {13, 29}, 3, 64, {3, 3}, {.before = {1, 1}}},
      {{21, 20}, {10, 10}, 3, 33, {7, 7}, {.stride = {2, 2}, .before = {3, 2}}},
      {{14, 14}, {14, 14}, 17, 32, {1, 1}},
      {{15, 15}, {8, 8}, 16, 48, {1, 1}, {.stride = {2, 2}}},
      {{12, 12}, {12, 12}, 8, 16, {3, 3}, {.dilation = {2, 4}, .before = {2, 4}}},
      {{3, 3}, {10, 11}, 6, 3, {3, 3}, {.before = {5, 6}}},
      {{7, 7}, {7, 7}, 64, 64, {3, 3}, {.before = {1, 1}, .batch = 12}},
      {{5, 5}, {3, 3}, 270, 35, {3, 3}},
      {{40, 40}, {40, 40}, 24, 40, {3, 3}, {.before = {1, 1}, .batch = 2}},
      {{5, 5}, {3, 3}, 4, 6, {3, 3}, {.batch = 0}},
      // dy ends before x does, as ConvTranspose's may
      {{9, 9}, {3, 3}, 4, 5, {2, 2}, {.stride = {2, 2}}},
      // groups
      {{9, 9}, {9, 9}, 20, 30, {3, 3}, {.before = {1, 1}, .groups = 2}},
      {{9, 8}, {5, 8}, 12, 8, {3, 3}, {.stride = {2, 1}, .before = {1, 1}, .groups = 4}},
      {{6, 6}, {6, 4}, 66, 80, {1, 3}, {.groups = 2, .batch = 3}},
      // three axes
      {{4, 5, 6}, {4, 5, 6}, 3, 9, {3, 3, 3}, {.before = {1, 1, 1}}},
      {{5, 4, 5}, {3, 3, 2}, 2, 33, {1, 2, 3}, {.stride = {2, 1, 2}}},
      {{9, 9, 9}, {9, 9, 9}, 1, 2, {7, 7, 7}, {.before = {3, 3, 3}}},
  };
  for (const Case& c : cases) check_both("conv filter grad", filter_grad(c));
}

TEST(DepthwiseFilterGrad, EqualsTheReference) {
  const Case cases[] = {
      {{9}, {9}, 17, 17, {3}, {.before = {1}, .groups = 17}},
      {{30}, {30}, 5, 5, {7}, {.dilation = {3}, .before = {18}, .groups = 5, .batch = 2}},
      {{19}, {6}, 33, 66, {4}, {.stride = {3}, .groups = 33}},
      {{7, 9}, {7, 9}, 144, 144, {3, 3}, {.before = {1, 1}, .groups = 144, .batch = 5}},
      {{7, 9}, {4, 5}, 37, 37, {3, 3}, {.stride = {2, 2}, .before = {1, 0}, .groups = 37}},
      {{8, 8}, {8, 8}, 3, 3, {3, 3}, {.dilation = {2, 1}, .before = {2, 1}, .groups = 3}},
      {{6, 5}, {6, 4}, 19, 57, {3, 2}, {.before = {1, 0}, .groups = 19, .batch = 20}},
      {{5, 5}, {4, 4}, 16, 400, {2, 2}, {.groups = 16}},
      {{5, 5}, {3, 3}, 24, 24, {3, 3}, {.groups = 24, .batch = 0}},
      {{4, 5, 4}, {4, 4, 4}, 18, 18, {2, 3, 2}, {.before = {1, 1, 0}, .groups = 18}},
  };
  for (const Case& c : cases) {
    Check check = filter_grad(c);
    check_both("depthwise filter grad", check);
    check.special = check.in[0].size() > 0;
    check_both("depthwise filter grad", check);
  }
  // Too few channels to fill a vector: another kernel on some targets.
  check_both("", filter_grad({{6, 6}, {4, 4}, 3, 12, {3, 3}, {.groups = 3}}));
}

TEST(FilterGradWinograd, EqualsTheReference) {
  const Case cases[] = {
      {{17}, {15}, 16, 20, {3}},
      {{40}, {40}, 17, 33, {2}, {.before = {1}, .batch = 3}},
      {{31}, {31}, 16, 16, {3}, {.dilation = {8}, .before = {16}}},
      {{4, 4}, {2, 2}, 16, 16, {3, 3}},
      {{13, 29}, {13, 29}, 20, 64, {3, 3}, {.before = {1, 1}}},
      {{9, 10}, {8, 9}, 37, 41, {2, 2}, {.batch = 2}},
      {{7, 5}, {7, 5}, 37, 41, {3, 2}, {.before = {1, 0}, .batch = 9}},
      {{12, 11}, {12, 11}, 16, 30, {3, 1}, {.before = {1, 0}}},
      {{12, 11}, {12, 11}, 16, 30, {1, 3}, {.before = {0, 1}}},
      {{12, 12}, {12, 12}, 16, 16, {3, 3}, {.dilation = {2, 4}, .before = {2, 4}}},
      {{3, 3}, {10, 11}, 16, 19, {3, 3}, {.before = {5, 6}}},
      {{28, 28}, {28, 28}, 16, 24, {3, 3}, {.before = {1, 1}, .batch = 4}},
      {{3, 6, 6}, {3, 6, 6}, 16, 16, {1, 3, 3}, {.before = {0, 1, 1}, .batch = 2}},
  };
  for (const Case& c : cases) {
    Check check = filter_grad(c);
    check.loss = 1e-6;
    check_kernel("filter grad winograd", check);
  }
}

TEST(ConvFilterGrad, KeepsNaNAndInfinityWhereTheyBelong) {
  Check check = filter_grad({{9, 11}, {9, 13}, 3, 20, {3, 3}, {.before = {1, 2}}});
  check.special = true;
  check_both("conv filter grad", check);
  for (Shape& shape : check.in) shape[0] = 3;
  std::get<ops::ConvFilterGrad>(check.op).groups = 1;
  check_both("conv filter grad", check);
}

}  // namespace
}  // namespace cornu::kernels
