#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "cornu/base/export.h"

namespace cornu::base {

// A few threads that run one loop at a time and park between loops. The work of a loop is cut in
// `tasks` numbered pieces; which thread runs which piece never changes a result. The caller takes
// them from the front, its first helper from the back, as long as there are any.
//
// Denormal numbers count as 0 inside every loop, inline ones included; the caller's own floating
// point mode is the same after run() as before.
//
// A loop started while the pool is busy (another caller's loop, or one inside a loop) runs inline
// on the calling thread: callers never wait for each other and the machine is never oversubscribed.
class CORNU_API ThreadPool {
 public:
  // `threads` counts the caller: 1 means no extra threads. Where the system refuses more threads
  // the pool has fewer; threads() tells.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const noexcept;

  // Runs fn(context, task) for every task in [0, tasks), and returns when all are done. fn must not
  // throw. Takes no lock and allocates nothing.
  using TaskFn = void (*)(void* context, int64_t task) noexcept;
  void run(int64_t tasks, TaskFn fn, void* context) noexcept;

  // The same for a callable.
  template <class F>
  void parallel_for(int64_t tasks, F&& f) noexcept {
    run(
        tasks,
        [](void* context, int64_t task) noexcept {
          (*static_cast<std::remove_reference_t<F>*>(context))(task);
        },
        &f);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Number of threads to use: CORNU_THREADS where it is set (ValueError when that is not a number
// from 1 to 4096), else the CPUs this process may use: the affinity mask, cut to the control
// group's quota rounded up.
CORNU_API int default_threads();

// The CPU quota of the control groups that the file `membership` lists (as /proc/self/cgroup does),
// mounted at `mount`: versions 1 and 2, the tightest of the groups on the path. 0: no quota.
CORNU_API int control_group_cpus(const std::string& membership, const std::string& mount);

}  // namespace cornu::base
