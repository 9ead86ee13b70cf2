#pragma once

#include <chrono>
#include <string>

namespace cli {

// A bar on standard error, drawn only where that is a terminal, at most twenty times a second:
//   predict ━━━━━━━━━━━━━━━━━━━━  63% 2s
class ProgressBar {
 public:
  ProgressBar(std::string what, bool quiet);
  ~ProgressBar();  // leaves the line clean
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  bool shown() const { return shown_; }
  void update(double done);  // 0 to 1

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool shown_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now(), last_ = {};
};

}  // namespace cli
