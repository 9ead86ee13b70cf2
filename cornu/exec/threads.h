#pragma once

#include <memory>

#include "cornu/base/thread_pool.h"

namespace cornu::exec {

// The process's own threads, as set_num_threads() made them last.
std::shared_ptr<base::ThreadPool> process_pool();

}  // namespace cornu::exec
