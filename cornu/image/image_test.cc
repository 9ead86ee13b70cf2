#include "cornu/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "cornu/base/error.h"
#include "cornu/base/file.h"

namespace cornu {
namespace {

using File = std::vector<std::byte>;
using Bytes = std::vector<uint8_t>;  // of pixels

std::string data_path(const std::string& name) {
  return std::string(CORNU_SOURCE_DIR) + "/cornu/image/testdata/" + name;
}

std::string scratch_path(const std::string& name) {
  return (std::filesystem::path(testing::TempDir()) / name).string();
}

File read(const std::string& path) {
  const base::Bytes file = base::read_file(path);
  return {file.span().begin(), file.span().end()};
}

std::vector<float> numbers(const Tensor& t) { return {t.data(), t.data() + t.size()}; }

// Some sample of every value and no symmetry.
uint8_t sample(int64_t x, int64_t y, int64_t c) {
  return static_cast<uint8_t>(x * 37 + y * 59 + c * 83 + x * y);
}

Tensor picture(int64_t height, int64_t width, int64_t channels) {
  Tensor t(Shape{height, width, channels});
  float* out = t.data();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) *out++ = sample(x, y, c);
  return t;
}

// A PNG of any colour type straight from libpng: rows of `bits` bits a sample, packed as stored.
struct PngSpec {
  int color_type;
  int bits;
  int interlace = PNG_INTERLACE_NONE;
  std::vector<png_color> palette = {};
  Bytes palette_alpha = {};
};

File make_png(int64_t width, const std::vector<Bytes>& rows, const PngSpec& spec) {
  File out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep bytes, size_t count) {
        auto* to = static_cast<File*>(png_get_io_ptr(p));
        const auto* from = reinterpret_cast<const std::byte*>(bytes);
        to->insert(to->end(), from, from + count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(rows.size()),
               spec.bits, spec.color_type, spec.interlace, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!spec.palette.empty())
    png_set_PLTE(png, info, spec.palette.data(), static_cast<int>(spec.palette.size()));
  if (!spec.palette_alpha.empty())
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()),
                 nullptr);
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (const Bytes& row : rows) pointers.push_back(const_cast<png_bytep>(row.data()));
  png_write_image(png, pointers.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

// Rows of `channels` samples a pixel, each `bits` (8 or 16) wide; 16-bit ones are 257 v.
std::vector<Bytes> rows_of(int64_t height, int64_t width, int64_t channels, int bits) {
  std::vector<Bytes> rows;
  for (int64_t y = 0; y < height; ++y) {
    Bytes row;
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        row.push_back(sample(x, y, c));
        if (bits == 16) row.push_back(sample(x, y, c));
      }
    rows.push_back(row);
  }
  return rows;
}

int channels_of(int color_type) {
  return (color_type & PNG_COLOR_MASK_COLOR ? 3 : 1) + (color_type & PNG_COLOR_MASK_ALPHA ? 1 : 0);
}

TEST(Image, EveryColorTypeAndDepthReadsAsStored) {
  for (int type : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                   PNG_COLOR_TYPE_RGB_ALPHA})
    for (int bits : {8, 16})
      for (int interlace : {PNG_INTERLACE_NONE, PNG_INTERLACE_ADAM7}) {
        SCOPED_TRACE(testing::Message() << type << " " << bits << " " << interlace);
        const int channels = channels_of(type);
        const File png = make_png(11, rows_of(9, 11, channels, bits), {type, bits, interlace});
        const Tensor image = decode_image(png);
        if (channels == 2) {
          ASSERT_EQ(image.shape(), (Shape{9, 11, 4}));
          for (int64_t i = 0; i < 99; ++i) {
            const int64_t x = i % 11, y = i / 11;
            const float grey = sample(x, y, 0), alpha = sample(x, y, 1);
            EXPECT_THAT(std::vector<float>(image.data() + i * 4, image.data() + i * 4 + 4),
                        testing::ElementsAre(grey, grey, grey, alpha));
          }
        } else {
          ASSERT_EQ(image.shape(), (Shape{9, 11, channels}));
          EXPECT_EQ(numbers(image), numbers(picture(9, 11, channels)));
        }
      }
}

TEST(Image, SixteenBitsAreRounded) {
  const File png =
      make_png(4, {{0x00, 0x80, 0x00, 0x81, 0x12, 0xff, 0xff, 0x7e}}, {PNG_COLOR_TYPE_GRAY, 16});
  // v * 255 / 65535: 0.498, 0.502, 18.92, 254.49
  EXPECT_THAT(numbers(decode_image(png)), testing::ElementsAre(0, 1, 19, 254));
}

