#include "cornu/image/image.h"

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/image/picture.h"

namespace cornu {
namespace image {

void check_size(int64_t width, int64_t height, int64_t max_pixels) {
  if (width <= 0 || height <= 0)
    throw FormatError(
        base::cat("an image of ", width, " x ", height, " pixels has nothing to read"));
  if (width > max_pixels / height)
    throw FormatError(base::cat("an image of ", width, " x ", height,
                                " pixels is over the limit of ", max_pixels, " pixels"));
}

namespace {

// Rec. 601 luma in the integers that PIL uses.
uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

// One pixel of `from` channels (Picture::channels) as `to` channels.
void convert(const uint8_t* in, int64_t from, float* out, int64_t to) {
  const bool grey = from <= 2;
  if (to == 1) {
    out[0] = grey ? in[0] : luma(in);
    return;
  }
  for (int c = 0; c < 3; ++c) out[c] = in[grey ? 0 : c];
  if (to == 4) out[3] = from == 2 ? in[1] : from == 4 ? in[3] : 255;
}

Tensor to_tensor(const Picture& picture, int64_t channels) {
  const int64_t from = picture.channels;
  const int64_t to = channels > 0 ? channels : from == 2 ? 4 : from;
  Tensor tensor(Shape{picture.height, picture.width, to});
  const int64_t pixels = picture.width * picture.height;
  float* out = tensor.data();
  for (int64_t i = 0; i < pixels; ++i)
    convert(picture.samples.data() + i * from, from, out + i * to, to);
  return tensor;
}

uint8_t to_sample(float value) {
  if (!(value > 0)) return 0;  // NaN too
  return value >= 255 ? 255 : static_cast<uint8_t>(double{value} + 0.5);
}

Picture to_picture(const Tensor& tensor) {
  Shape shape = tensor.shape();
  if (shape.rank() == 4 && shape[0] == 1) shape.erase(0);
  const bool ok =
      shape.rank() == 3 && (shape[2] == 1 || shape[2] == 3 || shape[2] == 4) && shape.size() > 0;
  if (!ok)
    throw ValueError(
        base::cat("an image to write must have shape (height, width, channels) with 1, "
                  "3 or 4 channels, or be a batch of one such. Received: shape=",
                  tensor.shape()));
  Picture picture(shape[1], shape[0], shape[2]);
  const float* in = tensor.data();
  for (size_t i = 0; i < picture.samples.size(); ++i) picture.samples[i] = to_sample(in[i]);
  return picture;
}

}  // namespace
}  // namespace image

Tensor decode_image(std::span<const std::byte> bytes, const LoadImageOptions& options) {
  const int channels = options.channels;
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    throw ValueError(
        base::cat("`channels` of an image must be 0, 1, 3 or 4. Received: channels=", channels));
  if (image::is_png(bytes))
    return image::to_tensor(image::decode_png(bytes, options.max_pixels), channels);
  if (image::is_jpeg(bytes))
    return image::to_tensor(image::decode_jpeg(bytes, options.max_pixels), channels);
  throw FormatError("the file is neither a PNG nor a JPEG image");
}

Tensor load_image(const std::string& path, const LoadImageOptions& options) {
  const base::Bytes bytes = base::read_file(path);
  try {
    // What is no image need not be read to its end.
    const auto head = bytes.at(0, std::min<uint64_t>(bytes.size(), 8), "signature").span();
    const bool known = image::is_png(head) || image::is_jpeg(head);
    return decode_image(known ? bytes.span() : head, options);
  } catch (const FormatError& e) {
    throw FormatError(base::cat(bytes.label(), ": ", e.what()));
  }
}

std::vector<std::byte> encode_png(const Tensor& image) {
  return image::encode_png(image::to_picture(image));
}

void save_png(const std::string& path, const Tensor& image) {
  base::write_file_atomic(path, encode_png(image));
}

}  // namespace cornu
