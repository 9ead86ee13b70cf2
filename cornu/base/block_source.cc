#include "cornu/base/block_source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::base {
namespace {

// Pages, the least that can be given back: of two tensors that lie side by side, each smaller than
// a block, neither could be released.
uint64_t block_bytes() {
  static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return page;
}

}  // namespace

BlockSource::BlockSource(std::string label, uint64_t size)
    : ByteSource(std::move(label), size), loaded_((size + block_bytes() - 1) / block_bytes()) {
  if (size == 0) return;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw OutOfMemory(cat("cannot reserve ", size, " bytes to read ", quoted(this->label())));
  memory_ = static_cast<std::byte*>(memory);
  // Huge pages would take memory for blocks that nobody looks at. Not every kernel has them.
  ::madvise(memory, size, MADV_NOHUGEPAGE);
}

BlockSource::~BlockSource() {
  if (memory_) ::munmap(memory_, size());
}

const std::byte* BlockSource::load(uint64_t offset, uint64_t bytes) {
  const uint64_t block = block_bytes();
  const uint64_t end = (offset + bytes + block - 1) / block;
  for (uint64_t first = offset / block; bytes > 0 && first < end; ++first) {
    if (loaded_[first]) continue;
    uint64_t last = first + 1;
    while (last < end && !loaded_[last]) ++last;
    const uint64_t begin = first * block;
    fill(begin, {memory_ + begin, std::min(last * block, size()) - begin});
    std::fill(loaded_.begin() + static_cast<std::ptrdiff_t>(first),
              loaded_.begin() + static_cast<std::ptrdiff_t>(last), true);
    first = last - 1;
  }
  return memory_ + offset;
}

void BlockSource::release(uint64_t offset, uint64_t bytes) noexcept {
  const uint64_t block = block_bytes();
  const uint64_t first = (offset + block - 1) / block;
  const uint64_t end = offset + bytes == size() ? loaded_.size() : (offset + bytes) / block;
  if (first >= end) return;
  std::byte* from = memory_ + first * block;
  const uint64_t length = std::min(end * block, size()) - first * block;
  if (::madvise(from, length, MADV_DONTNEED) != 0) return;
  std::fill(loaded_.begin() + static_cast<std::ptrdiff_t>(first),
            loaded_.begin() + static_cast<std::ptrdiff_t>(end), false);
}

}  // namespace cornu::base
