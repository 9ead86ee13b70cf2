#pragma once

#include <string_view>
#include <vector>

#include "cornu/graph/expression.h"
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

enum class LossField {
  kFromLogits,
  kLabelSmoothing,
  kAxis,
  kIgnoreClass,
  kDelta,
  kApplyClassBalancing,
  kAlpha,
  kBeta,
  kGamma,
};

// One row of layers.md part 13.
struct LossRow {
  const char* class_name;
  const char* function;              // the function's name; the class's default `name`
  std::vector<const char*> aliases;  // Keras 3's
  std::vector<const char*> legacy;   // what older Keras called it
  Formula formula;
  std::vector<LossField> fields = {};  // in the order of files
  bool sparse = false;                 // targets are class labels
  bool any_axis = false;               // `axis` is any number of axes, none by default
  double alpha = 0.25;                 // its default
  const char* name = nullptr;          // the class's default `name` where it is another
};

// All of them. The row of any of its names, null for an unknown one.
const std::vector<LossRow>& loss_rows();
const LossRow* find_loss(std::string_view name);
// "crossentropy" and "ce", however written.
bool is_crossentropy(std::string_view name);
const LossRow* crossentropy_row(Labels labels);

LossSettings default_settings(const LossRow& row);

// visit(key, member of s) for each option that is the loss's own.
template <class Settings, class Visit>
void for_each_field(const LossRow& row, Settings& s, const Visit& visit) {
  for (LossField field : row.fields) switch (field) {
      case LossField::kFromLogits:
        visit("from_logits", s.from_logits);
        break;
      case LossField::kLabelSmoothing:
        visit("label_smoothing", s.label_smoothing);
        break;
      case LossField::kAxis:
        visit("axis", s.axis);
        break;
      case LossField::kIgnoreClass:
        visit("ignore_class", s.ignore_class);
        break;
      case LossField::kDelta:
        visit("delta", s.delta);
        break;
      case LossField::kApplyClassBalancing:
        visit("apply_class_balancing", s.apply_class_balancing);
        break;
      case LossField::kAlpha:
        visit("alpha", s.alpha);
        break;
      case LossField::kBeta:
        visit("beta", s.beta);
        break;
      case LossField::kGamma:
        visit("gamma", s.gamma);
        break;
    }
}

}  // namespace cornu::train
