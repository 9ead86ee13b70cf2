#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "cornu/tensor/tensor.h"

namespace cornu {

// A weight: a tensor that keeps its shape while its numbers change. Each assignment raises the
// version, which is how plans know that what they packed is out of date. Shared by every call of
// its layer, and by every model the layer is in; safe to read and assign from several threads.
//
// The initial numbers are made when they are first read, so that a model loaded from a file never
// makes any: a file that declares a huge weight and does not hold it costs nothing.
class CORNU_API Variable {
 public:
  Variable(std::string name, Tensor value, bool trainable)
      : name_(std::move(name)),
        shape_(value.shape()),
        value_(std::move(value)),
        trainable_(trainable) {}
  // `initial` gives a tensor of that shape.
  Variable(std::string name, Shape shape, std::function<Tensor()> initial, bool trainable)
      : name_(std::move(name)),
        shape_(std::move(shape)),
        initial_(std::move(initial)),
        trainable_(trainable) {}

  // "kernel", "bias", "moving_mean": unique within its layer.
  const std::string& name() const { return name_; }
  const Shape& shape() const { return shape_; }
  // What the layer made it for; a layer with trainable = false freezes it all the same.
  bool trainable() const { return trainable_; }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  Tensor value() const;
  // The same without a shape, which costs no allocation.
  std::shared_ptr<const float> numbers() const;
  // Throws ValueError when the shape differs.
  void assign(Tensor value);
  // Changes the numbers in place: change(float*) is given shape().size() of them. Nothing is copied
  // unless someone holds what value() returned. How training updates a weight without allocating.
  template <class F>
  void modify(F&& change) {
    std::lock_guard lock(mutex_);
    make_initial();
    change(value_.data());
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  void make_initial() const;

  const std::string name_;
  const Shape shape_;
  mutable std::mutex mutex_;
  mutable std::function<Tensor()> initial_;  // empty once value_ is there
  mutable Tensor value_;
  std::atomic<uint64_t> version_{1};
  const bool trainable_;
};

}  // namespace cornu
