#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/graph/expression.h"
#include "cornu/train/loss_settings.h"

namespace cornu {

// A loss argument (layers.md part 13): a Keras name ("mse", "categorical_crossentropy",
// "crossentropy", …), one of the functions below, or a formula of your own. Holding one checks
// nothing: check() does, and compile() calls it.
class CORNU_API Loss {
 public:
  // The values of the samples, from targets and predictions: both as they are but for a trailing
  // axis of 1 that only one of them has. Most often y_pred's shape without its last axis.
  using Function = std::function<Expression(Expression y_true, Expression y_pred)>;

  Loss(const char* name) : Loss(std::string(name)) {}
  Loss(std::string name);
  // The name is what files call it: register_loss() lets them be read again.
  Loss(std::string name, Function function);

  // A name, or an object as files of any Keras write it. ValueError as check().
  static Loss from_config(const base::Json& config);
  // As Keras 3 writes it in a compile configuration: what was given as a name stays one.
  base::Json config() const;

  // ValueError for an unknown name, a reduction there is not, a number out of its range.
  void check() const;
  // As given, or the option `name`.
  const std::string& name() const { return name_; }
  const std::string& reduction() const { return settings_.reduction; }

  // The scalar to minimize: values times sample weights, reduced. y_true may have the shape of the
  // data: labels without their class axis, targets without or with a trailing axis of 1. Weights
  // belong to values by the leading axes, (N,) to (N, H, W) for one. Where y_pred is the result of
  // a softmax or a sigmoid, the cross-entropies of probabilities are computed from its operand,
  // which neither saturates nor needs clipping. ValueError where shapes do not fit, and for
  // reduction 'none', which leaves no scalar.
  Expression operator()(Expression y_true, Expression y_pred,
                        std::optional<Expression> sample_weight = {}) const;
  // The values themselves, neither weighted nor reduced.
  Expression values(Expression y_true, Expression y_pred) const;

  // Looks at targets before they are used: ValueError naming argument `y`, the output and what was
  // received where the shape does not fit y_pred (whose first axis, the samples, may be any), or a
  // class label is NaN, not whole or out of range.
  void check_target(const Tensor& y_true, const Shape& y_pred, const std::string& output) const;

 private:
  friend struct LossAccess;
  const train::LossRow* row(const Shape& y_true, const Shape& y_pred) const;

  std::string name_;
  std::string identifier_;               // the name it was given by; empty for an object
  const train::LossRow* row_ = nullptr;  // none: "crossentropy", a function, an unknown name
  train::LossSettings settings_;
  Function function_;
};

// Makes a formula of your own known by a name, so that files that name it can be read. ValueError
// for Keras's own names. Not for several threads at once.
CORNU_API void register_loss(const std::string& name, Loss::Function function);

struct LossOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};  // empty: the function's
};
struct CosineSimilarityOptions {
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct HuberOptions {
  double delta = 1.0;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CrossentropyOptions {  // binary and categorical
  bool from_logits = false;
  double label_smoothing = 0.0;
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {};
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct DiceOptions {
  std::vector<int64_t> axis = {};  // empty: over everything, the samples included
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct TverskyOptions {
  double alpha = 0.5, beta = 0.5;
  std::vector<int64_t> axis = {};
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};

namespace losses {
CORNU_API Loss MeanSquaredError(LossOptions o = {});
CORNU_API Loss MeanAbsoluteError(LossOptions o = {});
CORNU_API Loss MeanAbsolutePercentageError(LossOptions o = {});
CORNU_API Loss MeanSquaredLogarithmicError(LossOptions o = {});
CORNU_API Loss CosineSimilarity(CosineSimilarityOptions o = {});
CORNU_API Loss Huber(HuberOptions o = {});
CORNU_API Loss LogCosh(LossOptions o = {});
CORNU_API Loss Hinge(LossOptions o = {});
CORNU_API Loss SquaredHinge(LossOptions o = {});
CORNU_API Loss CategoricalHinge(LossOptions o = {});
CORNU_API Loss KLDivergence(LossOptions o = {});
CORNU_API Loss Poisson(LossOptions o = {});
CORNU_API Loss BinaryCrossentropy(CrossentropyOptions o = {});
CORNU_API Loss CategoricalCrossentropy(CrossentropyOptions o = {});
CORNU_API Loss SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o = {});
CORNU_API Loss BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions o = {});
CORNU_API Loss CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions o = {});
CORNU_API Loss Dice(DiceOptions o = {});
CORNU_API Loss Tversky(TverskyOptions o = {});
}  // namespace losses

}  // namespace cornu
