#pragma once

#include <array>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cornu/cornu.h"
#include "tests/support/draws.h"

namespace cornu::testing {

// Makes models of 1 to 20 layers over N spatial axes, the same for the same seed: every layer of
// the convolutional pages with arguments of all kinds, merges, nested and shared models and layers,
// several inputs and outputs, names as people and machines make them, weights of all sizes.
template <size_t N>
class RandomModel : private Draws {
 public:
  explicit RandomModel(uint64_t seed) : Draws(seed) {}

  Model make() {
    Symbols inputs = {input(), input()};
    if (chance(3)) inputs.pop_back();
    values_ = inputs;
    grow(pick(1, 20));
    Symbols outputs = {values_.back()};
    if (chance(3)) outputs.push_back(any());
    // Whatever nothing follows would not be part of the model.
    if (inputs.size() > 1) outputs.push_back(inputs[1]);
    const Model model({.inputs = inputs, .outputs = outputs, .name = "模型 " + name()});
    for (const auto& weight : model.weights()) weight->assign(some_numbers(weight->shape()));
    return model;
  }

 private:
  bool chance(int64_t of) { return pick(0, of) == 0; }
  template <class T>
  T one(std::initializer_list<T> some) {
    return some.begin()[pick(0, static_cast<int64_t>(some.size()) - 1)];
  }
  Symbol any() {
    return values_[static_cast<size_t>(pick(0, static_cast<int64_t>(values_.size()) - 1))];
  }
  std::string name() {
    std::string stem = one<const char*>({"conv2d", "a b", "层", "x:0", "é-\\", "kernel", "vars",
                                         "..", "_", " ", "gamma:0", "UPPER", "dense_1"});
    if (chance(9)) stem = std::string(static_cast<size_t>(pick(190, 200)), 'n');
    return base::cat(stem, "_", ++names_);
  }
  // A few that are no usual numbers.
  Tensor some_numbers(const Shape& shape) {
    Tensor t = numbers(shape, -2, 2);
    static constexpr float kOdd[] = {-0.0f, 1e-42f, 3e38f, -1e-38f, 1};
    if (t.size() > 0 && chance(3)) t.values()[0] = kOdd[pick(0, 4)];
    return t;
  }

  // ---- arguments

  Ints<N> ints(int64_t low, int64_t high) {
    Ints<N> all = 0;
    for (int64_t& v : all.v) v = pick(low, high);
    return all;
  }
  Borders<N> borders() {
    Borders<N> all = 0;
    for (Pair& side : all.v) side = {pick(0, 2), pick(0, 2)};
    return all;
  }
  std::string padding() { return one<const char*>({"valid", "same"}); }
  std::string data_format() { return chance(5) ? "channels_first" : "channels_last"; }
  std::string activation() {
    return one<const char*>({"linear", "relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu"});
  }
  Regularizer regularizer() {
    return chance(4) ? Regularizer(regularizers::L1L2({.l1 = 0.25})) : None;
  }
  Constraint constraint() {
    return chance(4) ? Constraint(constraints::MaxNorm({.max_value = 3})) : None;
  }

  template <class... Make>
  static auto of_axes(Make... make) {
    return std::get<N - 1>(std::tuple(make...));
  }

  // ---- layers

  Symbol input() {
    Shape shape;
    for (size_t i = 0; i < N; ++i) shape.push_back(pick(4, N == 3 ? 6 : 9));
    shape.push_back(pick(1, 4));
    return Input({.shape = shape, .name = name()});
  }

  void grow(int64_t layers) {
    for (int64_t i = 0; i < layers; ++i) {
      const Symbol x = chance(3) ? any() : values_.back();
      try {
        values_.push_back(chance(4) ? merged(x) : chance(5) ? shared(x) : layer()(x));
      } catch (const ValueError&) {  // what was drawn does not fit this input
        values_.push_back(ReLU({.name = name()})(x));
      }
      if (values_.back().shape().rank() != static_cast<int64_t>(N) + 2 || large(values_.back()))
        values_.push_back(back_to_size(values_.back()));
    }
  }
  static bool large(const Symbol& x) {
    int64_t size = 1;
    for (int64_t i = 1; i < x.shape().rank(); ++i) size *= x.shape()[i];
    return size > 3000;
  }
  Symbol back_to_size(const Symbol& x) {
    std::vector<int64_t> shape(N, 3);
    const int64_t channels = pick(1, 3), cells = static_cast<int64_t>(std::pow(3, N));
    const Symbol flat = x.shape().rank() == 2 ? x : Flatten({.name = name()})(x);
    shape.push_back(channels);
    return Reshape({.target_shape = shape, .name = name()})(
        Dense({.units = channels * cells, .name = name()})(flat));
  }

