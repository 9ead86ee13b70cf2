#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "options.h"
#include "progress_bar.h"

namespace cli {
namespace {

using cornu::base::Json;

struct Options {
  std::string model;
  std::vector<std::string> shapes;
  int runs = 0;
  double seconds = 2;
  bool plan = false;
  std::string measure;
  Common common;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

struct Timing {
  std::vector<double> runs;
  std::vector<double> steps;  // seconds of each step, medians
};

Timing measure(const cornu::Program& program, const Options& o) {
  using Clock = std::chrono::steady_clock;
  cornu::Workspace workspace(program);
  workspace.measure_steps(o.plan);
  std::vector<cornu::Tensor> x, y;
  for (size_t i = 0; i < program.input_count(); ++i)
    x.push_back(cornu::Tensor::full(program.input_shape(i), 0.5f));
  for (size_t i = 0; i < program.output_count(); ++i) y.emplace_back(program.output_shape(i));
  std::vector<std::span<const float>> in;
  for (const cornu::Tensor& t : x) in.push_back(t.values());
  std::vector<std::span<float>> out;
  for (cornu::Tensor& t : y) out.push_back(t.values());

  Timing timing;
  std::vector<std::vector<double>> steps(workspace.step_seconds().size());
  workspace.run(in, out);  // warm up: caches, pages, threads
  ProgressBar bar("benchmark", o.common.quiet || o.common.json);
  const auto begin = Clock::now();
  for (int i = 0; o.runs > 0 ? i < o.runs : true; ++i) {
    const double passed = std::chrono::duration<double>(Clock::now() - begin).count();
    if (o.runs == 0 && i >= 5 && passed > o.seconds) break;
    bar.update(o.runs > 0 ? double(i) / o.runs : passed / o.seconds);
    const auto start = Clock::now();
    workspace.run(in, out);
    timing.runs.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    for (size_t k = 0; k < steps.size(); ++k) steps[k].push_back(workspace.step_seconds()[k]);
  }
  for (auto& s : steps) timing.steps.push_back(median(std::move(s)));
  return timing;
}

void print_plan(const cornu::Program& program, const Timing& timing) {
  const std::vector<cornu::Program::StepInfo> steps = program.steps();
  const auto row = [](auto... cells) {
    fmt::print("{:>9} {:>9}  {:<28} {:<18} {:<36} {}\n", cells...);
  };
  row("ms", "GFLOP/s", "layer", "op", "kernel", "why");
  for (size_t i = 0; i < steps.size(); ++i) {
    const double s = timing.steps[i];
    row(fmt::format("{:.3f}", 1e3 * s), fmt::format("{:.1f}", s > 0 ? steps[i].flops / s / 1e9 : 0),
        steps[i].layer, steps[i].op, steps[i].kernel, steps[i].reason);
  }
}

Json plan_json(const cornu::Program& program, const Timing& timing) {
  std::vector<Json> list;
  const std::vector<cornu::Program::StepInfo> steps = program.steps();
  for (size_t i = 0; i < steps.size(); ++i)
    list.push_back(Json::object({{"ms", 1e3 * timing.steps[i]},
                                 {"flops", steps[i].flops},
                                 {"layer", steps[i].layer},
                                 {"op", steps[i].op},
                                 {"kernel", steps[i].kernel},
                                 {"reason", steps[i].reason}}));
  return Json::array(list);
}

void run(const Options& o) {
  o.common.apply();
  const cornu::Model model = open_model(o.model, o.common);
  cornu::ProgramOptions options{.precision = o.common.precision};
  if (!o.measure.empty()) options.plan = "measure", options.plan_file = o.measure;
  for (const std::string& text : o.shapes) options.input_shapes.push_back(parse_shape(text));
  const cornu::Program program = model.program(options);
  const Timing timing = measure(program, o);
  const double ms = 1e3 * median(timing.runs),
               best = 1e3 * *std::min_element(timing.runs.begin(), timing.runs.end());
  const double rate = program.flops() / ms / 1e6;
  if (o.common.json) {
    Json json = Json::object({{"median_ms", ms},
                              {"min_ms", best},
                              {"runs", timing.runs.size()},
                              {"gflops", rate},
                              {"threads", cornu::num_threads()},
                              {"workspace_bytes", program.workspace_bytes()},
                              {"plain_workspace_bytes", program.plain_workspace_bytes()},
                              {"weight_bytes", program.weight_bytes()}});
    if (o.plan) json.set("plan", plan_json(program, timing));
    fmt::print("{}\n", json.dump());
    return;
  }
  if (o.plan) print_plan(program, timing);
  fmt::print("median {:.3f} ms, best {:.3f} ms of {} runs, {:.1f} GFLOP/s, {} thread{}, {}\n", ms,
             best, timing.runs.size(), rate, cornu::num_threads(),
             cornu::num_threads() == 1 ? "" : "s", memory_text(program));
}

}  // namespace

void add_benchmark(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "benchmark", "Times a model on inputs of one shape: the median of many runs");
  verb->footer(
      "\nExample:\n"
      "  cornu benchmark model.keras --shape 1,224,224,3 --threads 1 --plan");
  verb->add_option("model", options->model, "The model's file")->required()->type_name("MODEL");
  add_shape_option(*verb, options->shapes);
  verb->add_option("--runs", options->runs, "Runs to time. Default: as many as fit in --seconds")
      ->check(between(1, 1000000))
      ->type_name("N");
  verb->add_option("--seconds", options->seconds, "Time to spend, at least 5 runs")
      ->check(between(0.01, 3600.0))
      ->capture_default_str()
      ->type_name("S");
  verb->add_flag("--plan", options->plan,
                 wrapped("Print each step: time, rate, layer, op, kernel and why this one"));
  add_measure_option(*verb, options->measure);
  options->common.add_to(*verb);
  verb->callback([options] { run(*options); });
}

}  // namespace cli
