#include "cornu/train/loss_shapes.h"

namespace cornu::train {

std::pair<Shape, Shape> same_rank(Shape a, Shape b) {
  const auto fit = [](Shape& longer, Shape& shorter) {
    if (longer[-1] != 1) return;
    if (shorter.rank() == 1)
      shorter.push_back(1);
    else
      longer.erase(longer.rank() - 1);
  };
  if (a.rank() == b.rank() + 1)
    fit(a, b);
  else if (b.rank() == a.rank() + 1)
    fit(b, a);
  return {std::move(a), std::move(b)};
}

namespace {

bool equal_but_unknown(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (int64_t i = 0; i < a.rank(); ++i)
    if (a[i] != b[i] && a.known(i) && b.known(i)) return false;
  return true;
}

}  // namespace

Labels labels_of(const Shape& y_true, const Shape& y_pred) {
  const int64_t classes = y_pred.rank() > 0 ? y_pred[-1] : 1;
  if (classes == 1) return Labels::kBinary;
  const bool one_label = y_true.rank() < y_pred.rank() || (y_true.rank() > 0 && y_true[-1] == 1);
  return one_label ? Labels::kSparse : Labels::kCategorical;
}

std::optional<Fitted> fitted(const LossRow* row, const LossSettings& s, const Shape& y_true,
                             const Shape& y_pred) {
  Fitted fit{y_true, y_pred};
  if (!row || !row->sparse) std::tie(fit.y_true, fit.y_pred) = same_rank(y_true, y_pred);
  if (!row) return fit;
  const int64_t rank = fit.y_pred.rank();
  fit.axis = s.axis < 0 ? s.axis + rank : s.axis;
  if (fit.axis < 0 || fit.axis >= rank) return {};
  Shape wanted = fit.y_pred;
  if (row->sparse) {
    if (fit.y_true.rank() == rank && fit.y_true[fit.axis] == 1) fit.y_true.erase(fit.axis);
    wanted.erase(fit.axis);
  }
  if (!equal_but_unknown(fit.y_true, wanted)) return {};
  return fit;
}

std::optional<FittedWeight> fitted_weight(const Shape& values, const Shape& weight) {
  FittedWeight fit;
  std::tie(fit.values, fit.weight) = same_rank(values, weight);
  if (fit.values.rank() == 0) return fit;
  if (fit.weight.rank() > fit.values.rank()) return {};
  while (fit.weight.rank() < fit.values.rank()) fit.weight.push_back(1);
  for (int64_t i = 0; i < fit.values.rank(); ++i)
    if (fit.weight[i] != fit.values[i] && fit.weight[i] != 1) return {};
  return fit;
}

}  // namespace cornu::train
