#include "cornu/formats/onnx_values.h"

#include "cornu/ops/evaluate.h"

namespace cornu::formats {

using graph::NodeId;

Tensor transposed(const Tensor& t, const std::vector<int64_t>& perm) {
  Shape shape;
  for (int64_t axis : perm) shape.push_back(t.shape()[axis]);
  Tensor out = Tensor::uninitialized(shape);
  const ops::View<const float> in{&t.shape(), t.data()};
  ops::evaluate<float>(ops::Transpose{perm}, std::span(&in, 1), {&shape, out.data()},
                       {0, ops::row_count(shape)});
  return out;
}

std::vector<int64_t> channels_first(int64_t rank) {
  std::vector<int64_t> perm{0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i) perm.push_back(i);
  return perm;
}

std::vector<int64_t> channels_last(int64_t rank) {
  std::vector<int64_t> perm{0};
  for (int64_t i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return perm;
}

int64_t axis_channels_first(int64_t axis, int64_t rank) {
  return axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1;
}

const Tensor* OnnxValues::constant(NodeId id) const {
  const auto* op = std::get_if<ops::Constant>(&g_[id].op);
  return op ? &op->value : nullptr;
}

std::string OnnxValues::get(NodeId id, Layout layout) {
  const int64_t rank = g_[id].shape.rank();
  if (rank < 3) layout = Layout::kLast;
  std::string& name = at(id, layout);
  if (!name.empty()) return name;
  const bool to_first = layout == Layout::kFirst;
  if (const Tensor* value = constant(id))
    return name = out_.numbers(to_first ? transposed(*value, channels_first(rank)) : *value);
  const std::vector<int64_t> perm = to_first ? channels_first(rank) : channels_last(rank);
  const std::string& other = at(id, to_first ? Layout::kLast : Layout::kFirst);
  return name = out_.node("Transpose", {other}, {{"perm", perm}});
}

OnnxValues::Layout OnnxValues::best(const std::vector<NodeId>& in) {
  int64_t first = 0, last = 0;
  for (NodeId id : in) {
    if (constant(id)) continue;
    first += !at(id, Layout::kFirst).empty();
    last += at(id, Layout::kFirst).empty();
    // What broadcasts from fewer axes is said with channels last.
    if (g_[id].shape.rank() < 3) return Layout::kLast;
  }
  return first > 0 && first >= last ? Layout::kFirst : Layout::kLast;
}

std::string OnnxValues::operand(NodeId id, int64_t rank, Layout layout) {
  const Tensor* value = constant(id);
  if (!value) return get(id, layout);
  if (value->size() == 1 && rank >= value->shape().rank()) return out_.scalar(value->data()[0]);
  if (layout == Layout::kLast || value->shape().rank() == rank) return get(id, layout);
  Shape shape = value->shape();
  while (shape.rank() < rank) shape.insert(0, 1);
  return out_.numbers(transposed(value->reshaped(shape), channels_first(rank)));
}

}  // namespace cornu::formats
