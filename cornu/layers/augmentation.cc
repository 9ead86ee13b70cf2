#include "cornu/layers/augmentation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cornu/graph/expression.h"
#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"
#include "cornu/nn/keras_json.h"

namespace cornu {
namespace layers {
namespace {

// ---- arguments ----------------------------------------------------------------------------------

struct Ends {
  double low, high;
};

// A factor as the ends of a range, each within [least, 1].
Ends factor_ends(const Where& where, const char* argument, const OneOrMore<double>& factor,
                 double least = -1) {
  bool good = factor.v.size() == (factor.list ? 2 : 1);
  for (double f : factor.v) good = good && f >= least && f <= 1;  // not NaN
  if (!good) {
    std::string received;
    for (double f : factor.v) received += base::cat(received.empty() ? "" : ", ", f);
    throw ValueError(where.message("`", argument, "` must be a number in [", least,
                                   ", 1.0], or two. Received: ", argument, "=(", received, ")"));
  }
  if (factor.list) return {std::min(factor.v[0], factor.v[1]), std::max(factor.v[0], factor.v[1])};
  const double f = std::fabs(factor.v[0]);
  return {-f, f};
}

Ends range_ends(const Where& where, const OneOrMore<double>& range) {
  if (range.v.size() != 2 || !std::isfinite(range.v[0]) || !std::isfinite(range.v[1]))
    throw ValueError(where.message("`value_range` must be two finite numbers"));
  return {std::min(range.v[0], range.v[1]), std::max(range.v[0], range.v[1])};
}

// ---- what all of them share ---------------------------------------------------------------------

// Derived::changed(x) is the change of channels-last images in training.
template <class Derived, class Options>
class Augmentation : public LayerWith<Derived, Options> {
 public:
  Augmentation(std::string class_name, Options o)
      : LayerWith<Derived, Options>(std::move(class_name), std::move(o)),
        data_format_(image_data_format()) {
    if constexpr (requires { this->options_.data_format; }) {
      data_format_ = check_data_format(this->where(), this->options_.data_format);
      this->options_.data_format = data_format_;
    }
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, 4);
    return in;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    if (!g.training()) return x;
    const Expression images(g, to_channels_last(g, x, data_format_));
    return from_channels_last(g, static_cast<const Derived&>(*this).changed(images), data_format_);
  }

 protected:
  // One number for each image, (N, 1).
  Expression draw(Expression images, Ends ends) const {
    graph::Builder& g = images.builder();
    graph::Builder::RandomOptions random;
    if (this->options_.seed) random.seed = this->options_.seed->value;
    const Expression u(g, g.random(ops::Random::Kind::kUniform, {images.shape()[0], 1}, random));
    return u * (ends.high - ends.low) + ends.low;
  }

 private:
  std::string data_format_;
};

// How images are warped: (N, 1) of each, those of ops::Warp by default.
struct Motion {
  std::optional<Expression> angle = {}, zoom_y = {}, zoom_x = {}, move_y = {}, move_x = {};
};

Expression warped(Expression images, const Motion& motion, const ops::Warp& op) {
  graph::Builder& g = images.builder();
  const int64_t n = images.shape()[0];
  const auto column = [&](const std::optional<Expression>& given, float otherwise) {
    return given ? *given : Expression(g, g.constant(Tensor::full({n, 1}, otherwise)));
  };
  const Expression how =
      ops::concatenate({column(motion.angle, 0), column(motion.zoom_y, 1), column(motion.zoom_x, 1),
                        column(motion.move_y, 0), column(motion.move_x, 0)});
  return {g, g.add(op, {images, how})};
}

// Those with fill_mode, interpolation and fill_value.
template <class Derived, class Options>
class Warping : public Augmentation<Derived, Options> {
 public:
  Warping(std::string class_name, Options given)
      : Augmentation<Derived, Options>(std::move(class_name), std::move(given)) {
    Options& o = this->options_;
    o.fill_mode = check_word(this->where(), "fill_mode", o.fill_mode,
                             {"reflect", "wrap", "constant", "nearest"});
    o.interpolation =
        check_word(this->where(), "interpolation", o.interpolation, {"nearest", "bilinear"});
    check_finite(this->where(), "fill_value", o.fill_value);
    using Beyond = ops::Warp::Beyond;
    op_.beyond = o.fill_mode == "reflect"    ? Beyond::kReflect
                 : o.fill_mode == "wrap"     ? Beyond::kWrap
                 : o.fill_mode == "constant" ? Beyond::kConstant
                                             : Beyond::kNearest;
    op_.bilinear = o.interpolation == "bilinear";
    op_.fill = static_cast<float>(o.fill_value);
  }

