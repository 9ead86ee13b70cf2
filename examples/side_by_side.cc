// Puts a picture, enlarged by repeating its pixels, to the left of a larger one:
//   side_by_side small.png large.png both.png

#include <cornu/image/image.h>

#include <cstdint>
#include <exception>
#include <iostream>

namespace {

cornu::Tensor side_by_side(const cornu::Tensor& small, const cornu::Tensor& large) {
  const int64_t height = large.shape()[0], width = large.shape()[1], channels = large.shape()[2];
  cornu::Tensor both(cornu::Shape{height, 2 * width, channels});
  float* out = both.data();
  for (int64_t y = 0; y < height; ++y) {
    const int64_t from_y = y * small.shape()[0] / height;
    for (int64_t x = 0; x < width; ++x) {
      const int64_t from_x = x * small.shape()[1] / width;
      for (int64_t c = 0; c < channels; ++c) {
        out[(y * 2 * width + x) * channels + c] =
            small.data()[(from_y * small.shape()[1] + from_x) * channels + c];
        out[(y * 2 * width + width + x) * channels + c] =
            large.data()[(y * width + x) * channels + c];
      }
    }
  }
  return both;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: side_by_side small.png large.png both.png\n";
    return 2;
  }
  const cornu::Tensor small = cornu::load_image(argv[1], {.channels = 3});
  const cornu::Tensor large = cornu::load_image(argv[2], {.channels = 3});
  cornu::save_png(argv[3], side_by_side(small, large));
} catch (const std::exception& e) {
  std::cerr << "side_by_side: " << e.what() << "\n";
  return 1;
}
