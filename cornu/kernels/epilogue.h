#pragma once

#include <cstdint>
#include <optional>

#include "cornu/kernels/activation.h"
#include "cornu/kernels/kernel.h"
#include "cornu/kernels/lines.h"
#include "cornu/ops/unary.h"

namespace cornu::kernels {

// Relu of every kind: x > threshold ? min(x, max) : slope * (x - threshold).
struct Relu {
  float slope, max, threshold;
};

// Of a Conv, a ConvTranspose or a BatchNorm.
inline const std::optional<ops::Unary>& activation_of(const ops::Op& op) {
  if (const auto* conv = std::get_if<ops::Conv>(&op)) return conv->activation;
  if (const auto* conv = std::get_if<ops::ConvTranspose>(&op)) return conv->activation;
  return std::get<ops::BatchNorm>(op).activation;
}

// What a convolution does to its sums before they are done: a relu while they are in registers;
// what is added to the result, and any other function, on the stored row.
struct Epilogue {
  std::optional<Relu> relu;
  std::optional<ops::Unary> other;
  ActivationFn other_fn = nullptr;  // null: ops::apply
  AddFn add = nullptr;              // null: nothing is added
  int64_t out_pitch = 0, added_pitch = 0;

  static constexpr size_t kAdded = 3;  // the operand of a Conv that is added

  Epilogue() = default;
  explicit Epilogue(const Problem& problem) {
    if (std::holds_alternative<ops::Conv>(*problem.op) && problem.in.size() > kAdded) {
      add = add_fn();
      out_pitch = kernels::out_pitch(problem);
      added_pitch = in_pitch(problem, kAdded);
    }
    const std::optional<ops::Unary>& activation = activation_of(*problem.op);
    if (!activation || activation->fn == ops::Unary::Fn::kIdentity) return;
    if (activation->fn == ops::Unary::Fn::kRelu)
      relu = {.slope = activation->a, .max = activation->b, .threshold = activation->c};
    else
      other = activation, other_fn = activation_fn(*activation);
  }
  const Relu* in_registers() const { return relu && !add ? &*relu : nullptr; }
  // Is there anything that on_rows() does?
  bool has_rows() const { return add || other; }
  // What on_rows() will add to these rows is on its way from the outer caches.
  void look_ahead(const Call& call, float* const* rows, int64_t count, int64_t shift,
                  int64_t length) const {
    if (!add || added_pitch != out_pitch) return;
    for (int64_t i = 0; i < count; ++i) {
      if (!rows[i]) continue;
      const float* row = call.in[kAdded] + (rows[i] + shift - call.out);
      for (int64_t n = 0; n < length; n += kLine) __builtin_prefetch(row + n);
    }
  }
  // For `length` results from rows[i] + shift on for each i, where rows[i] is not null; of one
  // cell, or of neighbours where nothing lies between the cells of the result and of what is added.
  void on_rows(const Call& call, float* const* rows, int64_t count, int64_t shift,
               int64_t length) const {
    if (add)
      add({rows, count, shift, length, call.out, call.in[kAdded], out_pitch, added_pitch,
           relu ? &*relu : nullptr});
    for (int64_t i = 0; other && i < count; ++i) {
      if (!rows[i]) continue;
      float* row = rows[i] + shift;
      other_fn ? other_fn(*other, row, row, length) : ops::apply(*other, row, length);
    }
  }
};

// Kernel::takes_pitch of convolutions.
inline bool takes_pitch_of_conv(const Problem& problem, size_t i) {
  return i == 0 || i == Epilogue::kAdded || i == problem.in.size();
}

}  // namespace cornu::kernels
