#include "cornu/image/image.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cornu/base/error.h"
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

std::vector<uint8_t> read_file(const std::string& path) {
  std::error_code error;
  std::ifstream file;
  if (!std::filesystem::is_directory(path, error)) file.open(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw IoError(base::cat("cannot read ", base::quoted(path)));
  return bytes;
}

// Written beside its place and then renamed, so that a half-written file is never seen.
void write_file_atomic(const std::string& path, std::span<const uint8_t> bytes) {
  const std::string temporary = base::cat(path, ".", ::getpid(), ".tmp");
  std::ofstream file(temporary, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (file && !error) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw IoError(base::cat("cannot write ", base::quoted(path)));
}

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

Tensor decode_image(std::span<const uint8_t> bytes, const LoadImageOptions& options) {
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
  const std::vector<uint8_t> bytes = image::read_file(path);
  try {
    return decode_image(bytes, options);
  } catch (const FormatError& e) {
    throw FormatError(base::cat(base::quoted(path), ": ", e.what()));
  }
}

std::vector<uint8_t> encode_png(const Tensor& image) {
  return image::encode_png(image::to_picture(image));
}

void save_png(const std::string& path, const Tensor& image) {
  image::write_file_atomic(path, encode_png(image));
}

}  // namespace cornu
