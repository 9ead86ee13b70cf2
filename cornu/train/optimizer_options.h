#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cornu/base/none.h"
#include "cornu/train/schedule.h"

// The arguments of the optimizers, with Keras's names, defaults and order. Those from weight_decay
// on are common to all (layers.md part 12):
//   weight_decay                 p -= p * weight_decay * learning_rate before each update
//   clipnorm                     each weight's gradient scaled down to this norm
//   clipvalue                    each number of a gradient limited to -clipvalue ... clipvalue
//   global_clipnorm              all gradients together scaled down to this norm; at most one of
//                                the three
//   use_ema                      averages of the weights are kept, average = ema_momentum * average
//                                + (1 - ema_momentum) * weight after each update; the weights
//                                become their averages every ema_overwrite_frequency steps, and
//                                when fit ends
//   loss_scale_factor            what the loss was multiplied by: gradients are divided by it
//   gradient_accumulation_steps  an update every so many steps, with the mean of their gradients
//   name                         empty: the class's name in snake case
namespace cornu {

struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = 0.004;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdamaxOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct NadamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1.0;
  bool relative_step = true;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0, l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0, beta = 0.0;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};
struct LambOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = None;
  std::optional<double> clipnorm = None, clipvalue = None, global_clipnorm = None;
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int64_t> ema_overwrite_frequency = None;
  std::optional<double> loss_scale_factor = None;
  std::optional<int64_t> gradient_accumulation_steps = None;
  std::string name = {};
};

}  // namespace cornu
