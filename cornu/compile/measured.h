#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "cornu/base/thread_pool.h"
#include "cornu/kernels/kernel.h"

namespace cornu::compile {

// Which kernel was the fastest for a problem when it was timed: what plan = 'measure' finds and a
// plan file keeps. A file holds the choices of several machines, each under a name made of the
// library's version, the processor, the instructions in use and the number of threads; others'
// choices are kept and not used.
class Measured {
 public:
  explicit Measured(std::shared_ptr<base::ThreadPool> pool);
  // What a file has; nothing when there is none. Throws FormatError for what is no plan file.
  void read(const std::string& path);
  // The file appears whole or not at all. Throws IoError.
  void write(const std::string& path) const;
  // Is there anything that was not read?
  bool changed() const { return changed_; }

  // The fastest of some kernels that accept a problem: as found before, or timed now. `reason` says
  // so. A later one must be 3 % faster than those before it. Throws OutOfMemory.
  const kernels::Kernel* fastest(const kernels::Problem& problem,
                                 std::span<const kernels::Kernel* const> candidates,
                                 std::string& reason);

 private:
  std::shared_ptr<base::ThreadPool> pool_;
  std::string machine_;
  std::map<std::string, std::map<std::string, std::string>> all_;  // machine, problem: kernel
  bool changed_ = false;
};

}  // namespace cornu::compile
