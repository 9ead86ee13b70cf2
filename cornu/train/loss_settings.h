#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/shape.h"

namespace cornu::train {

struct LossRow;  // a loss of Keras: its names, its options, its formula (loss_table.h)

// Every option that a loss of layers.md part 13 may have; a row says which of them are its own.
struct LossSettings {
  std::string reduction = "sum_over_batch_size";
  bool from_logits = false;
  double label_smoothing = 0;
  int64_t axis = -1;
  std::vector<int64_t> axes = {};  // the `axis` of dice and tversky; empty: over everything
  std::optional<int64_t> ignore_class = {};
  bool apply_class_balancing = false;
  double alpha = 0.25, beta = 0.5, gamma = 2, delta = 1;
};

// What "crossentropy" and "accuracy" stand for (layers.md 13.1).
enum class Labels { kBinary, kSparse, kCategorical };
CORNU_API Labels labels_of(const Shape& y_true, const Shape& y_pred);

}  // namespace cornu::train
