#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/none.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// What one step of training takes: an array per input and per output of the model, the first axis
// being the samples, and maybe weights of samples: none, one array for all outputs, or one per
// output, of shape (samples) or more axes of the output.
struct Batch {
  std::vector<Tensor> x = {}, y = {}, sample_weight = {};
  // Of one process's part of a batch (distribute.h): the number of its first sample, what part of
  // the batch it is, and whether it counts in loss and metrics.
  int64_t first_sample = 0;
  double share = 1;
  bool counts = true;
};

// Where fit() and evaluate() take their batches from. Derive from it for data of your own.
class CORNU_API Dataset {
 public:
  virtual ~Dataset() = default;
  // Batches per epoch; None: only the end will tell.
  virtual std::optional<int64_t> steps() const { return None; }
  // Begins an epoch. A dataset that shuffles takes its order, and whatever else is random, from
  // `seed` alone, so that a run that was interrupted can go on with the same batches.
  virtual void start(uint64_t seed) = 0;
  // The next batch, which stays as it is until the next call; null at the end of the epoch.
  virtual const Batch* next() = 0;
  // Passes over batches.
  virtual void skip(int64_t count);
};

struct ArrayDatasetOptions {
  std::vector<Tensor> sample_weight = {};
  int64_t batch_size = 32;
  bool shuffle = false;
};
// Arrays in memory, cut into batches, the last one maybe smaller. ValueError for arrays that do not
// have equally many samples.
CORNU_API std::shared_ptr<Dataset> array_dataset(std::vector<Tensor> x, std::vector<Tensor> y,
                                                 ArrayDatasetOptions o = {});

// Batches from a function that returns nothing when an epoch ends; the next call begins another.
CORNU_API std::shared_ptr<Dataset> generator_dataset(
    std::function<std::optional<Batch>()> next_batch, std::optional<int64_t> steps = None);

namespace train {

// Samples [begin, end) of each array.
std::vector<Tensor> samples(const std::vector<Tensor>& arrays, int64_t begin, int64_t end);

}  // namespace train
}  // namespace cornu
