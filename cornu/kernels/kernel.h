#pragma once

// A kernel is fast code for some problems of one op; the op's reference loops are the slow code for
// all of them. The table is tried in order at compile time: the first kernel that accepts a
// problem, and that does not say that others are faster, wins.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/communicator.h"
#include "cornu/base/thread_pool.h"
#include "cornu/ops/op.h"

namespace cornu::kernels {

struct Operand {
  Shape shape;
  // The numbers, where they are known when the plan is made (a frozen weight), else null.
  const Tensor* constant = nullptr;
  // Numbers from one cell (an index of all axes but the last) to the next: more than the last axis
  // has where the operand is some channels of a wider one. 0: as many as the last axis has.
  int64_t pitch = 0;
  // Of a Concat: lies in its place of the result already.
  bool in_place = false;
  // How many channels (of the last axis) each of the tensors has that it is a concatenation of;
  // empty where it is one tensor. Call::in has the first one in the operand's place, the others
  // behind all operands.
  std::vector<int64_t> segments = {};
};

struct Problem {
  const ops::Op* op = nullptr;
  std::vector<Operand> in;
  Shape out;
  bool strict = false;    // precision = strict: no algorithm that rounds worse than plain sums
  int64_t out_pitch = 0;  // as Operand::pitch
};

inline int64_t pitch_or_length(int64_t pitch, const Shape& shape) {
  return pitch > 0 ? pitch : shape.rank() == 0 ? 1 : shape[-1];
}
inline int64_t in_pitch(const Problem& p, size_t i) {
  return pitch_or_length(p.in[i].pitch, p.in[i].shape);
}
inline int64_t out_pitch(const Problem& p) { return pitch_or_length(p.out_pitch, p.out); }

// What one run of a prepared problem gets. `in` holds null for operands that were packed.
struct Call {
  const void* state = nullptr;
  std::span<const float* const> in;
  float* out = nullptr;
  float* scratch = nullptr;  // 64-byte aligned, Prepared::scratch_floats long
  base::ThreadPool* pool = nullptr;
  base::Replicas* replicas = nullptr;  // null: this process is alone
};
using RunFn = void (*)(const Call&) noexcept;

struct Prepared {
  RunFn run = nullptr;
  std::shared_ptr<const void> state;  // read-only at run time: shared by all callers
  int64_t scratch_floats = 0;
  std::vector<bool> packed;  // per operand: copied into `state`, the raw numbers are not needed
  std::string detail;        // for `benchmark --plan`: "AVX3 14x2"
};

struct Kernel {
  const char* name;
  bool (*accepts)(const Problem&);
  Prepared (*prepare)(const Problem&);
  // How many times as fast as the kernels after it that accept, by a count of cycles that depends
  // on the shapes alone. Null: the fastest.
  double (*gain)(const Problem&) = nullptr;
  // May operand i, or the result (i = in.size()), have a pitch? Null: none may. Each on its own.
  bool (*takes_pitch)(const Problem&, size_t i) = nullptr;
  // May the result take the place of an operand of the same shape (and pitch)?
  bool in_place = false;
  // May operand 0 consist of these segments? They have no pitches. Null: no.
  bool (*takes_segments)(const Problem&, std::span<const int64_t>) = nullptr;
  bool wins(const Problem& p) const { return accepts(p) && (!gain || gain(p) > 1); }
};

// Every kernel of this build, best first.
std::span<const Kernel> table();

}  // namespace cornu::kernels
