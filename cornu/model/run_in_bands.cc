#include "cornu/model/run_in_bands.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "cornu/base/crc32c.h"
#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/compile/bands.h"
#include "cornu/exec/program.h"

namespace cornu::model {
namespace {

using compile::Bands;
using compile::Box;
using compile::Span;

// Calls f(place in the tensor, place in the box, count) for all runs of neighbours in the box.
template <class F>
void each_run(const Shape& shape, const Box& box, F&& f) {
  const int64_t last = shape.rank() - 1, count = box.back().end - box.back().begin;
  const int64_t size = compile::shape_of(box).size();
  std::vector<int64_t> at;
  for (const Span& s : box) at.push_back(s.begin);
  for (int64_t to = 0; to < size; to += count) {
    int64_t from = 0;
    for (int64_t a = 0; a <= last; ++a) from = from * shape[a] + at[static_cast<size_t>(a)];
    f(from, to, count);
    for (auto a = static_cast<size_t>(last); a-- > 0;) {
      if (++at[a] < box[a].end) break;
      at[a] = box[a].begin;
    }
  }
}

Tensor part(const Tensor& x, const Box& box) {
  Tensor out(compile::shape_of(box));
  float* numbers = out.data();
  each_run(x.shape(), box, [&](int64_t from, int64_t to, int64_t count) {
    std::copy_n(x.data() + from, count, numbers + to);
  });
  return out;
}

void set_part(Tensor& y, const Box& box, const Tensor& numbers) {
  float* whole = y.data();
  each_run(y.shape(), box, [&](int64_t to, int64_t from, int64_t count) {
    std::copy_n(numbers.data() + from, count, whole + to);
  });
}

// Entries [at, at + its batch) of a batch.
Box in_batch(Box box, int64_t at) {
  box[0].begin += at;
  box[0].end += at;
  return box;
}

// Equal for graphs that compute the same.
std::string key_of(const graph::Graph& g) {
  std::string key = graph::print(g);
  for (const graph::Node& node : g.nodes)
    if (const auto* constant = std::get_if<ops::Constant>(&node.op)) {
      const std::span<const float> v = constant->value.values();
      const std::string_view bytes(reinterpret_cast<const char*>(v.data()), v.size_bytes());
      key += base::cat(' ', base::crc32c(bytes));
    }
  return key;
}

// The program of the step before: most are alike, apart from the first and the last ones.
class LastProgram {
 public:
  explicit LastProgram(const compile::Options& options) : options_(options) {}

  Workspace& of(graph::Graph g) {
    std::string key = key_of(g);
    if (!workspace_ || key != key_) {
      workspace_.reset();  // its memory goes before the next one comes
      workspace_.emplace(Program(compile::compile(std::move(g), options_)));
      key_ = std::move(key);
    }
    return *workspace_;
  }

 private:
  const compile::Options& options_;
  std::string key_;
  std::optional<Workspace> workspace_;
};

std::vector<Tensor> run(Workspace& workspace, const std::vector<Tensor>& x) {
  std::vector<std::span<const float>> in;
  for (const Tensor& t : x) in.push_back(t.values());
  std::vector<Tensor> y;
  for (size_t i = 0; i < workspace.program().output_count(); ++i)
    y.emplace_back(workspace.program().output_shape(i));
  std::vector<std::span<float>> out;
  for (Tensor& t : y) out.push_back({t.data(), static_cast<size_t>(t.size())});
  CORNU_CHECK(workspace.run(in, out));
  return y;
}

// One graph for all: the inputs and the output as they are.
Bands::Step whole_step(const graph::Graph& g) {
  Bands::Step step{g, {}, compile::whole(g[g.outputs[0]].shape)};
  for (graph::NodeId id : g.inputs) step.inputs.emplace_back(compile::whole(g[id].shape));
  return step;
}

}  // namespace

void run_in_bands(const graph::Graph& g, int64_t rows, const compile::Options& options,
                  const std::vector<Tensor>& x, Tensor& y,
                  const std::function<void(double)>& tell) {
  const std::optional<Bands> bands = Bands::along_rows(g, rows);
  const int64_t steps = bands ? bands->steps() : 1;
  const int64_t batch = g[g.outputs[0]].shape[0], entries = y.shape()[0];
  LastProgram program(options);
  int64_t done = 0;
  for (int64_t at = 0; at < entries; at += batch) {
    std::vector<Tensor> kept;
    for (int64_t k = 0; k < steps; ++k) {
      Bands::Step step = bands ? bands->step(k) : whole_step(g);
      std::vector<Tensor> in;
      for (size_t i = 0; i < x.size(); ++i)
        if (step.inputs[i]) in.push_back(part(x[i], in_batch(*step.inputs[i], at)));
      std::move(kept.begin(), kept.end(), std::back_inserter(in));
      kept = run(program.of(std::move(step.graph)), in);
      if (step.output) {
        set_part(y, in_batch(*step.output, at), kept[0]);
        kept.erase(kept.begin());
      }
      if (tell) tell(static_cast<double>(++done) / static_cast<double>(steps * (entries / batch)));
    }
  }
}

}  // namespace cornu::model
