#pragma once

// Convolutions for the tests of their kernels.

#include <limits>

#include "cornu/kernels/kernel_check.h"

namespace cornu::kernels {

using ops::Edge;
using Fn = ops::Unary::Fn;
using Ints = std::vector<int64_t>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct More {
  Ints stride = {}, dilation = {};
  std::vector<Edge> pad = {};  // transposed: `before` is the crop, `after` shortens the result
  int64_t groups = 1;
  int64_t batch = 1;
  bool bias = true;
  std::optional<ops::Unary> activation = {};
  bool adds = false;  // a tensor to the result; with a bias
};
struct Case {
  Ints n;  // spatial sizes
  int64_t channels, filters;
  Ints k;  // kernel sizes
  More more = {};
};

inline Ints or_ones(Ints v, size_t axes) { return v.empty() ? Ints(axes, 1) : v; }

inline Check conv(const Case& c) {
  const size_t axes = c.n.size();
  ops::Conv op{or_ones(c.more.stride, axes), or_ones(c.more.dilation, axes), c.more.pad,
               c.more.groups, c.more.activation};
  if (op.pad.empty()) op.pad.assign(axes, Edge{});
  Shape x{c.more.batch}, kernel(c.k);
  for (int64_t n : c.n) x.push_back(n);
  x.push_back(c.channels);
  kernel.push_back(c.channels / c.more.groups);
  kernel.push_back(c.filters);
  Check check{op, {x, kernel}};
  if (c.more.bias) check.in.push_back(Shape{c.filters});
  if (c.more.adds) check.in.push_back(ops::infer_shape(check.op, check.in));
  return check;
}

inline Check transposed(const Case& c) {
  const size_t axes = c.n.size();
  ops::ConvTranspose op{or_ones(c.more.stride, axes),
                        or_ones(c.more.dilation, axes),
                        {},
                        {},
                        c.more.groups,
                        c.more.activation};
  Shape x{c.more.batch}, kernel(c.k);
  for (size_t a = 0; a < axes; ++a) {
    const Edge pad = c.more.pad.empty() ? Edge{} : c.more.pad[a];
    const int64_t full = (c.n[a] - 1) * op.stride[a] + (c.k[a] - 1) * op.dilation[a] + 1;
    op.crop.push_back(pad.before);
    op.length.push_back(full - pad.before - pad.after);
    x.push_back(c.n[a]);
  }
  x.push_back(c.channels);
  kernel.push_back(c.filters / c.more.groups);
  kernel.push_back(c.channels);
  Check check{op, {x, kernel}};
  if (c.more.bias) check.in.push_back(Shape{c.filters});
  return check;
}

// Integers and reals, weights known and not.
inline void check_all(const std::string& kernel, Check check,
                      const std::vector<Check::Numbers>& all = {Check::Numbers::kIntegers,
                                                                Check::Numbers::kReals}) {
  for (Check::Numbers numbers : all) {
    check.numbers = numbers;
    check.constant.assign(check.in.size(), true);
    check.constant[0] = false;
    check_kernel(kernel, check);
    check.constant = {};
    check_kernel(kernel, check);
  }
  if (check.in.size() == 3) {
    check.constant = {false, true, false};
    check_kernel(kernel, check);
  }
}

// What is added to the results of `c` before its activation.
inline void check_adding(const std::string& kernel, Case c, double loss = 0) {
  c.more.adds = true;
  for (const auto& activation :
       std::vector<std::optional<ops::Unary>>{{},
                                              ops::Unary{Fn::kRelu, 0, kInfinity, 0},
                                              ops::Unary{Fn::kRelu, 0.1f, 6, 0},
                                              ops::Unary{Fn::kTanh}}) {
    c.more.activation = activation;
    Check check = conv(c);
    check.loss = loss;
    check_all(kernel, check, {Check::Numbers::kReals});
  }
}

}  // namespace cornu::kernels
