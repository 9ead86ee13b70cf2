#include "cornu/tensor/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/tensor/held.h"

namespace cornu {
namespace {

thread_local int64_t held = 0;

// Most of the time that a large file takes to load is the kernel's, for each page of memory that is
// new. Huge ones are fewer; only those that lie inside of the tensor, which none takes memory
// beyond. Not every kernel has them.
void ask_for_huge_pages(void* memory, size_t bytes) {
  constexpr uintptr_t kHuge = 2 << 20;
  if (bytes < 2 * kHuge) return;
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + kHuge - 1) / kHuge * kHuge;
  ::madvise(static_cast<std::byte*>(memory) + (first - begin),
            (begin + bytes - first) / kHuge * kHuge, MADV_HUGEPAGE);
}

std::shared_ptr<float> allocate(int64_t count) {
  constexpr std::align_val_t kLine{64};
  const auto bytes = static_cast<size_t>(std::max<int64_t>(count, 1)) * sizeof(float);
  void* memory = ::operator new(bytes, kLine, std::nothrow);
  if (!memory) throw OutOfMemory(base::cat("cannot allocate a tensor of ", bytes, " bytes"));
  ask_for_huge_pages(memory, bytes);
  held += static_cast<int64_t>(bytes);
  return {static_cast<float*>(memory), [bytes](float* p) {
            held -= static_cast<int64_t>(bytes);
            ::operator delete(p, kLine);
          }};
}

int64_t checked_size(const Shape& shape) {
  for (int64_t d : shape)
    if (d < 0) throw ValueError(base::cat("a tensor needs a known shape. Received: shape=", shape));
  const std::optional<int64_t> size = shape.checked_size();
  if (!size) throw OutOfMemory(base::cat("a tensor of shape ", shape, " does not fit in memory"));
  return *size;
}

}  // namespace

int64_t tensor_bytes_held() { return held; }

Tensor::Tensor(Shape shape, Uninitialized)
    : shape_(std::move(shape)), size_(checked_size(shape_)), data_(allocate(size_)) {}

Tensor::Tensor(Shape shape) : Tensor(full(std::move(shape), 0)) {}

Tensor::Tensor(Shape shape, std::span<const float> values)
    : shape_(std::move(shape)), size_(checked_size(shape_)) {
  if (static_cast<int64_t>(values.size()) != size_)
    throw ValueError(base::cat("a tensor of shape ", shape_, " holds ", size_,
                               " numbers. Received: ", values.size()));
  data_ = allocate(size_);
  std::copy(values.begin(), values.end(), data_.get());
}

Tensor Tensor::full(Shape shape, float value) {
  Tensor t = uninitialized(std::move(shape));
  std::fill_n(t.data_.get(), t.size_, value);
  return t;
}

float* Tensor::data() {
  if (data_.use_count() > 1) {
    std::shared_ptr<float> own = allocate(size_);
    std::copy_n(data_.get(), size_, own.get());
    data_ = std::move(own);
  }
  return data_.get();
}

Tensor Tensor::reshaped(Shape shape) const {
  if (checked_size(shape) != size_)
    throw ValueError(base::cat("cannot reshape a tensor of shape ", shape_, " into ", shape));
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

}  // namespace cornu
