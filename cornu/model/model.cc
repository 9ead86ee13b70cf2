#include "cornu/model/model.h"

#include <cstdio>
#include <list>
#include <mutex>

#include "cornu/compile/compile.h"
#include "cornu/compile/measured.h"
#include "cornu/exec/threads.h"
#include "cornu/model/input_shapes.h"
#include "cornu/model/network.h"
#include "cornu/model/print.h"
#include "cornu/model/run_in_bands.h"

namespace cornu {

using base::cat;
using base::quoted;
using model::Network;

// ---- predict's programs
// ---------------------------------------------------------------------------

// The programs of the input shapes seen last. A program is made anew when a weight has changed.
struct Model::Runner {
  static constexpr size_t kKept = 8;
  struct Entry {
    ProgramOptions options;
    uint64_t version;
    Program program;
    std::vector<Workspace> idle;  // of callers that have finished
  };
  std::mutex mutex;
  std::list<Entry> entries;  // most recently used first

  Entry* find(const ProgramOptions& options, uint64_t version) {
    for (auto it = entries.begin(); it != entries.end(); ++it) {
      if (it->options != options) continue;
      if (it->version != version) {
        entries.erase(it);
        return nullptr;
      }
      entries.splice(entries.begin(), entries, it);
      return &entries.front();
    }
    return nullptr;
  }
};

namespace {

// Weights only ever count up, so that their sum tells any change.
uint64_t version_of(const Network& network) {
  uint64_t version = 0;
  for (const Weight& w : network.weights()) version += w.variable->version();
  return version;
}

}  // namespace

// ---- Model
// ----------------------------------------------------------------------------------------

Model::Model(ModelOptions o)
    : Model(std::make_shared<model::Functional>(std::move(o.name), std::move(o.inputs),
                                                std::move(o.outputs))) {}

Model::Model(std::shared_ptr<Network> network)
    : network_(std::move(network)), runner_(std::make_shared<Runner>()) {}

Model::operator Layer() const { return Layer(network_); }

const std::string& Model::name() const { return network_->name(); }
bool Model::built() const { return network_->built(); }
std::vector<Layer> Model::layers() const { return network_->layers(); }

Layer Model::get_layer(const std::string& name) const {
  for (const Layer& layer : layers())
    if (layer.name() == name) return layer;
  std::string names;
  for (const Layer& layer : layers()) names += cat(names.empty() ? "" : ", ", quoted(layer.name()));
  throw ValueError(
      network_->where().message("no such layer: ", quoted(name), ". Existing layers are: ", names));
}

Layer Model::get_layer(int64_t index) const {
  const std::vector<Layer> all = layers();
  const auto count = static_cast<int64_t>(all.size());
  if (index < -count || index >= count)
    throw ValueError(
        network_->where().message("was asked for layer ", index, " but has ", count, " layers"));
  return all[static_cast<size_t>(index < 0 ? index + count : index)];
}

Symbols Model::inputs() const { return Symbols(network_->inputs()); }
Symbols Model::outputs() const { return Symbols(network_->outputs()); }

std::vector<Shape> Model::input_shapes() const {
  std::vector<Shape> shapes;
  for (const Symbol& s : network_->inputs()) shapes.push_back(s.shape());
  return shapes;
}

std::vector<Shape> Model::output_shapes() const {
  std::vector<Shape> shapes;
  for (const Symbol& s : network_->outputs()) shapes.push_back(s.shape());
  return shapes;
}

namespace {

Shape only_one(const Network& network, const std::vector<Shape>& shapes, const char* what) {
  if (shapes.size() != 1)
    throw ValueError(network.where().message("it has ", shapes.size(), " ", what, "s: ask for ",
                                             what, "_shapes()"));
  return shapes[0];
}

}  // namespace

Shape Model::input_shape() const { return only_one(*network_, input_shapes(), "input"); }
Shape Model::output_shape() const { return only_one(*network_, output_shapes(), "output"); }

std::vector<Tensor> Model::get_weights() const { return Layer(*this).get_weights(); }
void Model::set_weights(const std::vector<Tensor>& w) const { Layer(*this).set_weights(w); }
int64_t Model::count_params() const { return Layer(*this).count_params(); }
void Model::set_trainable(bool trainable) const { network_->set_trainable(trainable); }

namespace {

template <class F>
std::vector<std::shared_ptr<Variable>> variables_where(const Network& network, F&& wanted) {
  std::vector<std::shared_ptr<Variable>> found;
  for (const Weight& w : network.weights())
    if (wanted(w)) found.push_back(w.variable);
  return found;
}

}  // namespace

std::vector<std::shared_ptr<Variable>> Model::weights() const {
  return variables_where(*network_, [](const Weight&) { return true; });
}
std::vector<std::shared_ptr<Variable>> Model::trainable_weights() const {
  return variables_where(*network_, [](const Weight& w) { return w.trainable; });
}
std::vector<std::shared_ptr<Variable>> Model::non_trainable_weights() const {
  return variables_where(*network_, [](const Weight& w) { return !w.trainable; });
}

graph::Graph Model::trace(const std::vector<Shape>& input_shapes) const {
  network_->output_shapes(input_shapes);  // all checks, before anything is built
  graph::Builder g;
  std::vector<graph::Value> in;
  for (const Shape& shape : input_shapes) in.push_back(g.input(shape));
  return std::move(g).finish(network_->lower(g, in));
}

std::vector<Shape> model::full_input_shapes(const Model& model, std::vector<Shape> given,
                                            const char* caller) {
  if (given.empty())
    for (Shape shape : model.input_shapes()) {
      if (shape.rank() > 0 && !shape.known(0)) shape[0] = 1;
      given.push_back(std::move(shape));
    }
  for (const Shape& shape : given)
    if (!shape.fully_known())
      throw ValueError(model.network()->where().message(
          caller, "() needs input shapes without None. Received: ", shape));
  return given;
}

namespace {

// Calls use(compile::Options) with what the options come to.
template <class Use>
void with_options(const nn::Where& where, const ProgramOptions& o, Use&& use) {
  if (o.precision != "fast" && o.precision != "strict")
    throw ValueError(where.message(
        "`precision` must be 'fast' or 'strict'. Received: ", "precision=", quoted(o.precision)));
  if (o.plan != "heuristic" && o.plan != "measure")
    throw ValueError(where.message(
        "`plan` must be 'heuristic' or 'measure'. Received: ", "plan=", quoted(o.plan)));
  const bool measure = o.plan == "measure";
  if (!measure && !o.plan_file.empty())
    throw ValueError(where.message("`plan_file` needs plan='measure'. Received: plan_file=",
                                   quoted(o.plan_file)));
  compile::Options options;
  options.strict = o.precision == "strict";
  if (!measure) return use(options);
  compile::Measured measured(exec::process_pool());
  if (!o.plan_file.empty()) measured.read(o.plan_file);
  options.measured = &measured;
  use(options);
  if (!o.plan_file.empty() && measured.changed()) measured.write(o.plan_file);
}

}  // namespace

Program Model::program(ProgramOptions o) const {
  o.input_shapes = model::full_input_shapes(*this, std::move(o.input_shapes), "program");
  std::shared_ptr<const compile::Plan> plan;
  with_options(network_->where(), o, [&](const compile::Options& options) {
    plan = compile::compile(trace(o.input_shapes), options);
  });
  return Program(std::move(plan));
}

Tensor Model::predict(const Tensor& x, PredictOptions o) const {
  std::vector<Tensor> y = predict(std::vector<Tensor>{x}, o);
  if (y.size() != 1)
    throw ValueError(network_->where().message("it has ", y.size(),
                                               " outputs: give predict() a list of inputs"));
  return std::move(y[0]);
}

namespace {

// Rows [begin, begin + count) of a batch.
std::span<const float> rows(const Tensor& t, int64_t begin, int64_t count) {
  const int64_t row = t.shape()[0] == 0 ? 0 : t.size() / t.shape()[0];
  return t.values().subspan(static_cast<size_t>(begin * row), static_cast<size_t>(count * row));
}

// Turns the share of one batch that is done into the share of the whole.
struct Progress {
  const std::function<void(double)>& tell;
  int64_t before, count, total;
  static void report(void* context, double done) noexcept {
    const auto& p = *static_cast<const Progress*>(context);
    p.tell((static_cast<double>(p.before) + done * static_cast<double>(p.count)) /
           static_cast<double>(p.total));
  }
};

std::vector<Shape> with_batch(const std::vector<Tensor>& x, int64_t batch) {
  std::vector<Shape> shapes;
  for (const Tensor& t : x) {
    shapes.push_back(t.shape());
    shapes.back()[0] = batch;
  }
  return shapes;
}

}  // namespace

std::vector<Tensor> Model::predict(const std::vector<Tensor>& x, PredictOptions o) const {
  const nn::Where& where = network_->where();
  if (o.batch_size < 1)
    throw ValueError(where.message("predict: `batch_size` must be positive. Received: batch_size=",
                                   o.batch_size));
  if (o.band < 0)
    throw ValueError(
        where.message("predict: `band` must not be negative. Received: band=", o.band));
  if (x.empty()) throw ValueError(where.message("predict needs at least one input"));
  for (const Tensor& t : x) {
    if (t.shape().rank() == 0)
      throw ValueError(where.message("predict: an input needs a batch axis. Received: shape=()"));
    if (t.shape()[0] != x[0].shape()[0])
      throw ValueError(where.message(
          "predict: all inputs must have the same batch size. Received: ", x[0].shape(), " and ",
          t.shape()));
  }
  if (!network_->built()) network_->build(with_batch(x, Dim::kUnknown));

  const int64_t total = x[0].shape()[0];
  // A fixed batch belongs to the model.
  std::vector<Tensor> y;
  for (Shape shape : network_->output_shapes(with_batch(x, total))) {
    y.emplace_back(std::move(shape));
    if (y.back().shape().rank() == 0 || y.back().shape()[0] != total)
      o.batch_size = std::max<int64_t>(total, 1);  // an output without a batch axis
    else if (o.band > 0)
      o.batch_size = 1;
  }
  if (o.band > 0 && total > 0) {
    if (y.size() != 1)
      throw ValueError(where.message("predict: `band` needs a model of one output. Received: band=",
                                     o.band, " and ", y.size(), " outputs"));
    const int64_t batch = total % o.batch_size == 0 ? o.batch_size : total;
    with_options(where, {.precision = o.precision, .plan = o.plan, .plan_file = o.plan_file},
                 [&](const compile::Options& options) {
                   model::run_in_bands(trace(with_batch(x, batch)), o.band, options, x, y[0],
                                       o.progress);
                 });
    return y;
  }
  for (int64_t at = 0; at < total; at += o.batch_size) {
    const int64_t count = std::min(o.batch_size, total - at);
    Workspace workspace = take_workspace({with_batch(x, count), o.precision, o.plan, o.plan_file});
    Progress progress{o.progress, at, count, total};
    if (o.progress) workspace.on_progress(&Progress::report, &progress);
    std::vector<std::span<const float>> in;
    std::vector<std::span<float>> out;
    for (const Tensor& t : x) in.push_back(rows(t, at, count));
    for (Tensor& t : y) {
      const std::span<const float> part = rows(t, at, count);
      out.push_back({t.data() + (part.data() - std::as_const(t).data()), part.size()});
    }
    CORNU_CHECK(workspace.run(in, out));
    workspace.on_progress(nullptr, nullptr);
    give_back(std::move(workspace));
  }
  return y;
}

Workspace Model::take_workspace(const ProgramOptions& o) const {
  const uint64_t version = version_of(*network_);
  std::unique_lock lock(runner_->mutex);
  Runner::Entry* entry = runner_->find(o, version);
  if (!entry) {
    lock.unlock();  // compiling may take a while
    Program made = program(o);
    lock.lock();
    entry = runner_->find(o, version);
    if (!entry) {
      runner_->entries.push_front({o, version, std::move(made), {}});
      if (runner_->entries.size() > Runner::kKept) runner_->entries.pop_back();
      entry = &runner_->entries.front();
    }
  }
  if (!entry->idle.empty()) {
    Workspace workspace = std::move(entry->idle.back());
    entry->idle.pop_back();
    return workspace;
  }
  const Program program = entry->program;
  lock.unlock();
  return Workspace(program);
}

void Model::give_back(Workspace workspace) const {
  std::lock_guard lock(runner_->mutex);
  for (Runner::Entry& entry : runner_->entries)
    if (&entry.program.plan() == &workspace.program().plan()) {
      entry.idle.push_back(std::move(workspace));
      return;
    }
}

// ---- Sequential
// -----------------------------------------------------------------------------------

namespace {

model::Sequential& chain(const Model& m) { return static_cast<model::Sequential&>(*m.network()); }

}  // namespace

Sequential::Sequential(SequentialOptions o)
    : Model(std::make_shared<model::Sequential>(std::move(o.name))) {}

Sequential::Sequential(std::initializer_list<Layer> layers, SequentialOptions o)
    : Sequential(std::vector<Layer>(layers), std::move(o)) {}

Sequential::Sequential(const std::vector<Layer>& layers, SequentialOptions o)
    : Sequential(std::move(o)) {
  for (const Layer& layer : layers) add(layer);
}

void Sequential::add(Layer layer) const { chain(*this).add(std::move(layer)); }

void Sequential::pop() const { chain(*this).pop(); }
void Sequential::build(const Shape& shape) const { chain(*this).build_for(shape); }

// ---- the rest
// -------------------------------------------------------------------------------------

namespace {
PrintSink print_sink = nullptr;
}

void set_print_sink(PrintSink sink) { print_sink = sink; }

std::string Model::summary_text(SummaryOptions o) const { return model::summary(*network_, o); }

void Model::summary(SummaryOptions o) const { model::print(summary_text(o)); }

void model::print(const std::string& text) {
  if (print_sink) {
    print_sink(text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
}

bool model::has_print_sink() { return print_sink != nullptr; }

const char* version() { return CORNU_VERSION; }

}  // namespace cornu
