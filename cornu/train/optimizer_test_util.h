#pragma once

#include <vector>

#include "cornu/train/optimizer.h"

namespace cornu::train {

// Every rule, with all that optimizers have in common somewhere among them.
inline std::vector<Optimizer> one_of_each() {
  const LearningRate rate = .05;
  return {SGD({.learning_rate = rate, .momentum = .9, .nesterov = true}),
          RMSprop({.learning_rate = rate, .momentum = .5, .centered = true}),
          Adam({.learning_rate = rate, .amsgrad = true, .clipnorm = .5}),
          AdamW({.learning_rate = rate, .global_clipnorm = 2}),
          Adagrad({.learning_rate = rate, .clipvalue = .5, .use_ema = true}),
          Adadelta({.learning_rate = rate}),
          Adamax({.learning_rate = rate, .use_ema = true, .ema_overwrite_frequency = 2}),
          Nadam({.learning_rate = rate,
                 .use_ema = true,
                 .loss_scale_factor = 3,
                 .gradient_accumulation_steps = 2}),
          Lion({.learning_rate = rate}),
          Adafactor({.learning_rate = rate}),
          Ftrl({.learning_rate = rate}),
          Lamb({.learning_rate = rate, .weight_decay = .1})};
}

}  // namespace cornu::train
