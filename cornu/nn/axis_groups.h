#pragma once

#include <cstdint>
#include <vector>

#include "cornu/tensor/shape.h"

namespace cornu::nn {

// Memory of AxisGroups that may be used again, so that a second one allocates nothing.
struct AxisGroupsMemory {
  std::vector<int64_t> strides, at;
};

// Tells each element of an array the number of its group. Elements that differ only along axes for
// which within(axis) is true share one; groups are numbered in the order of the other axes.
class AxisGroups {
 public:
  template <class F>
  AxisGroups(const Shape& shape, const F& within, AxisGroupsMemory& memory)
      : shape_(shape), strides_(memory.strides), at_(memory.at) {
    strides_.assign(static_cast<size_t>(shape.rank()), 0);
    for (int64_t axis = shape.rank(); axis-- > 0;) {
      if (within(axis)) continue;
      strides_[static_cast<size_t>(axis)] = count_;
      count_ *= shape[axis];
    }
  }

  int64_t count() const { return count_; }

  // f(element, group) for every element in order.
  template <class F>
  void for_each(const F& f) const {
    at_.assign(strides_.size(), 0);
    int64_t group = 0;
    for (int64_t element = 0; element < shape_.size(); ++element) {
      f(static_cast<size_t>(element), static_cast<size_t>(group));
      for (size_t i = at_.size(); i-- > 0;) {
        group += strides_[i];
        if (++at_[i] < shape_[static_cast<int64_t>(i)]) break;
        group -= strides_[i] * at_[i];
        at_[i] = 0;
      }
    }
  }

 private:
  const Shape& shape_;
  std::vector<int64_t>&strides_, &at_;
  int64_t count_ = 1;
};

}  // namespace cornu::nn
