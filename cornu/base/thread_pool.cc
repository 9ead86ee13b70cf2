#include "cornu/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace cornu::base {
namespace {

// Denormal numbers cost a hundred times a normal operation and mean nothing here: they count as 0
// while a loop runs. The caller's mode comes back afterwards.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // FTZ, DAZ
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | (uint64_t{1} << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  uint64_t saved_ = 0;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
};

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Polls `ready` a few times as long as a thread takes to park and wake, and as uneven pieces or a
// step on one thread keep the others waiting; false when that ran out.
template <class Ready>
bool spin(Ready ready) {
  constexpr auto kLongest = std::chrono::microseconds(200);
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() - start < kLongest);
  return ready();
}

// Moves the calling thread to another processor, if it may run on one.
void leave(int cpu) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<size_t>(cpu), &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);  // it stays where it is now
}

// The system likes to wake a thread where it is woken from (always, in virtual machines whose other
// processors sleep), and parts two that share a processor only after tens of milliseconds. A worker
// that finds itself where the caller is goes elsewhere, a thousand times a second at most.
class Apart {
 public:
  void from(int caller) {
    if (caller < 0 || sched_getcpu() != caller) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(1)) return;
    last_ = now;
    leave(caller);
  }

 private:
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace

// The loop being run is described by fn, context and tasks, which fall into at most kMostPieces
// pieces; `cursor` says which loop that is (high half) and how many pieces have been taken from the
// front and from the back (16 bits each). The caller takes from the front, and every second worker:
// what a thread wrote in one loop is then mostly what it reads in the next, in its own caches. A
// claim is a compare-exchange on the whole word, so a worker that fell asleep between two loops can
// never take a task of one with the description of the other: before the description changes, the
// word names a new loop that has nothing to claim.
struct ThreadPool::Impl {
  static constexpr uint64_t kClosed = 0xffffffff;
  static constexpr uint32_t kMostPieces = 0xffff;

  std::atomic<bool> busy{false};
  std::atomic<bool> stop{false};
  alignas(64) std::atomic<uint64_t> cursor{kClosed};
  std::atomic<TaskFn> fn{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<int64_t> tasks{0};
  std::atomic<int> processor{-1};  // the caller's
  alignas(64) std::atomic<uint32_t> done{0};
  alignas(64) std::atomic<uint32_t> round{0};  // what parked workers watch
  std::vector<std::thread> workers;

  static uint32_t pieces_of(int64_t tasks) {
    return static_cast<uint32_t>(std::min<int64_t>(tasks, kMostPieces));
  }

  void work(bool front) noexcept {
    uint64_t at = cursor.load(std::memory_order_acquire);
    for (;;) {
      const TaskFn f = fn.load(std::memory_order_acquire);
      void* const c = context.load(std::memory_order_acquire);
      const int64_t n = tasks.load(std::memory_order_acquire);
      const uint32_t pieces = pieces_of(n);
      const auto taken = static_cast<uint32_t>(at);
      const uint32_t first = taken & 0xffff, last = taken >> 16;
      if (taken == kClosed || first + last >= pieces) return;
      if (!cursor.compare_exchange_strong(at, at + (front ? 1 : 0x10000), std::memory_order_acq_rel,
                                          std::memory_order_acquire))
        continue;  // `at` now holds what is there
      const int64_t piece = front ? first : pieces - 1 - last;
      for (int64_t t = n * piece / pieces; t < n * (piece + 1) / pieces; ++t) f(c, t);
      if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == pieces) done.notify_one();
      at = cursor.load(std::memory_order_acquire);
    }
  }