  Expression changed(Expression images) const {
    return warped(images, static_cast<const Derived&>(*this).motion(images), op_);
  }

 private:
  ops::Warp op_;
};

// ---- the layers ---------------------------------------------------------------------------------

class RandomFlipImpl final : public Augmentation<RandomFlipImpl, RandomFlipOptions> {
 public:
  RandomFlipImpl(std::string class_name, RandomFlipOptions o, Origin)
      : Augmentation(std::move(class_name), std::move(o)) {
    options_.mode = check_word(where(), "mode", options_.mode,
                               {"horizontal", "vertical", "horizontal_and_vertical"});
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("seed", o.seed);
    v("mode", o.mode);
    v("data_format", o.data_format);
    v.ignore({"bounding_box_format"});
  }
  Expression changed(Expression images) const {
    // A mirror image is one zoomed by -1.
    const Expression zoom = 1 - 2 * ops::greater(draw(images, {0, 1}), 0.5);
    Motion motion;
    if (options_.mode != "horizontal") motion.zoom_y = zoom;
    if (options_.mode != "vertical") motion.zoom_x = zoom;
    return warped(images, motion, {});
  }
};

class RandomRotationImpl final : public Warping<RandomRotationImpl, RandomRotationOptions> {
 public:
  RandomRotationImpl(std::string class_name, RandomRotationOptions o, Origin)
      : Warping(std::move(class_name), std::move(o)),
        ends_(factor_ends(where(), "factor", options_.factor)) {
    options_.factor = {ends_.low, ends_.high};
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("factor", o.factor);
    v("data_format", o.data_format);
    v("fill_mode", o.fill_mode);
    v("fill_value", o.fill_value);
    v("interpolation", o.interpolation);
    v("seed", o.seed);
    v.ignore({"bounding_box_format"});
  }
  Motion motion(Expression images) const {
    return {.angle = draw(images, ends_) * (2 * std::numbers::pi)};
  }

 private:
  Ends ends_;
};

// The fields of the two below.
template <class O, class V>
void height_and_width_fields(O& o, V& v) {
  v("height_factor", o.height_factor);
  v("width_factor", o.width_factor);
  v("fill_mode", o.fill_mode);
  v("interpolation", o.interpolation);
  v("seed", o.seed);
  v("fill_value", o.fill_value);
  v("data_format", o.data_format);
  v.ignore({"bounding_box_format"});
}

class RandomZoomImpl final : public Warping<RandomZoomImpl, RandomZoomOptions> {
 public:
  RandomZoomImpl(std::string class_name, RandomZoomOptions o, Origin)
      : Warping(std::move(class_name), std::move(o)),
        height_(factor_ends(where(), "height_factor", options_.height_factor)) {
    if (!options_.width_factor.empty())
      width_ = factor_ends(where(), "width_factor", options_.width_factor);
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    height_and_width_fields(o, v);
  }
  Motion motion(Expression images) const {
    const Expression zoom_y = 1 + draw(images, height_);
    return {.zoom_y = zoom_y, .zoom_x = width_ ? 1 + draw(images, *width_) : zoom_y};
  }

