#include "bench/models.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "bench/workloads.h"
#include "cornu/base/file.h"
#include "esrgan_layers.h"

namespace cornu::bench {
namespace {

Symbol relu(const Symbol& x) { return ReLU()(x); }
Symbol relu6(const Symbol& x) { return ReLU({.max_value = 6})(x); }
Symbol norm(const Symbol& x) { return BatchNormalization()(x); }

struct Like {  // how most networks convolve
  Int strides = 1;
  std::string padding = "same";
  bool use_bias = false;
};
Symbol conv(const Symbol& x, int64_t filters, int64_t k, Like o = {}) {
  return Conv2D({.filters = filters,
                 .kernel_size = k,
                 .strides = o.strides.value,
                 .padding = o.padding,
                 .use_bias = o.use_bias})(x);
}

// A zero row and column after, so that a stride of 2 fits: Keras's applications do it by a layer.
Symbol depthwise(Symbol x, int64_t stride) {
  if (stride == 2) x = ZeroPadding2D({.padding = {{0, 1}, {0, 1}}})(x);
  return DepthwiseConv2D({.kernel_size = 3,
                          .strides = stride,
                          .padding = stride == 2 ? "valid" : "same",
                          .use_bias = false})(x);
}

Model classifier(const Symbol& input, const Symbol& features) {
  const Symbol pooled = GlobalAveragePooling2D()(features);
  return Model({{input}, {Dense({.units = 1000, .activation = "softmax"})(pooled)}});
}

Model mobilenet_v1() {
  const Symbol input = Input({.shape = {224, 224, 3}});
  Symbol x = relu6(norm(conv(input, 32, 3, {.strides = 2})));
  const std::pair<int64_t, int64_t> blocks[] = {{64, 1},  {128, 2},  {128, 1}, {256, 2}, {256, 1},
                                                {512, 2}, {512, 1},  {512, 1}, {512, 1}, {512, 1},
                                                {512, 1}, {1024, 2}, {1024, 1}};
  for (const auto& [filters, stride] : blocks)
    x = relu6(norm(conv(relu6(norm(depthwise(x, stride))), filters, 1)));
  return classifier(input, x);
}

Model mobilenet_v2() {
  const Symbol input = Input({.shape = {224, 224, 3}});
  Symbol x = relu6(norm(conv(input, 32, 3, {.strides = 2})));
  struct Stage {
    int64_t expansion, filters, count, stride;
  };
  int64_t channels = 32;
  for (const Stage& s :
       {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
        Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}})
    for (int64_t i = 0; i < s.count; ++i) {
      const int64_t stride = i == 0 ? s.stride : 1;
      Symbol y = x;
      if (s.expansion > 1) y = relu6(norm(conv(y, s.expansion * channels, 1)));
      y = norm(conv(relu6(norm(depthwise(y, stride))), s.filters, 1));
      x = stride == 1 && channels == s.filters ? Add()({x, y}) : y;
      channels = s.filters;
    }
  return classifier(input, relu6(norm(conv(x, 1280, 1))));
}

Model resnet_50() {
  const Symbol input = Input({.shape = {224, 224, 3}});
  const auto wide = [](const Symbol& x, int64_t filters, int64_t k, int64_t stride = 1) {
    return norm(conv(x, filters, k, {.strides = stride, .use_bias = true}));
  };
  Symbol x = ZeroPadding2D({.padding = 3})(input);
  x = relu(norm(conv(x, 64, 7, {.strides = 2, .padding = "valid", .use_bias = true})));
  x = MaxPooling2D({.pool_size = 3, .strides = 2})(ZeroPadding2D({.padding = 1})(x));
  const std::pair<int64_t, int64_t> stages[] = {{64, 3}, {128, 4}, {256, 6}, {512, 3}};
  for (const auto& [filters, count] : stages)
    for (int64_t i = 0; i < count; ++i) {
      const int64_t stride = i == 0 && filters > 64 ? 2 : 1;
      const Symbol shortcut = i == 0 ? wide(x, 4 * filters, 1, stride) : x;
      Symbol y = relu(wide(x, filters, 1, stride));
      y = wide(relu(wide(y, filters, 3)), 4 * filters, 1);
      x = relu(Add()({shortcut, y}));
    }
  return classifier(input, x);
}

Model xception() {
  const auto separable = [](const Symbol& x, int64_t filters) {
    return norm(SeparableConv2D(
        {.filters = filters, .kernel_size = 3, .padding = "same", .use_bias = false})(x));
  };
  const auto halve = [](const Symbol& x, const Symbol& shortcut, int64_t filters) {
    const Symbol y = MaxPooling2D({.pool_size = 3, .strides = 2, .padding = "same"})(x);
    return Add()({y, norm(conv(shortcut, filters, 1, {.strides = 2}))});
  };
  const Symbol input = Input({.shape = {299, 299, 3}});
  Symbol x = relu(norm(conv(input, 32, 3, {.strides = 2, .padding = "valid"})));
  x = relu(norm(conv(x, 64, 3, {.padding = "valid"})));
  for (int64_t filters : {128, 256, 728}) {
    const Symbol first = separable(filters == 128 ? x : relu(x), filters);
    x = halve(separable(relu(first), filters), x, filters);
  }
  for (int block = 0; block < 8; ++block) {
    Symbol y = x;
    for (int i = 0; i < 3; ++i) y = separable(relu(y), 728);
    x = Add()({y, x});
  }
  x = halve(separable(relu(separable(relu(x), 728)), 1024), x, 1024);
  return classifier(input, relu(separable(relu(separable(x, 1536)), 2048)));
}

// Ronneberger's, half as wide, with 'same' padding as everyone has it by now. `normalized`: as it
// is trained.
Model unet(int64_t size, int64_t classes, bool normalized) {
  const auto twice = [&](Symbol x, int64_t filters) {
    for (int i = 0; i < 2; ++i) {
      x = conv(x, filters, 3, {.use_bias = !normalized});
      x = relu(normalized ? norm(x) : x);
    }
    return x;
  };
  const Symbol input = Input({.shape = {size, size, 3}});
  std::vector<Symbol> skipped;
  Symbol x = input;
  for (int64_t filters : {32, 64, 128, 256}) {
    skipped.push_back(twice(x, filters));
    x = MaxPooling2D()(skipped.back());
  }
  x = twice(x, 512);
  for (int64_t filters : {256, 128, 64, 32}) {
    const Symbol up = Conv2DTranspose({.filters = filters, .kernel_size = 2, .strides = 2})(x);
    x = twice(Concatenate()({skipped.back(), up}), filters);
    skipped.pop_back();
  }
  return Model({{input}, {conv(x, classes, 1, {.use_bias = true})}});
}

// As Milletari's, with 3x3x3 where that has 5x5x5: residual stages, convolutions with a stride of 2
// down and transposed ones up.
Model vnet() {
  const auto stage = [](const Symbol& first, int64_t filters, int count) {
    Symbol x = first;
    for (int i = 0; i < count; ++i)
      x = relu(Conv3D({.filters = filters, .kernel_size = 3, .padding = "same"})(x));
    return Add()({x, first});
  };
  const Symbol input = Input({.shape = {64, 64, 64, 1}});
  Symbol x = relu(Conv3D({.filters = 16, .kernel_size = 3, .padding = "same"})(input));
  std::vector<Symbol> skipped{stage(x, 16, 1)};
  for (int64_t filters : {32, 64, 128}) {
    x = relu(Conv3D({.filters = filters, .kernel_size = 2, .strides = 2})(skipped.back()));
    skipped.push_back(stage(x, filters, 2));
  }
  x = skipped.back();
  for (size_t i = 3; i-- > 0;) {
    const int64_t filters = 16 << i;
    x = relu(Conv3DTranspose({.filters = filters, .kernel_size = 2, .strides = 2})(x));
    x = Concatenate()({x, skipped[i]});
    x = relu(Conv3D({.filters = filters, .kernel_size = 3, .padding = "same"})(x));
    x = stage(x, filters, 1);
  }
  return Model({{input}, {Conv3D({.filters = 2, .kernel_size = 1, .activation = "softmax"})(x)}});
}

Model dcgan_generator() {
  const Symbol input = Input({.shape = {100}});
  Symbol x = Dense({.units = 4 * 4 * 1024, .use_bias = false})(input);
  x = relu(norm(Reshape({.target_shape = {4, 4, 1024}})(x)));
  const auto up = [](const Symbol& from, int64_t filters) {
    return Conv2DTranspose(
        {.filters = filters, .kernel_size = 5, .strides = 2, .padding = "same", .use_bias = false})(
        from);
  };
  for (int64_t filters : {512, 256, 128}) x = relu(norm(up(x, filters)));
  return Model({{input}, {Activation("tanh")(up(x, 3))}});
}

Symbol causal(const Symbol& x, int64_t filters, int64_t k, int64_t dilation = 1,
              const char* activation = "linear") {
  return Conv1D({.filters = filters,
                 .kernel_size = k,
                 .padding = "causal",
                 .dilation_rate = dilation,
                 .activation = activation})(x);
}

Model wavenet() {
  const Symbol input = Input({.shape = {16000, 1}});
  Symbol x = causal(input, 64, 2), sum;
  for (int layer = 0; layer < 20; ++layer) {
    const int64_t dilation = 1 << (layer % 10);
    const Symbol gated =
        Multiply()({causal(x, 64, 2, dilation, "tanh"), causal(x, 64, 2, dilation, "sigmoid")});
    const Symbol skip = causal(gated, 64, 1);
    sum = layer == 0 ? skip : Add()({sum, skip});
    x = Add()({x, causal(gated, 64, 1)});
  }
  const Symbol last = causal(relu(causal(relu(sum), 64, 1)), 256, 1);
  return Model({{input}, {Activation("softmax")(last)}});
}

// Bai's temporal convolutional network: blocks of two causal convolutions and a sum.
Model tcn(int64_t steps, int64_t classes) {
  const Symbol input = Input({.shape = {steps, 16}});
  Symbol x = causal(input, 64, 1);
  for (int64_t dilation = 1; dilation <= 64; dilation *= 2) {
    const Symbol y = causal(causal(x, 64, 3, dilation, "relu"), 64, 3, dilation, "relu");
    x = relu(Add()({x, y}));
  }
  return Model({{input}, {causal(x, classes, 1)}});
}

Model toy() {
  return Sequential({Conv2D({.filters = 8, .kernel_size = 3, .activation = "relu"}),
                     Conv2D({.filters = 16, .kernel_size = 3, .strides = 2, .activation = "relu"}),
                     Flatten(), Dense({.units = 10, .activation = "softmax"})});
}

Layer upsampling(size_t axes, const char* format, const std::string& mode) {
  return axes == 3 ? UpSampling3D({.data_format = format})
                   : UpSampling2D({.data_format = format, .interpolation = mode});
}

ModelCase upsampled(const char* name, const std::string& mode, Shape input) {
  const auto model = [=](const char* format) {
    std::vector<int64_t> sizes(input.begin() + 1, input.end());
    const size_t axes = sizes.size() - 1;
    if (std::string(format) == "channels_first")
      std::rotate(sizes.begin(), sizes.end() - 1, sizes.end());
    const Symbol x = Input({.shape = Shape(sizes)});
    return Model({{x}, {upsampling(axes, format, mode)(x)}});
  };
  return {name,  "bytes",
          input, [=] { return std::optional(model("channels_last")); },
          mode,  [=] { return model("channels_first"); }};
}

// He's for CIFAR-10; shortcuts that change the shape are 1x1 convolutions.
Model resnet_20() {
  const Symbol input = Input({.shape = {32, 32, 3}});
  Symbol x = relu(norm(conv(input, 16, 3)));
  for (int64_t filters : {16, 32, 64})
    for (int i = 0; i < 3; ++i) {
      const bool change = i == 0 && filters > 16;
      Symbol y = relu(norm(conv(x, filters, 3, {.strides = change ? 2 : 1})));
      y = norm(conv(y, filters, 3));
      x = relu(Add()({change ? norm(conv(x, filters, 1, {.strides = 2})) : x, y}));
    }
  return Model({{input}, {Dense({.units = 10})(GlobalAveragePooling2D()(x))}});
}

Model mnist_cnn() {
  Sequential model({Conv2D({.filters = 32, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu"), MaxPooling2D({.pool_size = 2}),
                    Conv2D({.filters = 64, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu"), MaxPooling2D({.pool_size = 2}),
                    Conv2D({.filters = 64, .kernel_size = 3, .padding = "same"}),
                    BatchNormalization(), Activation("relu"), Flatten(), Dense({.units = 10})});
  model.build({None, 28, 28, 1});
  return model;
}

// A model.json below $CORNU_MODELS.
std::function<std::optional<Model>()> trained(const std::string& path) {
  return [path]() -> std::optional<Model> {
    const char* folder = std::getenv("CORNU_MODELS");
    const std::string whole = base::cat(folder ? folder : "build/models", "/", path, "/model.json");
    if (!base::file_exists(whole)) return std::nullopt;
    static const bool known = (esrgan::register_layers(), true);
    return known ? std::optional(load_model(whole)) : std::nullopt;
  };
}

// One of ours, with weights, the last kernel times `scale`: sums of residual networks grow, and
// where one class wins by thousands everybody's softmax is the same.
std::function<std::optional<Model>()> made(Model (*make)(), Shape input, float scale) {
  return [=]() -> std::optional<Model> {
    Model model = make();
    if (!model.built()) static_cast<Sequential&>(model).build(input);
    set_weights(model);
    const auto weights = model.weights();
    const auto last = std::find_if(weights.rbegin(), weights.rend(),
                                   [](const auto& w) { return w->shape().rank() > 1; });
    Tensor kernel = (*last)->value();
    for (float& v : kernel.values()) v *= scale;
    (*last)->assign(std::move(kernel));
    return model;
  };
}

}  // namespace

void set_weights(const Model& model) {
  uint32_t seed = 100;
  for (const auto& variable : model.weights()) {
    const Shape& shape = variable->shape();
    Tensor value = numbers(shape, seed++);
    const std::string& name = variable->name();
    float scale = 0.1f, offset = 0;
    if (name == "gamma" || name == "moving_variance") {
      offset = 1, scale = 0.5f;
    } else if (shape.rank() > 1) {  // variance 2 over what is summed, as for relu
      const bool depthwise = name == "depthwise_kernel";
      const auto summed = static_cast<float>(depthwise ? shape.size() / shape[-1] / shape[-2]
                                                       : shape.size() / shape[-1]);
      scale = std::sqrt(6 / summed);
    }
    for (float& v : value.values()) v = v * scale + offset;
    variable->assign(std::move(value));
  }
}

const std::vector<ModelCase>& model_cases() {
  static const std::vector<ModelCase> all = [] {
    std::vector<ModelCase> list;
    const auto trained_one = [&](const char* name, const char* goal, const char* path) {
      list.push_back({name, goal, {1, 128, 128, 3}, trained(path)});
    };
    const auto one = [&](const char* name, const char* goal, Shape input, Model (*make)(),
                         float scale = 1) {
      list.push_back({name, goal, input, made(make, input, scale)});
    };
    trained_one("ESRGAN-slim x2 @128", "esrgan", "esrgan-slim/models/x2");
    trained_one("ESRGAN-slim x4 @128", "esrgan x4", "esrgan-slim/models/x4");
    trained_one("ESRGAN-medium x2 @128", "esrgan", "esrgan-medium/models/x2");
    trained_one("ESRGAN-thick x4 @128", "any", "esrgan-thick/models/x4");
    one("MobileNetV1", "any", {1, 224, 224, 3}, mobilenet_v1);
    one("MobileNetV2", "mobilenet", {1, 224, 224, 3}, mobilenet_v2);
    one("ResNet-50", "resnet", {1, 224, 224, 3}, resnet_50, 1e-4f);
    one("Xception", "any", {1, 299, 299, 3}, xception, 1e-7f);
    one("U-Net @256", "unet", {1, 256, 256, 3}, [] { return unet(256, 2, false); });
    one("V-Net-like 3-D @64", "3-D", {1, 64, 64, 64, 1}, vnet);
    one("DCGAN generator", "any", {1, 100}, dcgan_generator);
    one("WaveNet x16000", "wavenet", {1, 16000, 1}, wavenet);
    one("TCN x16000", "any", {1, 16000, 16}, [] { return tcn(16000, 10); });
    one("three small layers @8", "toy", {1, 8, 8, 3}, toy);
    const Shape picture{1, 128, 128, 64}, volume{1, 32, 32, 32, 32};
    list.push_back(upsampled("UpSampling2D nearest 64 @128", "nearest", picture));
    list.push_back(upsampled("UpSampling2D bilinear 64 @128", "bilinear", picture));
    list.push_back(upsampled("UpSampling3D 32 @32", "nearest", volume));
    return list;
  }();
  return all;
}

const std::vector<TrainingCase>& training_cases() {
  static const std::vector<TrainingCase> all{
      {"MNIST CNN @28 b128", "train 1.5", {128, 28, 28, 1}, 10, "adam", 1e-3, mnist_cnn},
      {"ResNet-20 @32 b32", "train 1.3", {32, 32, 32, 3}, 10, "sgd", 0.01, resnet_20},
      {"U-Net @128 b4",
       "train 1.5",
       {4, 128, 128, 3},
       2,
       "adam",
       1e-3,
       [] { return unet(128, 2, true); }},
      {"TCN x1000 b8", "any", {8, 1000, 16}, 10, "adam", 1e-3, [] { return tcn(1000, 10); }},
  };
  return all;
}

}  // namespace cornu::bench
