#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "cornu/tensor/tensor.h"

namespace cornu {

// A weight: a tensor that keeps its shape while its numbers change. Each assignment raises the
// version, which is how plans know that what they packed is out of date. Shared by every call of
// its layer, and by every model the layer is in; safe to read and assign from several threads.
class CORNU_API Variable {
 public:
  Variable(std::string name, Tensor value, bool trainable)
      : name_(std::move(name)), value_(std::move(value)), trainable_(trainable) {}

  // "kernel", "bias", "moving_mean": unique within its layer.
  const std::string& name() const { return name_; }
  const Shape& shape() const { return value_.shape(); }
  // What the layer made it for; a layer with trainable = false freezes it all the same.
  bool trainable() const { return trainable_; }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  Tensor value() const;
  // Throws ValueError when the shape differs.
  void assign(Tensor value);

 private:
  const std::string name_;
  mutable std::mutex mutex_;
  Tensor value_;
  std::atomic<uint64_t> version_{1};
  const bool trainable_;
};

}  // namespace cornu
