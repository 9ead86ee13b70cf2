// What a second thread brings, beside what it brings to a loop of multiplications in the same run:
//
//   bench_scaling [rounds]
//
// Each round times the loop and three networks of convolutions with one thread and with two, in
// turns; the medians are printed. A machine that is busy, or whose two processors share a core,
// lets the loop gain less than 2, and a network cannot gain more.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "cornu/base/thread_pool.h"
#include "cornu/cornu.h"

namespace {

using namespace cornu;
using bench::Clock;

constexpr double kSeconds = 0.2;  // of each measurement

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + std::ssize(v) / 2, v.end());
  return v[v.size() / 2];
}

// Something to run with either number of threads.
struct Subject {
  std::string name;
  std::vector<std::function<void()>> run;  // with 1 and 2 threads
  std::vector<double> gains = {};          // of each round, of two threads
};

// Wall-clock seconds of one run.
double time_of(const std::function<void()>& run) {
  run();
  const double start = bench::seconds(Clock::kWall);
  int runs = 0;
  double passed = 0;
  do {
    run();
    ++runs;
    passed = bench::seconds(Clock::kWall) - start;
  } while (passed < kSeconds);
  return passed / runs;
}

Subject multiplications() {
  Subject subject{"multiplications", {}};
  for (int threads : {1, 2}) {
    auto pool = std::make_shared<base::ThreadPool>(threads);
    subject.run.push_back(
        [pool] { pool->parallel_for(2, [](int64_t) { bench::multiply_add(1'000'000); }); });
  }
  return subject;
}

Subject network(const std::string& name, const Model& model, const Shape& shape) {
  Subject subject{name, {}};
  const Program program = model.program({.input_shapes = {shape}});
  for (int threads : {1, 2}) {
    auto workspace = std::make_shared<Workspace>(program, threads);
    auto x = std::make_shared<Tensor>(Tensor::full(program.input_shape(), 0.5f));
    auto y = std::make_shared<Tensor>(program.output_shape());
    subject.run.push_back([=] { workspace->run(x->values(), {y->data(), y->values().size()}); });
  }
  return subject;
}

Sequential chain(int64_t layers, int64_t filters, int64_t kernel_size) {
  Sequential model;
  for (int64_t i = 0; i < layers; ++i)
    model.add(Conv2D(
        {.filters = filters, .kernel_size = kernel_size, .padding = "same", .activation = "relu"}));
  return model;
}

Model built(const Sequential& model, const Shape& shape) {
  model.build(shape);
  return model;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  std::vector<Subject> all{multiplications()};
  all.push_back(
      network("8 x 3x3 64>64 @56", built(chain(8, 64, 3), {1, 56, 56, 64}), {1, 56, 56, 64}));
  all.push_back(
      network("8 x 3x3 256>256 @14", built(chain(8, 256, 3), {1, 14, 14, 256}), {1, 14, 14, 256}));
  all.push_back(
      network("8 x 1x1 256>256 @28", built(chain(8, 256, 1), {1, 28, 28, 256}), {1, 28, 28, 256}));
  for (int i = 0; i < rounds; ++i)
    for (Subject& s : all) s.gains.push_back(time_of(s.run[0]) / time_of(s.run[1]));
  std::printf("%-24s %8s %s\n", "", "gain", "of that of multiplications in the same round");
  for (const Subject& s : all) {
    std::vector<double> share;
    for (size_t i = 0; i < s.gains.size(); ++i) share.push_back(s.gains[i] / all[0].gains[i]);
    std::printf("%-24s %8.2f %.2f\n", s.name.c_str(), median(s.gains), median(share));
  }
}