  Symbol merged(const Symbol& x) {
    Symbols parts = {x, x};
    for (const Symbol& other : values_)
      if (other.shape() == x.shape() && chance(1)) parts[1] = other;
    switch (pick(0, 7)) {
      case 0:
        return Add({.name = name()})(parts);
      case 1:
        return Subtract({.name = name()})(parts);
      case 2:
        return Multiply({.name = name()})(parts);
      case 3:
        return Average({.name = name()})(parts);
      case 4:
        return Maximum({.name = name()})(parts);
      case 5:
        return Minimum({.name = name()})(parts);
      case 6:
        return parts[0] + parts[1] * 0.5;
      default:
        return Concatenate({.axis = pick(1, N + 1), .name = name()})(parts);
    }
  }

  // A layer or a model for the second time, on what has the shape that it knows.
  Symbol shared(const Symbol& x) {
    for (const auto& [layer, shape] : known_)
      if (shape == x.shape() && chance(1)) return layer(x);
    const Layer fresh = nested(x);
    known_.emplace_back(fresh, x.shape());
    return fresh(x);
  }
  Layer nested(const Symbol& x) {
    const Shape shape(std::vector<int64_t>(x.shape().begin() + 1, x.shape().end()));
    const Symbol start = Input({.shape = shape, .name = name()});
    const Layer norm = BatchNormalization({.name = name()});
    switch (pick(0, 3)) {
      case 0:
        return Sequential({start, convolution(), norm}, {.name = name()});
      case 1:
        return Model({.inputs = start, .outputs = {norm(start) + start}, .name = name()});
      case 2: {
        const Sequential inner({start, Dense({.units = 2, .name = name()})}, {.name = name()});
        return Sequential({Input({.shape = shape}), inner, norm}, {.name = name()});
      }
      default: {
        const Layer frozen = convolution();
        frozen.set_trainable(false);
        return frozen;
      }
    }
  }

  Layer layer() {
    switch (pick(0, 9)) {
      case 0:
      case 1:
      case 2:
        return convolution();
      case 3:
        return transposed();
      case 4:
        return of_channels();
      case 5:
      case 6:
        return moving();
      case 7:
        return pooling();
      case 8:
        return normalizing();
      default:
        return pointwise();
    }
  }

  Layer convolution() {
    const int64_t groups = chance(4) ? 2 : 1;
    const bool dilated = chance(3);
    const bool causal = N == 1 && chance(3);
    return of_axes(&Conv1D, &Conv2D,
                   &Conv3D)({.filters = groups * pick(1, 3),
                             .kernel_size = ints(1, 3),
                             .strides = dilated ? Ints<N>(1) : ints(1, 2),
                             .padding = causal ? "causal" : padding(),
                             .data_format = causal ? "channels_last" : data_format(),
                             .dilation_rate = dilated ? ints(1, 2) : Ints<N>(1),
                             .groups = groups,
                             .activation = activation(),
                             .use_bias = chance(1),
                             .kernel_initializer = "he_normal",
                             .kernel_regularizer = regularizer(),
                             .bias_constraint = constraint(),
                             .name = name()});
  }

  Layer transposed() {
    const int64_t stride = pick(1, 2);
    return of_axes(&Conv1DTranspose, &Conv2DTranspose, &Conv3DTranspose)(
        {.filters = pick(1, 3),
         .kernel_size = ints(1, 3),
         .strides = stride,
         .padding = padding(),
         .output_padding = stride == 2 && chance(3) ? OptionalInts<N>(pick(0, 1)) : None,
         .data_format = data_format(),
         .activation = activation(),
         .use_bias = chance(1),
         .kernel_constraint = constraint(),
         .name = name()});
  }