 private:
  Ends height_;
  std::optional<Ends> width_;
};

class RandomTranslationImpl final
    : public Warping<RandomTranslationImpl, RandomTranslationOptions> {
 public:
  RandomTranslationImpl(std::string class_name, RandomTranslationOptions o, Origin)
      : Warping(std::move(class_name), std::move(o)),
        height_(factor_ends(where(), "height_factor", options_.height_factor)),
        width_(factor_ends(where(), "width_factor", options_.width_factor)) {}
  template <class O, class V>
  static void fields(O& o, V& v) {
    height_and_width_fields(o, v);
  }
  Motion motion(Expression images) const {
    const Expression down = draw(images, height_) * static_cast<double>(images.shape()[1]);
    return {.move_y = down,
            .move_x = draw(images, width_) * static_cast<double>(images.shape()[2])};
  }

 private:
  Ends height_, width_;
};

// The fields of the two below, and what they share: values that stay in a range.
template <class Derived, class Options>
class Colouring : public Augmentation<Derived, Options> {
 public:
  Colouring(std::string class_name, Options o)
      : Augmentation<Derived, Options>(std::move(class_name), std::move(o)),
        range_(range_ends(this->where(), this->options_.value_range)) {
    this->options_.value_range = {range_.low, range_.high};
  }
  template <class O, class V>
  static void fields(O& o, V& v) {
    v("factor", o.factor);
    v("value_range", o.value_range);
    v("seed", o.seed);
    v.ignore({"bounding_box_format", "data_format"});
  }

 protected:
  // (N, 1, 1, 1)
  Expression draw_for_pixels(Expression images, Ends ends) const {
    return ops::reshape(this->draw(images, ends), {images.shape()[0], 1, 1, 1});
  }
  Ends range_;
};

class RandomContrastImpl final : public Colouring<RandomContrastImpl, RandomContrastOptions> {
 public:
  RandomContrastImpl(std::string class_name, RandomContrastOptions given, Origin)
      : Colouring(std::move(class_name), std::move(given)) {
    const Ends ends = factor_ends(where(), "factor", options_.factor, 0);
    options_.factor = {options_.factor.list ? ends.low : ends.high, ends.high};
  }
  Expression changed(Expression images) const {
    const std::vector<double>& factor = options_.factor.v;
    const Expression contrast = draw_for_pixels(images, {1 - factor[0], 1 + factor[1]});
    const Expression mean = ops::mean(images, {.axis = {1, 2}, .keepdims = true});
    return ops::clip((images - mean) * contrast + mean, range_.low, range_.high);
  }
};

class RandomBrightnessImpl final : public Colouring<RandomBrightnessImpl, RandomBrightnessOptions> {
 public:
  RandomBrightnessImpl(std::string class_name, RandomBrightnessOptions o, Origin)
      : Colouring(std::move(class_name), std::move(o)),
        ends_(factor_ends(where(), "factor", options_.factor)) {
    options_.factor = {ends_.low, ends_.high};
  }
  Expression changed(Expression images) const {
    const Expression more = draw_for_pixels(images, ends_) * (range_.high - range_.low);
    return ops::clip(images + more, range_.low, range_.high);
  }

 private:
  Ends ends_;
};

}  // namespace

void add_augmentation(Registry& r) {
  r.add<RandomFlipImpl>("RandomFlip");
  r.add<RandomRotationImpl>("RandomRotation");
  r.add<RandomZoomImpl>("RandomZoom");
  r.add<RandomTranslationImpl>("RandomTranslation");
  r.add<RandomContrastImpl>("RandomContrast");
  r.add<RandomBrightnessImpl>("RandomBrightness");
}

}  // namespace layers

using layers::make;

Layer RandomFlip(RandomFlipOptions o) {
  return make<layers::RandomFlipImpl>("RandomFlip", std::move(o));
}
Layer RandomRotation(RandomRotationOptions o) {
  return make<layers::RandomRotationImpl>("RandomRotation", std::move(o));
}
Layer RandomZoom(RandomZoomOptions o) {
  return make<layers::RandomZoomImpl>("RandomZoom", std::move(o));
}
Layer RandomTranslation(RandomTranslationOptions o) {
  return make<layers::RandomTranslationImpl>("RandomTranslation", std::move(o));
}
Layer RandomContrast(RandomContrastOptions o) {
  return make<layers::RandomContrastImpl>("RandomContrast", std::move(o));
}
Layer RandomBrightness(RandomBrightnessOptions o) {
  return make<layers::RandomBrightnessImpl>("RandomBrightness", std::move(o));
}

}  // namespace cornu
