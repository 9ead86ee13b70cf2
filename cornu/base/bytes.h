#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"

namespace cornu::base {

// Where bytes come from: memory, or a file that is read as it is looked at. Not for several threads
// at once.
class CORNU_API ByteSource {
 public:
  ByteSource(std::string label, uint64_t size) : label_(std::move(label)), size_(size) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  const std::string& label() const { return label_; }
  uint64_t size() const { return size_; }
  // The bytes [offset, offset + size), which the caller has checked to exist. Valid until released.
  // Throws IoError.
  virtual const std::byte* load(uint64_t offset, uint64_t size) = 0;
  // Copies as many bytes as `out` has room for, piece by piece: a large range is never in memory
  // twice. Throws IoError.
  virtual void copy(uint64_t offset, std::span<std::byte> out);
  // Gives back the memory of a range; it can be loaded again.
  virtual void release(uint64_t offset, uint64_t size) noexcept = 0;

 private:
  std::string label_;
  uint64_t size_;
};

// A range of a file's bytes: the only way the readers of files look at them. Every access is
// checked against the range, and a miss throws FormatError with the file's label, what was being
// read, and where. Copies share their source, which lives as long as any of them.
class CORNU_API Bytes {
 public:
  Bytes();  // empty
  explicit Bytes(std::shared_ptr<ByteSource> source);
  // The caller keeps `data` alive.
  static Bytes view(std::span<const std::byte> data, std::string label);
  static Bytes own(std::vector<std::byte> data, std::string label);

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Where this range starts in its file.
  uint64_t offset() const { return offset_; }
  const std::string& label() const { return source_->label(); }

  // The range of `size` bytes that starts at `offset` of this one.
  Bytes at(uint64_t offset, uint64_t size, const char* what) const;
  // All of the range, in memory.
  std::span<const std::byte> span() const { return {load(), static_cast<size_t>(size_)}; }
  std::string text() const;
  // Copies the range, of which a large one is never in memory twice.
  void copy_to(std::span<std::byte> out) const;
  // Gives back the memory the range took; it may be read again.
  void release() const noexcept { source_->release(offset_, size_); }

  // Little-endian numbers.
  uint8_t u8(uint64_t offset, const char* what) const { return number<uint8_t>(offset, what); }
  uint16_t u16(uint64_t offset, const char* what) const { return number<uint16_t>(offset, what); }
  uint32_t u32(uint64_t offset, const char* what) const { return number<uint32_t>(offset, what); }
  uint64_t u64(uint64_t offset, const char* what) const { return number<uint64_t>(offset, what); }

  // Throws FormatError: "label: what (at byte n)", n counted in the file.
  [[noreturn]] void fail(const std::string& what, uint64_t offset = 0) const;

 private:
  template <class T>
  T number(uint64_t offset, const char* what) const;
  const std::byte* load() const { return source_->load(offset_, size_); }

  std::shared_ptr<ByteSource> source_;
  uint64_t offset_ = 0;
  uint64_t size_ = 0;
};

// Reads a range from front to back.
class CORNU_API ByteCursor {
 public:
  explicit ByteCursor(Bytes bytes) : bytes_(std::move(bytes)) {}

  const Bytes& bytes() const { return bytes_; }
  uint64_t position() const { return at_; }
  uint64_t remaining() const { return bytes_.size() - at_; }
  bool at_end() const { return remaining() == 0; }
  void seek(uint64_t position, const char* what);
  void skip(uint64_t size, const char* what) { take(size, what); }
  // To the next multiple of `alignment`, counted from the start of the range.
  void align(uint64_t alignment, const char* what);

  uint8_t u8(const char* what) { return advance(bytes_.u8(at_, what)); }
  uint16_t u16(const char* what) { return advance(bytes_.u16(at_, what)); }
  uint32_t u32(const char* what) { return advance(bytes_.u32(at_, what)); }
  uint64_t u64(const char* what) { return advance(bytes_.u64(at_, what)); }
  Bytes take(uint64_t size, const char* what);
  // A number that must have this value.
  void expect_u8(uint8_t value, const char* what);
  // Text that must come here, such as a signature.
  void expect(std::string_view text, const char* what);

  // FormatError at the current position.
  [[noreturn]] void fail(const std::string& what) const { bytes_.fail(what, at_); }

 private:
  template <class T>
  T advance(T value) {
    at_ += sizeof(T);
    return value;
  }

  Bytes bytes_;
  uint64_t at_ = 0;
};

// a * b and a + b of sizes read from a file; FormatError through `bytes` when they overflow.
CORNU_API uint64_t checked_mul(uint64_t a, uint64_t b, const Bytes& bytes, const char* what);
CORNU_API uint64_t checked_add(uint64_t a, uint64_t b, const Bytes& bytes, const char* what);

}  // namespace cornu::base
