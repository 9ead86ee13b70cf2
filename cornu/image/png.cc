#include <png.h>

#include <csetjmp>
#include <cstring>
#include <new>
#include <string_view>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/image/picture.h"

// libpng reports errors by longjmp. Every function below that calls setjmp, and every callback that
// libpng may jump out of, holds no object with a destructor; those live in the functions at the
// end.

namespace cornu::image {
namespace {

struct Message {
  char text[128] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* message = static_cast<Message*>(png_get_error_ptr(png));
  std::strncpy(message->text, text, sizeof message->text - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {
}  // Damage outside the pixels is no concern of ours.

struct Source {
  const std::byte* next;
  size_t left;
};

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file is cut short");
  std::memcpy(out, source->next, count);
  source->next += count;
  source->left -= count;
}

struct Header {
  int64_t width, height;
  int64_t bits_per_pixel;  // as stored
};

bool read_header(png_structp png, png_infop info, Header* header) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_info(png, info);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->bits_per_pixel = int64_t{png_get_bit_depth(png, info)} * png_get_channels(png, info);
  return true;
}

struct Rows {
  int passes;  // over all rows: 1, or 7 where interlaced
  int64_t channels;
};

bool start_rows(png_structp png, png_infop info, Rows* rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_expand(png);  // palettes, fewer than 8 bits, a transparent colour
  png_set_scale_16(png);
  rows->passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  rows->channels = png_get_channels(png, info);
  return true;
}

bool read_rows(png_structp png, int passes, Picture* picture) {
  if (setjmp(png_jmpbuf(png))) return false;
  for (int pass = 0; pass < passes; ++pass)
    for (int64_t y = 0; y < picture->height; ++y) png_read_row(png, picture->row(y), nullptr);
  png_read_end(png, nullptr);  // a file cut after the last row is still cut
  return true;
}

bool write_image(png_structp png, png_infop info, const Picture* picture) {
  static constexpr int kColorTypes[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                        PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture->width),
               static_cast<png_uint_32>(picture->height), 8, kColorTypes[picture->channels - 1],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int64_t y = 0; y < picture->height; ++y) png_write_row(png, picture->row(y));
  png_write_end(png, nullptr);
  return true;
}

// An exception may not pass through libpng, so it ends here and libpng's own error begins.
void append_bytes(png_structp png, png_bytep bytes, size_t count) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* from = reinterpret_cast<const std::byte*>(bytes);
  bool enough = true;
  try {
    out->insert(out->end(), from, from + count);
  } catch (const std::bad_alloc&) {
    enough = false;
  }
  if (!enough) png_error(png, "out of memory");
}

struct Reader {
  Message message;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &message, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  Reader() = default;
  Reader(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct Writer {
  Message message;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &message, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  Writer() = default;
  Writer(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }
};

[[noreturn]] void fail_to_read(std::string_view why) {
  throw FormatError(base::cat("cannot read the PNG image: ", why));
}

}  // namespace

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), "\x89PNG\r\n\x1a\n", 8) == 0;
}

Picture decode_png(std::span<const std::byte> bytes, int64_t max_pixels) {
  Reader reader;
  if (!reader.info) throw OutOfMemory("cannot allocate a PNG reader");
  Source source{bytes.data(), bytes.size()};
  png_set_read_fn(reader.png, &source, read_bytes);
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() is ours
  png_set_chunk_malloc_max(reader.png, 4 << 20);
  png_set_chunk_cache_max(reader.png, 64);

  Header header{};
  if (!read_header(reader.png, reader.info, &header)) fail_to_read(reader.message.text);
  check_size(header.width, header.height, max_pixels);
  // Deflate shrinks to 1/1032 at best: fewer bytes than that cannot hold the pixels.
  const int64_t packed = (header.width * header.bits_per_pixel + 7) / 8 * header.height;
  if (packed / 1032 > static_cast<int64_t>(bytes.size())) fail_to_read("the file is cut short");
  Rows rows{};
  if (!start_rows(reader.png, reader.info, &rows)) fail_to_read(reader.message.text);
  Picture picture(header.width, header.height, rows.channels);
  if (!read_rows(reader.png, rows.passes, &picture)) fail_to_read(reader.message.text);
  return picture;
}

std::vector<std::byte> encode_png(const Picture& picture) {
  Writer writer;
  if (!writer.info) throw OutOfMemory("cannot allocate a PNG writer");
  std::vector<std::byte> out;
  png_set_write_fn(writer.png, &out, append_bytes, [](png_structp) {});
  if (!write_image(writer.png, writer.info, &picture))
    throw ValueError(base::cat("cannot write a PNG image: ", writer.message.text));
  return out;
}

}  // namespace cornu::image
