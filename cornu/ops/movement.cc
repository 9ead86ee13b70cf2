#include "cornu/ops/movement.h"

#include <algorithm>
#include <vector>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Pad& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && std::ssize(op.edges) == in[0].rank(), "takes one x, one edge per axis",
          op, in);
  Shape out = in[0];
  for (int64_t a = 0; a < out.rank(); ++a) {
    const Edge& edge = op.edges[static_cast<size_t>(a)];
    // Bounds first, so that the sum cannot overflow.
    require(edge.before >= -out[a] && edge.after >= -out[a] && edge.before < (int64_t{1} << 60) &&
                edge.after < (int64_t{1} << 60),
            "edges in range", op, in);
    out[a] += edge.before + edge.after;
    require(out[a] >= 0, "no more is cropped than there is", op, in);
  }
  return out;
}

Shape shape_rule(const Reshape& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && op.shape.checked_size() == in[0].size(),
          "takes one x of as many numbers", op, in);
  return op.shape;
}

Shape shape_rule(const Transpose& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && std::ssize(op.perm) == in[0].rank(), "takes one x, an entry per axis",
          op, in);
  std::vector<bool> seen(op.perm.size());
  Shape out;
  for (int64_t axis : op.perm) {
    require(axis >= 0 && axis < in[0].rank() && !seen[static_cast<size_t>(axis)],
            "perm names every axis once", op, in);
    seen[static_cast<size_t>(axis)] = true;
    out.push_back(in[0][axis]);
  }
  return out;
}

Shape shape_rule(const Concat& op, const std::vector<Shape>& in) {
  require(!in.empty() && op.axis >= 0 && op.axis < in[0].rank(), "the axis exists", op, in);
  Shape out = in[0];
  out[op.axis] = 0;
  for (Shape part : in) {
    require(part.rank() == out.rank(), "equal ranks", op, in);
    const int64_t length = out[op.axis] + part[op.axis];
    part[op.axis] = out[op.axis];
    require(part == out, "equal sizes along the other axes", op, in);
    out[op.axis] = length;
  }
  return out;
}

Shape shape_rule(const Broadcast& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0].rank() <= op.shape.rank(), "takes one x, of no more axes", op,
          in);
  require(op.shape.fully_known(), "a known shape", op, in);
  for (int64_t a = 1; a <= in[0].rank(); ++a)
    require(in[0][-a] == 1 || in[0][-a] == op.shape[-a], "the sizes broadcast", op, in);
  return op.shape;
}

template <class T>
void reference(const Pad& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& x = *in[0].shape;
  const Sizes n = outer(x);
  const int64_t length = row_length(*out.shape), x_length = row_length(x);
  const int64_t before = op.edges.empty() ? 0 : op.edges.back().before;
  const int64_t first = std::clamp<int64_t>(before, 0, length);
  const int64_t last = std::clamp<int64_t>(before + x_length, first, length);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, outer(*out.shape));
    int64_t source = 0;
    bool inside = true;
    for (size_t a = 0; a < n.size(); ++a) {
      const int64_t i = p[a] - op.edges[a].before;
      inside = inside && i >= 0 && i < n[a];
      source = source * n[a] + i;
    }
    T* y = out.data + row * length;
    std::fill_n(y, length, T(0));
    if (inside)
      std::copy_n(in[0].data + source * x_length + (first - before), last - first, y + first);
  }
}

template <class T>
void reference(const Reshape&, Inputs<T> in, View<T> out, Rows rows) {
  const int64_t length = row_length(*out.shape);
  std::copy(in[0].data + rows.begin * length, in[0].data + rows.end * length,
            out.data + rows.begin * length);
}

template <class T>
void reference(const Transpose& op, Inputs<T> in, View<T> out, Rows rows) {
  const Index strides = strides_of(in[0].shape->dims());
  const int64_t length = row_length(*out.shape);
  const int64_t step = op.perm.empty() ? 0 : strides[static_cast<size_t>(op.perm.back())];
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Sizes sizes = outer(*out.shape);
    const Index p = unravel(row, sizes);
    int64_t source = 0;
    for (size_t a = 0; a < sizes.size(); ++a)
      source += p[a] * strides[static_cast<size_t>(op.perm[a])];
    for (int64_t i = 0; i < length; ++i) out.data[row * length + i] = in[0].data[source + i * step];
  }
}

template <class T>
void reference(const Concat& op, Inputs<T> in, View<T> out, Rows rows) {
  // Each input is a run of `block` numbers per index of the axes before `axis`, and so is the
  // output: an output row is filled from the runs it meets.
  const Sizes inner = out.shape->dims().subspan(static_cast<size_t>(op.axis) + 1);
  const int64_t cell = product(inner), length = row_length(*out.shape);
  const int64_t out_block = (*out.shape)[op.axis] * cell;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    if (length == 0) break;
    const int64_t start = row * length, outer_index = start / out_block;
    int64_t block_start = outer_index * out_block;
    for (const View<const T>& part : in) {
      const int64_t block = (*part.shape)[op.axis] * cell;
      const int64_t from = std::max(start, block_start);
      const int64_t to = std::min(start + length, block_start + block);
      if (from < to)
        std::copy_n(part.data + outer_index * block + (from - block_start), to - from,
                    out.data + from);
      block_start += block;
    }
  }
}

template <class T>
void reference(const Broadcast&, Inputs<T> in, View<T> out, Rows rows) {
  const Sizes sizes = outer(*out.shape);
  const Index strides = broadcast_strides(*in[0].shape, *out.shape);
  const int64_t length = row_length(*out.shape), step = strides[sizes.size()];
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index p = unravel(row, sizes);
    int64_t source = 0;
    for (size_t a = 0; a < sizes.size(); ++a) source += p[a] * strides[a];
    for (int64_t i = 0; i < length; ++i) out.data[row * length + i] = in[0].data[source + i * step];
  }
}

template void reference(const Pad&, Inputs<float>, View<float>, Rows);
template void reference(const Pad&, Inputs<double>, View<double>, Rows);
template void reference(const Reshape&, Inputs<float>, View<float>, Rows);
template void reference(const Reshape&, Inputs<double>, View<double>, Rows);
template void reference(const Transpose&, Inputs<float>, View<float>, Rows);
template void reference(const Transpose&, Inputs<double>, View<double>, Rows);
template void reference(const Concat&, Inputs<float>, View<float>, Rows);
template void reference(const Concat&, Inputs<double>, View<double>, Rows);
template void reference(const Broadcast&, Inputs<float>, View<float>, Rows);
template void reference(const Broadcast&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
