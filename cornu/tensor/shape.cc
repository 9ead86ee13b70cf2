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
