#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cornu/graph/expression.h"
#include "cornu/train/loss_fields.h"
#include "cornu/train/loss_settings.h"

namespace cornu::train {

// How the numbers of one sample become its value, apart from a factor.
enum class Fold { kMean, kSum, kDone };  // over the last axis, kDone: are values already
struct Terms {
  Expression each;
  Fold fold = Fold::kMean;
  double factor = 1;
};

// Targets and predictions of one rank, the axis in question the last; labels of a sparse loss
// without it.
using Formula = Terms (*)(Expression y, Expression p, const LossSettings& s);

// One row of layers.md part 13.
struct LossRow {
  const char* class_name;
  std::string function;  // the function's name
  std::string name;      // the class's default `name`
  Formula formula;
  std::vector<Field<LossSettings>> fields;  // in the order of files
  std::vector<const char*> aliases = {};    // Keras 3's
  std::vector<const char*> legacy = {};     // what older Keras called it
  bool sparse = false;                      // targets are class labels
  double alpha = 0.25;                      // its default
};

// All of them. The row of any of its names, null for an unknown one.
const std::vector<LossRow>& loss_rows();
const LossRow* find_loss(std::string_view name);
// "crossentropy" and "ce", however written.
bool is_crossentropy(std::string_view name);
const LossRow* crossentropy_row(Labels labels);

LossSettings default_settings(const LossRow& row);

// The values of the samples (loss.cc). ValueError where shapes do not fit.
Expression loss_values(const LossRow& row, const LossSettings& s, Expression y_true,
                       Expression y_pred);

}  // namespace cornu::train
