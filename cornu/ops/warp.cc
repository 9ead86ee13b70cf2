#include "cornu/ops/warp.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cornu/ops/index.h"

namespace cornu::ops {

Shape shape_rule(const Warp& op, const std::vector<Shape>& in) {
  require(in.size() == 2 && in[0].rank() == 4 && in[1] == Shape{in[0][0], 5},
          "takes images and five numbers for each", op, in);
  return in[0];
}

namespace {

// Where the cells of one image come from.
class Source {
 public:
  template <class T>
  Source(const T* how, int64_t height, int64_t width)
      : cos_(std::cos(double{how[0]})),
        sin_(std::sin(double{how[0]})),
        zoom_y_(how[1]),
        zoom_x_(how[2]),
        move_y_(how[3]),
        move_x_(how[4]),
        middle_y_(static_cast<double>(height - 1) / 2),
        middle_x_(static_cast<double>(width - 1) / 2) {}

  struct Place {
    double y, x;
  };
  Place of(int64_t row, int64_t column) const {
    const double y = zoom_y_ * (static_cast<double>(row) - middle_y_);
    const double x = zoom_x_ * (static_cast<double>(column) - middle_x_);
    return {near(sin_ * x + cos_ * y + middle_y_ - move_y_),
            near(cos_ * x - sin_ * y + middle_x_ - move_x_)};
  }

 private:
  // So that NaN and what is far away can be a whole number.
  static double near(double v) {
    constexpr double kFar = 0x1p40;
    return v < kFar ? std::max(v, -kFar) : std::isnan(v) ? -kFar : kFar;
  }

  double cos_, sin_, zoom_y_, zoom_x_, move_y_, move_x_, middle_y_, middle_x_;
};

// The cell of an axis of n > 0 that stands for cell i of the axis without end; -1: none does.
int64_t cell_for(Warp::Beyond beyond, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  const auto modulo = [i](int64_t period) { return (i % period + period) % period; };
  switch (beyond) {
    case Warp::Beyond::kConstant:
      return -1;
    case Warp::Beyond::kNearest:
      return std::clamp<int64_t>(i, 0, n - 1);
    case Warp::Beyond::kReflect: {
      const int64_t at = modulo(2 * n);
      return at < n ? at : 2 * n - 1 - at;
    }
    case Warp::Beyond::kWrap:
      return modulo(n);
  }
  return -1;
}

template <class T>
struct Image {
  const Warp& op;
  const T* cells;
  int64_t height, width, channels;

  // sum += weight * the cell's numbers, or weight * fill beyond the image.
  void add(int64_t row, int64_t column, double weight, T* sum) const {
    if (weight == 0) return;
    const int64_t y = cell_for(op.beyond, row, height), x = cell_for(op.beyond, column, width);
    const T share = static_cast<T>(weight);
    for (int64_t c = 0; c < channels; ++c)
      sum[c] += share *
                (y < 0 || x < 0 ? static_cast<T>(op.fill) : cells[(y * width + x) * channels + c]);
  }
};

}  // namespace

template <class T>
void reference(const Warp& op, Inputs<T> in, View<T> out, Rows rows) {
  const Shape& shape = *out.shape;
  const int64_t height = shape[1], width = shape[2], channels = shape[3];
  int64_t sample = -1;
  std::optional<Source> source;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const Index at = unravel(row, outer(shape));
    if (sample != at[0]) source.emplace(in[1].data + (sample = at[0]) * 5, height, width);
    const Image<T> image{op, in[0].data + at[0] * height * width * channels, height, width,
                         channels};
    const Source::Place from = source->of(at[1], at[2]);
    T* sum = out.data + row * channels;
    std::fill_n(sum, channels, T{0});
    if (!op.bilinear) {
      image.add(std::llround(from.y), std::llround(from.x), 1, sum);
      continue;
    }
    const double y = std::floor(from.y), x = std::floor(from.x);
    const double below = from.y - y, right = from.x - x;
    const auto i = static_cast<int64_t>(y), j = static_cast<int64_t>(x);
    image.add(i, j, (1 - below) * (1 - right), sum);
    image.add(i, j + 1, (1 - below) * right, sum);
    image.add(i + 1, j, below * (1 - right), sum);
    image.add(i + 1, j + 1, below * right, sum);
  }
}

template void reference(const Warp&, Inputs<float>, View<float>, Rows);
template void reference(const Warp&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