TEST(Image, FewBitsAndPalettesAreExpanded) {
  EXPECT_THAT(numbers(decode_image(make_png(5, {{0b10110000}}, {PNG_COLOR_TYPE_GRAY, 1}))),
              testing::ElementsAre(255, 0, 255, 255, 0));
  EXPECT_THAT(numbers(decode_image(make_png(4, {{0b00011011}}, {PNG_COLOR_TYPE_GRAY, 2}))),
              testing::ElementsAre(0, 85, 170, 255));
  const PngSpec spec{.color_type = PNG_COLOR_TYPE_PALETTE,
                     .bits = 4,
                     .palette = {{1, 2, 3}, {40, 50, 60}, {255, 0, 9}}};
  const Tensor opaque = decode_image(make_png(3, {{0x12, 0x00}}, spec));
  EXPECT_EQ(opaque.shape(), (Shape{1, 3, 3}));
  EXPECT_THAT(numbers(opaque), testing::ElementsAre(40, 50, 60, 255, 0, 9, 1, 2, 3));

  PngSpec clear = spec;
  clear.palette_alpha = {7};
  const Tensor with_alpha = decode_image(make_png(2, {{0x01}}, clear));
  EXPECT_EQ(with_alpha.shape(), (Shape{1, 2, 4}));
  EXPECT_THAT(numbers(with_alpha), testing::ElementsAre(1, 2, 3, 7, 40, 50, 60, 255));
}

TEST(Image, ChannelsAreConvertedAsAsked) {
  const File rgba = encode_png(Tensor({1, 2, 4}, {10, 200, 30, 0, 255, 255, 255, 9}));
  EXPECT_THAT(numbers(decode_image(rgba, {.channels = 3})),
              testing::ElementsAre(10, 200, 30, 255, 255, 255));
  // (10 * 19595 + 200 * 38470 + 30 * 7471 + 32768) >> 16
  EXPECT_THAT(numbers(decode_image(rgba, {.channels = 1})), testing::ElementsAre(124, 255));
  const File grey = encode_png(Tensor({1, 1, 1}, {77}));
  EXPECT_THAT(numbers(decode_image(grey, {.channels = 3})), testing::ElementsAre(77, 77, 77));
  EXPECT_THAT(numbers(decode_image(grey, {.channels = 4})), testing::ElementsAre(77, 77, 77, 255));
  const File rgb = encode_png(Tensor({1, 1, 3}, {1, 2, 3}));
  EXPECT_THAT(numbers(decode_image(rgb, {.channels = 4})), testing::ElementsAre(1, 2, 3, 255));
  const File grey_alpha = make_png(1, {{5, 6}}, {PNG_COLOR_TYPE_GRAY_ALPHA, 8});
  EXPECT_THAT(numbers(decode_image(grey_alpha, {.channels = 1})), testing::ElementsAre(5));
  for (int channels : {-1, 2, 5})
    EXPECT_THROW(decode_image(rgb, {.channels = channels}), ValueError);
}

TEST(Image, PngKeepsEverySample) {
  for (int64_t channels : {1, 3, 4})
    for (auto [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {17, 31}, {64, 3}}) {
      const Tensor image = picture(height, width, channels);
      const Tensor back = decode_image(encode_png(image));
      ASSERT_EQ(back.shape(), image.shape());
      EXPECT_EQ(numbers(back), numbers(image));
      EXPECT_EQ(encode_png(image.reshaped(Shape{1, height, width, channels})), encode_png(image));
    }
}

TEST(Image, WritingRoundsHalfUpAndClips) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor image(
      {1, 12, 1}, {-3, -0.4f, 0.49999997f, 0.5f, 1.5f, 2.5f, 254.49f, 254.5f, 300, inf, -inf, nan});
  EXPECT_THAT(numbers(decode_image(encode_png(image))),
              testing::ElementsAre(0, 0, 0, 1, 2, 3, 254, 255, 255, 255, 0, 0));
}

TEST(Image, OnlyPicturesAreWritten) {
  for (const Shape& shape : {Shape{4, 4}, Shape{4, 4, 2}, Shape{2, 4, 4, 3}, Shape{0, 4, 3},
                             Shape{4, 0, 1}, Shape{1, 1, 4, 4, 3}, Shape{}})
    EXPECT_THROW(encode_png(Tensor(shape)), ValueError) << to_text(shape);
}

