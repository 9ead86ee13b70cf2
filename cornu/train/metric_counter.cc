#include "cornu/train/metric_counter.h"

#include <algorithm>
#include <array>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/loss_shapes.h"

namespace cornu::train {

using base::cat;

void throw_misfit(const std::string& needed, const Shape& y_true, const Shape& y_pred) {
  throw ValueError(cat("the metric needs ", needed, ". Received: y_true.shape=", y_true,
                       ", y_pred.shape=", y_pred));
}

void Counter::need_state(int64_t size) {
  if (state.empty()) state.resize(static_cast<size_t>(size));
  if (std::ssize(state) != size)
    throw ValueError(cat("the metric's state has ", state.size(), " numbers and must have ", size,
                         " for the shapes it is given now"));
}

namespace {

// Repeats the weights, as they are broadcast over the values.
void expand(const float* w, const Shape& weight, const Shape& values, std::vector<double>& out) {
  constexpr size_t kMostAxes = 8;
  std::array<int64_t, kMostAxes> at{}, stride{};
  const auto rank = static_cast<size_t>(values.rank());
  int64_t step = 1;
  for (size_t a = rank; a-- > 0;) {
    const int64_t size = weight.rank() == values.rank() ? weight[static_cast<int64_t>(a)] : 1;
    stride[a] = size == 1 ? 0 : step;
    step *= size;
  }
  int64_t from = 0;
  for (double& v : out) {
    v = w[from];
    for (size_t a = rank; a-- > 0;) {
      from += stride[a];
      if (++at[a] < values[static_cast<int64_t>(a)]) break;
      from -= stride[a] * at[a];
      at[a] = 0;
    }
  }
}

}  // namespace

Prepared& Counter::prepared(const Batch& batch) {
  constexpr size_t kMost = 4;  // full batches and a last one, of training and of validation
  for (Prepared& at : prepared_)
    if (at.y == batch.y_shape && at.p == batch.p_shape && at.weighted == (batch.w != nullptr) &&
        (!batch.w || at.w == batch.w_shape))
      return at;
  Prepared at;
  at.y = batch.y_shape;
  at.p = batch.p_shape;
  at.weighted = batch.w != nullptr;
  if (at.weighted) at.w = batch.w_shape;
  prepare(at);
  if (at.weighted) {
    const auto fit = fitted_weight(at.values, at.w);
    if (!fit)
      throw ValueError(cat("`sample_weight` does not fit the metric's values, of shape ", at.values,
                           ". Received: sample_weight.shape=", at.w));
    at.values = fit->values;
    at.weight = fit->weight;
    at.weights.resize(static_cast<size_t>(at.values.size()));
  }
  if (prepared_.size() == kMost) prepared_.erase(prepared_.begin());
  prepared_.push_back(std::move(at));
  return prepared_.back();
}

void Counter::update(const Batch& batch) {
  Prepared& at = prepared(batch);
  if (at.weighted) expand(batch.w, at.weight, at.values, at.weights);
  count(batch, at);
}

}  // namespace cornu::train
