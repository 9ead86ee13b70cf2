// Cornu beside other libraries on one subject after another: in every round each has its turn, in
// an order that changes, and the fused multiply-add peak is measured as one more of them. Writes a
// line of JSON about the machine, then one per subject with medians of the rounds.
//
//   bench_peers --threads 2 'upsampling' '3-D'
//
// One thread is timed by the processor time of its process, several by the clock on the wall.
// bench/run.py runs it and writes the tables.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <iostream>
#include <thread>

#include "bench/subjects.h"
#include "cornu/base/text.h"
#include "cornu/base/thread_pool.h"
#include "cornu/kernels/cpu.h"

namespace {

using namespace cornu;
using base::Json;
using bench::Contestant;
using bench::Subject;

struct Options {
  std::vector<std::string> names;  // parts of them; none: all
  std::vector<std::string> tables;
  int threads = 1, rounds = 7;
  double turn = 0.03;  // seconds
  bool list = false;
  std::vector<std::string> with;
};

// Rounding of another order of sums, or of Winograd's transforms, is far below.
constexpr double kTolerance = 1e-3;

// The threads of whoever was before spin on for a while: libgomp's 300,000 pauses are 17 ms.
constexpr std::chrono::milliseconds kSettle(40);

bool chosen(const Subject& s, const Options& o) {
  const bool of_table = o.tables.empty() || std::count(o.tables.begin(), o.tables.end(), s.table);
  return of_table &&
         (o.names.empty() || std::any_of(o.names.begin(), o.names.end(), [&](const auto& part) {
            return s.name.find(part) != std::string::npos;
          }));
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const size_t half = v.size() / 2;
  return v.size() % 2 == 1 ? v[half] : (v[half - 1] + v[half]) / 2;
}

// Of all threads together, in floating-point operations a second.
double peak(base::ThreadPool& pool, bench::Clock clock) {
  constexpr int64_t kRounds = 400'000;
  std::vector<double> done(static_cast<size_t>(pool.threads()));
  const auto all = [&] {
    pool.parallel_for(pool.threads(), [&](int64_t i) {
      done[static_cast<size_t>(i)] = bench::multiply_add(kRounds);
    });
  };
  all();  // wakes them
  const double start = bench::seconds(clock);
  all();
  const double time = bench::seconds(clock) - start;
  double sum = 0;
  for (double d : done) sum += d;
  return sum / time;
}

// What networks are exported into, while this runs.
struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "cornu-bench-XXXXXX").string();
  Folder() {
    if (!mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

struct Entry {
  std::unique_ptr<Contestant> contestant;
  double first = 0;   // seconds, to begin with
  int64_t count = 1;  // runs per turn
  std::vector<double> times = {};
  double difference = 0;
};

Json absence(const std::string& name, const std::string& why) {
  return Json::object({{"name", name}, {"why", why}});
}

// Everyone who takes this subject, Cornu first, checked against each other; and who does not.
std::vector<Entry> enter(const std::string& name, bench::Opened opened, const Options& o,
                         std::deque<bench::Child>& children, std::vector<Json>& absent,
                         bool& equal) {
  const bench::Clock wall = bench::Clock::kWall;
  std::vector<Entry> all;
  opened.cornu->time(1, wall);
  const Tensor truth = opened.cornu->output();
  all.push_back({std::move(opened.cornu)});
  for (auto& c : opened.others) all.push_back({std::move(c)});
  for (bench::Child& child : children) {
    std::string why;
    if (auto c = bench::make_remote(child, opened.json, why))
      all.push_back({std::move(c)});
    else
      absent.push_back(absence(child.name(), why));
  }
  // A setting that is hopelessly slow is nobody's best, and would take most of the time.
  const double cornu = all[0].contestant->time(1, wall), patience = std::max(0.5, 20 * cornu);
  std::erase_if(all, [&](Entry& e) {
    e.first = e.contestant->time(1, wall);
    if (e.first <= patience) return false;
    absent.push_back(absence(e.contestant->name(),
                             base::cat("left out: about ", std::lround(1e3 * e.first), " ms, ",
                                       std::lround(e.first / cornu), " times Cornu's")));
    return true;
  });
  for (Entry& e : all) {
    e.count = std::clamp<int64_t>(static_cast<int64_t>(o.turn / e.first), 1, 100'000);
    e.difference = e.contestant->difference(truth);
    if (e.difference <= kTolerance) continue;
    equal = false;
    std::cerr << name << ": " << e.contestant->name() << " (" << e.contestant->detail()
              << ") differs from Cornu (" << all[0].contestant->detail() << ") by " << e.difference
              << '\n';
  }
  return all;
}

Json measure(Json line, const Options& o, std::vector<Entry>& all, base::ThreadPool& pool) {
  const bench::Clock clock = o.threads == 1 ? bench::Clock::kProcess : bench::Clock::kWall;
  const auto settle = [&] {
    if (o.threads > 1) std::this_thread::sleep_for(kSettle);
  };
  std::vector<double> peaks;
  for (int round = 0; round < o.rounds; ++round) {
    settle();
    peaks.push_back(peak(pool, clock));
    for (size_t i = 0; i < all.size(); ++i) {
      settle();
      Entry& e = all[(i + static_cast<size_t>(round)) % all.size()];
      e.times.push_back(e.contestant->time(e.count, clock));
    }
  }
  std::vector<Json> entries;
  for (Entry& e : all) {
    const auto [low, high] = std::minmax_element(e.times.begin(), e.times.end());
    entries.push_back(Json::object({{"name", e.contestant->name()},
                                    {"detail", e.contestant->detail()},
                                    {"ms", 1e3 * median(e.times)},
                                    {"least ms", 1e3 * *low},
                                    {"most ms", 1e3 * *high},
                                    {"difference", e.difference}}));
  }
  line.set("threads", o.threads);
  line.set("peak", median(peaks));
  line.set("contestants", Json::array(entries));
  return line;
}

Options options_of(CLI::App& app, int argc, char** argv) {
  Options o;
  app.add_option("names", o.names, "Parts of the names of what is measured; none: all");
  app.add_option("--tables", o.tables, "operations, models, steps; default: all")
      ->check(CLI::IsMember({"operations", "models", "steps"}));
  app.add_option("--threads", o.threads, "Threads of everyone")->check(CLI::PositiveNumber);
  app.add_option("--rounds", o.rounds, "Turns of everyone")->check(CLI::PositiveNumber);
  app.add_option("--turn", o.turn, "Seconds of a turn")->check(CLI::PositiveNumber);
  app.add_option("--with", o.with, "NAME=COMMAND: one more, in a process (bench/contestant.h)")
      ->allow_extra_args(false);
  app.add_flag("--list", o.list, "Only list the names");
  app.parse(argc, argv);
  return o;
}

int run(CLI::App& app, int argc, char** argv) {
  const Options o = options_of(app, argc, argv);
  std::vector<Subject> todo;
  for (Subject& s : bench::subjects())
    if (chosen(s, o)) todo.push_back(std::move(s));
  if (o.list) {
    for (const Subject& s : todo) std::cout << s.name << '\n';
    return 0;
  }
  const Folder folder;
  std::vector<Json> versions{Json(bench::start_onednn(o.threads))};
  std::deque<bench::Child> children;
  for (const std::string& text : o.with) {
    const size_t at = text.find('=');
    if (at == std::string::npos) throw std::runtime_error("--with takes NAME=COMMAND");
    versions.emplace_back(
        children.emplace_back(text.substr(0, at), text.substr(at + 1)).ask("version"));
  }
  base::ThreadPool pool(o.threads);
  std::cout << Json::object({{"target", cpu_target()}, {"versions", Json::array(versions)}}).dump()
            << std::endl;
  bool equal = true;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  for (size_t i = 0; i < todo.size(); ++i) {
    if (terminal)
      std::cerr << "\r\x1b[K" << i + 1 << '/' << todo.size() << ' ' << todo[i].name << std::flush;
    bench::Opened opened = todo[i].open(o.threads, folder.path);
    if (!opened.cornu) {
      std::cerr << todo[i].name << " is left out: it is not in $CORNU_MODELS\n";
      continue;
    }
    Json line = opened.json;
    line.set("table", todo[i].table);
    std::vector<Json> absent;
    std::vector<Entry> entries = enter(todo[i].name, std::move(opened), o, children, absent, equal);
    line.set("absent", Json::array(absent));
    std::cout << measure(std::move(line), o, entries, pool).dump() << std::endl;
  }
  if (terminal) std::cerr << "\r\x1b[K";
  return equal ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cornu beside other libraries, in turns.");
  try {
    return run(app, argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    std::cerr << "bench_peers: " << e.what() << '\n';
    return 1;
  }
}
