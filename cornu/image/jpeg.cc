#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
// jpeglib.h uses size_t and FILE without saying where they come from, so it goes last.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/image/picture.h"

// As in png.cc: no object with a destructor in a function that setjmp returns to or longjmp leaves.

namespace cornu::image {
namespace {

struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

Decoder* decoder(j_common_ptr info) { return static_cast<Decoder*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  info->err->format_message(info, decoder(info)->message);
  std::longjmp(decoder(info)->jump, 1);
}

// Level -1 is a warning; libjpeg goes on with made-up pixels after most of them. Only what leaves
// every pixel as it was stored is let pass.
void on_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool harmless =
      code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
  if (level < 0 && !harmless) on_error(info);
}

void start_source(j_decompress_ptr) {}
void end_source(j_decompress_ptr) {}

boolean no_more_bytes(j_decompress_ptr info) {
  ERREXIT(info, JERR_INPUT_EOF);
  return FALSE;
}

void skip_bytes(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) ERREXIT(info, JERR_INPUT_EOF);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

// A progressive file may send any number of scans over a large image in few bytes.
void on_progress(j_common_ptr info) {
  constexpr int kMostScans = 200;
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans)
    ERREXIT(info, JERR_BAD_PROGRESSION);
}

bool read_header(Decoder* d, const std::byte* bytes, size_t size) {
  d->info.err = jpeg_std_error(&d->errors);
  d->info.client_data = d;
  d->errors.error_exit = on_error;
  d->errors.emit_message = on_message;
  d->errors.output_message = [](j_common_ptr) {};
  if (setjmp(d->jump)) return false;
  jpeg_create_decompress(&d->info);
  d->info.mem->max_memory_to_use = 1L << 30;
  d->source.init_source = start_source;
  d->source.fill_input_buffer = no_more_bytes;
  d->source.skip_input_data = skip_bytes;
  d->source.resync_to_restart = jpeg_resync_to_restart;
  d->source.term_source = end_source;
  d->source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes);
  d->source.bytes_in_buffer = size;
  d->info.src = &d->source;
  d->progress.progress_monitor = on_progress;
  d->info.progress = &d->progress;
  jpeg_read_header(&d->info, TRUE);
  return true;
}

bool read_rows(Decoder* d, Picture* picture) {
  if (setjmp(d->jump)) return false;
  jpeg_start_decompress(&d->info);
  while (d->info.output_scanline < d->info.output_height) {
    JSAMPROW row = picture->row(d->info.output_scanline);
    jpeg_read_scanlines(&d->info, &row, 1);
  }
  jpeg_finish_decompress(&d->info);
  return true;
}

// Four inks to RGB, as PIL does it. Files by Adobe's programs store the inks inverted.
void cmyk_to_rgb(Picture* picture, bool inverted) {
  std::vector<uint8_t>& samples = picture->samples;
  const size_t pixels = samples.size() / 4;
  for (size_t i = 0; i < pixels; ++i) {
    const auto light = [&](size_t c) -> unsigned {
      const uint8_t ink = samples[i * 4 + c];
      return inverted ? ink : 255u - ink;
    };
    const unsigned k = light(3);
    // Pixel i is read before it is written over: 3 i <= 4 i.
    const unsigned rgb[3] = {light(0), light(1), light(2)};
    for (size_t c = 0; c < 3; ++c)
      samples[i * 3 + c] = static_cast<uint8_t>((rgb[c] * k + 127) / 255);
  }
  samples.resize(pixels * 3);
  picture->channels = 3;
}

[[noreturn]] void fail(const Decoder& d) {
  throw FormatError(base::cat("cannot read the JPEG image: ", d.message));
}

}  // namespace

bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && std::memcmp(bytes.data(), "\xff\xd8\xff", 3) == 0;
}

Picture decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels) {
  Decoder d;
  if (!read_header(&d, bytes.data(), bytes.size())) fail(d);
  check_size(d.info.image_width, d.info.image_height, max_pixels);

  const bool inks = d.info.jpeg_color_space == JCS_CMYK || d.info.jpeg_color_space == JCS_YCCK;
  const bool grey = d.info.jpeg_color_space == JCS_GRAYSCALE;
  d.info.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  Picture picture(d.info.image_width, d.info.image_height, inks ? 4 : grey ? 1 : 3);
  if (!read_rows(&d, &picture)) fail(d);
  if (inks) cmyk_to_rgb(&picture, d.info.saw_Adobe_marker);
  return picture;
}

}  // namespace cornu::image
