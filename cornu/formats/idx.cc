#include "cornu/formats/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"

namespace cornu {
namespace {

using base::Bytes;
using base::cat;

// The content of a file that may be packed by gzip, from front to back.
class Stream {
 public:
  explicit Stream(Bytes file) : file_(std::move(file)) {
    packed_ = file_.size() >= 2 && file_.u16(0, "signature") == 0x8b1f;
    if (packed_ && inflateInit2(&z_, 16 + MAX_WBITS) != Z_OK)
      throw OutOfMemory("cannot start to unpack");
  }
  ~Stream() {
    if (packed_) inflateEnd(&z_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void read(std::span<std::byte> out) {
    if (packed_) return inflate_into(out);
    file_.at(at_, out.size(), "numbers").copy_to(out);
    at_ += out.size();
  }
  // Nothing may follow.
  void finish() {
    std::byte more;
    if (!packed_ && at_ != file_.size()) file_.fail("more numbers than its sizes say", at_);
    if (packed_ && try_inflate({&more, 1}) != 0) file_.fail("more numbers than its sizes say", at_);
  }
  [[noreturn]] void fail(const std::string& what) const { file_.fail(what); }
  // At most 1032 bytes come out of one packed byte (zlib's technical details).
  uint64_t most_bytes() const { return packed_ ? file_.size() * 1032 : file_.size(); }

 private:
  void inflate_into(std::span<std::byte> out) {
    if (try_inflate(out) != out.size()) file_.fail("it ends too early", at_);
  }
  size_t try_inflate(std::span<std::byte> out) {
    size_t done = 0;
    while (done < out.size()) {
      if (z_.avail_in == 0) {
        const uint64_t size = std::min<uint64_t>(kBlock, file_.size() - at_);
        block_ = file_.at(at_, size, "packed numbers");
        at_ += size;
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(block_.span().data()));
        z_.avail_in = static_cast<uInt>(size);
      }
      const auto room = static_cast<uInt>(std::min<size_t>(out.size() - done, kBlock));
      z_.next_out = reinterpret_cast<Bytef*>(out.data() + done);
      z_.avail_out = room;
      const int state = inflate(&z_, Z_NO_FLUSH);
      done += room - z_.avail_out;
      if (state == Z_STREAM_END) break;
      if (state != Z_OK && (state != Z_BUF_ERROR || at_ == file_.size()))
        file_.fail("its packed numbers are damaged", at_);
    }
    return done;
  }

  static constexpr uint64_t kBlock = 1 << 16;
  Bytes file_, block_;
  uint64_t at_ = 0;
  bool packed_ = false;
  z_stream z_{};
};

uint32_t big_endian(std::span<const std::byte, 4> b) {
  uint32_t v = 0;
  for (std::byte byte : b) v = v << 8 | static_cast<uint32_t>(byte);
  return v;
}

// Fills `out` from numbers of `Size` bytes, block by block.
template <size_t Size, class Decode>
void read_numbers(Stream& in, std::span<float> out, Decode&& decode) {
  std::array<std::byte, 4096 * Size> block;
  for (size_t at = 0; at < out.size();) {
    const size_t count = std::min<size_t>(4096, out.size() - at);
    in.read({block.data(), count * Size});
    for (size_t i = 0; i < count; ++i) out[at + i] = decode(block.data() + i * Size);
    at += count;
  }
}

}  // namespace

Tensor load_idx(const std::string& path) {
  Stream in(base::read_file(path));
  std::array<std::byte, 4> head;
  in.read(head);
  constexpr auto kBytes = std::byte{0x08}, kFloats = std::byte{0x0d};
  const auto rank = static_cast<int64_t>(head[3]);
  if (head[0] != std::byte{0} || head[1] != std::byte{0} ||
      (head[2] != kBytes && head[2] != kFloats) || rank < 1 || rank > 8)
    in.fail("it is no IDX file of bytes or floats");
  const uint64_t each = head[2] == kBytes ? 1 : 4;
  Shape shape;
  for (int64_t a = 0; a < rank; ++a) {
    std::array<std::byte, 4> size;
    in.read(size);
    shape.push_back(big_endian(size));
  }
  const auto count = shape.checked_size();
  if (!count || static_cast<uint64_t>(*count) > in.most_bytes() / each)
    in.fail(cat("its sizes ", shape, " need more numbers than it can hold"));
  Tensor t(shape);
  if (each == 1)
    read_numbers<1>(in, t.values(), [](const std::byte* b) { return static_cast<float>(*b); });
  else
    read_numbers<4>(in, t.values(), [](const std::byte* b) {
      return std::bit_cast<float>(big_endian(std::span<const std::byte, 4>(b, 4)));
    });
  in.finish();
  return t;
}

}  // namespace cornu