TEST(Image, FilesAreReadAndWritten) {
  const std::string path = scratch_path("cornu_image_test.png");
  const Tensor image = picture(5, 7, 3);
  save_png(path, image);
  EXPECT_EQ(numbers(load_image(path)), numbers(image));
  save_png(path, picture(2, 2, 1));  // in place of the old one
  EXPECT_EQ(load_image(path).shape(), (Shape{2, 2, 1}));
  std::filesystem::remove(path);

  EXPECT_THROW(load_image(path), IoError);
  EXPECT_THROW(load_image(testing::TempDir()), IoError);
  EXPECT_THROW(save_png(scratch_path("no such folder/a.png"), image), IoError);
  try {
    load_image(data_path("make.py"));
    FAIL();
  } catch (const FormatError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("make.py: the file is neither a PNG nor a JPEG"));
  }
}

// Beside each JPEG lies what PIL reads from it.
TEST(Image, JpegReadsAsPilReadsIt) {
  for (const std::string name : {"plain", "progressive", "grey", "cmyk"}) {
    SCOPED_TRACE(name);
    const bool grey = name == "grey";
    EXPECT_EQ(load_image(data_path(name + ".jpg")).shape(), (Shape{14, 23, grey ? 1 : 3}));
    for (int channels : {1, 3}) {
      const Tensor ours = load_image(data_path(name + ".jpg"), {.channels = channels});
      const Tensor pil = load_image(data_path(name + (channels == 1 ? "_grey.png" : "_rgb.png")));
      ASSERT_EQ(ours.shape(), pil.shape());
      for (int64_t i = 0; i < ours.size(); ++i)
        // Decoders may differ by one; the content is far from constant.
        ASSERT_LE(std::abs(ours.data()[i] - pil.data()[i]), 1) << i;
    }
  }
}

TEST(Image, EveryTruncationIsRefused) {
  std::vector<File> files = {
      encode_png(picture(6, 5, 3)),
      make_png(11, rows_of(9, 11, 4, 16), {PNG_COLOR_TYPE_RGB_ALPHA, 16, PNG_INTERLACE_ADAM7})};
  for (const char* name : {"plain.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"})
    files.push_back(read(data_path(name)));
  for (const File& file : files) {
    ASSERT_NO_THROW(decode_image(file));
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_THROW(decode_image({file.data(), size}), FormatError) << size << " of " << file.size();
  }
}

// Any byte may be anything: an image or a FormatError, never more.
TEST(Image, DamageIsRefusedOrRead) {
  std::vector<File> files = {encode_png(picture(6, 5, 3))};
  for (const char* name : {"plain.jpg", "progressive.jpg", "cmyk.jpg"})
    files.push_back(read(data_path(name)));
  int refused = 0;
  for (const File& file : files)
    for (size_t at = 0; at < file.size(); ++at)
      for (int flip : {0x01, 0x80, 0xff}) {
        File bad = file;
        bad[at] ^= static_cast<std::byte>(flip);
        try {
          decode_image(bad, {.max_pixels = 1 << 16});
        } catch (const FormatError&) {
          ++refused;
        }
      }
  EXPECT_GT(refused, 500);
}

TEST(Image, OtherFilesAreRefused) {
  for (const std::string text : {"", "\x89", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff",
                                 "\xff\xd8\xff\xd9", "GIF89a", "hello\n", "P6 1 1 255 abc"})
    EXPECT_THROW(decode_image(std::as_bytes(std::span(text))), FormatError);
}

TEST(Image, SizeIsCheckedBeforeMemoryIsTaken) {
  const File png = encode_png(picture(10, 10, 3));
  EXPECT_THROW(decode_image(png, {.max_pixels = 99}), FormatError);
  EXPECT_NO_THROW(decode_image(png, {.max_pixels = 100}));
  const File jpeg = read(data_path("plain.jpg"));
  EXPECT_THROW(decode_image(jpeg, {.max_pixels = 23 * 14 - 1}), FormatError);
  EXPECT_NO_THROW(decode_image(jpeg, {.max_pixels = 23 * 14}));

  // Within the limit of pixels, but far too few bytes to hold them.
  File wide = make_png(16000, std::vector<Bytes>(1, Bytes(16000)), {PNG_COLOR_TYPE_GRAY, 8});
  wide[22] = std::byte{0x3e};  // height 1 -> 15873; the checksum follows
  const uint32_t crc =
      static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(wide.data()) + 12, 17));
  for (int i = 0; i < 4; ++i)
    wide[29 + static_cast<size_t>(i)] = static_cast<std::byte>(crc >> (24 - 8 * i));
  try {
    decode_image(wide);
    FAIL();
  } catch (const FormatError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("cut short"));
  }
}

}  // namespace
}  // namespace cornu
