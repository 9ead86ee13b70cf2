#include "cornu/base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "cornu/base/error.h"

namespace cornu::base {
namespace {

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, RunsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks) + 1);
    pool.parallel_for(tasks, [&](int64_t t) { ++runs[static_cast<size_t>(t)]; });
    for (int64_t t = 0; t < tasks; ++t) ASSERT_EQ(runs[static_cast<size_t>(t)], 1) << t;
    ASSERT_EQ(runs.back(), 0);
  }
}

TEST_P(Pool, ManySmallLoops) {
  ThreadPool pool(GetParam());
  int64_t expected = 0;
  std::vector<int64_t> cells(8, 0);  // plain: the pool must order a loop's writes for its caller
  for (int64_t loop = 0; loop < 5000; ++loop) {
    const int64_t tasks = 1 + loop % 8;
    pool.parallel_for(tasks, [&](int64_t t) { cells[static_cast<size_t>(t)] += loop + t; });
    for (int64_t t = 0; t < tasks; ++t) expected += loop + t;
    if (loop % 1000 == 999)  // lets the workers park
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(std::accumulate(cells.begin(), cells.end(), int64_t{0}), expected);
}

TEST_P(Pool, LoopInsideALoop) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum{0};
  pool.parallel_for(20, [&](int64_t outer) {
    pool.parallel_for(30, [&](int64_t inner) { sum += outer * inner; });
  });
  EXPECT_EQ(sum, 190 * 435);
}

TEST_P(Pool, SeveralCallers) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> sums(3, 0);
  std::vector<std::thread> callers;
  for (size_t c = 0; c < sums.size(); ++c)
    callers.emplace_back([&, c] {
      for (int loop = 0; loop < 500; ++loop) {
        std::atomic<int64_t> sum{0};
        pool.parallel_for(10, [&](int64_t t) { sum += t + 1; });
        sums[c] += sum;
      }
    });
  for (std::thread& caller : callers) caller.join();
  for (int64_t sum : sums) EXPECT_EQ(sum, 500 * 55);
}

TEST_P(Pool, WorkersTakePart) {
  if (GetParam() == 1) GTEST_SKIP() << "a pool of one has no workers";
  ThreadPool pool(GetParam());
  // Each of two tasks waits for the other: only two threads can finish them.
  std::atomic<int> arrived{0};
  pool.parallel_for(2, [&](int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST_P(Pool, EndsWhileParkedAndWhileFresh) {
  { ThreadPool fresh(GetParam()); }
  ThreadPool parked(GetParam());
  std::atomic<int> runs{0};
  parked.parallel_for(4, [&](int64_t) { ++runs; });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(runs, 4);
}

TEST_P(Pool, FlushesDenormalsAndRestoresTheMode) {
  ThreadPool pool(GetParam());
  volatile float smallest = std::numeric_limits<float>::min();
  for (int64_t tasks : {1, 16}) {
    std::vector<float> halves(static_cast<size_t>(tasks), -1.0f);
    pool.parallel_for(tasks, [&](int64_t t) { halves[static_cast<size_t>(t)] = smallest * 0.5f; });
    for (float half : halves) EXPECT_EQ(half, 0.0f);
    EXPECT_GT(smallest * 0.5f, 0.0f);
  }
}

// A worker bound to the caller's processor, and then free, goes where it is alone, and stays free.
TEST(Apart, AWorkerLeavesTheCallersProcessor) {
  cpu_set_t allowed, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "one processor";
  const int here = sched_getcpu();
  CPU_ZERO(&one);
  CPU_SET(here, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  ThreadPool pool(2);  // the worker is bound like its maker
  const auto caller = std::this_thread::get_id();
  // Runs `f` on the worker: each of two tasks waits for the other.
  const auto on_worker = [&](const auto& f) {
    std::atomic<int> arrived{0};
    pool.parallel_for(2, [&](int64_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
      if (std::this_thread::get_id() != caller) f();
    });
  };
  on_worker([&] { EXPECT_EQ(sched_getcpu(), here) << "bound to it"; });
  on_worker([&] { EXPECT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0); });
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // it does not look all the time
  int there = here;
  cpu_set_t mask = one;
  on_worker([&] {
    there = sched_getcpu();
    EXPECT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  });
  ASSERT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0);
  EXPECT_NE(there, here);
  EXPECT_TRUE(CPU_EQUAL(&mask, &allowed));
}

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 5));

TEST(DefaultThreads, ObeysTheVariable) {
  ASSERT_EQ(setenv("CORNU_THREADS", "3", 1), 0);
  EXPECT_EQ(default_threads(), 3);
  for (const char* bad : {"0", "-1", "two", "2x", "1e1", "4097", "99999999999999"}) {
    ASSERT_EQ(setenv("CORNU_THREADS", bad, 1), 0);
    EXPECT_THROW(default_threads(), ValueError) << bad;
  }
  ASSERT_EQ(unsetenv("CORNU_THREADS"), 0);
}

TEST(DefaultThreads, ObeysTheAffinityMask) {
  ASSERT_EQ(unsetenv("CORNU_THREADS"), 0);
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const int all = default_threads();
  EXPECT_GE(all, 1);
  EXPECT_LE(all, CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const int bound = default_threads();
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(bound, 1);
}

// Control groups as a system lays them out, in a directory of the test's own.
class ControlGroup : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(testing::TempDir()) /
            ("cornu_cgroup_" +
             std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << '\n';
  }
  int cpus() { return control_group_cpus((root_ / "membership").string(), root_.string()); }

 private:
  std::filesystem::path root_;
};

TEST_F(ControlGroup, VersionTwoTakesTheTightestOnThePath) {
  write("membership", "0::/a/b");
  EXPECT_EQ(cpus(), 0);
  write("a/b/cpu.max", "max 100000");
  EXPECT_EQ(cpus(), 0);
  write("a/cpu.max", "250000 100000");
  EXPECT_EQ(cpus(), 3);
  write("a/b/cpu.max", "50000 100000");
  EXPECT_EQ(cpus(), 1);
  write("cpu.max", "800000 100000");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(ControlGroup, VersionTwoInsideAContainer) {
  write("membership", "0::/not/mounted/here");
  write("cpu.max", "200000 100000");
  EXPECT_EQ(cpus(), 2);
}

TEST_F(ControlGroup, VersionOne) {
  write("membership", "5:memory:/a\n4:cpu,cpuacct:/a\n3:cpuset:/a");
  write("cpu,cpuacct/a/cpu.cfs_quota_us", "-1");
  write("cpu,cpuacct/a/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cpus(), 0);
  write("cpu,cpuacct/a/cpu.cfs_quota_us", "400000");
  EXPECT_EQ(cpus(), 4);
}

TEST_F(ControlGroup, NonsenseIsNoQuota) {
  EXPECT_EQ(cpus(), 0);
  write("membership", "garbage\n0:\n::\n0::");
  write("cpu.max", "many few");
  EXPECT_EQ(cpus(), 0);
}

}  // namespace
}  // namespace cornu::base
