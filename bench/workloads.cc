#include "bench/workloads.h"

#include <algorithm>
#include <cmath>

namespace cornu::bench {
namespace {

using Kind = Workload::Kind;

Shape channels_last(int64_t batch, const std::vector<int64_t>& n, int64_t channels) {
  Shape shape{batch};
  for (int64_t size : n) shape.push_back(size);
  shape.push_back(channels);
  return shape;
}

std::vector<Workload> resnet_and_vgg() {
  return {
      {"3x3 64>64 @56", "3x3", {56, 56}, 64, 64, {3, 3}},
      {"3x3 128>128 @28", "3x3", {28, 28}, 128, 128, {3, 3}},
      {"3x3 256>256 @14", "3x3", {14, 14}, 256, 256, {3, 3}},
      {"3x3 512>512 @7", "any", {7, 7}, 512, 512, {3, 3}},
      {"1x1 64>256 @56", "any", {56, 56}, 64, 256, {1, 1}},
      {"1x1 256>64 @56", "any", {56, 56}, 256, 64, {1, 1}},
      {"1x1 256>1024 @14", "any", {14, 14}, 256, 1024, {1, 1}},
      {"1x1 1024>256 @14", "any", {14, 14}, 1024, 256, {1, 1}},
      {"7x7 s2 3>64 @224", "any", {224, 224}, 3, 64, {7, 7}, Kind::kConv, 2},
      {"3x3 s2 128>128 @56", "any", {56, 56}, 128, 128, {3, 3}, Kind::kConv, 2},
      {"3x3 64>64 @224", "3x3", {224, 224}, 64, 64, {3, 3}},
      {"3x3 96>32 @128", "3x3", {128, 128}, 96, 32, {3, 3}},
      {"5x5 64>64 @128", "any", {128, 128}, 64, 64, {5, 5}},
  };
}

std::vector<Workload> groups_and_few() {
  constexpr Kind conv = Kind::kConv;
  return {
      {"depthwise 3x3 32 @112", "depthwise", {112, 112}, 32, 32, {3, 3}, conv, 1, 1, 32},
      {"depthwise 3x3 s2 96 @112", "depthwise", {112, 112}, 96, 96, {3, 3}, conv, 2, 1, 96},
      {"depthwise 3x3 144 @56", "depthwise", {56, 56}, 144, 144, {3, 3}, conv, 1, 1, 144},
      {"depthwise 3x3 576 @14", "depthwise", {14, 14}, 576, 576, {3, 3}, conv, 1, 1, 576},
      {"depthwise 7x7 96 @56", "depthwise", {56, 56}, 96, 96, {7, 7}, conv, 1, 1, 96},
      {"pointwise 24>144 @56", "any", {56, 56}, 24, 144, {1, 1}},
      {"pointwise 144>24 @56", "any", {56, 56}, 144, 24, {1, 1}},
      {"pointwise 96>576 @14", "any", {14, 14}, 96, 576, {1, 1}},
      {"separable 3x3 128>128 @56", "any", {56, 56}, 128, 128, {3, 3}, Kind::kSeparable},
      {"separable 3x3 728>728 @19", "any", {19, 19}, 728, 728, {3, 3}, Kind::kSeparable},
      {"depth multiplier 2 3x3 32>64 @56", "few", {56, 56}, 32, 64, {3, 3}, conv, 1, 1, 32},
      {"grouped 32 x 4 3x3 @56", "any", {56, 56}, 128, 128, {3, 3}, conv, 1, 1, 32},
      {"grouped 4 x 24 3x3 @56", "any", {56, 56}, 96, 96, {3, 3}, conv, 1, 1, 4},
      {"3x3 3>32 @224", "any", {224, 224}, 3, 32, {3, 3}},
      {"3x3 s2 3>32 @224", "any", {224, 224}, 3, 32, {3, 3}, conv, 2},
      {"3x3 64>3 @128", "few", {128, 128}, 64, 3, {3, 3}},
      {"3x3 64>1 @128", "few", {128, 128}, 64, 1, {3, 3}},
      {"3x3 48>3 @256", "few", {256, 256}, 48, 3, {3, 3}},
      {"1x1 64>1 @256", "any", {256, 256}, 64, 1, {1, 1}},  // bound by memory
      {"dilated 2 3x3 256>256 @33", "any", {33, 33}, 256, 256, {3, 3}, conv, 1, 2},
      {"dilated 12 3x3 256>256 @33", "any", {33, 33}, 256, 256, {3, 3}, conv, 1, 12},
  };
}

std::vector<Workload> other_ranks() {
  constexpr Kind conv = Kind::kConv;
  std::vector<Workload> all{
      {"1-D k9 64>64 x16000", "any", {16000}, 64, 64, {9}},
      {"1-D k51 d8 15>15 x16000", "any", {16000}, 15, 15, {51}, conv, 1, 8},
      {"1-D depthwise k7 128 x4096", "few", {4096}, 128, 128, {7}, conv, 1, 1, 128},
      {"1-D depthwise k31 256 x4000", "few", {4000}, 256, 256, {31}, conv, 1, 1, 256},
      {"1-D k15 s4 1>32 x16000", "any", {16000}, 1, 32, {15}, conv, 4},
      {"3-D 32>64 @32", "any", {32, 32, 32}, 32, 64, {3, 3, 3}},
      {"3-D 1>32 @64", "any", {64, 64, 64}, 1, 32, {3, 3, 3}},
      {"3-D 16>16 @32", "any", {32, 32, 32}, 16, 16, {3, 3, 3}},
  };
  for (int64_t d : {512, 8, 1}) {
    Workload w{"1-D causal k2 d" + std::to_string(d) + " 256>256 x16000",
               "any",
               {16000},
               256,
               256,
               {2},
               conv,
               1,
               d};
    w.causal = true;
    all.insert(all.begin(), w);
  }
  return all;
}

std::vector<Workload> growing() {
  constexpr Kind transposed = Kind::kTransposed;
  return {
      {"transposed k2 s2 256>128 @32", "transposed k2", {32, 32}, 256, 128, {2, 2}, transposed, 2},
      {"transposed k3 s2 256>128 @32", "any", {32, 32}, 256, 128, {3, 3}, transposed, 2},
      {"transposed k4 s2 256>128 @32", "transposed k4", {32, 32}, 256, 128, {4, 4}, transposed, 2},
      {"transposed k5 s2 128>64 @14 b16",
       "any",
       {14, 14},
       128,
       64,
       {5, 5},
       transposed,
       2,
       1,
       1,
       16},
      {"transposed k5 s2 128>1 @14 b32", "few", {14, 14}, 128, 1, {5, 5}, transposed, 2, 1, 1, 32},
      {"transposed 3-D k2 s2 128>64 @16",
       "transposed 3-D",
       {16, 16, 16},
       128,
       64,
       {2, 2, 2},
       transposed,
       2},
      {"transposed 3-D k3 s2 64>32 @16",
       "transposed 3-D",
       {16, 16, 16},
       64,
       32,
       {3, 3, 3},
       transposed,
       2},
      {"upsampling 2 + 3x3 64>64 @128", "upsampled", {128, 128}, 64, 64, {3, 3}, Kind::kUpsampled},
      {"upsampling 2 + 5x5 32>1 @64", "few", {64, 64}, 32, 1, {5, 5}, Kind::kUpsampled},
      {"padding 1 + valid 3x3 64>64 @112", "3x3", {112, 112}, 64, 64, {3, 3}, Kind::kPadded},
  };
}

// Their input's and their kernel's gradients are measured.
std::vector<Workload> trained() {
  constexpr Kind conv = Kind::kConv;
  return {
      {"3x3 64>64 @56 b8", "any", {56, 56}, 64, 64, {3, 3}, conv, 1, 1, 1, 8},
      {"3x3 256>256 @14 b8", "any", {14, 14}, 256, 256, {3, 3}, conv, 1, 1, 1, 8},
      {"3x3 32>64 @26 b32", "any", {26, 26}, 32, 64, {3, 3}, conv, 1, 1, 1, 32},
      {"3x3 16>16 @32 b32", "any", {32, 32}, 16, 16, {3, 3}, conv, 1, 1, 1, 32},
      {"3x3 1>32 @28 b32", "any", {28, 28}, 1, 32, {3, 3}, conv, 1, 1, 1, 32},
      {"1x1 64>256 @56 b8", "any", {56, 56}, 64, 256, {1, 1}, conv, 1, 1, 1, 8},
      {"3x3 s2 128>128 @56 b8", "any", {56, 56}, 128, 128, {3, 3}, conv, 2, 1, 1, 8},
      {"7x7 s2 3>64 @224", "any", {224, 224}, 3, 64, {7, 7}, conv, 2},
      {"depthwise 3x3 144 @56 b8",
       "depthwise grad",
       {56, 56},
       144,
       144,
       {3, 3},
       conv,
       1,
       1,
       144,
       8},
      {"depthwise 7x7 96 @56 b4", "few", {56, 56}, 96, 96, {7, 7}, conv, 1, 1, 96, 4},
      {"depthwise dilated 2 3x3 144 @28 b8", "few", {28, 28}, 144, 144, {3, 3}, conv, 1, 2, 144, 8},
      {"depth multiplier 2 3x3 32>64 @56 b8", "few", {56, 56}, 32, 64, {3, 3}, conv, 1, 1, 32, 8},
      {"1-D depthwise k7 128 x4096 b4", "few", {4096}, 128, 128, {7}, conv, 1, 1, 128, 4},
      {"grouped 32 x 4 3x3 @28 b8", "any", {28, 28}, 128, 128, {3, 3}, conv, 1, 1, 32, 8},
      {"dilated 2 3x3 256>256 @33", "any", {33, 33}, 256, 256, {3, 3}, conv, 1, 2},
      {"1-D k9 64>64 x16000", "any", {16000}, 64, 64, {9}},
      {"1-D k51 d8 15>15 x16000", "any", {16000}, 15, 15, {51}, conv, 1, 8},
      {"3-D 32>64 @32", "any", {32, 32, 32}, 32, 64, {3, 3, 3}},
      // What a transposed one's gradients are: those of k4 s2 256>128 @32.
      {"4x4 s2 128>256 @64", "any", {64, 64}, 128, 256, {4, 4}, conv, 2},
  };
}

}  // namespace

Shape Workload::input() const { return channels_last(batch, n, channels); }

Shape Workload::kernel() const {
  Shape shape(k);
  shape.push_back(kind == Kind::kTransposed ? filters : channels / groups);
  shape.push_back(kind == Kind::kTransposed ? channels : filters);
  return shape;
}

ops::Edge Workload::edge(size_t axis) const {
  if (kind == Kind::kTransposed) {
    const int64_t total = std::max<int64_t>(k[axis] - stride, 0);
    return {total / 2, total - total / 2};
  }
  const int64_t whole = extent(axis);
  if (causal) return {whole - 1, 0};
  const int64_t half = (whole % 2 == 1 ? whole - 1 : whole - stride) / 2;
  return {half, half};
}

Shape Workload::output() const {
  std::vector<int64_t> sizes;
  for (size_t a = 0; a < n.size(); ++a) {
    const int64_t added = edge(a).before + edge(a).after;
    const int64_t length = n[a] * (kind == Kind::kUpsampled ? 2 : 1) + added - extent(a);
    sizes.push_back(kind == Kind::kTransposed ? n[a] * stride : length / stride + 1);
  }
  return channels_last(batch, sizes, filters);
}

double Workload::flops() const {
  const Shape cells = kind == Kind::kTransposed ? input() : output();
  const auto count = static_cast<double>(cells.size() / cells[-1]);
  const auto taps = static_cast<double>(Shape(k).size());
  if (kind == Kind::kSeparable)
    return 2 * count * static_cast<double>(channels) * (taps + static_cast<double>(filters));
  return 2 * count * static_cast<double>(kernel().size());
}

base::Json Workload::json() const {
  constexpr const char* kKinds[] = {"conv",   "transposed", "separable",  "upsampled",
                                    "padded", "input_grad", "filter_grad"};
  std::vector<base::Json> edges;
  for (size_t a = 0; a < n.size(); ++a)
    edges.push_back(base::Json::array({edge(a).before, edge(a).after}));
  return base::Json::object({{"name", name},
                             {"goal", goal},
                             {"kind", kKinds[static_cast<int>(kind)]},
                             {"batch", batch},
                             {"n", base::Json::list(n)},
                             {"channels", channels},
                             {"filters", filters},
                             {"k", base::Json::list(k)},
                             {"edges", base::Json::array(edges)},
                             {"stride", stride},
                             {"dilation", dilation},
                             {"groups", groups},
                             {"flops", flops()}});
}

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = [] {
    std::vector<Workload> list;
    for (auto part : {resnet_and_vgg, groups_and_few, other_ranks, growing})
      for (Workload& w : part()) list.push_back(std::move(w));
    for (Workload& w : trained())
      for (Kind kind : {Kind::kInputGrad, Kind::kFilterGrad}) {
        // Nobody asks for the gradient in a picture.
        if (kind == Kind::kInputGrad && w.channels <= 3) continue;
        list.push_back(w);
        list.back().kind = kind;
        list.back().name =
            (kind == Kind::kInputGrad ? "input gradient of " : "kernel gradient of ") + w.name;
      }
    return list;
  }();
  return all;
}

Tensor numbers(const Shape& shape, uint32_t seed) {
  Tensor t = Tensor::uninitialized(shape);
  float* to = t.data();
  for (int64_t i = 0; i < t.size(); ++i) {
    uint32_t h = (static_cast<uint32_t>(i) + seed * 0x9e3779b9u) * 0x85ebca6bu;
    h = (h ^ h >> 15) * 0xc2b2ae35u;
    h ^= h >> 13;
    to[i] = static_cast<float>(h * 0x1p-31 - 1);
  }
  return t;
}

Tensor kernel_numbers(const Shape& shape, uint32_t seed, int64_t summed) {
  Tensor t = numbers(shape, seed);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(summed)));
  for (float& v : t.values()) v *= scale;
  return t;
}

Tensor bias_numbers(const Workload& w) { return kernel_numbers({w.filters}, kBias, 100); }

}  // namespace cornu::bench
