#pragma once

#include "cornu/train/loss_settings.h"

namespace cornu::train {

struct MetricData;  // what copies of a metric share (metric.cc)

// Every option that a metric of layers.md part 14 may have; a row says which of them are its own.
struct MetricSettings : LossSettings {
  double threshold = 0.5;
  int64_t k = 5;
};

}  // namespace cornu::train
