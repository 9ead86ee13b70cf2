#pragma once

// What the runs that are killed train, and what a run that is left alone has at each of its steps.

#include <cstdint>
#include <string>
#include <vector>

namespace cornu::kills {

constexpr int64_t kEpochs = 4, kSteps = 6, kTotal = kEpochs * kSteps, kBatch = 8;

struct Settings {
  std::string task;      // the folder with start.keras and data.npz
  std::string folder;    // of the run: all it writes goes there
  int64_t interval = 1;  // batches between two backups; 0: one per epoch
  bool twice = false;    // keeps the backup before the last, too
};

// A callback's file in the folder of the run: written after every so many batches.
struct Checkpoint {
  const char* name;
  int64_t every;
};
constexpr Checkpoint kEachBatch = {"each.keras", 1};
constexpr Checkpoint kWeights = {"some.weights.h5", 2};
constexpr Checkpoint kNumbered = {"{epoch}-{batch}.keras", 4};

// A small network, compiled and not trained yet, whose file is large for the time its steps take.
void write_task(const std::string& folder);

// Trains until the end, or from the last backup on, with a backup and checkpoints of all kinds.
// Tells in the file "said" where it goes on ("from 7") and, before anything is written after a
// step, that the step is done ("done 7"); steps count from 1.
void train(const Settings& settings);

// The same with nothing but a log; what each step left, from step 0 on, as seen_in() gives it.
std::vector<uint32_t> train_undisturbed(const Settings& settings);

struct Seen {
  int64_t step;
  uint32_t numbers;  // a checksum of all that Model::save() writes
};
// What a file of weights or of a whole model holds. Throws what reading it throws.
Seen seen_in(const std::string& path, const Settings& settings);

}  // namespace cornu::kills
