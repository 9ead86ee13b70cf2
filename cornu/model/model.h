#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/exec/program.h"
#include "cornu/layers/layer.h"
#include "cornu/model/summary.h"

namespace cornu {

namespace model {
class Network;
}

// Of training, which cornu/train defines.
class Dataset;
class Logs;
class Optimizer;
struct BatchOptions;
struct CompileOptions;
struct EvaluateOptions;
struct FitOptions;
struct History;

// One array, or a list of them.
class CORNU_API Tensors : public std::vector<Tensor> {
 public:
  Tensors() = default;
  Tensors(Tensor one) : std::vector<Tensor>{std::move(one)} {}
  Tensors(std::initializer_list<Tensor> list) : std::vector<Tensor>(list) {}
  Tensors(std::vector<Tensor> list) : std::vector<Tensor>(std::move(list)) {}
};

struct ModelOptions {
  Symbols inputs = {};
  Symbols outputs = {};
  std::string name = {};
};

struct PredictOptions {
  int64_t batch_size = 32;
  // "fast", or "strict": no algorithm that rounds worse than plain sums.
  std::string precision = "fast";
  std::string plan = "heuristic";  // as of ProgramOptions
  std::string plan_file = {};
  // Told the share of the work that is done, 0 to 1, from the calling thread. Must not throw.
  std::function<void(double done)> progress = {};
  // Computes the output in bands of about so many cells along its first spatial axis, one after
  // another, so that memory is that of a band, and of the rows that convolutions look back to,
  // instead of the whole picture or volume. Nothing is computed twice, but each call makes its
  // programs anew. 0: whole. For models of one output; where an output needs everything at once
  // (Dense, global pooling) it is computed whole. The results are the same up to rounding.
  int64_t band = 0;
};

struct ProgramOptions {
  // One shape per input, batch included, all dimensions known. Empty: the model's own shapes with
  // a batch of 1, where they are known.
  std::vector<Shape> input_shapes = {};
  // "fast", or "strict": no algorithm that rounds worse than plain sums.
  std::string precision = "fast";
  // "heuristic": a count of cycles chooses the kernels, on every machine the same. "measure": those
  // that apply are timed here, with the threads of set_num_threads(), and the fastest are taken;
  // the last digits of results may then differ from machine to machine.
  std::string plan = "heuristic";
  // Where "measure" finds what it chose before, and keeps what it chooses now; empty: nowhere.
  std::string plan_file = {};

  friend bool operator==(const ProgramOptions&, const ProgramOptions&) = default;
};

struct SaveOptions {
  bool overwrite = true;  // false: a file that is there already is an IoError
};

struct LoadWeightsOptions {
  // Files of layer names (.h5) only: layers of equal names, whatever else file and model have. Not
  // given: layers by their order.
  bool by_name = false;
  // Layers whose weights do not fit keep theirs, instead of an error.
  bool skip_mismatch = false;
};

// A model: what Keras's Functional and Sequential models are. A handle, as a Layer is: copies are
// the same model. It may be called like a layer, and may be one (nesting, shared weights).
class CORNU_API Model {
 public:
  // Throws ValueError when the outputs need more than the inputs, or two layers have one name.
  explicit Model(ModelOptions options);
  explicit Model(std::shared_ptr<model::Network> network);

  const std::string& name() const;
  bool built() const;
  // Keras's order; a Sequential's list has no InputLayer.
  std::vector<Layer> layers() const;
  // By name, or by place (negative: from the end). ValueError when there is none.
  Layer get_layer(const std::string& name) const;
  Layer get_layer(int64_t index) const;
  Symbols inputs() const;
  Symbols outputs() const;
  // Shape with None for the batch, of the only input or output; StateError before the shapes are
  // known (Keras: AttributeError), ValueError when there are several: input_shapes().
  Shape input_shape() const;
  Shape output_shape() const;
  std::vector<Shape> input_shapes() const;
  std::vector<Shape> output_shapes() const;

  std::vector<Tensor> get_weights() const;
  void set_weights(const std::vector<Tensor>& weights) const;
  std::vector<std::shared_ptr<Variable>> weights() const;
  std::vector<std::shared_ptr<Variable>> trainable_weights() const;
  std::vector<std::shared_ptr<Variable>> non_trainable_weights() const;
  int64_t count_params() const;
  void set_trainable(bool trainable) const;

  // Calls the model on symbols, as any layer.
  Symbol operator()(const Symbols& inputs) const { return Layer(*this)(inputs); }
  Symbols call(const Symbols& inputs) const { return Layer(*this).call(inputs); }
  operator Layer() const;

