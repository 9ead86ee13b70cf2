#include "cornu/train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cornu/base/text.h"
#include "cornu/train/number_text.h"

namespace cornu::train {
namespace {

constexpr const char *kBold = "\x1b[1m", *kGreen = "\x1b[32m", *kWhite = "\x1b[37m",
                     *kPlain = "\x1b[0m";
constexpr const char* kStroke = "━";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// How many columns a text takes: its characters, without the escape sequences that colour it.
int64_t width_of(const std::string& text) {
  int64_t width = 0;
  bool in_escape = false;
  for (const char c : text) {
    if (c == '\x1b') in_escape = true;
    if (!in_escape && (static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
    if (c == 'm') in_escape = false;
  }
  return width;
}

// Names come from model files: nothing in them may steer the terminal.
void append_name(const std::string& name, std::string* out) {
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    *out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
}

void append_eta(double seconds, std::string* out) {
  const auto two_digits = [out](int64_t n) {
    *out += static_cast<char>('0' + n / 10);
    *out += static_cast<char>('0' + n % 10);
  };
  const auto whole = static_cast<int64_t>(seconds);
  if (seconds > 3600) {
    *out += base::to_text(whole / 3600) + ":";
    two_digits(whole % 3600 / 60);
    *out += ':';
    two_digits(whole % 60);
  } else if (seconds > 60) {
    *out += base::to_text(whole / 60) + ":";
    two_digits(whole % 60);
  } else {
    *out += base::to_text(whole) + "s";
  }
}

}  // namespace

Terminal standard_output_terminal() {
  Terminal terminal;
  terminal.present = ::isatty(STDOUT_FILENO) == 1;
  struct winsize size = {};
  if (terminal.present && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    terminal.columns = size.ws_col;
  }
  return terminal;
}

Progbar::Progbar(ProgbarOptions options) : o_(std::move(options)) {
  if (!o_.clock) o_.clock = steady_seconds;
  start_ = o_.clock();
}

void Progbar::update(int64_t current, const Logs& values, bool finalize) {
  for (const auto& [name, value] : values) values_.set(name, value);
  const double now = o_.clock();
  const double seconds = step_seconds(current - skipped_, now);
  if (o_.verbose == 1) {
    if (last_drawn_ && now - *last_drawn_ < o_.interval && !finalize) return;
    draw(current, now, seconds, finalize);
    last_drawn_ = now;
  } else if (o_.verbose == 2 && finalize && o_.target > 0) {
    write_line(current, now, seconds);
  }
}

// The first step, which does more than the others, counts only while it is the only one.
double Progbar::step_seconds(int64_t done, double now) {
  if (done <= 0) return 0;
  const double seconds = first_step_end_ && done > 1
                             ? (now - *first_step_end_) / static_cast<double>(done - 1)
                             : (now - start_) / static_cast<double>(done);
  if (done == 1) first_step_end_ = now;
  return seconds;
}

void Progbar::append_count(int64_t current, std::string* out) const {
  const std::string count = base::to_text(current), target = base::to_text(o_.target);
  if (count.size() < target.size()) out->append(target.size() - count.size(), ' ');
  *out += count;
  *out += '/';
  *out += target;
}

void Progbar::append_step_time(double seconds, std::string* out) const {
  *out += ' ';
  if (seconds >= 1 || seconds == 0) {
    *out += fixed(seconds, 0) + "s/";
  } else if (seconds >= 1e-3) {
    *out += fixed(1e3 * seconds, 0) + "ms/";
  } else {
    *out += fixed(1e6 * seconds, 0) + "us/";
  }
  *out += o_.unit_name;
}

void Progbar::append_bar(int64_t current, std::string* out) const {
  if (o_.target <= 0) {
    const std::string count = base::to_text(current);
    if (count.size() < 7) out->append(7 - count.size(), ' ');
    *out += count;
    *out += "/Unknown";
    return;
  }
  *out += kBold;
  append_count(current, out);
  *out += kPlain;
  *out += ' ';
  const double share = static_cast<double>(current) / static_cast<double>(o_.target);
  const int full = static_cast<int>(o_.width * share);
  if (full > 0) {
    *out += kGreen;
    for (int i = 0; i < full; ++i) *out += kStroke;
    *out += kPlain;
  }
  *out += kWhite;
  for (int i = full; i < o_.width; ++i) *out += kStroke;
  *out += kPlain;
}

// " - name: value" of all, or of those that leave `room` for " …".
void Progbar::append_values(bool bar, int64_t room, std::string* out) const {
  for (const auto& [name, value] : values_) {
    const size_t before = out->size();
    *out += " - ";
    append_name(name, out);
    *out += ": ";
    // Of negative values only the bar takes the size, as in Keras.
    const double size = bar ? std::fabs(value) : value;
    *out += size > 1e-3 ? fixed(value, 4) : scientific(value, 4);
    if (room > 0 && width_of(*out) > room) {
      out->resize(before);
      *out += " …";
      return;
    }
  }
}

void Progbar::draw(int64_t current, double now, double seconds, bool finalize) {
  bar_.clear();
  append_bar(current, &bar_);
  info_.clear();
  info_ += ' ';
  info_ += kBold;
  if (o_.target > 0 && !finalize) {
    append_eta(seconds * static_cast<double>(o_.target - current), &info_);
  } else {
    info_ += fixed(now - start_, 0) + "s";
  }
  info_ += kPlain;
  append_step_time(seconds, &info_);
  const int64_t bar_width = width_of(bar_);
  // One column stays free for the cursor, two for the mark of what is left out.
  const int64_t room =
      o_.columns > 0 && !finalize ? std::max<int64_t>(1, o_.columns - 3 - bar_width) : 0;
  append_values(true, room, &info_);

  const int64_t width = bar_width + width_of(info_);
  line_.assign(static_cast<size_t>(previous_width_), '\b');
  line_ += '\r';
  line_ += bar_;
  line_ += info_;
  if (previous_width_ > width) line_.append(static_cast<size_t>(previous_width_ - width), ' ');
  if (finalize) line_ += '\n';
  previous_width_ = width;
  if (o_.print) o_.print(line_);
}

void Progbar::write_line(int64_t current, double now, double seconds) {
  line_.clear();
  append_count(current, &line_);
  line_ += " - " + fixed(now - start_, 0) + "s -";
  append_step_time(seconds, &line_);
  append_values(false, 0, &line_);
  line_ += '\n';
  if (o_.print) o_.print(line_);
}

void ProgbarLogger::on_train_begin(Logs&) { in_fit_ = true; }
void ProgbarLogger::on_train_end(Logs&) { in_fit_ = false; }

void ProgbarLogger::on_epoch_begin(int64_t epoch, Logs&) {
  start();
  if (context().verbose > 0 && context().epochs > 1) {
    print(base::cat("Epoch ", epoch + 1, "/", context().epochs, "\n"));
  }
}
void ProgbarLogger::on_epoch_end(int64_t, Logs& logs) { finish(logs); }
void ProgbarLogger::on_train_batch_end(int64_t batch, Logs& logs) { update(batch, logs); }

void ProgbarLogger::on_test_begin(Logs&) {
  if (!in_fit_) start();
}
void ProgbarLogger::on_test_end(Logs& logs) {
  if (!in_fit_) finish(logs);
}
void ProgbarLogger::on_test_batch_end(int64_t batch, Logs& logs) {
  if (!in_fit_) update(batch, logs);
}

void ProgbarLogger::start() {
  ProgbarOptions o;
  o.target = context().steps >= 0 ? context().steps : counted_steps_;
  o.verbose = context().verbose;
  o.columns = context().columns;
  o.print = context().print;
  o.clock = context().clock;
  bar_.emplace(std::move(o));
  seen_ = 0;
}

void ProgbarLogger::update(int64_t batch, const Logs& logs) {
  if (!bar_) return;
  if (seen_ == 0 && batch > 0) bar_->skip(batch);
  seen_ = batch + 1;
  if (context().verbose == 1) bar_->update(seen_, logs, false);
}

void ProgbarLogger::finish(const Logs& logs) {
  if (!bar_) return;
  int64_t target = context().steps;
  if (target < 0) target = counted_steps_ = std::max(counted_steps_, seen_);
  bar_->set_target(target);
  bar_->update(target, logs, true);
  bar_.reset();
}

}  // namespace cornu::train
