#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/kills/task.h"

namespace cornu::kills {

// What a run that nobody disturbed has left behind.
struct Undisturbed {
  std::vector<uint32_t> numbers;  // of each step
  std::string log, history;       // log.csv, and what `cornu fit --history` writes
  double seconds = 0;             // that the run took
  double file_bytes = 0;          // the size of a checkpoint
};

struct Counts {
  int64_t empty = 0, part = 0,
          whole = 0;  // kills while a file was written, by what was there of it
  int64_t others = 0, runs = 0;
  int64_t writing() const { return empty + part + whole; }
};

// One training run that is killed and started again until it comes to its end. It throws
// std::runtime_error for the first thing that is not as it must be.
class Run {
 public:
  // `program` is the path of `cornu`, whose verb `fit` then trains; empty: train() in a process of
  // `self`.
  Run(Settings settings, std::string self, std::string program, const Undisturbed& undisturbed);

  // Lives once; killed at a moment that `random` says, or as the run's last. False: it is over.
  bool live(std::mt19937_64& random, Counts* counts);

  std::vector<std::string> command() const;

 private:
  struct Moment {
    int64_t file;  // kill while this one of the files is written, counted from 1; 0: at any time
    double bytes, delay;  // when the file has so many, and so many seconds later
  };
  using Files = std::map<std::string, int64_t>;  // path -> size

  Moment moment(std::mt19937_64& random) const;
  bool ends_before(const Moment& moment, pid_t process) const;
  Files unfinished() const;
  void count(const Files& before, Counts* counts) const;
  void check_files() const;
  void check_step(const std::string& name, int64_t step) const;
  void check_progress();
  void check_end() const;
  std::optional<int64_t> backed_up() const;
  std::string path(const std::string& name) const { return settings_.folder + "/" + name; }

  Settings settings_;
  std::string self_, program_;
  const Undisturbed& undisturbed_;
  int64_t done_ = 0;       // the furthest step any life has done
  int64_t done_last_ = 0;  // by the last life; 0: none
  int64_t safe_ = 0;       // the step that the last backup holds
};

}  // namespace cornu::kills
