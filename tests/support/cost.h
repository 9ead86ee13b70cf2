#pragma once

// What something takes of time and memory, in a process of its own.

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>

#include "cornu/base/error.h"

namespace cornu::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // its own memory is beyond any limit
#else
constexpr bool kSanitized = false;
#endif

struct Cost {
  std::string ending;   // "done", the class of what it threw, or "crash"
  std::string message;  // of what it threw
  int64_t rss = 0;      // the most, in bytes
  double seconds = 0, processor_seconds = 0;
};

// The class of an error, as messages and lists of expected endings say it.
inline const char* class_of(const std::exception& e) {
  const auto is = [&]<class T>(const T*) { return dynamic_cast<const T*>(&e) != nullptr; };
  if (is(static_cast<FormatError*>(nullptr))) return "FormatError";
  if (is(static_cast<IoError*>(nullptr))) return "IoError";
  if (is(static_cast<ValueError*>(nullptr))) return "ValueError";
  if (is(static_cast<TypeError*>(nullptr))) return "TypeError";
  if (is(static_cast<StateError*>(nullptr))) return "StateError";
  if (is(static_cast<OutOfMemory*>(nullptr))) return "OutOfMemory";
  if (is(static_cast<std::bad_alloc*>(nullptr))) return "bad_alloc";
  return "another exception";  // InternalError among them: a fault of the library
}

// Runs `f` and says how it ended.
inline void end(const std::function<void()>& f, Cost* cost) {
  try {
    f();
    cost->ending = "done";
  } catch (const std::exception& e) {
    cost->ending = class_of(e);
    cost->message = e.what();
  } catch (...) {
    cost->ending = "another exception";
  }
}

// Runs `f` in a process of its own that may have `more` bytes of address space than this one. Under
// a sanitizer it runs here, where leaks are seen, and costs nothing.
inline Cost cost_of(const std::function<void()>& f, int64_t more) {
  constexpr size_t kLongest = 4000;  // fits any pipe, so that nobody waits
  Cost cost;
  if (kSanitized) return end(f, &cost), cost;
  ::malloc_trim(0);  // what this process has freed would hide what the other takes
  int ends[2] = {};
  EXPECT_EQ(::pipe(ends), 0);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const auto most = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE) + more);
    const rlimit limit{most, most};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(1);
    end(f, &cost);
    const std::string text = (cost.ending + '\n' + cost.message).substr(0, kLongest);
    ::_exit(::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  int status = 0;
  rusage usage = {};
  ::wait4(child, &status, 0, &usage);
  std::string text(kLongest, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(::read(ends[0], text.data(), text.size()), 0)));
  ::close(ends[0]);
  const size_t line = std::min(text.find('\n'), text.size());
  const bool whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  cost.ending = whole ? text.substr(0, line) : "crash";
  cost.message = text.substr(std::min(line + 1, text.size()));
  cost.rss = usage.ru_maxrss * 1024;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  cost.seconds = took.count();
  for (const timeval& t : {usage.ru_utime, usage.ru_stime})
    cost.processor_seconds += static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  return cost;
}

}  // namespace cornu::testing
