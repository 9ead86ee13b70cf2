#include "cornu/tensor/shape.h"

#include "cornu/base/text.h"

namespace cornu {

Shape::Shape(std::initializer_list<Dim> dims) {
  dims_.reserve(dims.size());
  for (const Dim& d : dims) dims_.push_back(d.value);
}

bool Shape::fully_known() const {
  for (int64_t d : dims_)
    if (d == Dim::kUnknown) return false;
  return true;
}

int64_t Shape::size() const {
  int64_t n = 1;
  for (int64_t d : dims_) n *= d;
  return n;
}

std::optional<int64_t> Shape::checked_size() const {
  constexpr int64_t kMost = int64_t{1} << 60;
  int64_t n = 1;
  bool empty = false;
  for (int64_t d : dims_) {
    if (d < 0) return {};
    empty = empty || d == 0;
    if (d > 0 && (__builtin_mul_overflow(n, d, &n) || n > kMost)) return {};
  }
  return empty ? 0 : n;
}

std::string to_text(const Shape& shape) {
  std::string out = "(";
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (i > 0) out += ", ";
    out += shape.known(i) ? std::to_string(shape[i]) : "None";
  }
  if (shape.rank() == 1) out += ",";
  return out + ")";
}

}  // namespace cornu
