#include "cornu/base/bytes.h"

#include <algorithm>
#include <cstring>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::base {
namespace {

class Memory : public ByteSource {
 public:
  Memory(std::string label, const std::byte* data, uint64_t size)
      : ByteSource(std::move(label), size), data_(data) {}
  const std::byte* load(uint64_t offset, uint64_t) override { return data_ + offset; }
  void release(uint64_t, uint64_t) noexcept override {}

 private:
  const std::byte* data_;
};

// Memory that goes with its source.
class OwnedMemory : public Memory {
 public:
  // Moving a vector keeps its memory.
  OwnedMemory(std::string label, std::vector<std::byte> data)
      : Memory(std::move(label), data.data(), data.size()), owner_(std::move(data)) {}

 private:
  std::vector<std::byte> owner_;
};

}  // namespace

Bytes::Bytes() {
  static const std::shared_ptr<ByteSource> nothing = std::make_shared<Memory>("", nullptr, 0);
  source_ = nothing;
}

Bytes::Bytes(std::shared_ptr<ByteSource> source)
    : source_(std::move(source)), size_(source_->size()) {}

Bytes Bytes::view(std::span<const std::byte> data, std::string label) {
  return Bytes(std::make_shared<Memory>(std::move(label), data.data(), data.size()));
}

Bytes Bytes::own(std::vector<std::byte> data, std::string label) {
  return Bytes(std::make_shared<OwnedMemory>(std::move(label), std::move(data)));
}

void Bytes::fail(const std::string& what, uint64_t offset) const {
  throw FormatError(cat(label(), ": ", what, " (at byte ", offset_ + offset, ")"));
}

Bytes Bytes::at(uint64_t offset, uint64_t size, const char* what) const {
  if (offset > size_ || size > size_ - offset)
    fail(cat(what, ": ", size, " bytes from byte ", offset, " do not lie in the ", size_,
             " bytes there are"));
  Bytes part = *this;
  part.offset_ += offset;
  part.size_ = size;
  return part;
}

template <class T>
T Bytes::number(uint64_t offset, const char* what) const {
  if (offset > size_ || sizeof(T) > size_ - offset)
    fail(cat("the file ends inside ", what), std::min(offset, size_));
  const std::byte* p = source_->load(offset_ + offset, sizeof(T));
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(p[i]) << (8 * i);
  return static_cast<T>(value);
}
template uint8_t Bytes::number(uint64_t, const char*) const;
template uint16_t Bytes::number(uint64_t, const char*) const;
template uint32_t Bytes::number(uint64_t, const char*) const;
template uint64_t Bytes::number(uint64_t, const char*) const;

std::string Bytes::text() const {
  const std::span<const std::byte> all = span();
  std::string out(all.size(), '\0');
  if (!all.empty()) std::memcpy(out.data(), all.data(), all.size());
  return out;
}

void Bytes::copy_to(std::span<std::byte> out) const {
  if (out.size() != size_) fail(cat("a range of ", size_, " bytes is copied to ", out.size()));
  source_->copy(offset_, out);
}

void ByteSource::copy(uint64_t offset, std::span<std::byte> out) {
  constexpr size_t kPiece = 1 << 20;
  for (size_t done = 0; done < out.size();) {
    const size_t count = std::min(kPiece, out.size() - done);
    std::memcpy(out.data() + done, load(offset + done, count), count);
    done += count;
    // From the front: a block that two pieces share goes with the second.
    if (out.size() >= kPiece) release(offset, done);
  }
}

void ByteCursor::seek(uint64_t position, const char* what) {
  if (position > bytes_.size()) fail(cat("the file ends inside ", what));
  at_ = position;
}

void ByteCursor::align(uint64_t alignment, const char* what) {
  skip((alignment - at_ % alignment) % alignment, what);
}

Bytes ByteCursor::take(uint64_t size, const char* what) {
  Bytes part = bytes_.at(at_, size, what);
  at_ += size;
  return part;
}

void ByteCursor::expect_u8(uint8_t value, const char* what) {
  const uint8_t found = bytes_.u8(at_, what);
  if (found != value) fail(cat(what, " is ", int{found}, ", expected ", int{value}));
  ++at_;
}

void ByteCursor::expect(std::string_view text, const char* what) {
  if (remaining() < text.size() || bytes_.at(at_, text.size(), what).text() != text)
    fail(cat("expected ", what));
  at_ += text.size();
}

uint64_t checked_mul(uint64_t a, uint64_t b, const Bytes& bytes, const char* what) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) bytes.fail(cat(what, " overflows"));
  return product;
}

uint64_t checked_add(uint64_t a, uint64_t b, const Bytes& bytes, const char* what) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) bytes.fail(cat(what, " overflows"));
  return sum;
}

}  // namespace cornu::base
