#include "tests/codegen/models.h"

#include "tests/golden/golden_case.h"

namespace cornu::testing {
namespace {

using base::cat;

// ---- every argument
// -----------------------------------------------------------------------------------------

size_t drawn;  // of the lists below

// Of every kind, another one each time.
std::string initializer() {
  static const char* kConfigs[] = {
      "'class_name': 'HeNormal', 'config': {'seed': 3}",
      "'class_name': 'Constant', 'config': {'value': -0.1}",
      "'class_name': 'RandomUniform', 'config': {'minval': -1.0, 'maxval': 1e-07, 'seed': null}",
      "'class_name': 'RandomNormal', 'config': {'mean': 1.0, 'stddev': 0.5, 'seed': -5}",
      "'class_name': 'TruncatedNormal', 'config': {'mean': 1.0, 'stddev': 0.5, 'seed': null}",
      ("'class_name': 'VarianceScaling', 'config': {'scale': 2.0, 'mode': 'fan_avg', "
       "'distribution': 'uniform', 'seed': -9223372036854775808}"),
      "'class_name': 'Orthogonal', 'config': {'gain': 2.0, 'seed': 4}",
      "'class_name': 'Identity', 'config': {'gain': 2.0}",
      "'class_name': 'LecunUniform', 'config': {'seed': null}",
      ("'class_name': 'Constant', 'config': {'value': {'class_name': '__numpy__', 'config': "
       "{'value': [[0.1, 2.0], [-3.0, 1e+30], [0.0, 1e-42]], 'dtype': 'float32'}}}")};
  return cat("{'module': 'keras.initializers', ", kConfigs[drawn++ % std::size(kConfigs)],
             ", 'registered_name': null}");
}
std::string regularizer() {
  static const char* kConfigs[] = {
      "'class_name': 'L2', 'config': {'l2': 0.25}", "'class_name': 'L1', 'config': {'l1': 0.1}",
      "'class_name': 'L1L2', 'config': {'l1': 0.1, 'l2': 0.0}",
      "'class_name': 'OrthogonalRegularizer', 'config': {'factor': 0.5, 'mode': 'columns'}"};
  return cat("{'module': 'keras.regularizers', ", kConfigs[drawn++ % std::size(kConfigs)],
             ", 'registered_name': null}");
}
std::string constraint() {
  static const char* kConfigs[] = {
      "'class_name': 'MaxNorm', 'config': {'max_value': 3.0, 'axis': [0, 1]}",
      "'class_name': 'NonNeg', 'config': {}", "'class_name': 'UnitNorm', 'config': {'axis': 1}",
      "'class_name': 'UnitNorm', 'config': {'axis': null}",
      ("'class_name': 'MinMaxNorm', 'config': {'min_value': 0.5, 'max_value': 2.0, 'rate': 0.75, "
       "'axis': 0}")};
  return cat("{'module': 'keras.constraints', ", kConfigs[drawn++ % std::size(kConfigs)],
             ", 'registered_name': null}");
}

std::string weight(const std::string& name, bool constrained = true) {
  return cat(", '", name, "_initializer': ", initializer(), ", '", name,
             "_regularizer': ", regularizer(),
             constrained ? cat(", '", name, "_constraint': ", constraint()) : "");
}
std::string conv(const std::string& window, const std::vector<std::string>& weights) {
  std::string text = cat("'padding': 'same', 'use_bias': false, ", window, ", 'activation': ",
                         "{'module': 'keras.layers', 'class_name': 'LeakyReLU', 'config': {'name': "
                         "'\"quoted\"', 'negative_slope': 0.125}, 'registered_name': null}");
  for (const std::string& name : weights) text += weight(name);
  return text;
}
std::string affine(const std::string& more = "") {
  return cat("'axis': 1, 'epsilon': 0.01", more, weight("beta"), weight("gamma"));
}

struct Row {
  std::string class_name, fields;  // with ' for "
};

std::vector<Row> window_rows() {
  std::vector<Row> rows;
  const std::string first = "'data_format': 'channels_first'";
  for (const std::string axes : {"1", "2", "3"}) {
    const auto each = [&](const char* key, const char* a, const char* b, const char* c) {
      return cat("'", key, "': [", a, axes > "1" ? cat(", ", b) : "",
                 axes > "2" ? cat(", ", c) : "", "]");
    };
    const std::string size = each("kernel_size", "2", "3", "4");
    const std::string window = cat(size, ", ", first, ", ", each("strides", "2", "2", "2"));
    const std::string dilated = cat(size, ", ", first, ", ", each("dilation_rate", "3", "1", "2"));
    const std::string pool = cat(each("pool_size", "3", "3", "3"), ", 'padding': 'same', ", first,
                                 ", ", each("strides", "1", "2", "3"));
    const std::string end = axes + "D";
    rows.push_back(
        {"Conv" + end, "'filters': 6, 'groups': 2, " + conv(window, {"kernel", "bias"})});
    rows.push_back({"Conv" + end, "'filters': 6, " + conv(dilated, {"kernel", "bias"})});
    rows.push_back(
        {cat("Conv", end, "Transpose"), cat("'filters': 6, ", each("output_padding", "1", "0", "1"),
                                            ", ", conv(window, {"kernel", "bias"}))});
    rows.push_back(
        {cat("Conv", end, "Transpose"), "'filters': 6, " + conv(dilated, {"kernel", "bias"})});
    for (const std::string& each_window : {window, dilated}) {
      if (axes == "3") continue;
      rows.push_back({"DepthwiseConv" + end,
                      "'depth_multiplier': 2, " + conv(each_window, {"depthwise", "bias"})});
      rows.push_back(
          {"SeparableConv" + end, "'filters': 6, 'depth_multiplier': 2, " +
                                      conv(each_window, {"depthwise", "pointwise", "bias"})});
    }
    for (const char* kind : {"Max", "Average"}) {
      rows.push_back({cat(kind, "Pooling", end), pool});
      rows.push_back({cat("Global", kind, "Pooling", end), first + ", 'keepdims': true"});
    }
  }
  return rows;
}

std::vector<Row> other_rows() {
  const std::string first = ", 'data_format': 'channels_first'";
  const std::string warp =
      "'fill_mode': 'nearest', 'interpolation': 'nearest', 'seed': 3, "
      "'fill_value': 0.5" +
      first;
  const std::string factors = "'height_factor': [-0.1, 0.25], 'width_factor': 0.5, ";
  const std::string range = "'factor': 0.25, 'value_range': [0.0, 1.0], 'seed': 3";
  const std::string rate = "'rate': 0.25, 'seed': 3";
  return {
      {"Cropping1D", "'cropping': [0, 2]"},
      {"Cropping2D", "'cropping': [[0, 2], [3, 3]]" + first},
      {"Cropping3D", "'cropping': [[2, 2], [2, 2], [2, 2]]" + first},
      {"ZeroPadding1D", "'padding': [0, 2]" + first},
      {"ZeroPadding2D", "'padding': [[0, 2], [3, 3]]" + first},
      {"ZeroPadding3D", "'padding': [[2, 2], [2, 2], [2, 2]]" + first},
      {"UpSampling1D", "'size': 3"},
      {"UpSampling2D",
       "'size': [2, 3], 'interpolation': 'bilinear', 'legacy_bilinear': true" + first},
      {"UpSampling3D", "'size': [3, 3, 3]" + first},
      {"Dense", cat("'units': 3, 'use_bias': false, 'activation': 'hard_sigmoid_keras2'",
                    weight("kernel"), weight("bias"))},
      {"Flatten", "'data_format': 'channels_first'"},
      {"Reshape", "'target_shape': [-1, 4]"},
      {"Permute", "'dims': [2, 1]"},
      {"RepeatVector", "'n': 3"},
      {"Activation", "'activation': 'hard_silu'"},
      {"Activation",
       "'activation': {'module': 'builtins', 'class_name': 'function', 'config': 'my_activation', "
       "'registered_name': 'my_activation'}"},
      {"Identity", ""},
      {"ReLU", "'max_value': 6.0, 'negative_slope': 0.5, 'threshold': 0.25"},
      {"LeakyReLU", "'negative_slope': 0.5"},
      {"PReLU", "'shared_axes': [1]" + weight("alpha")},
      {"ELU", "'alpha': 0.5"},
      {"Softmax", "'axis': [1, 2]"},
      {"ThresholdedReLU", "'theta': 0.5"},
      {"BatchNormalization",
       affine(cat(", 'momentum': 0.5, 'center': false, 'scale': false, 'synchronized': true, "
                  "'moving_mean_initializer': ",
                  initializer(), ", 'moving_variance_initializer': ", initializer()))},
      {"LayerNormalization", affine(", 'center': false, 'scale': false")},
      {"GroupNormalization", affine(", 'groups': -1, 'center': false, 'scale': false")},
      {"Dropout", rate + ", 'noise_shape': [null, 1, 3]"},
      {"AlphaDropout", rate + ", 'noise_shape': [2]"},
      {"SpatialDropout1D", rate},
      {"SpatialDropout2D", rate + first},
      {"SpatialDropout3D", rate + first},
      {"GaussianDropout", rate},
      {"GaussianNoise", "'stddev': 0.5, 'seed': 3"},
      {"ActivityRegularization", "'l1': 0.5, 'l2': 0.25"},
      {"Add", ""},
      {"Subtract", ""},
      {"Multiply", ""},
      {"Average", ""},
      {"Maximum", ""},
      {"Minimum", ""},
      {"Concatenate", "'axis': 1"},
      {"Dot", "'axes': [1, 2], 'normalize': true"},
      {"Rescaling", "'scale': 0.00392156862745098, 'offset': [0.5, -0.25]"},
      {"Normalization", "'axis': null, 'invert': true, 'mean': 0.5, 'variance': [2.0]"},
      {"Resizing",
       "'height': 3, 'width': 4, 'interpolation': 'nearest', 'crop_to_aspect_ratio': true" + first},
      {"Resizing", "'height': 3, 'width': 4, 'pad_to_aspect_ratio': true" + first},
      {"CenterCrop", "'height': 3, 'width': 4" + first},
      {"RandomFlip", "'mode': 'vertical', 'seed': 3" + first},
      {"RandomRotation", "'factor': [-0.25, 0.5], " + warp},
      {"RandomZoom", factors + warp},
      {"RandomTranslation", factors + warp},
      {"RandomContrast", range},
      {"RandomBrightness", range},
  };
}

Layer layer_of(const Row& row, const std::string& name) {
  std::string text = cat("{'name': '", name, "', 'trainable': false",
                         row.class_name == "ActivityRegularization"
                             ? ""
                             : cat(", 'activity_regularizer': ", regularizer()),
                         row.fields.empty() ? "" : ", ", row.fields, "}");
  // Quotes within texts come as \" already.
  std::string json;
  for (char c : text) json += c == '"' ? "\\\"" : std::string(1, c == '\'' ? '"' : c);
  return layers::layer_from_config(row.class_name, base::parse_json(json, row.class_name), {});
}

// ---- oddly made models
// --------------------------------------------------------------------------------------

class Twice final : public OneToOneLayer {
 public:
  explicit Twice(CommonOptions common) : OneToOneLayer("mine>Twice", std::move(common)) {}
  Shape output_shape(const Shape& in) const override { return in; }
  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    return g.binary(ops::Binary::Fn::kAdd, x, x);
  }
  base::Json config() const override { return base::Json::object({{"text", "a \"b\"\n"}}); }
};

Layer make_twice(const base::Json& config) {
  return Layer(
      std::make_shared<Twice>(CommonOptions{.name = std::string(config.at("name").as_string())}));
}

Model arithmetic() {
  const Symbol x = Input({.name = "if", .batch_shape = {2, 3}});
  const Symbol y = 2.0 - (x + 0.1) * x / 3.0, z = maximum(power(absolute(y), 2), -1e-3);
  return Model({.inputs = x, .outputs = {exp(-sqrt(z)) + square(x), z}, .name = "arith metic"});
}

// Models in models, layers in several of them, and a frozen one; several outputs.
Model nested() {
  const Layer shared = Dense({.units = 4, .name = "Dense"});
  const Symbol in = Input({.shape = {4}, .name = "1 層 \"a\" \\ ?"});
  const Symbol mid = shared(in);
  const Model two({.inputs = in, .outputs = {mid, shared(mid)}, .name = "two"});
  const Sequential frozen({two.layers()[1], Layer(Activation("tanh"))}, {.name = "linux"});
  frozen.set_trainable(false);
  const Symbol x = Input({.shape = {4}, .name = "x"}), steps = Input({.shape = {None, 4}});
  const Symbols a = two.call({x}), b = two.call({a[1]});
  const Symbol each = TimeDistributed({.layer = Layer(frozen), .name = "each"})(steps);
  const Symbol again = TimeDistributed({.layer = shared, .trainable = false})(each);
  return Model({.inputs = {x, steps},
                .outputs = {Add({.name = "add"})({a[0], b[1], frozen(x)}), again, each},
                .name = "outer"});
}

// It begins where another one is in the middle, for which its file has an InputLayer.
Model tail() {
  const Symbol in = Input({.shape = {4}});
  const Symbol mid = Dense({.units = 3, .name = "head"})(in);
  const Symbol out = Dense({.units = 2, .name = "tail"})(mid);
  return model_from_json(Model({.inputs = mid, .outputs = out, .name = "t"}).to_json());
}

Model own() {
  return Sequential(
      {Input({.shape = {2}, .name = "i"}), make_twice(base::Json::object({{"name", "x"}})),
       Activation({.activation = "my_activation", .name = "my"})},
      {.name = "own"});
}

}  // namespace

std::vector<Layer> layers_with_every_argument() {
  drawn = 0;
  std::vector<Layer> layers;
  for (const std::vector<Row>& rows : {window_rows(), other_rows()})
    for (const Row& row : rows) layers.push_back(layer_of(row, cat("layer_", layers.size())));
  return layers;
}

std::vector<NamedModel> models() {
  register_layer("mine>Twice", make_twice);
  register_activation("my_activation", [](graph::Builder& g, graph::Value x) {
    return g.unary(ops::Unary::Fn::kSquare, x);
  });
  clear_session();
  std::vector<NamedModel> all;
  for (const std::string& name : golden_models())
    all.push_back({name, load_model(golden_model(name))});
  all.push_back({"every argument", Sequential(layers_with_every_argument(), {.name = "every"})});
  all.push_back({"arithmetic", arithmetic()});
  all.push_back({"nested", nested()});
  all.push_back({"tail", tail()});
  all.push_back({"own", own()});
  all.push_back({"empty", Sequential({.name = "empty"})});
  return all;
}

}  // namespace cornu::testing