  void worker(bool front) noexcept {
    const FlushDenormals flush;
    Apart apart;
    uint32_t seen = 0;
    for (;;) {
      const auto changed = [&] { return round.load(std::memory_order_acquire) != seen; };
      if (!spin(changed)) round.wait(seen, std::memory_order_acquire);
      seen = round.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_acquire)) return;
      apart.from(processor.load(std::memory_order_relaxed));
      work(front);
    }
  }

  void run(int64_t n, TaskFn f, void* c) noexcept {
    const uint64_t next = (cursor.load(std::memory_order_relaxed) >> 32) + 1;
    cursor.store(next << 32 | kClosed, std::memory_order_release);
    fn.store(f, std::memory_order_release);
    context.store(c, std::memory_order_release);
    tasks.store(n, std::memory_order_release);
    processor.store(sched_getcpu(), std::memory_order_relaxed);
    done.store(0, std::memory_order_release);
    cursor.store(next << 32, std::memory_order_release);
    wake();
    work(true);
    const uint32_t pieces = pieces_of(n);
    const auto finished = [&] { return done.load(std::memory_order_acquire) == pieces; };
    if (spin(finished)) return;
    for (uint32_t d; (d = done.load(std::memory_order_acquire)) != pieces;)
      done.wait(d, std::memory_order_acquire);
  }

  void wake() noexcept {
    round.fetch_add(1, std::memory_order_acq_rel);
    round.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  try {
    for (int i = 1; i < threads; ++i)
      impl_->workers.emplace_back(&Impl::worker, impl_.get(), i % 2 == 0);
  } catch (const std::system_error&) {
    // The system gives no more threads: fewer do the same work.
  }
}

ThreadPool::~ThreadPool() {
  impl_->stop.store(true, std::memory_order_release);
  impl_->wake();
  for (std::thread& w : impl_->workers) w.join();
}

int ThreadPool::threads() const noexcept { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::run(int64_t tasks, TaskFn fn, void* context) noexcept {
  const FlushDenormals flush;
  const bool shared = tasks > 1 && !impl_->workers.empty() &&
                      !impl_->busy.exchange(true, std::memory_order_acquire);
  if (!shared) {
    for (int64_t t = 0; t < tasks; ++t) fn(context, t);
    return;
  }
  impl_->run(tasks, fn, context);
  impl_->busy.store(false, std::memory_order_release);
}

namespace {

int allowed_cpus() {
  // The mask may be longer than cpu_set_t on large machines; the kernel then says EINVAL.
  for (int cpus = 1024; cpus <= 1 << 16; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(cpus));
    if (!set) break;
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    CPU_ZERO_S(bytes, set);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// The quota in the directory of one control group, or 0 when it sets none.
int quota_of(const std::string& directory) {
  double quota = -1, period = 0;
  if (std::ifstream v2(directory + "/cpu.max"); v2) {
    std::string word;  // "max 100000" or "150000 100000"
    v2 >> word >> period;
    if (word != "max") quota = std::strtod(word.c_str(), nullptr);
  } else {
    std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  }
  if (!(quota > 0 && period > 0)) return 0;
  const double cpus = std::min(quota / period, 1e6);
  return static_cast<int>(cpus) + (cpus > static_cast<int>(cpus) ? 1 : 0);
}

}  // namespace

int control_group_cpus(const std::string& membership, const std::string& mount) {
  int least = 0;
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    // "hierarchy:controllers:path"; version 2 has no controllers.
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool cpu = cat(',', controllers, ',').find(",cpu,") != std::string::npos;
    if (!controllers.empty() && !cpu) continue;
    // A group is bound by the groups around it. Inside a container the path may name a directory
    // that is not mounted there; its root still is.
    const std::string root = controllers.empty() ? mount : mount + "/" + controllers;
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      const int cpus = quota_of(root + path);
      if (cpus > 0) least = least == 0 ? cpus : std::min(least, cpus);
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

int default_threads() {
  if (const char* text = std::getenv("CORNU_THREADS"); text && *text) {
    constexpr int kMost = 4096;
    const std::string_view value = text;
    int threads = 0;
    const auto [end, error] = std::from_chars(value.begin(), value.end(), threads);
    if (error != std::errc() || end != value.end() || threads < 1 || threads > kMost)
      throw ValueError(cat("`CORNU_THREADS` must be a number from 1 to ", kMost,
                           ". Received: CORNU_THREADS=", quoted(value)));
    return threads;
  }
  const int cpus = allowed_cpus();
  const int quota = control_group_cpus("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

}  // namespace cornu::base
