#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/train/logs.h"

namespace cornu {

// What fit() returns: the values of every epoch that was run, by name.
struct CORNU_API History {
  // In Keras's order: training values sorted, `val_` values sorted, then what callbacks added.
  std::vector<std::pair<std::string, std::vector<double>>> history = {};
  std::vector<int64_t> epoch = {};  // counted from 0

  // The values of one name; ValueError names those there are.
  const std::vector<double>& operator[](std::string_view name) const;
  bool contains(std::string_view name) const;
  void add(int64_t epoch_number, const Logs& logs);

  // {"loss": [0.5, 0.25], ...} as Python's json.dumps writes it: shortest floats, NaN, Infinity.
  std::string json() const;
  // For going on after an interruption: everything there is, read back exactly.
  base::Json state() const;
  static History from_state(const base::Json& state);
};

}  // namespace cornu
