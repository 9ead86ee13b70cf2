#pragma once

#include <cstdint>
#include <optional>

#include "cornu/kernels/activation.h"
#include "cornu/ops/unary.h"

namespace cornu::kernels {

// Relu of every kind: x > threshold ? min(x, max) : slope * (x - threshold).
struct Relu {
  float slope, max, threshold;
};

// Of a Conv or a ConvTranspose.
inline const std::optional<ops::Unary>& activation_of(const ops::Op& op) {
  if (const auto* conv = std::get_if<ops::Conv>(&op)) return conv->activation;
  return std::get<ops::ConvTranspose>(op).activation;
}

// What a convolution does to its sums before they are done: a relu while they are in registers, any
// other function on the stored row.
struct Epilogue {
  std::optional<Relu> relu;
  std::optional<ops::Unary> other;
  ActivationFn other_fn = nullptr;  // null: ops::apply

  Epilogue() = default;
  explicit Epilogue(const std::optional<ops::Unary>& activation) {
    if (!activation || activation->fn == ops::Unary::Fn::kIdentity) return;
    if (activation->fn == ops::Unary::Fn::kRelu)
      relu = {.slope = activation->a, .max = activation->b, .threshold = activation->c};
    else
      other = activation, other_fn = activation_fn(*activation);
  }
  const Relu* in_registers() const { return relu ? &*relu : nullptr; }
  void on_row(float* row, int64_t count) const {
    if (!other) return;
    other_fn ? other_fn(*other, row, row, count) : ops::apply(*other, row, count);
  }
};

}  // namespace cornu::kernels
