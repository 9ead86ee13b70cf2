// Trains a small network again and again in processes that are killed (SIGKILL) while they write
// checkpoints, and checks after each kill that no more than one interval is lost and that no file
// is damaged.
//   kill_campaign COUNT SEED FOLDER CORNU   until COUNT kills came while a file was being written
//   kill_campaign --train TASK RUN INTERVAL TWICE   one life of a run, by itself
// The last line is a count. Ends with 1 at the first thing that is not as it must be, and leaves
// FOLDER as it is then.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "cornu/base/text.h"
#include "tests/kills/process.h"
#include "tests/kills/run.h"

namespace cornu::kills {
namespace {

namespace fs = std::filesystem;
using base::cat;

void tell(const Counts& c, int64_t wanted, bool last) {
  const std::string text =
      cat(c.writing(), last ? "" : cat(" of ", wanted), " kills while a file was written (",
          c.empty, " empty, ", c.part, " in part, ", c.whole, " whole), ", c.others, " others, ",
          c.runs, " runs");
  if (last) {
    std::printf("%s%s\n", ::isatty(1) ? "\r" : "", text.c_str());
  } else if (::isatty(1)) {
    std::printf("\r%s", text.c_str());
    std::fflush(stdout);
  }
}

double seconds_of(const std::vector<std::string>& command, const std::string& folder) {
  const auto begin = std::chrono::steady_clock::now();
  if (!ended_well(start(command, folder), folder)) throw std::runtime_error("it was killed");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Undisturbed undisturbed_of(const Settings& settings, const std::string& self,
                           const std::string& program) {
  Undisturbed u;
  u.numbers = train_undisturbed(settings);
  u.log = text_of(settings.folder + "/log.csv");
  u.file_bytes = static_cast<double>(fs::file_size(settings.folder + "/step.keras"));
  Settings whole = settings;
  whole.folder += "/whole";
  u.seconds = seconds_of(Run(whole, self, "", u).command(), whole.folder);
  whole.folder += "/program";
  seconds_of(Run(whole, self, program, u).command(), whole.folder);
  u.history = text_of(whole.folder + "/history.json");
  return u;
}

void campaign(int64_t wanted, uint64_t seed, const std::string& folder,
              const std::string& program) {
  const std::string self = fs::canonical("/proc/self/exe");
  const Settings first{.task = folder, .folder = folder + "/undisturbed"};
  fs::create_directories(first.folder);
  write_task(folder);
  const Undisturbed undisturbed = undisturbed_of(first, self, program);
  std::mt19937_64 random(seed);
  Counts counts;
  while (counts.writing() < wanted) {
    Settings settings{.task = folder, .folder = cat(folder, "/", counts.runs)};
    settings.interval = static_cast<int64_t>(random() % 5);
    settings.twice = random() % 2;
    Run run(settings, self, counts.runs % 2 ? program : "", undisturbed);
    try {
      while (run.live(random, &counts)) tell(counts, wanted, false);
    } catch (const std::exception& e) {
      tell(counts, wanted, true);
      throw std::runtime_error(cat("run ", counts.runs, ": ", e.what()));
    }
    ++counts.runs;
    fs::remove_all(settings.folder);
  }
  tell(counts, wanted, true);
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 5 && words[0] == "--train") {
    train({words[1], words[2], std::stoll(words[3]), words[4] == "1"});
  } else if (words.size() == 4) {
    campaign(std::stoll(words[0]), std::stoull(words[1]), words[2], words[3]);
  } else {
    std::fprintf(stderr, "usage: kill_campaign COUNT SEED FOLDER CORNU\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace cornu::kills

int main(int count, char** words) {
  try {
    return cornu::kills::run({words + 1, words + count});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kill_campaign: %s\n", e.what());
    return 1;
  }
}
