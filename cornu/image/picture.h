#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Between the codecs and image.cc: 8-bit samples, rows from the top, channels interleaved.
namespace cornu::image {

struct Picture {
  int64_t width, height;
  int64_t channels;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
  std::vector<uint8_t> samples;

  Picture(int64_t w, int64_t h, int64_t c)
      : width(w), height(h), channels(c), samples(static_cast<size_t>(w * h * c)) {}
  uint8_t* row(int64_t y) { return samples.data() + y * width * channels; }
  const uint8_t* row(int64_t y) const { return samples.data() + y * width * channels; }
};

// Throws FormatError unless both sides are positive and their product is at most max_pixels.
void check_size(int64_t width, int64_t height, int64_t max_pixels);

bool is_png(std::span<const std::byte> bytes);
bool is_jpeg(std::span<const std::byte> bytes);

// Both throw FormatError with the codec's own words.
Picture decode_png(std::span<const std::byte> bytes, int64_t max_pixels);
Picture decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels);
// As PNG. ValueError where the format cannot hold it.
std::vector<std::byte> encode_png(const Picture& picture);

}  // namespace cornu::image
