#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/tensor/shape.h"

namespace cornu {

// Numbers with a shape: float32, row-major, 64-byte aligned. A value: copies are cheap (they share
// memory) and independent (writing through data() first makes the memory this tensor's own).
class CORNU_API Tensor {
 public:
  Tensor() : Tensor(Shape{0}) {}
  // All zeros. Throws OutOfMemory, and ValueError for a shape with unknown dimensions.
  explicit Tensor(Shape shape);
  // Copies `values`; their number must be shape.size() (ValueError).
  Tensor(Shape shape, std::span<const float> values);
  Tensor(Shape shape, std::initializer_list<float> values)
      : Tensor(std::move(shape), std::span<const float>(values.begin(), values.size())) {}
  static Tensor full(Shape shape, float value);
  // To be written whole before it is read. Its memory is taken as it is written.
  static Tensor uninitialized(Shape shape) { return {std::move(shape), Uninitialized()}; }

  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }
  const float* data() const { return data_.get(); }
  float* data();
  std::span<const float> values() const { return {data(), static_cast<size_t>(size_)}; }
  std::span<float> values() { return {data(), static_cast<size_t>(size_)}; }

  // The memory itself, kept alive by whoever holds it.
  std::shared_ptr<const float> share() const { return data_; }

  // The same numbers under another shape of equal size (ValueError otherwise).
  Tensor reshaped(Shape shape) const;

 private:
  struct Uninitialized {};
  Tensor(Shape shape, Uninitialized);

  Shape shape_;
  int64_t size_ = 0;
  std::shared_ptr<float> data_;
};

}  // namespace cornu
