#include "cornu/formats/legacy_kernels.h"

#include <algorithm>
#include <vector>

namespace cornu::formats {
namespace {

using Order = std::vector<int64_t>;

// Axis i of the result is axis order[i] of t.
Shape permuted(const Shape& shape, const Order& order) {
  Shape out;
  for (int64_t axis : order) out.push_back(shape[axis]);
  return out;
}

// Reads t at each place of the result; `step` is how far an index moves in t, which starts at
// `first`.
Tensor gathered(const Tensor& t, const Shape& shape, const Order& step, int64_t first) {
  Tensor out = Tensor::uninitialized(shape);
  Order index(step.size(), 0);
  int64_t from = first;
  for (float& value : out.values()) {
    value = t.data()[from];
    for (size_t axis = step.size(); axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < shape[static_cast<int64_t>(axis)]) break;
      from -= step[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return out;
}

Order strides(const Shape& shape) {
  Order steps(static_cast<size_t>(shape.rank()), 1);
  for (size_t i = steps.size(); i-- > 1;) steps[i - 1] = steps[i] * shape[static_cast<int64_t>(i)];
  return steps;
}

Tensor permuted(const Tensor& t, const Order& order) {
  const Order steps = strides(t.shape());
  Order step;
  for (int64_t axis : order) step.push_back(steps[static_cast<size_t>(axis)]);
  return gathered(t, permuted(t.shape(), order), step, 0);
}

// All axes but the last two, back to front.
Tensor flipped(const Tensor& t) {
  Order step = strides(t.shape());
  int64_t first = 0;
  for (size_t i = 0; i + 2 < step.size(); ++i) {
    first += step[i] * (t.shape()[static_cast<int64_t>(i)] - 1);
    step[i] = -step[i];
  }
  return t.size() == 0 ? t : gathered(t, t.shape(), step, first);
}

bool is_kernel(const Layer& layer, size_t index) {
  const std::string& name = layer.class_name();
  return index == 0 &&
         (name == "Conv1D" || name == "Conv2D" || name == "Conv3D" || name == "Conv2DTranspose");
}

bool channels_first(const Layer& layer) {
  const auto format = layer.impl()->config().find("data_format");
  return format && format->is_string() && format->as_string() == "channels_first";
}

struct Change {
  Order order;              // empty: none
  bool drops_axis = false;  // the second axis, of size 1
  const char* note = nullptr;
};

// What makes `stored` a kernel of shape `wanted`; nothing when nothing does.
std::optional<Change> change_of(const Layer& layer, const Shape& wanted, const Shape& stored,
                                const KernelOrigin& origin) {
  const std::string& name = layer.class_name();
  const auto gives = [&](const Order& order) {
    return stored.rank() == std::ssize(order) && permuted(stored, order) == wanted;
  };
  if (origin.keras1 && name == "Conv1D" && stored.rank() == 4) {
    Shape flat = wanted;
    flat.insert(1, 1);
    if (stored == flat) return Change{{}, true};
    if (permuted(stored, {2, 3, 1, 0}) == flat) return Change{{2, 3, 1, 0}, true};
    return std::nullopt;
  }
  if (origin.keras1) {
    Order order;
    const bool first = channels_first(layer);
    if (name == "Conv2D" && first) order = {2, 3, 1, 0};
    if (name == "Conv3D" && first) order = {2, 3, 4, 1, 0};
    if (name == "Conv2DTranspose") order = first ? Order{2, 3, 0, 1} : Order{0, 1, 3, 2};
    if (!order.empty() && gives(order)) return Change{order};
  }
  if (stored == wanted) return Change{};
  if (gives({3, 2, 0, 1})) return Change{{3, 2, 0, 1}};  // what Keras tries last
  if (gives({2, 3, 1, 0}))
    return Change{{2, 3, 1, 0},
                  false,
                  "is stored as (filters, channels, rows, columns): its axes were put in order"};
  return std::nullopt;
}

}  // namespace

bool fits_weight(const Layer& layer, size_t index, const Shape& wanted, const Shape& stored,
                 const KernelOrigin& origin) {
  return is_kernel(layer, index) ? change_of(layer, wanted, stored, origin).has_value()
                                 : wanted == stored;
}

Tensor fitted_weight(const Layer& layer, size_t index, const Shape& wanted, Tensor stored,
                     const KernelOrigin& origin, std::string* note) {
  if (!is_kernel(layer, index)) return stored;
  const Change change = change_of(layer, wanted, stored.shape(), origin).value();
  if (change.note) *note = change.note;
  if (!change.order.empty()) stored = permuted(stored, change.order);
  if (change.drops_axis) stored = stored.reshaped(wanted);
  return origin.theano ? flipped(stored) : stored;
}

}  // namespace cornu::formats
