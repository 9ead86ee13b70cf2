#include "cornu/compile/measured.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/json.h"
#include "cornu/base/text.h"
#include "cornu/kernels/cpu.h"
#include "cornu/ops/op.h"

namespace cornu::compile {
namespace {

using base::Json;
using kernels::Kernel;
using kernels::Problem;

// As the system calls it; on arm64 it has no name.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name") && line.find(": ") != line.npos)
      return line.substr(line.find(": ") + 2);
  return "a processor";
}

constexpr const char* kFormat = "cornu plan";

std::string microseconds(double seconds) { return base::cat(std::llround(seconds * 1e6), " us"); }

// A problem in words, the same for problems that take the same time.
std::string name_of(const Problem& problem) {
  std::string name = ops::to_text(*problem.op) + " of";
  for (const kernels::Operand& operand : problem.in) {
    name += base::cat(' ', operand.shape);
    if (operand.constant) name += " known";
  }
  if (problem.strict) name += ", strict";
  return name;
}

// Seconds that a run of a kernel takes, the shortest of a few.
double time_of(const kernels::Kernel& kernel, const Problem& problem, base::ThreadPool& pool) {
  using Clock = std::chrono::steady_clock;
  kernels::Prepared prepared = kernel.prepare(problem);
  prepared.packed.resize(problem.in.size(), false);
  std::vector<Tensor> buffers;
  std::vector<const float*> in;
  for (size_t i = 0; i < problem.in.size(); ++i) {
    const kernels::Operand& operand = problem.in[i];
    const bool packed = prepared.packed[i];
    if (!packed && !operand.constant) buffers.push_back(Tensor::full(operand.shape, 0.5f));
    in.push_back(packed             ? nullptr
                 : operand.constant ? operand.constant->data()
                                    : buffers.back().data());
  }
  Tensor out(problem.out), scratch(Shape{prepared.scratch_floats});
  const kernels::Call call{prepared.state.get(), in, out.data(), scratch.data(), &pool};
  prepared.run(call);  // pages and caches
  double best = 0, sum = 0;
  for (int i = 0; i < 9 && (i < 2 || sum < 0.05); ++i) {
    const auto start = Clock::now();
    prepared.run(call);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = i == 0 ? seconds : std::min(best, seconds);
    sum += seconds;
  }
  return best;
}

}  // namespace

Measured::Measured(std::shared_ptr<base::ThreadPool> pool)
    : pool_(std::move(pool)),
      machine_(base::cat(CORNU_VERSION, ", ", processor(), ", ", cpu_target(), ", ",
                         pool_->threads(), pool_->threads() == 1 ? " thread" : " threads")) {}

void Measured::read(const std::string& path) {
  if (!base::file_exists(path)) return;
  const base::Bytes file = base::read_file(path);
  const Json json = base::parse_json(file.text(), path);
  const auto format = json.find("format");
  if (!format || !format->is_string() || format->as_string() != kFormat)
    throw FormatError(base::cat(path, ": no plan file (`format` is not ", base::quoted(kFormat),
                                "); another file may be given, or a new name"));
  for (const auto& [machine, problems] : json.at("choices").items())
    for (const auto& [problem, kernel] : problems.items())
      all_[std::string(machine)].emplace(problem, kernel.as_string());
}

void Measured::write(const std::string& path) const {
  std::vector<std::pair<std::string, Json>> machines;
  for (const auto& [machine, problems] : all_) {
    std::vector<std::pair<std::string, Json>> items(problems.begin(), problems.end());
    machines.emplace_back(machine, Json::object(items));
  }
  base::write_file_atomic(
      path, Json::object({{"format", kFormat}, {"choices", Json::object(machines)}}).dump() + "\n");
}

const Kernel* Measured::fastest(const Problem& problem, std::span<const Kernel* const> candidates,
                                std::string& reason) {
  const std::string name = name_of(problem);
  auto& known = all_[machine_];
  if (const auto at = known.find(name); at != known.end())
    for (const Kernel* kernel : candidates)
      if (at->second == kernel->name) {
        reason = "measured before";
        return kernel;
      }
  const Kernel* best = nullptr;
  double best_time = 0;
  std::string times;
  for (const Kernel* kernel : candidates) {
    const double time = time_of(*kernel, problem, *pool_);
    times += base::cat(times.empty() ? "" : ", ", kernel->name, ' ', microseconds(time));
    if (best && time > 0.97 * best_time) continue;
    best = kernel;
    best_time = time;
  }
  known[name] = best->name;
  changed_ = true;
  reason = "measured: " + times;
  return best;
}

}  // namespace cornu::compile
