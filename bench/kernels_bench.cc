// Speed of the convolution kernels, beside the fused multiply-add peak of one core measured in the
// same run. `share` is the part of the peak of all threads used.
//
//   bench_kernels --benchmark_filter=conv3x3 --benchmark_repetitions=5

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <random>
#include <string>

#include "cornu/base/thread_pool.h"
#include "cornu/kernels/cpu.h"
#include "cornu/kernels/kernel.h"

namespace {

using namespace cornu;

// ---- the peak -----------------------------------------------------------------------------------

constexpr int kChains = 12;  // independent sums, so that latency does not show

#if defined(__x86_64__)
#define CORNU_PEAK(NAME, TARGET, BYTES)                                                        \
  __attribute__((target(TARGET), noinline)) float NAME(int64_t rounds) {                       \
    typedef float V __attribute__((vector_size(BYTES)));                                       \
    const V b = V{} + 0.5f, c = V{} + 0.25f;                                                   \
    V x0 = b, x1 = b, x2 = b, x3 = b, x4 = b, x5 = b, x6 = b, x7 = b, x8 = b, x9 = b, x10 = b, \
      x11 = b;                                                                                 \
    const auto step = [&](V & x) __attribute__((target(TARGET), always_inline)) {              \
      asm("vfmadd213ps %2, %1, %0" : "+v"(x) : "v"(b), "v"(c));                                \
    };                                                                                         \
    for (int64_t i = 0; i < rounds; ++i) {                                                     \
      step(x0), step(x1), step(x2), step(x3), step(x4), step(x5);                              \
      step(x6), step(x7), step(x8), step(x9), step(x10), step(x11);                            \
    }                                                                                          \
    return (x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11)[0];                   \
  }
CORNU_PEAK(multiply_512, "avx512f", 64)
CORNU_PEAK(multiply_256, "avx2,fma", 32)
#endif

// Of this thread: a busy machine does not count.
double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Best of a few short runs, in GFLOP/s; 0 where it cannot be measured.
double measure_peak() {
#if defined(__x86_64__)
  const bool wide = __builtin_cpu_supports("avx512f"), fma = __builtin_cpu_supports("fma");
  if (!fma) return 0;
  double best = 0;
  for (int run = 0; run < 10; ++run) {
    constexpr int64_t kRounds = 1'000'000;
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(wide ? multiply_512(kRounds) : multiply_256(kRounds));
    const double seconds = cpu_seconds() - start;
    best = std::max(best, 2e-9 * kChains * (wide ? 16 : 8) * kRounds / seconds);
  }
  return best;
#else
  return 0;
#endif
}

// ---- problems -----------------------------------------------------------------------------------

struct Shaped {
  const char* name;
  std::vector<int64_t> n;
  int64_t channels, filters;
  std::vector<int64_t> k;
  int64_t stride = 1, groups = 1;
  bool transposed = false;
};

const Shaped kProblems[] = {
    {"conv3x3_64_64_56", {56, 56}, 64, 64, {3, 3}},
    {"conv3x3_64_64_128", {128, 128}, 64, 64, {3, 3}},
    {"conv3x3_192_64_128", {128, 128}, 192, 64, {3, 3}},
    {"conv1x1_256_256_28", {28, 28}, 256, 256, {1, 1}},
    {"conv1x1_256_256_56", {56, 56}, 256, 256, {1, 1}},
    {"conv3x3_128_128_28", {28, 28}, 128, 128, {3, 3}},
    {"conv3x3_256_256_14", {14, 14}, 256, 256, {3, 3}},
    {"conv3x3_512_512_7", {7, 7}, 512, 512, {3, 3}},
    {"esrgan3x3_96_32_128", {128, 128}, 96, 32, {3, 3}},
    {"esrgan3x3_64_3_128", {128, 128}, 64, 3, {3, 3}},
    {"stem7x7_s2_3_64_224", {224, 224}, 3, 64, {7, 7}, 2},
    {"stem3x3_3_64_128", {128, 128}, 3, 64, {3, 3}},
    {"conv1d_k9_64_64_4096", {4096}, 64, 64, {9}},
    {"conv3d_3_16_16_32", {32, 32, 32}, 16, 16, {3, 3, 3}},
    {"grouped3x3_4x24_56", {56, 56}, 96, 96, {3, 3}, 1, 4},
    {"transposed4x4_s2_64_64_64", {64, 64}, 64, 64, {4, 4}, 2, 1, true},
    {"depthwise3x3_144_56", {56, 56}, 144, 144, {3, 3}, 1, 144},
    {"depthwise3x3_32_112", {112, 112}, 32, 32, {3, 3}, 1, 32},
    {"depthwise3x3_s2_64_112", {112, 112}, 64, 64, {3, 3}, 2, 64},
    {"depthwise3x3_m2_64_56", {56, 56}, 64, 128, {3, 3}, 1, 64},
    {"depthwise1d_k7_128_4096", {4096}, 128, 128, {7}, 1, 128},
    {"dense_1_2048_1000", {}, 2048, 1000, {}},
};

Tensor random_tensor(const Shape& shape) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor t(shape);
  for (float& v : t.values()) v = uniform(random);
  return t;
}

