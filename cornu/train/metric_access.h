#pragma once

#include "cornu/train/metric.h"
#include "cornu/train/metric_counter.h"

namespace cornu {

// For the functions that make metrics of their options.
struct MetricAccess {
  static Metric make(const train::MetricRow& row, train::MetricSettings settings,
                     const std::string& name);
};

}  // namespace cornu
