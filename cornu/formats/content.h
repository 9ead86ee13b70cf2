#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cornu/tensor/tensor.h"

namespace cornu::formats {

// Bytes on their way into a file, in pieces: small ones made for it, large ones that stay where
// their tensors have them, so that writing a model takes no second copy of its weights.
class Content {
 public:
  Content() = default;
  explicit Content(const std::string& bytes) { add(bytes); }

  void add(const std::string& bytes) {
    if (pieces_.empty() || pieces_.back().numbers) pieces_.emplace_back();
    pieces_.back().bytes += bytes;
    size_ += bytes.size();
  }
  void add(Tensor numbers) {
    if (pieces_.empty() || pieces_.back().numbers) pieces_.emplace_back();
    size_ += static_cast<uint64_t>(numbers.size()) * sizeof(float);
    pieces_.back().numbers = std::move(numbers);
  }
  void add(Content other) {
    size_ += other.size_;
    for (Piece& piece : other.pieces_) pieces_.push_back(std::move(piece));
  }
  uint64_t size() const { return size_; }

  std::string text() const;  // all of it
  // f(std::span<const std::byte>) for each piece in turn.
  template <class F>
  void each(F&& f) const {
    for (const Piece& piece : pieces_) {
      f(std::as_bytes(std::span(piece.bytes)));
      if (piece.numbers) f(std::as_bytes(std::as_const(*piece.numbers).values()));
    }
  }

 private:
  struct Piece {
    std::string bytes;
    std::optional<Tensor> numbers = {};  // after the bytes
  };
  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

// Writes a file that appears whole or not at all. Throws IoError.
void write_file(const Content& content, const std::string& path);

// Appends the low `bytes` bytes of a number, least significant first.
inline void put_number(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace cornu::formats