  // There are none of these for three axes.
  Layer of_channels() {
    if constexpr (N == 3) {
      return convolution();
    } else if (chance(1)) {
      return of_axes(&DepthwiseConv1D, &DepthwiseConv2D)({.kernel_size = ints(1, 3),
                                                          .strides = pick(1, 2),
                                                          .padding = padding(),
                                                          .depth_multiplier = pick(1, 2),
                                                          .data_format = data_format(),
                                                          .use_bias = chance(1),
                                                          .depthwise_regularizer = regularizer(),
                                                          .name = name()});
    } else {
      return of_axes(&SeparableConv1D, &SeparableConv2D)({.filters = pick(1, 3),
                                                          .kernel_size = ints(1, 3),
                                                          .padding = padding(),
                                                          .data_format = data_format(),
                                                          .dilation_rate = pick(1, 2),
                                                          .depth_multiplier = pick(1, 2),
                                                          .activation = activation(),
                                                          .use_bias = chance(1),
                                                          .pointwise_constraint = constraint(),
                                                          .name = name()});
    }
  }

  Layer moving() {
    switch (pick(0, 3)) {
      case 0:
        return of_axes(&Cropping1D, &Cropping2D,
                       &Cropping3D)({.cropping = borders(), .name = name()});
      case 1:
        return of_axes(&ZeroPadding1D, &ZeroPadding2D,
                       &ZeroPadding3D)({.padding = borders(), .name = name()});
      case 2:
        if constexpr (N == 2)
          return UpSampling2D({.size = ints(1, 2), .interpolation = "bilinear", .name = name()});
        [[fallthrough]];
      default:
        return of_axes(&UpSampling1D, &UpSampling2D,
                       &UpSampling3D)({.size = pick(1, 2), .name = name()});
    }
  }

  Layer pooling() {
    const Ints<N> size = ints(1, 2);
    const OptionalInts<N> strides = chance(2) ? OptionalInts<N>(pick(1, 2)) : None;
    switch (pick(0, 3)) {
      case 0:
        return of_axes(&GlobalMaxPooling1D, &GlobalMaxPooling2D,
                       &GlobalMaxPooling3D)({.keepdims = chance(1), .name = name()});
      case 1:
        return of_axes(&AveragePooling1D, &AveragePooling2D, &AveragePooling3D)(
            {.pool_size = size, .strides = strides, .padding = padding(), .name = name()});
      default:
        return of_axes(&MaxPooling1D, &MaxPooling2D, &MaxPooling3D)(
            {.pool_size = size, .strides = strides, .padding = padding(), .name = name()});
    }
  }

  Layer normalizing() {
    const bool center = chance(1), scale = chance(1);
    const int64_t axis = pick(1, N + 1);
    switch (pick(0, 3)) {
      case 0:
        return LayerNormalization({.center = center, .scale = scale, .name = name()});
      case 1:
        return GroupNormalization({.groups = -1, .center = center, .scale = scale, .name = name()});
      default:
        return BatchNormalization({.axis = axis,
                                   .momentum = 0.9,
                                   .center = center,
                                   .scale = scale,
                                   .gamma_initializer = "random_normal",
                                   .name = name()});
    }
  }

  Layer pointwise() {
    switch (pick(0, 8)) {
      case 0:
        return PReLU({.shared_axes = {1}, .name = name()});
      case 1:
        return LeakyReLU({.negative_slope = 0.125, .name = name()});
      case 2:
        return ReLU({.max_value = 6, .name = name()});
      case 3:
        return ELU({.alpha = 0.5, .name = name()});
      case 4:
        return Softmax({.name = name()});
      case 5:
        return Activation({.activation = activation(), .name = name()});
      case 6:
        return Dropout({.rate = 0.5, .name = name()});
      case 7:
        return TimeDistributed({.layer = Dense({.units = 2, .name = name()}), .name = name()});
      default:
        return Dense({.units = pick(1, 4), .activation = activation(), .name = name()});
    }
  }

  Symbols values_;
  std::vector<std::pair<Layer, Shape>> known_;
  int names_ = 0;
};

// One over one, two or three axes.
inline Model random_model(uint64_t seed) {
  switch (seed % 4) {
    case 0:
      return RandomModel<1>(seed).make();
    case 1:
      return RandomModel<3>(seed).make();
    default:
      return RandomModel<2>(seed).make();
  }
}

}  // namespace cornu::testing
