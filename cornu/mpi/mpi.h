#pragma once

#include <memory>

#include "cornu/base/communicator.h"
#include "cornu/base/export.h"

// Training on several processes, on one machine or many, with MPI: see set_communicator() in
// cornu/train/distribute.h.
namespace cornu::mpi {

// True where a launcher (mpirun, srun) started this process as one of several.
CORNU_API bool launched();

// All processes that mpirun started, as one. Starts MPI; the last copy that goes ends it.
CORNU_API std::shared_ptr<base::Communicator> world();

// Ends all processes at once: after an error in one of them, for which the others would wait.
CORNU_API void abort(int exit_status);

}  // namespace cornu::mpi
