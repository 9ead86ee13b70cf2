#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/shape.h"

namespace cornu {

namespace base {
class Replicas;
}
namespace compile {
struct Plan;
}

// A model made ready to run on inputs of fixed shapes: weights frozen and packed, memory planned,
// kernels chosen. Immutable; copies share it; any number of threads may run it at once, each with a
// Workspace of its own. Made by Model::program().
class CORNU_API Program {
 public:
  explicit Program(std::shared_ptr<const compile::Plan> plan) : plan_(std::move(plan)) {}

  size_t input_count() const;
  size_t output_count() const;
  const Shape& input_shape(size_t i = 0) const;
  const Shape& output_shape(size_t i = 0) const;
  // Memory that a Workspace takes, in bytes.
  int64_t workspace_bytes() const;
  // For comparison: what it would take without any pass, where every tensor has memory of its own
  // for as long as it is needed.
  int64_t plain_workspace_bytes() const;
  // Memory of the weights, in bytes: packed for their kernels, or as they are where the kernels
  // read them so (then they may be the model's own). Shared by all copies.
  int64_t weight_bytes() const;
  // Work of one run: floating-point operations of convolutions and the rest, a multiply-add as two.
  double flops() const;
  // What a run does, in order.
  struct StepInfo {
    std::string layer, op, kernel, reason;  // reason: why this kernel
    double flops;
  };
  std::vector<StepInfo> steps() const;

  const compile::Plan& plan() const { return *plan_; }

 private:
  std::shared_ptr<const compile::Plan> plan_;
};

// What one caller needs to run a Program: its memory. Not to be used by two threads at once.
class CORNU_API Workspace {
 public:
  // Uses the process's threads (set_num_threads), or `threads` of its own. Throws OutOfMemory.
  explicit Workspace(Program program, int threads = 0);
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  // Computes the output from the input, row-major floats of the program's shapes. Takes no lock,
  // allocates nothing, throws nothing. False, with nothing written, when a size is not the
  // program's.
  bool run(std::span<const float> input, std::span<float> output) noexcept;
  // The same for several inputs and outputs, in the model's order.
  bool run(std::span<const std::span<const float>> inputs,
           std::span<const std::span<float>> outputs) noexcept;

  const Program& program() const;
  // Called on the running thread between steps with the share of the work that is done, 0 to 1.
  // Null: not called.
  using ProgressFn = void (*)(void* context, double done) noexcept;
  void on_progress(ProgressFn fn, void* context);
  // The processes that the program's means over processes (ops::ReplicaMean) are taken with. Null:
  // this one alone.
  void share_with(base::Replicas* replicas);
  // Wall-clock seconds that each step of the last run took, in the order of steps(). Off (empty)
  // unless asked for, as reading the clock costs a tiny network measurably.
  void measure_steps(bool on);
  std::span<const double> step_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Threads that the process's own pool uses from now on, the caller included; 0 is the default: the
// CPUs this process may use, or CORNU_THREADS. Results do not depend on it. Throws ValueError below
// 0. Workspaces made before keep what they had.
CORNU_API void set_num_threads(int threads);
CORNU_API int num_threads();

}  // namespace cornu
