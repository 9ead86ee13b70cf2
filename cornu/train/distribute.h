#pragma once

#include <memory>

#include "cornu/base/communicator.h"
#include "cornu/base/export.h"
#include "cornu/train/data.h"

namespace cornu {

// From now on fit() and evaluate() share their work with other processes that run the same program
// on the same data: each takes its part of every batch, and gradients, moving statistics, loss and
// metrics are summed over all. Weights and seed are those of rank 0. Rank 0 alone prints and writes
// files. Null: this process works alone. cornu/mpi/mpi.h makes communicators.
CORNU_API void set_communicator(std::shared_ptr<base::Communicator> communicator);
CORNU_API std::shared_ptr<base::Communicator> communicator();

namespace train {

// This process's part of each batch of `data`.
std::shared_ptr<Dataset> shared_dataset(std::shared_ptr<Dataset> data,
                                        std::shared_ptr<base::Communicator> communicator);

}  // namespace train
}  // namespace cornu
