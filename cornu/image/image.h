#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

struct LoadImageOptions {
  // Of the tensor: 1 (grey), 3 (RGB), 4 (RGBA), or 0 for what the image holds. Alpha that was not
  // asked for is dropped without blending; grey is Rec. 601 luma, as Keras's
  // color_mode="grayscale".
  int channels = 0;
  // A larger image is refused before memory is taken for it.
  int64_t max_pixels = int64_t{1} << 28;
};

// The image as a tensor of shape (height, width, channels), numbers 0 to 255. PNG and JPEG; the
// content decides, not the file's name. 16 bits are rounded to 8, palettes expanded; grey with
// alpha counts as RGBA. Gamma, colour profiles and EXIF rotation are not applied, as in Keras.
// Throws FormatError for what is not a whole, sound image, IoError, OutOfMemory, and ValueError for
// other `channels`.
CORNU_API Tensor load_image(const std::string& path, const LoadImageOptions& options = {});
CORNU_API Tensor decode_image(std::span<const std::byte> bytes,
                              const LoadImageOptions& options = {});

// Writes a tensor of shape (height, width, channels), or a batch of one of them, as PNG; channels
// is 1, 3 or 4 (ValueError otherwise). Numbers are rounded half up and clipped to 0 .. 255; NaN
// gives 0. The file appears whole or not at all (IoError).
CORNU_API void save_png(const std::string& path, const Tensor& image);
CORNU_API std::vector<std::byte> encode_png(const Tensor& image);

}  // namespace cornu
