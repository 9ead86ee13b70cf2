#include "cornu/exec/program.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/compile/plan.h"
#include "cornu/exec/threads.h"

namespace cornu {

using compile::Location;
using compile::Plan;
using compile::Step;

size_t Program::input_count() const { return plan_->inputs.size(); }
size_t Program::output_count() const { return plan_->outputs.size(); }
const Shape& Program::input_shape(size_t i) const { return plan_->inputs.at(i); }
const Shape& Program::output_shape(size_t i) const { return plan_->outputs.at(i); }

int64_t Program::workspace_bytes() const {
  return plan_->arena_floats * static_cast<int64_t>(sizeof(float));
}

int64_t Program::plain_workspace_bytes() const {
  return plan_->plain_floats * static_cast<int64_t>(sizeof(float));
}

int64_t Program::weight_bytes() const { return plan_->weight_bytes; }

double Program::flops() const {
  double sum = 0;
  for (const Step& step : plan_->steps) sum += step.flops;
  return sum;
}

std::vector<Program::StepInfo> Program::steps() const {
  std::vector<StepInfo> all;
  for (const Step& step : plan_->steps)
    all.push_back({step.layer, step.op, step.kernel, step.reason, step.flops});
  return all;
}

// ---- threads
// --------------------------------------------------------------------------------------

namespace {

struct Threads {
  std::mutex mutex;
  int wanted = 0;
  std::shared_ptr<base::ThreadPool> pool;
};

Threads& process_threads() {
  static Threads threads;
  return threads;
}

}  // namespace

std::shared_ptr<base::ThreadPool> exec::process_pool() {
  Threads& t = process_threads();
  std::lock_guard lock(t.mutex);
  if (!t.pool)
    t.pool = std::make_shared<base::ThreadPool>(t.wanted > 0 ? t.wanted : base::default_threads());
  return t.pool;
}

void set_num_threads(int threads) {
  if (threads < 0)
    throw ValueError(
        base::cat("set_num_threads: `threads` must be 0 or more. Received: threads=", threads));
  Threads& t = process_threads();
  std::lock_guard lock(t.mutex);
  if (t.wanted == threads && t.pool) return;
  t.wanted = threads;
  t.pool.reset();  // workspaces keep the old one alive
}

int num_threads() { return exec::process_pool()->threads(); }

// ---- Workspace
// ------------------------------------------------------------------------------------

struct Workspace::Impl {
  explicit Impl(Program p) : program(std::move(p)) {}

  Program program;
  std::shared_ptr<base::ThreadPool> pool;
  Tensor arena;
  // The steps' operands, one after another. Those in the arena and the constants are set once, the
  // callers' own at each run.
  std::vector<const float*> operands;
  std::vector<float*> results;
  struct Patch {
    size_t at;
    int64_t index, offset;
  };
  std::vector<Patch> from_inputs, from_outputs, to_outputs;
  bool measuring = false;
  ProgressFn progress = nullptr;
  void* progress_context = nullptr;
  base::Replicas* replicas = nullptr;
  double all_flops = 1;
  std::vector<double> seconds;

  void bind() {
    const Plan& plan = program.plan();
    for (const Step& step : plan.steps) {
      for (const Location& l : step.in) {
        if (l.kind == Location::Kind::kInput) from_inputs.push_back({operands.size(), l.index, 0});
        if (l.kind == Location::Kind::kOutput)
          from_outputs.push_back({operands.size(), l.index, l.offset});
        operands.push_back(fixed(plan, l));
      }
      if (step.out.kind == Location::Kind::kOutput)
        to_outputs.push_back({results.size(), step.out.index, step.out.offset});
      results.push_back(step.out.kind == Location::Kind::kArena ? arena.data() + step.out.index
                                                                : nullptr);
    }
  }

  const float* fixed(const Plan& plan, const Location& l) {
    if (l.kind == Location::Kind::kArena) return arena.data() + l.index;
    if (l.kind == Location::Kind::kConstant)
      return plan.constants[static_cast<size_t>(l.index)].data();
    return nullptr;
  }

  void run_steps() noexcept {
    const Plan& plan = program.plan();
    size_t operand = 0;
    double done = 0;
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      const Step& step = plan.steps[i];
      kernels::Call call;
      call.state = step.state.get();
      call.in = {operands.data() + operand, step.in.size()};
      call.out = results[i];
      call.scratch = scratch_base + step.scratch;
      call.pool = pool.get();
      call.replicas = replicas;
      operand += step.in.size();
      run_step(step, call, i);
      if (progress) {
        done += step.flops;
        progress(progress_context, done / all_flops);
      }
    }
  }

  void run_step(const Step& step, const kernels::Call& call, size_t i) noexcept {
    if (!measuring) return step.run(call);
    const auto start = std::chrono::steady_clock::now();
    step.run(call);
    seconds[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  float* scratch_base = nullptr;
};

Workspace::Workspace(Program program, int threads) : impl_(std::make_unique<Impl>(program)) {
  impl_->pool = threads > 0 ? std::make_shared<base::ThreadPool>(threads) : exec::process_pool();
  impl_->arena = Tensor(Shape{program.plan().arena_floats});
  impl_->scratch_base = impl_->arena.data();
  impl_->all_flops = std::max(1.0, program.flops());
  impl_->bind();
}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

const Program& Workspace::program() const { return impl_->program; }

void Workspace::measure_steps(bool on) {
  impl_->measuring = on;
  impl_->seconds.assign(on ? impl_->program.plan().steps.size() : 0, 0.0);
}

void Workspace::on_progress(ProgressFn fn, void* context) {
  impl_->progress = fn;
  impl_->progress_context = context;
}

void Workspace::share_with(base::Replicas* replicas) { impl_->replicas = replicas; }

std::span<const double> Workspace::step_seconds() const { return impl_->seconds; }

bool Workspace::run(std::span<const float> input, std::span<float> output) noexcept {
  return run(std::span<const std::span<const float>>(&input, 1),
             std::span<const std::span<float>>(&output, 1));
}

bool Workspace::run(std::span<const std::span<const float>> inputs,
                    std::span<const std::span<float>> outputs) noexcept {
  const Plan& plan = impl_->program.plan();
  if (inputs.size() != plan.inputs.size() || outputs.size() != plan.outputs.size()) return false;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (static_cast<int64_t>(inputs[i].size()) != plan.inputs[i].size()) return false;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (static_cast<int64_t>(outputs[i].size()) != plan.outputs[i].size()) return false;
  for (const Impl::Patch& p : impl_->from_inputs)
    impl_->operands[p.at] = inputs[static_cast<size_t>(p.index)].data();
  for (const Impl::Patch& p : impl_->from_outputs)
    impl_->operands[p.at] = outputs[static_cast<size_t>(p.index)].data() + p.offset;
  for (const Impl::Patch& p : impl_->to_outputs)
    impl_->results[p.at] = outputs[static_cast<size_t>(p.index)].data() + p.offset;
  impl_->run_steps();
  return true;
}

}  // namespace cornu