  // Runs the model on numbers in inference mode, batch after batch; the first axis is the batch.
  // A Sequential without shapes takes them from x. Throws ValueError for shapes that do not fit.
  // May be called from several threads once the model is built.
  Tensor predict(const Tensor& x, PredictOptions o = {}) const;
  std::vector<Tensor> predict(const std::vector<Tensor>& x, PredictOptions o = {}) const;

  // The model with its present weights, made ready for inputs of one shape. ValueError for options
  // it does not know, FormatError for a `plan_file` that is another file, IoError where it cannot
  // be written.
  Program program(ProgramOptions o = {}) const;
  // What it computes for these input shapes, as it is traced.
  graph::Graph trace(const std::vector<Shape>& input_shapes) const;

  // Writes a whole model: configuration, weights, and what is known of training, as Keras 3 does: a
  // .keras archive, or HDF5 for the suffixes .h5 and .hdf5. The file appears whole or not at all,
  // and equal models make equal files. Throws ValueError for another suffix, IoError naming the
  // file.
  void save(const std::string& path, SaveOptions o = {}) const;
  // The weights alone: as Keras 3's .weights.h5, or by their paths ("sequential/conv2d/kernel") as
  // .npz or .safetensors. ValueError for another suffix, StateError before the model is built.
  void save_weights(const std::string& path, SaveOptions o = {}) const;
  // Reads the weights of any model or weight file of Keras (.weights.h5, also sharded, .keras,
  // .h5), or of save_weights(), into this model; FormatError when they do not fit, and nothing is
  // changed then. The optimizer of a compiled model stays as it is. Returns what is odd, or was
  // left out.
  std::vector<std::string> load_weights(const std::string& path, LoadWeightsOptions o = {}) const;
  // The configuration as JSON, without weights; model_from_json() (formats/load.h) reads it.
  std::string to_json() const;

  // ---- training, as in Keras (cornu/train/compile.h and fit.h say what the options are) ----
  // Settles optimizer, loss and metrics. ValueError for what does not fit the outputs.
  void compile(const CompileOptions& o) const;
  bool compiled() const;  // by compile(), or by what the model's file says
  // Trains on arrays whose first axis is the samples, or on batches. StateError before compile(),
  // unless the file the model came from holds what it was compiled with. ValueError for data that
  // does not fit.
  History fit(const Tensors& x, const Tensors& y, const FitOptions& o) const;
  History fit(const Tensors& x, const Tensors& y) const;
  History fit(const std::shared_ptr<Dataset>& data, const FitOptions& o) const;
  History fit(const std::shared_ptr<Dataset>& data) const;
  // Loss and metrics in inference mode: the loss first, then metrics as they were compiled.
  Logs evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& o) const;
  Logs evaluate(const Tensors& x, const Tensors& y) const;
  Logs evaluate(const std::shared_ptr<Dataset>& data, const EvaluateOptions& o) const;
  Logs evaluate(const std::shared_ptr<Dataset>& data) const;
  // One step on one batch; loss and metrics of that batch alone.
  Logs train_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& o) const;
  Logs train_on_batch(const Tensors& x, const Tensors& y) const;
  Logs test_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& o) const;
  Logs test_on_batch(const Tensors& x, const Tensors& y) const;
  Optimizer optimizer() const;  // StateError before compile()
  // Ends a running fit() after its present batch; may be called from any thread or callback.
  void stop_training() const;

  // Keras 3's table (layers.md part 17), as text, or printed to standard output.
  std::string summary_text(SummaryOptions o = {}) const;
  void summary(SummaryOptions o = {}) const;

  const std::shared_ptr<model::Network>& network() const { return network_; }

 protected:
  std::shared_ptr<model::Network> network_;

 private:
  struct Runner;
  Workspace take_workspace(const ProgramOptions& o) const;
  void give_back(Workspace workspace) const;

  std::shared_ptr<Runner> runner_;  // the programs that predict() keeps
};

struct SequentialOptions {
  std::string name = {};
};

// A chain of layers.
class CORNU_API Sequential : public Model {
 public:
  explicit Sequential(SequentialOptions o = {});
  Sequential(std::initializer_list<Layer> layers, SequentialOptions o = {});
  explicit Sequential(const std::vector<Layer>& layers, SequentialOptions o = {});
  void add(Layer layer) const;
  void pop() const;
  // Gives the shapes, batch included: build({None, 28, 28, 1}).
  void build(const Shape& batch_input_shape) const;
};

// Where summary() prints to from now on; null: standard output. For hosts that have no terminal.
using PrintSink = void (*)(const std::string& text);
CORNU_API void set_print_sink(PrintSink sink);

CORNU_API const char* version();

}  // namespace cornu
