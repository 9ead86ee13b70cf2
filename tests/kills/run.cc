#include "tests/kills/run.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "cornu/base/text.h"
#include "tests/kills/process.h"

namespace cornu::kills {
namespace {

namespace fs = std::filesystem;
using base::cat;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

double share(std::mt19937_64& random) { return std::uniform_real_distribution<>(0, 1)(random); }

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// "m.keras" of "m.keras.123-4.tmp".
std::string final_name(const std::string& temporary) {
  return temporary.substr(0, temporary.rfind('.', temporary.size() - 5));
}

bool is_temporary(const std::string& path) { return path.ends_with(".tmp"); }

// The last multiple of `every` that was surely written when step `done` was done and nothing is
// known of what came after.
int64_t written(int64_t done, int64_t every) {
  return std::max<int64_t>(0, done - 1) / every * every;
}

}  // namespace

// ---- one life -----------------------------------------------------------------------------------

Run::Run(Settings settings, std::string self, std::string program, const Undisturbed& undisturbed)
    : settings_(std::move(settings)),
      self_(std::move(self)),
      program_(std::move(program)),
      undisturbed_(undisturbed) {
  fs::create_directories(settings_.folder);
}

std::vector<std::string> Run::command() const {
  const std::string interval = base::to_text(settings_.interval);
  if (program_.empty())
    return {
        self_, "--train", settings_.task, settings_.folder, interval, settings_.twice ? "1" : "0"};
  std::vector<std::string> words = {program_,
                                    "fit",
                                    settings_.task + "/start.keras",
                                    "--data",
                                    settings_.task + "/data.npz",
                                    "--epochs",
                                    base::to_text(kEpochs),
                                    "--batch-size",
                                    base::to_text(kBatch),
                                    "--backup",
                                    path("backup"),
                                    "--csv",
                                    path("log.csv"),
                                    "--history",
                                    path("history.json"),
                                    "--output",
                                    path("output.keras")};
  if (settings_.interval > 0) words.insert(words.end(), {"--backup-every", interval});
  return words;
}

bool Run::live(std::mt19937_64& random, Counts* counts) {
  const Files before = unfinished();
  std::error_code ignored;
  fs::remove(path("said"), ignored);
  const Moment when = moment(random);
  ::setenv("CORNU_THREADS", random() % 2 ? "1" : "2", 1);
  const pid_t process = start(command(), settings_.folder);
  if (!ends_before(when, process)) ::kill(process, SIGKILL);
  const bool over = ended_well(process, settings_.folder);
  if (!over) count(before, counts);
  check_files();
  check_progress();
  const bool all_is_written = fs::exists(path("output.keras")) && !backed_up();
  if (over || all_is_written) check_end();
  return !over && !all_is_written;
}

Run::Moment Run::moment(std::mt19937_64& random) const {
  if (random() % 4 == 0) return {0, 0, undisturbed_.seconds / 3 * share(random)};
  const auto file = static_cast<int64_t>(1 + random() % 10);
  switch (random() % 3) {
    case 0:
      return {file, 0, 0};
    case 1:
      return {file, undisturbed_.file_bytes * share(random), 0};
    default:  // all is written: while it goes to the disk, or right after
      return {file, undisturbed_.file_bytes * 0.99, undisturbed_.seconds / 50 * share(random)};
  }
}

// Waits for the moment; true: the process was over before it.
bool Run::ends_before(const Moment& moment, pid_t process) const {
  std::set<std::string> seen;
  for (const auto& [name, size] : unfinished()) seen.insert(name);
  const size_t old = seen.size();
  std::string present;
  for (;;) {
    if (has_ended(process)) return true;
    if (moment.file == 0) break;
    const Files files = unfinished();
    for (const auto& [name, size] : files)
      if (seen.insert(name).second) present = name;
    if (static_cast<int64_t>(seen.size() - old) >= moment.file) {
      const auto it = files.find(present);
      if (it == files.end() || static_cast<double>(it->second) >= moment.bytes) break;
    }
    sleep_for(20e-6);
  }
  sleep_for(moment.delay);
  return false;
}

Run::Files Run::unfinished() const {
  Files found;
  for (const char* folder : {"", "backup"}) {
    std::error_code error;
    for (fs::directory_iterator it(path(folder), error), end; !error && it != end;
         it.increment(error)) {
      if (!is_temporary(it->path().string())) continue;
      std::error_code gone;
      const auto size = fs::file_size(it->path(), gone);
      if (!gone) found[it->path().string()] = static_cast<int64_t>(size);
    }
  }
  return found;
}

// A new file with a name for the time of writing: the kill came before it got its own.
void Run::count(const Files& before, Counts* counts) const {
  for (const auto& [name, size] : unfinished()) {
    if (before.contains(name)) continue;
    if (size == 0) {
      ++counts->empty;
    } else {
      try {
        seen_in(name, settings_);
        ++counts->whole;
      } catch (const std::exception&) {
        ++counts->part;
      }
    }
    return;
  }
  ++counts->others;
}

// ---- what must be so ----------------------------------------------------------------------------

// Every file with a name of its own is whole and holds what an undisturbed run had; at most one
// unfinished file is left of each.
void Run::check_files() const {
  std::set<std::string> unfinished_of;
  for (const auto& entry : fs::recursive_directory_iterator(settings_.folder)) {
    const std::string file = entry.path().string(), name = entry.path().filename().string();
    if (entry.is_directory()) continue;
    if (is_temporary(file)) {
      if (!unfinished_of.insert(final_name(file)).second)
        fail(cat(file, ": unfinished files pile up"));
    } else if (name.ends_with(".keras") || name.ends_with(".h5")) {
      Seen seen = {};
      try {
        seen = seen_in(file, settings_);
      } catch (const std::exception& e) {
        fail(cat("a file is damaged: ", e.what()));
      }
      if (seen.step < 1 || seen.step > kTotal) fail(cat(file, ": there is no step ", seen.step));
      if (undisturbed_.numbers[static_cast<size_t>(seen.step)] != seen.numbers)
        fail(cat(file, ": it differs from what an undisturbed run has at step ", seen.step));
      check_step(name, seen.step);
    } else if (name == "history.json") {
      if (text_of(file) != undisturbed_.history) fail(cat(file, ": it is another history"));
    } else if (name != "log.csv" && name != "said" && name != "out" && name != "err") {
      fail(cat(file, ": nobody asked for this file"));
    }
  }
}

void Run::check_step(const std::string& name, int64_t step) const {
  int epoch = 0, batch = 0;
  if (std::sscanf(name.c_str(), "%d-%d.keras", &epoch, &batch) == 2 &&
      (epoch - 1) * kSteps + batch != step)
    fail(cat(name, ": it holds step ", step));
  if (name == "output.keras" && step != kTotal) fail(cat(name, ": it holds step ", step));
}

// The step of the backup that a run would go on from.
std::optional<int64_t> Run::backed_up() const {
  for (const char* name : {"backup/latest.keras", "backup/previous.keras"})
    if (fs::exists(path(name))) return seen_in(path(name), settings_).step;
  return std::nullopt;
}

// Nothing but the present interval is lost, and the run went on where its backup was.
void Run::check_progress() {
  std::istringstream said(text_of(path("said")));
  std::string word;
  done_last_ = 0;
  for (int64_t step = 0; said >> word >> step;) {
    if (word == "from" && step != safe_ + 1)
      fail(cat("the run went on with step ", step, ", and its backup was of step ", safe_));
    if (word == "done") done_last_ = step;
  }
  const std::string log = text_of(path("log.csv"));
  const int64_t epochs = std::count(log.begin(), log.end(), '\n') - 1;
  done_ = std::max({done_, done_last_, epochs * kSteps});

  const int64_t interval = settings_.interval > 0 ? settings_.interval : kSteps;
  const int64_t due = std::max(safe_, written(done_, interval));
  const std::optional<int64_t> backup = backed_up();
  if (!backup && fs::exists(path("output.keras"))) return;  // it has been needed
  if (backup.value_or(0) < due)
    fail(cat("step ", done_, " was done and step ", due, " saved, but the backup holds step ",
             backup.value_or(0)));
  safe_ = backup.value_or(0);

  for (const Checkpoint& checkpoint : {kEachBatch, kWeights}) {
    const int64_t least = written(done_last_, checkpoint.every);
    if (least > 0 && seen_in(path(checkpoint.name), settings_).step < least)
      fail(cat(checkpoint.name, " is older than step ", least));
  }
}

void Run::check_end() const {
  if (!fs::exists(path("output.keras"))) fail("the run ended without its model");
  if (!unfinished().empty()) fail(cat(unfinished().begin()->first, ": nobody removes this file"));
  if (backed_up()) fail("the run has ended, and its backup is still there");
  if (text_of(path("log.csv")) != undisturbed_.log)
    fail("log.csv differs from an undisturbed run's");
  if (!program_.empty()) {
    if (!fs::exists(path("history.json"))) fail("the run ended without its history");
    return;
  }
  for (const Checkpoint& checkpoint : {kEachBatch, kWeights})
    if (seen_in(path(checkpoint.name), settings_).step != kTotal)
      fail(cat(checkpoint.name, " is not of the last step"));
}

}  // namespace cornu::kills