// 'same' padding, bias and relu, as most layers have.
ops::Op op_of(const Shaped& p) {
  const ops::Unary relu{ops::Unary::Fn::kRelu, 0, std::numeric_limits<float>::infinity(), 0};
  const size_t axes = p.n.size();
  if (p.transposed) {
    ops::ConvTranspose op{
        std::vector<int64_t>(axes, p.stride), std::vector<int64_t>(axes, 1), {}, {}, 1, relu};
    for (size_t a = 0; a < axes; ++a) {
      op.crop.push_back((p.k[a] - p.stride) / 2);
      op.length.push_back(p.n[a] * p.stride);
    }
    return op;
  }
  ops::Conv op{
      std::vector<int64_t>(axes, p.stride), std::vector<int64_t>(axes, 1), {}, p.groups, relu};
  for (size_t a = 0; a < axes; ++a) {
    const int64_t total = std::max<int64_t>(p.k[a] - p.stride, 0);
    op.pad.push_back({total / 2, total - total / 2});
  }
  return op;
}

struct Ready {
  ops::Op op;
  Tensor x, kernel, bias, out, scratch;
  kernels::Prepared prepared;
  std::string kernel_name;
};

Ready make_ready(const Shaped& p) {
  Ready r;
  r.op = op_of(p);
  Shape x{1}, kernel(p.k);
  for (int64_t n : p.n) x.push_back(n);
  x.push_back(p.channels);
  kernel.push_back(p.transposed ? p.filters : p.channels / p.groups);
  kernel.push_back(p.transposed ? p.channels : p.filters);
  r.x = random_tensor(x);
  r.kernel = random_tensor(kernel);
  r.bias = random_tensor(Shape{p.filters});
  r.out = Tensor(ops::infer_shape(r.op, {x, kernel, r.bias.shape()}));
  const kernels::Problem problem{
      &r.op, {{x}, {kernel, &r.kernel}, {r.bias.shape(), &r.bias}}, r.out.shape()};
  for (const kernels::Kernel& k : kernels::table())
    if (k.accepts(problem)) {
      r.prepared = k.prepare(problem);
      r.kernel_name = std::string(k.name) + " " + r.prepared.detail;
      break;
    }
  r.scratch = Tensor(Shape{r.prepared.scratch_floats});
  return r;
}

void run_problem(benchmark::State& state, const Shaped& p, int threads, double peak) {
  Ready r = make_ready(p);
  if (!r.prepared.run) return state.SkipWithError("no kernel takes this problem");
  base::ThreadPool pool(threads);
  const auto operand = [&](size_t i, const Tensor& t) {
    return r.prepared.packed[i] ? nullptr : t.data();
  };
  const float* in[] = {r.x.data(), operand(1, r.kernel), operand(2, r.bias)};
  const kernels::Call call{r.prepared.state.get(), in, r.out.data(), r.scratch.data(), &pool};
  for (auto _ : state) {
    r.prepared.run(call);
    benchmark::ClobberMemory();
  }
  double products = static_cast<double>(r.kernel.size());
  for (int64_t axis = 1; axis + 1 < r.x.shape().rank(); ++axis)
    products *= static_cast<double>((p.transposed ? r.x : r.out).shape()[axis]);
  state.SetLabel(r.kernel_name);
  const double flops = 2 * products * static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsRate);
  if (peak > 0) state.counters["share"] = Counter(flops * 1e-9 / peak / threads, Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const double peak = measure_peak();
  benchmark::AddCustomContext("peak of one core, GFLOP/s", std::to_string(peak));
  benchmark::AddCustomContext("cpu target", cpu_target());
  for (int threads : {1, 2})
    for (const Shaped& p : kProblems) {
      auto* b = benchmark::RegisterBenchmark(
          (std::string(p.name) + "/threads:" + std::to_string(threads)).c_str(),
          [&p, threads, peak](benchmark::State& state) { run_problem(state, p, threads, peak); });
      b->Unit(benchmark::kMicrosecond);
      b->ComputeStatistics("best", [](const std::vector<double>& v) {
        return *std::max_element(v.begin(), v.end());  // of the rates
      });
      // One thread by its own clock, so that a busy machine does not count.
      if (threads > 1) b->UseRealTime();
    }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
