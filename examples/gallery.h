#pragma once

// Pictures in rows with a word under each, as one PNG.

#include <cornu/cornu.h>
#include <cornu/image/image.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <vector>

namespace gallery {

// The letters A to Z, 5 columns and 7 rows each; a row is five bits, the left one highest.
inline constexpr uint8_t kLetters[26][7] = {
    {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},  // A
    {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e},  // B
    {0x0f, 0x10, 0x10, 0x10, 0x10, 0x10, 0x0f},  // C
    {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e},  // D
    {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},  // E
    {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10},  // F
    {0x0f, 0x10, 0x10, 0x13, 0x11, 0x11, 0x0f},  // G
    {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},  // H
    {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e},  // I
    {0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c},  // J
    {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11},  // K
    {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f},  // L
    {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11},  // M
    {0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11},  // N
    {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},  // O
    {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10},  // P
    {0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d},  // Q
    {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11},  // R
    {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e},  // S
    {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},  // T
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},  // U
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04},  // V
    {0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11},  // W
    {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11},  // X
    {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04},  // Y
    {0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f},  // Z
};

struct Colour {
  float r, g, b;
};

class Canvas {
 public:
  Canvas(int64_t height, int64_t width) : pixels_(cornu::Tensor::full({height, width, 3}, 255)) {}
  void dot(int64_t y, int64_t x, Colour c) {
    if (y < 0 || x < 0 || y >= pixels_.shape()[0] || x >= pixels_.shape()[1]) return;
    float* to = pixels_.data() + (y * pixels_.shape()[1] + x) * 3;
    to[0] = c.r, to[1] = c.g, to[2] = c.b;
  }
  void square(int64_t y, int64_t x, int64_t size, Colour c) {
    for (int64_t i = 0; i < size; ++i)
      for (int64_t k = 0; k < size; ++k) dot(y + i, x + k, c);
  }
  // Letters are 7 pixels high and 6 apart; '-' and blanks too, others are left out.
  void text(int64_t y, int64_t x, const std::string& words, Colour c) {
    for (char letter : words) {
      const int code = std::toupper(static_cast<unsigned char>(letter));
      for (int64_t row = 0; row < 7; ++row)
        for (int64_t column = 0; column < 5; ++column)
          if (code == '-' ? row == 3 && column > 0 && column < 4
                          : code >= 'A' && code <= 'Z' &&
                                (kLetters[code - 'A'][row] >> (4 - column) & 1) != 0)
            dot(y + row, x + column, c);
      x += 6;
    }
  }
  void save(const std::string& path) const { cornu::save_png(path, pixels_); }

 private:
  cornu::Tensor pixels_;
};

struct Entry {
  int64_t index;     // of the picture
  std::string word;  // under it
  Colour colour;
};

// `pictures` is (N, H, W, 1), numbers 0 to 1, drawn dark on light and three times as large.
inline void save(const std::string& path, const cornu::Tensor& pictures,
                 const std::vector<Entry>& entries, int64_t columns) {
  constexpr int64_t kScale = 3, kGap = 12, kText = 16;
  const int64_t height = pictures.shape()[1], width = pictures.shape()[2];
  const int64_t tile_h = height * kScale + kText + kGap, tile_w = width * kScale + kGap;
  const auto rows = (static_cast<int64_t>(entries.size()) + columns - 1) / columns;
  Canvas canvas(rows * tile_h + kGap, columns * tile_w + kGap);
  for (size_t i = 0; i < entries.size(); ++i) {
    const int64_t y = kGap + static_cast<int64_t>(i) / columns * tile_h;
    const int64_t x = kGap + static_cast<int64_t>(i) % columns * tile_w;
    const float* from = pictures.data() + entries[i].index * height * width;
    for (int64_t a = 0; a < height; ++a)
      for (int64_t b = 0; b < width; ++b) {
        const float grey = 245 - 245 * from[a * width + b];
        canvas.square(y + a * kScale, x + b * kScale, kScale, {grey, grey, grey});
      }
    const auto length = static_cast<int64_t>(entries[i].word.size()) * 6 - 1;
    canvas.text(y + height * kScale + 5, x + (width * kScale - length) / 2, entries[i].word,
                entries[i].colour);
  }
  canvas.save(path);
}

}  // namespace gallery
