#include "progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cli {

ProgressBar::ProgressBar(std::string what, bool quiet)
    : what_(std::move(what)), shown_(!quiet && isatty(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

void ProgressBar::update(double done) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (drawn_ && done < 1 && now - last_ < std::chrono::milliseconds(50)) return;
  last_ = now;
  drawn_ = true;
  done = std::clamp(done, 0.0, 1.0);
  constexpr int kWidth = 30;
  const int full = static_cast<int>(kWidth * done);
  std::string bar = "\x1b[32m";
  for (int i = 0; i < full; ++i) bar += "━";
  bar += "\x1b[37m";
  for (int i = full; i < kWidth; ++i) bar += "━";
  bar += "\x1b[0m";
  const double passed = std::chrono::duration<double>(now - start_).count();
  const std::string left =
      done > 0.01 ? fmt::format("{:.0f}s left", passed / done * (1 - done)) : std::string("...");
  fmt::print(stderr, "\r{} {} {:3.0f}% {}\x1b[K", what_, bar, 100 * done, left);
  std::fflush(stderr);
}

}  // namespace cli
