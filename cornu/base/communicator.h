#pragma once

#include <cstddef>
#include <span>

namespace cornu::base {

// The processes that train one model together, as one of them sees them. All call the same
// functions in the same order; each returns when all have. Throws IoError when one is lost.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;  // 0 prints and saves
  virtual int size() const = 0;
  // Replaces the numbers by their sums over all processes, added in the order of the ranks: equal
  // bits everywhere and on every run.
  virtual void sum(std::span<float> numbers) = 0;
  virtual void sum(std::span<double> numbers) = 0;
  // Gives everybody what rank 0 has.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
};

// Means over all processes within one step, each counting by its share of the step's batch. What
// goes wrong is kept for whoever runs the step; the numbers are then of no use.
class Replicas {
 public:
  virtual ~Replicas() = default;
  virtual void mean(std::span<float> numbers) noexcept = 0;
};

}  // namespace cornu::base
