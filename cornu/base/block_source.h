#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/bytes.h"

namespace cornu::base {

// Bytes that are fetched block by block when they are looked at. They lie in a stretch of address
// space as long as all of them; only the blocks in use take memory.
class BlockSource : public ByteSource {
 public:
  // Throws OutOfMemory when there is no such stretch.
  BlockSource(std::string label, uint64_t size);
  ~BlockSource() override;

  const std::byte* load(uint64_t offset, uint64_t bytes) override;
  // Only whole blocks go.
  void release(uint64_t offset, uint64_t bytes) noexcept override;

 private:
  // Writes the bytes that begin at `begin`, as many as `to` has room for. Called again for what was
  // released meanwhile.
  virtual void fill(uint64_t begin, std::span<std::byte> to) = 0;

  std::vector<bool> loaded_;
  std::byte* memory_ = nullptr;
};

}  // namespace cornu::base
