#include "cornu/ops/random.h"

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Random& op, const std::vector<Shape>& in) {
  require(in.size() == 1 && in[0] == Shape{6} && op.shape.rank() >= 1 && op.shape.checked_size(),
          "takes a key of six numbers, has a known shape with samples", op, in);
  return op.shape;
}

template <class T>
void reference(const Random& op, Inputs<T> in, View<T> out, Rows rows) {
  const auto part = [&](size_t i) { return static_cast<uint64_t>(in[0].data[i]); };
  const uint64_t seed = part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
  const uint64_t first_sample = part(4) | part(5) << 16;
  const base::Philox stream(seed, static_cast<uint64_t>(op.site));
  const auto per_sample = static_cast<uint64_t>(product(op.shape.dims().subspan(1)));
  const int64_t length = row_length(*out.shape);
  for (int64_t i = rows.begin * length; i < rows.end * length; ++i)
    out.data[i] = random_number<T>(
        op.kind, stream.bits32(first_sample * per_sample + static_cast<uint64_t>(i)));
}

template void reference(const Random&, Inputs<float>, View<float>, Rows);
template void reference(const Random&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
