#include "cornu/tensor/variable.h"

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu {

void Variable::make_initial() const {
  if (!initial_) return;
  value_ = initial_();
  initial_ = nullptr;
}

Tensor Variable::value() const {
  std::lock_guard lock(mutex_);
  make_initial();
  return value_;
}

std::shared_ptr<const float> Variable::numbers() const {
  std::lock_guard lock(mutex_);
  make_initial();
  return value_.share();
}

void Variable::assign(Tensor value) {
  if (value.shape() != shape())
    throw ValueError(base::cat("weight ", base::quoted(name_), " has shape ", shape(),
                               ". Received: shape=", value.shape()));
  std::lock_guard lock(mutex_);
  value_ = std::move(value);
  initial_ = nullptr;
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace cornu
