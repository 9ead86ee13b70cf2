#include "cornu/layers/wrappers.h"

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"

namespace cornu {
namespace layers {
namespace {

// What a file may nest: {"layer": {"config": {"layer": …}}}.
constexpr int kDeepest = 8;

class TimeDistributedImpl final : public OneToOneLayer {
 public:
  TimeDistributedImpl(std::string class_name, TimeDistributedOptions o)
      : OneToOneLayer(std::move(class_name), common_of(o)) {
    if (!o.layer || !o.layer->impl()) throw ValueError(where().message("`layer` must be given"));
    inner_ = o.layer->impl();
    if (!o.trainable) inner_->set_trainable(false);
  }

  base::Json config() const override {
    return base::Json::object({{"layer", layer_object(*inner_)}});
  }

  Shape output_shape(const Shape& in) const override {
    check_min_rank(where(), in, 3);
    const std::vector<Shape> out = inner_->output_shapes({step_shape(in)});
    if (out.size() != 1 || out[0].rank() < 1)
      throw ValueError(where().message("`layer` must have one output. Received: ", out.size(),
                                       " outputs of ", inner_->where().message("")));
    Shape shape = out[0];
    shape[0] = in[1];
    shape.insert(0, in[0]);
    return shape;
  }

  void create_weights(const Shape& in) override { inner_->build({step_shape(in)}); }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const Shape in = g.shape(x), out = output_shape(in);
    if (g.mode() == graph::Mode::kPredict || !tells_samples_apart(g.mode(), in))
      return g.reshape(inner_->trace(g, {g.reshape(x, step_shape(in))}).at(0), out);
    // As Keras 3: the layer is called for each step, on a batch of samples.
    std::vector<graph::Value> steps;
    Shape sample = in, step = out;
    sample.erase(1);
    step[1] = 1;
    for (int64_t i = 0; i < in[1]; ++i) {
      const graph::Value at = g.reshape(g.slice(x, 1, i, i + 1), sample);
      steps.push_back(g.reshape(inner_->trace(g, {at}).at(0), step));
    }
    return steps.empty() ? g.reshape(x, out) : g.concat(std::move(steps), 1);
  }

  std::vector<Weight> weights() const override { return inner_->weights(); }
  std::vector<Layer> inner_layers() const override { return {Layer(inner_)}; }
  void set_trainable(bool trainable) override {
    OneToOneLayer::set_trainable(trainable);
    inner_->set_trainable(trainable);
  }

 private:
  // Every step of every sample is a sample to the layer inside.
  Shape step_shape(Shape in) const {
    const bool known = in.known(0) && in.known(1);
    in[1] = known ? check_length(where(), in, in[0] * in[1]) : Dim::kUnknown;
    in.erase(0);
    return in;
  }

  // Whether steps must not pose as samples: the layer uses statistics of the batch, costs something
  // per sample, or draws random numbers for each.
  bool tells_samples_apart(graph::Mode mode, const Shape& in) const {
    graph::Builder trial(mode);
    trial.set_random_key(trial.input(Shape{6}));
    (void)inner_->trace(trial, {trial.input(step_shape(in))});
    return !trial.updates().empty() || !trial.losses().empty() || trial.random_sites() > 0;
  }

  std::shared_ptr<LayerImpl> inner_;
};

Layer load_time_distributed(const std::string& class_name, const base::Json& config,
                            const Dialect& dialect) {
  TimeDistributedOptions o;
  ConfigReader reader(config, class_name, dialect);
  reader.common(o);
  reader.ignore({"layer"});
  reader.finish();
  const auto inner = config.find("layer");
  int depth = 0;
  for (auto next = inner; next; ++depth) {
    const auto next_config = next->find("config");
    next = next_config ? next_config->find("layer") : std::nullopt;
  }
  if (depth > kDeepest)
    throw ValueError(reader.where().message("`layer` nests ", depth, " layers; at most ", kDeepest,
                                            " are read"));
  if (!inner) throw ValueError(reader.where().message("`layer` is missing"));
  o.layer = dialect.held ? dialect.held(*inner) : layer_from_object(*inner, dialect);
  return Layer(std::make_shared<TimeDistributedImpl>(class_name, std::move(o)));
}

}  // namespace

void add_wrappers(Registry& r) { r.add("TimeDistributed", load_time_distributed); }

}  // namespace layers

Layer TimeDistributed(TimeDistributedOptions o) {
  return Layer(std::make_shared<layers::TimeDistributedImpl>("TimeDistributed", std::move(o)));
}
Layer TimeDistributed(Layer layer) {
  return TimeDistributed(TimeDistributedOptions{.layer = std::move(layer)});
}

}  // namespace cornu
