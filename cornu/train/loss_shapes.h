#pragma once

#include <optional>
#include <utility>

#include "cornu/base/export.h"
#include "cornu/tensor/shape.h"
#include "cornu/train/loss_table.h"

// Which targets, predictions and weights belong together (layers.md part 13).
namespace cornu::train {

// Keras's squeeze_or_expand_to_same_rank: where the ranks differ by one and the longer shape ends
// in 1, the longer one loses that axis, or, if the shorter one has one axis, that one gains it.
std::pair<Shape, Shape> same_rank(Shape a, Shape b);

// What targets and predictions are to be reshaped to; the axis in question of y_pred, from the
// front.
struct Fitted {
  Shape y_true, y_pred;
  int64_t axis = -1;
};
// Nothing where the shapes do not fit the loss; null is a function of the user's own, which fits
// any. Axis 0, the samples, must fit too unless one of them is unknown.
std::optional<Fitted> fitted(const LossRow* row, const LossSettings& s, const Shape& y_true,
                             const Shape& y_pred);

// The same for values and their weights: by the rule above, else by the leading axes.
struct FittedWeight {
  Shape values, weight;
};
std::optional<FittedWeight> fitted_weight(const Shape& values, const Shape& weight);

}  // namespace cornu::train
