#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/none.h"

namespace cornu {

// One dimension: a size, or None where it is not known until data arrives.
struct Dim {
  static constexpr int64_t kUnknown = -1;
  int64_t value = kUnknown;
  constexpr Dim(std::nullopt_t) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Dim(T size) : value(static_cast<int64_t>(size)) {}
};

// The sizes of a tensor, outermost axis first. Shape{None, 28, 28, 1} is what Keras prints as
// (None, 28, 28, 1).
class CORNU_API Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Dim> dims);
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  // Axis i; a negative one counts from the end, as in Python. The axis must exist.
  int64_t operator[](int64_t i) const { return dims_[index(i)]; }
  int64_t& operator[](int64_t i) { return dims_[index(i)]; }
  bool known(int64_t i) const { return (*this)[i] != Dim::kUnknown; }
  bool fully_known() const;
  // Number of elements; every dimension must be known. 1 for rank 0.
  int64_t size() const;
  // The same for any shape: nothing where a dimension is unknown or negative, or where those other
  // than 0 multiply to more than 2^60, so that no count of cells or rows overflows.
  std::optional<int64_t> checked_size() const;

  void push_back(int64_t dim) { dims_.push_back(dim); }
  void insert(int64_t at, int64_t dim) { dims_.insert(dims_.begin() + at, dim); }
  void erase(int64_t at) { dims_.erase(dims_.begin() + at); }
  std::span<const int64_t> dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  size_t index(int64_t i) const { return static_cast<size_t>(i < 0 ? i + rank() : i); }
  std::vector<int64_t> dims_;
};

// "(None, 28, 28, 1)", "(5,)", "()": Python's text of the tuple.
CORNU_API std::string to_text(const Shape& shape);

}  // namespace cornu

namespace cornu::base {
using cornu::to_text;  // so that cat() takes shapes
}
