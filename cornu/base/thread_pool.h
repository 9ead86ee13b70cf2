#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "cornu/base/export.h"

namespace cornu::base {

// A few threads that run one loop at a time and park between loops. The work of a loop is cut in
// `tasks` numbered pieces; which thread runs which piece never changes a result.
//
// A loop started while the pool is busy (another caller's loop, or one inside a loop) runs inline
// on the calling thread: callers never wait for each other and the machine is never oversubscribed.
class CORNU_API ThreadPool {
 public:
  // `threads` counts the caller: 1 means no extra threads.
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
    run(tasks, [](void* context, int64_t task) noexcept {
          (*static_cast<std::remove_reference_t<F>*>(context))(task);
        }, &f);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Number of CPUs this process may use: the affinity mask, the control group's quota, and
// CORNU_THREADS where it is set.
CORNU_API int default_threads();

}  // namespace cornu::base
