#include "cornu/layers/image_preprocessing.h"

#include <algorithm>

#include "cornu/layers/check.h"
#include "cornu/layers/registry.h"
#include "cornu/layers/spatial.h"

namespace cornu {
namespace layers {
namespace {

struct Size {
  int64_t height, width;
};

// The middle of channels-last images, of this size; larger: zeros around them.
graph::Value centred(graph::Builder& g, graph::Value x, Size to) {
  const Shape in = g.shape(x);
  const auto edge = [](int64_t from, int64_t size) -> ops::Edge {
    const int64_t before = size < from ? -((from - size) / 2) : (size - from) / 2;
    return {before, size - from - before};
  };
  return g.pad(x, {{}, edge(in[1], to.height), edge(in[2], to.width), {}});
}

// The largest part of an image, or the smallest image around it, with these proportions. Keras
// rounds down, but never to nothing.
Size part_with_proportions(Size image, Size of) {
  const int64_t height = image.width * of.height / of.width;
  const int64_t width = image.height * of.width / of.height;
  return {std::max<int64_t>(std::min(image.height, height), 1),
          std::max<int64_t>(std::min(image.width, width), 1)};
}
Size frame_with_proportions(Size image, Size of) {
  return {std::max(image.height, image.width * of.height / of.width),
          std::max(image.width, image.height * of.width / of.height)};
}

graph::Value resized(graph::Builder& g, graph::Value x, Size to, ops::Resize::Mode mode) {
  const Shape in = g.shape(x);
  if (in[1] == to.height && in[2] == to.width) return x;
  return g.add(ops::Resize{mode, {to.height, to.width}}, {x});
}

// Layers that turn images of any size into images of one.
template <class Derived, class Options>
class ImageLayer : public LayerWith<Derived, Options> {
 public:
  using Base = LayerWith<Derived, Options>;
  ImageLayer(std::string class_name, Options o) : Base(std::move(class_name), std::move(o)) {
    check_positive(this->where(), "height", this->options_.height);
    check_positive(this->where(), "width", this->options_.width);
    this->options_.data_format = check_data_format(this->where(), this->options_.data_format);
  }

  Shape output_shape(const Shape& in) const override {
    check_rank(this->where(), in, 4);
    const int64_t first = first_spatial(*this->options_.data_format);
    if (in[first] == 0 || in[first + 1] == 0)
      throw ValueError(this->where().message("the image is empty. Received: input shape=", in));
    Shape out = in;
    out[first] = this->options_.height;
    out[first + 1] = this->options_.width;
    return out;
  }

  graph::Value lower(graph::Builder& g, graph::Value x) const override {
    const std::string& format = *this->options_.data_format;
    x = to_channels_last(g, x, format);
    const Size image{g.shape(x)[1], g.shape(x)[2]};
    const Size target{this->options_.height, this->options_.width};
    return from_channels_last(g, static_cast<const Derived&>(*this).fit(g, x, image, target),
                              format);
  }
};

class ResizingImpl final : public ImageLayer<ResizingImpl, ResizingOptions> {
 public:
  ResizingImpl(std::string class_name, ResizingOptions given, Origin)
      : ImageLayer(std::move(class_name), std::move(given)) {
    ResizingOptions& o = options_;
    o.interpolation = check_word(where(), "interpolation", o.interpolation,
                                 {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"});
    check_word(where(), "fill_mode", o.fill_mode, {"constant"});
    if (o.crop_to_aspect_ratio && o.pad_to_aspect_ratio)
      throw ValueError(
          where().message("only one of `crop_to_aspect_ratio` and "
                          "`pad_to_aspect_ratio` can be True"));
    if (o.pad_to_aspect_ratio && o.fill_value != 0)
      throw ValueError(
          where().message("`fill_value` must be 0. Received: fill_value=", o.fill_value));
    if (o.antialias)
      throw ValueError(where().message("antialiasing is not supported. Received: antialias=True"));
  }

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("height", o.height);
    v("width", o.width);
    v("interpolation", o.interpolation);
    v("crop_to_aspect_ratio", o.crop_to_aspect_ratio);
    v("pad_to_aspect_ratio", o.pad_to_aspect_ratio);
    v("fill_mode", o.fill_mode);
    v("fill_value", o.fill_value);
    v("antialias", o.antialias);
    v("data_format", o.data_format);
  }

  graph::Value fit(graph::Builder& g, graph::Value x, Size image, Size target) const {
    if (options_.crop_to_aspect_ratio) x = centred(g, x, part_with_proportions(image, target));
    if (options_.pad_to_aspect_ratio) x = centred(g, x, frame_with_proportions(image, target));
    return resized(g, x, target, resize_mode(options_.interpolation));
  }
};

class CenterCropImpl final : public ImageLayer<CenterCropImpl, CenterCropOptions> {
 public:
  CenterCropImpl(std::string class_name, CenterCropOptions o, Origin)
      : ImageLayer(std::move(class_name), std::move(o)) {}

  template <class O, class V>
  static void fields(O& o, V& v) {
    v("height", o.height);
    v("width", o.width);
    v("data_format", o.data_format);
  }

  graph::Value fit(graph::Builder& g, graph::Value x, Size image, Size target) const {
    if (image.height >= target.height && image.width >= target.width) return centred(g, x, target);
    return resized(g, centred(g, x, part_with_proportions(image, target)), target,
                   ops::Resize::Mode::kBilinear);
  }
};

}  // namespace

void add_image_preprocessing(Registry& r) {
  r.add<ResizingImpl>("Resizing");
  r.add<CenterCropImpl>("CenterCrop");
}

}  // namespace layers

Layer Resizing(ResizingOptions o) {
  return layers::make<layers::ResizingImpl>("Resizing", std::move(o));
}
Layer CenterCrop(CenterCropOptions o) {
  return layers::make<layers::CenterCropImpl>("CenterCrop", std::move(o));
}

}  // namespace cornu
