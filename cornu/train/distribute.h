#pragma once

#include <exception>
#include <memory>

#include "cornu/base/communicator.h"
#include "cornu/base/export.h"
#include "cornu/train/data.h"

namespace cornu {

// From now on fit() and evaluate() share their work with other processes that run the same program
// on the same data: each takes its part of every batch, and gradients, moving statistics, loss and
// metrics are summed over all; BatchNormalization uses the statistics of its own part, or with
// `synchronized` those of the whole batch. Weights and seed are those of rank 0. Rank 0 alone
// prints and writes files. Null: this process works alone. cornu/mpi/mpi.h makes communicators.
CORNU_API void set_communicator(std::shared_ptr<base::Communicator> communicator);
CORNU_API std::shared_ptr<base::Communicator> communicator();

namespace train {

// The means within a step (ops::ReplicaMean) of several processes.
class SharedStep final : public base::Replicas {
 public:
  // Of processes that each have `share` of the batch; null: alone.
  SharedStep(base::Communicator* communicator, double share)
      : communicator_(communicator), share_(static_cast<float>(share)) {}
  void mean(std::span<float> numbers) noexcept override;
  // Throws what went wrong, if anything did.
  void finish() const;

 private:
  base::Communicator* communicator_;
  float share_;
  std::exception_ptr error_;
};

// This process's part of each batch of `data`.
std::shared_ptr<Dataset> shared_dataset(std::shared_ptr<Dataset> data,
                                        std::shared_ptr<base::Communicator> communicator);

}  // namespace train
}  // namespace cornu
