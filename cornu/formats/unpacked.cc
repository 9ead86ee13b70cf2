#include "cornu/formats/unpacked.h"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "cornu/base/block_source.h"
#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::formats {
namespace {

using base::Bytes;
using base::cat;

constexpr uint64_t kPiece = 1 << 20;

// Unpacks from the start to the end.
class Inflater {
 public:
  Inflater(const Bytes& packed, const std::string& name) : packed_(packed), name_(name) {
    if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw OutOfMemory("cannot start to unpack");
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // The next bytes, as many as `to` has room for.
  void read(std::span<std::byte> to) {
    while (!to.empty()) {
      if (ended_) damaged("unpacks to less than its size");
      to = to.subspan(step(to));
    }
  }
  void skip(uint64_t size) {
    std::vector<std::byte> dropped(std::min<uint64_t>(size, 1 << 16));
    while (size > 0) {
      const std::span<std::byte> piece(dropped.data(), std::min<uint64_t>(size, dropped.size()));
      read(piece);
      size -= piece.size();
    }
  }
  // There may be no more.
  void finish() {
    while (!ended_) step({});
    if (taken_ != packed_.size()) damaged("has data after its end");
  }

 private:
  [[noreturn]] void damaged(const char* why) const {
    packed_.fail(cat(base::quoted(name_), " ", why));
  }

  // Returns how many bytes it wrote.
  size_t step(std::span<std::byte> to) {
    const Bytes piece =
        packed_.at(taken_, std::min(kPiece, packed_.size() - taken_), "packed data");
    const size_t room = std::min<size_t>(to.size(), kPiece);
    std::byte none;  // zlib wants a place even for no bytes
    stream_.next_in = reinterpret_cast<const Bytef*>(piece.empty() ? &none : piece.span().data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    stream_.next_out = reinterpret_cast<Bytef*>(room > 0 ? to.data() : &none);
    stream_.avail_out = static_cast<uInt>(room);
    const int state = ::inflate(&stream_, Z_NO_FLUSH);
    if (state == Z_MEM_ERROR) throw OutOfMemory("cannot unpack");
    const uint64_t used = piece.size() - stream_.avail_in;
    const size_t filled = room - stream_.avail_out;
    taken_ += used;
    packed_.at(0, taken_, "packed data").release();
    ended_ = state == Z_STREAM_END;
    if (!ended_ && state != Z_OK && state != Z_BUF_ERROR)
      damaged("cannot be unpacked: it is damaged");
    if (!ended_ && used == 0 && filled == 0)
      damaged(to.empty() ? "unpacks to more than its size" : "is cut short");
    return filled;
  }

  const Bytes& packed_;
  const std::string& name_;
  z_stream stream_ = {};
  uint64_t taken_ = 0;
  bool ended_ = false;
};

class Unpacked final : public base::BlockSource {
 public:
  Unpacked(const Bytes& packed, uint64_t size, const std::string& name)
      : BlockSource(cat(packed.label(), ":", name), size), packed_(packed), name_(name) {}

 private:
  void fill(uint64_t begin, std::span<std::byte> to) override {
    Inflater inflater(packed_, name_);
    inflater.skip(begin);
    inflater.read(to);
    if (begin + to.size() == size()) inflater.finish();
  }

  const Bytes packed_;
  const std::string name_;
};

}  // namespace

Bytes unpacked(const Bytes& packed, uint64_t size, const std::string& name) {
  if (size == 0) Inflater(packed, name).finish();  // nobody will ask for these bytes
  auto source = std::make_shared<Unpacked>(packed, size, name);
  source->load(0, size);
  return Bytes(std::move(source));
}

}  // namespace cornu::formats
