#pragma once

// All that bench_peers measures: single operations (workloads.h), whole networks and steps of
// training (models.h).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/contestant.h"

namespace cornu::bench {

// One made ready: what it is, for the report and for contestants in other processes, and those in
// this one.
struct Opened {
  base::Json json;
  std::unique_ptr<LocalContestant> cornu;  // null: its files are not there
  std::vector<std::unique_ptr<Contestant>> others = {};
};

struct Subject {
  std::string name, table;  // "operations", "models" or "steps"
  // Networks are exported into the folder for the others.
  std::function<Opened(int threads, const std::string& folder)> open;
};
std::vector<Subject> subjects();

}  // namespace cornu::bench
