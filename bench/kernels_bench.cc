// Speed of the kernels, beside the fused multiply-add peak of one core measured in the
// same run. `share` is the part of the peak of all threads used.
//
//   bench_kernels --benchmark_filter=conv3x3 --benchmark_repetitions=5

#include <benchmark/benchmark.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "bench/measure.h"
#include "cornu/base/thread_pool.h"
#include "cornu/kernels/cpu.h"
#include "cornu/kernels/kernel.h"
#include "cornu/ops/evaluate.h"

namespace {

using namespace cornu;

// Best of a few short runs, in GFLOP/s; 0 where it cannot be measured.
double measure_peak() {
  double best = 0;
  for (int run = 0; run < 10; ++run) {
    const double start = bench::seconds(bench::Clock::kThread);
    const double flops = bench::multiply_add(1'000'000);
    best = std::max(best, 1e-9 * flops / (bench::seconds(bench::Clock::kThread) - start));
  }
  return best;
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

// A kernel at work: what bounds it is either the multiplications or the bytes moved.
struct Case {
  std::string name;
  ops::Op op;
  std::vector<Shape> in;
  bool frozen = true;      // operands but the first are known beforehand
  double flops = 0;        // 0: bytes are counted
  bool reference = false;  // by the reference loops, to compare with
};

double spatial_size(const Shape& x) {
  return static_cast<double>(x.size()) / static_cast<double>(x[-1]);
}

void add_convolutions(std::vector<Case>& cases) {
  for (const Shaped& p : kProblems) {
    Shape x{1}, kernel(p.k);
    for (int64_t n : p.n) x.push_back(n);
    x.push_back(p.channels);
    kernel.push_back(p.transposed ? p.filters : p.channels / p.groups);
    kernel.push_back(p.transposed ? p.channels : p.filters);
    Case c{p.name, op_of(p), {x, kernel, Shape{p.filters}}};
    const Shape out = ops::infer_shape(c.op, c.in);
    c.flops = 2 * static_cast<double>(kernel.size()) * spatial_size(p.transposed ? x : out);
    cases.push_back(std::move(c));
  }
}

// A convolution in training, 'same', stride 1: forward, and both gradients.
void add_trained(std::vector<Case>& cases, const std::string& name, int64_t batch,
                 const std::vector<int64_t>& n, int64_t channels, int64_t filters,
                 const std::vector<int64_t>& k, int64_t groups = 1) {
  const std::vector<int64_t> ones(n.size(), 1);
  std::vector<int64_t> before;
  ops::Conv conv{ones, ones, {}, groups, {}};
  for (int64_t size : k) {
    before.push_back((size - 1) / 2);
    conv.pad.push_back({before.back(), size - 1 - before.back()});
  }
  Shape x{batch}, dy{batch}, kernel(k);
  for (int64_t size : n) {
    x.push_back(size);
    dy.push_back(size);
  }
  x.push_back(channels);
  dy.push_back(filters);
  kernel.push_back(channels / groups);
  kernel.push_back(filters);
  const double flops = 2 * static_cast<double>(kernel.size()) * spatial_size(x);
  cases.push_back({"train_forward_" + name, conv, {x, kernel, Shape{filters}}, false, flops});
  cases.push_back({"input_grad_" + name,
                   ops::ConvTranspose{ones, ones, before, n, groups, {}},
                   {dy, kernel},
                   false,
                   flops});
  cases.push_back({"filter_grad_" + name,
                   ops::ConvFilterGrad{k, ones, ones, before, groups},
                   {x, dy},
                   false,
                   flops});
}

// What a training step does besides, on the first layer of a small network.
void add_rest(std::vector<Case>& cases) {
  const ops::Unary relu{ops::Unary::Fn::kRelu, 0, std::numeric_limits<float>::infinity(), 0};
  const ops::Pool max{ops::Pool::Kind::kMax, {2, 2}, {2, 2}, {{0, 0}, {0, 0}}};
  const ops::Pool average{ops::Pool::Kind::kAverage, {2, 2}, {2, 2}, {{0, 0}, {0, 0}}};
  const Shape x{128, 28, 28, 32}, half{128, 14, 14, 32}, c{32}, two{2, 32}, cells{128, 1, 1, 32};
  const auto add = [&](const char* name, ops::Op op, std::vector<Shape> in) {
    cases.push_back({name, std::move(op), std::move(in), false});
  };
  add("relu", relu, {x});
  add("relu_grad", ops::UnaryGrad{relu, true}, {x, x});
  add("add", ops::Binary{}, {x, x});
  add("add_channels", ops::Binary{}, {x, c});
  add("moments", ops::Moments{3}, {x});
  add("batch_norm", ops::BatchNorm{3, 1e-3f}, {x, c, c, c, c});
  add("batch_norm_sums", ops::BatchNormSums{3, 1e-3f}, {x, c, c, x});
  add("batch_norm_grad", ops::BatchNormGrad{3, 1e-3f}, {x, c, c, c, x, two});
  add("sum_per_channel", ops::Reduce{ops::Reduce::Kind::kSum, {0, 1, 2}}, {x});
  add("mean_per_sample", ops::Reduce{ops::Reduce::Kind::kMean, {1, 2}}, {x});
  add("broadcast_cells", ops::Broadcast{x}, {cells});
  add("max_pool", max, {x});
  add("max_pool_grad", ops::PoolGrad{max}, {x, half});
  add("average_pool_grad", ops::PoolGrad{average}, {x, half});
  add("softmax", ops::Softmax{}, {{128, 1000}});
  add("softmax_grad", ops::SoftmaxGrad{}, {{128, 1000}, {128, 1000}});
  add("random_uniform", ops::Random{ops::Random::Kind::kUniform, x, 0}, {{6}});
  add("random_normal", ops::Random{ops::Random::Kind::kNormal, x, 0}, {{6}});
  add("resize_bilinear", ops::Resize{ops::Resize::Mode::kBilinear, {28, 28}}, {half});
  add("resize_bilinear_grad", ops::ResizeGrad{ops::Resize::Mode::kBilinear, {14, 14}}, {x});
  add("resize_nearest_grad", ops::ResizeGrad{ops::Resize::Mode::kNearest, {14, 14}}, {x});
  cases.push_back({"matmul_8x256",
                   ops::MatMul{},
                   {{8, 256, 256}, {8, 256, 256}},
                   false,
                   2.0 * 8 * 256 * 256 * 256});
}

std::vector<Case> make_cases() {
  std::vector<Case> cases;
  add_convolutions(cases);
  add_trained(cases, "3x3_1_32_28_b128", 128, {28, 28}, 1, 32, {3, 3});
  add_trained(cases, "3x3_32_64_14_b128", 128, {14, 14}, 32, 64, {3, 3});
  add_trained(cases, "3x3_64_64_7_b128", 128, {7, 7}, 64, 64, {3, 3});
  add_trained(cases, "3x3_64_64_56_b4", 4, {56, 56}, 64, 64, {3, 3});
  add_trained(cases, "3x3_256_256_14_b8", 8, {14, 14}, 256, 256, {3, 3});
  add_trained(cases, "1x1_256_256_14_b8", 8, {14, 14}, 256, 256, {1, 1});
  add_trained(cases, "1d_k9_64_64_1024_b4", 4, {1024}, 64, 64, {9});
  add_trained(cases, "3d_16_16_16_b4", 4, {16, 16, 16}, 16, 16, {3, 3, 3});
  add_trained(cases, "dense_3136_10_b128", 128, {}, 3136, 10, {});
  add_trained(cases, "dense_1024_1024_b128", 128, {}, 1024, 1024, {});
  add_trained(cases, "grouped3x3_4x24_28_b4", 4, {28, 28}, 96, 96, {3, 3}, 4);
  add_trained(cases, "depthwise3x3_144_28_b8", 8, {28, 28}, 144, 144, {3, 3}, 144);
  add_rest(cases);
  // What the kernels replace, where it ends in good time.
  for (size_t i = 0, count = cases.size(); i < count; ++i) {
    if (cases[i].frozen || cases[i].flops > 1e9) continue;
    cases.push_back(cases[i]);
    cases.back().name = "reference_" + cases[i].name;
    cases.back().reference = true;
  }
  return cases;
}

// ---- running ------------------------------------------------------------------------------------

Tensor random_tensor(const Shape& shape) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor t(shape);
  for (float& v : t.values()) v = uniform(random);
  return t;
}

struct Reference {
  ops::Op op;
  std::vector<Shape> in;
  Shape out;
};

// The op's own loops, shared among threads by rows.
void run_reference(const kernels::Call& call) noexcept {
  const auto& r = *static_cast<const Reference*>(call.state);
  std::vector<ops::View<const float>> in;
  for (size_t i = 0; i < r.in.size(); ++i) in.push_back({&r.in[i], call.in[i]});
  const int64_t rows = ops::row_count(r.out), parts = std::min<int64_t>(rows, 64);
  call.pool->parallel_for(parts, [&](int64_t i) {
    ops::evaluate<float>(r.op, in, {&r.out, call.out}, {rows * i / parts, rows * (i + 1) / parts});
  });
}

struct Ready {
  std::vector<Tensor> in;
  Tensor out, scratch;
  kernels::Prepared prepared;
  std::string kernel_name;
};

Ready make_ready(const Case& c) {
  Ready r;
  for (const Shape& shape : c.in) r.in.push_back(random_tensor(shape));
  r.out = Tensor(ops::infer_shape(c.op, c.in));
  kernels::Problem problem{&c.op, {}, r.out.shape()};
  for (size_t i = 0; i < c.in.size(); ++i)
    problem.in.push_back({c.in[i], c.frozen && i > 0 ? &r.in[i] : nullptr});
  if (c.reference) {
    r.prepared.run = run_reference;
    r.prepared.state = std::make_shared<Reference>(Reference{c.op, c.in, problem.out});
    r.prepared.packed.assign(c.in.size(), false);
    return r;
  }
  for (const kernels::Kernel& k : kernels::table())
    if (k.wins(problem)) {
      r.prepared = k.prepare(problem);
      r.kernel_name = std::string(k.name) + " " + r.prepared.detail;
      break;
    }
  r.scratch = Tensor(Shape{r.prepared.scratch_floats});
  return r;
}

void run_case(benchmark::State& state, const Case& c, int threads, double peak) {
  Ready r = make_ready(c);
  if (!r.prepared.run) return state.SkipWithError("no kernel takes this problem");
  base::ThreadPool pool(threads);
  std::vector<const float*> in;
  for (size_t i = 0; i < r.in.size(); ++i)
    in.push_back(r.prepared.packed[i] ? nullptr : r.in[i].data());
  const kernels::Call call{r.prepared.state.get(), in, r.out.data(), r.scratch.data(), &pool};
  for (auto _ : state) {
    r.prepared.run(call);
    benchmark::ClobberMemory();
  }
  state.SetLabel(r.kernel_name);
  const auto runs = static_cast<double>(state.iterations());
  using benchmark::Counter;
  if (c.flops == 0) {
    double numbers = static_cast<double>(r.out.size());
    for (const Tensor& t : r.in) numbers += static_cast<double>(t.size());
    state.counters["GB/s"] = Counter(4e-9 * numbers * runs, Counter::kIsRate);
    return;
  }
  const double flops = 1e-9 * c.flops * runs;
  state.counters["GFLOP/s"] = Counter(flops, Counter::kIsRate);
  if (peak > 0) state.counters["share"] = Counter(flops / peak / threads, Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const double peak = measure_peak();
  benchmark::AddCustomContext("peak of one core, GFLOP/s", std::to_string(peak));
  benchmark::AddCustomContext("cpu target", cpu_target());
  const std::vector<Case> cases = make_cases();
  for (int threads : {1, 2})
    for (const Case& c : cases) {
      auto* b = benchmark::RegisterBenchmark(
          (c.name + "/threads:" + std::to_string(threads)).c_str(),
          [&c, threads, peak](benchmark::State& state) { run_case(state, c, threads, peak); });
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
