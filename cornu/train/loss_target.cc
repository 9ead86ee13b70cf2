#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/train/loss.h"
#include "cornu/train/loss_shapes.h"

namespace cornu {
namespace {

std::string place(int64_t i, const Shape& shape) {
  std::vector<int64_t> at(static_cast<size_t>(shape.rank()));
  for (int64_t a = shape.rank() - 1; a >= 0; --a) {
    at[static_cast<size_t>(a)] = i % shape[a];
    i /= shape[a];
  }
  return to_text(Shape(std::move(at)));
}

}  // namespace

void Loss::check_target(const Tensor& y_true, const Shape& y_pred,
                        const std::string& output) const {
  const std::string about = base::cat("argument `y` for output ", base::quoted(output), ": ");
  Shape any_samples = y_pred;
  if (any_samples.rank() > 0) any_samples[0] = Dim::kUnknown;
  const train::LossRow* row = this->row(y_true.shape(), y_pred);
  const auto fit = train::fitted(row, settings_, y_true.shape(), any_samples);
  if (!fit)
    throw ValueError(base::cat(about,
                               row->sparse
                                   ? "class labels must have the output's shape without its classes"
                                   : "targets must have the output's shape",
                               ", which is ", any_samples, ", for the loss ", base::quoted(name_),
                               ". Received: shape=", y_true.shape()));
  if (!row || !row->sparse) return;
  const int64_t classes = fit->y_pred[fit->axis];
  for (int64_t i = 0; i < y_true.size(); ++i) {
    const float label = y_true.data()[i];
    if (settings_.ignore_class && label == static_cast<float>(*settings_.ignore_class)) continue;
    if (!(label >= 0 && label < static_cast<float>(classes) && label == std::floor(label)))
      throw ValueError(base::cat(about, "class labels for the loss ", base::quoted(name_),
                                 " must be whole numbers from 0 to ", classes - 1,
                                 ", as the output has ", classes, " classes. Received: ", label,
                                 " at ", place(i, y_true.shape())));
  }
}

}  // namespace cornu
