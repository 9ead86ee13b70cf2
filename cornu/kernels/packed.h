#pragma once

#include "cornu/kernels/kernel.h"

namespace cornu::kernels {

// An operand in another order or form: made once where its numbers are known when the problem is
// prepared, else by each run in its scratch memory. Zeros where the operand is not there (a bias).
class Packed {
 public:
  // pack(from, to) writes `size` numbers. Takes its part of the scratch memory that `prepared` has.
  template <class Pack>
  void prepare(const Problem& problem, size_t operand, int64_t size, Prepared& prepared,
               Pack&& pack) {
    if (operand < problem.in.size() && !problem.in[operand].constant) {
      at_ = prepared.scratch_floats;
      prepared.scratch_floats += (size + 15) / 16 * 16;
      return;
    }
    numbers_ = Tensor(Shape{size});
    if (operand >= problem.in.size()) return;
    pack(problem.in[operand].constant->data(), numbers_.data());
    prepared.packed[operand] = true;
  }

  // Does each run have to write data() first?
  bool at_run() const { return at_ >= 0; }
  float* to(const Call& call) const { return call.scratch + at_; }
  const float* data(const Call& call) const { return at_run() ? to(call) : numbers_.data(); }

 private:
  Tensor numbers_;
  int64_t at_ = -1;
};

}  // namespace cornu::kernels
