#include "cornu/nn/fill.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <new>
#include <span>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/random.h"
#include "cornu/base/text.h"

namespace cornu::nn {
namespace {

using base::normal;
using base::Philox;
using base::truncated_normal;
using base::unit;

// Number i is made from word i of the key's stream.
template <class T, class F>
void fill(std::span<T> out, uint64_t key, const F& number) {
  const Philox random(key);
  for (size_t i = 0; i < out.size(); i += 4) {
    const std::array<uint32_t, 4> words = random.block(i / 4);
    for (size_t k = 0; k < std::min<size_t>(4, out.size() - i); ++k)
      out[i + k] = static_cast<T>(number(words[k]));
  }
}

// Makes the columns of a (rows, cols), rows >= cols, orthonormal by modified Gram-Schmidt. This is
// the Q of the one QR decomposition whose R has a positive diagonal, hence Keras's sign fix (D19).
// Row by row, so that the inner loops run along memory.
void orthonormalize(std::vector<double>* a, int64_t rows, int64_t cols) {
  std::vector<double> along(static_cast<size_t>(cols));
  for (int64_t j = 0; j < cols; ++j) {
    double* const column = a->data() + j;
    double square = 0;
    for (int64_t r = 0; r < rows; ++r) square += column[r * cols] * column[r * cols];
    const double norm = std::sqrt(square);
    std::fill(along.begin(), along.end(), 0.0);
    for (int64_t r = 0; r < rows; ++r) {
      double* const row = a->data() + r * cols;
      row[j] /= norm;
      for (int64_t k = j + 1; k < cols; ++k) along[static_cast<size_t>(k)] += row[j] * row[k];
    }
    for (int64_t r = 0; r < rows; ++r) {
      double* const row = a->data() + r * cols;
      for (int64_t k = j + 1; k < cols; ++k) row[k] -= row[j] * along[static_cast<size_t>(k)];
    }
  }
}

}  // namespace

Fans fans(const Shape& shape) {
  const int64_t rank = shape.rank();
  if (rank == 0) return {1, 1};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double receptive_field = 1;
  for (int64_t i = 0; i < rank - 2; ++i) receptive_field *= static_cast<double>(shape[i]);
  return {receptive_field * static_cast<double>(shape[-2]),
          receptive_field * static_cast<double>(shape[-1])};
}

void fill_uniform(Tensor* t, uint64_t key, double low, double high) {
  // Rounding to float may reach the upper end, which does not belong to the range.
  const auto below = std::nextafter(static_cast<float>(high), static_cast<float>(low));
  fill(t->values(), key, [&](uint32_t word) {
    const auto v = static_cast<float>(low + (high - low) * unit(word));
    return v == static_cast<float>(high) ? below : v;
  });
}

void fill_normal(Tensor* t, uint64_t key, double mean, double stddev) {
  fill(t->values(), key, [&](uint32_t word) { return mean + stddev * normal(word); });
}

void fill_truncated(Tensor* t, uint64_t key, double mean, double stddev) {
  fill(t->values(), key, [&](uint32_t word) { return mean + stddev * truncated_normal(word); });
}

void fill_orthogonal(Tensor* t, uint64_t key, double gain) {
  if (t->size() == 0) return;
  const int64_t cols = t->shape()[-1], rows = t->size() / cols;
  const int64_t tall = std::max(rows, cols), narrow = std::min(rows, cols);
  std::vector<double> q;
  try {
    q.resize(static_cast<size_t>(t->size()));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(base::cat("an orthogonal matrix of shape ", t->shape(), " needs ",
                                t->size() * 8, " bytes more"));
  }
  fill(std::span(q), key, normal);
  orthonormalize(&q, tall, narrow);
  float* const out = t->data();
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      out[r * cols + c] = static_cast<float>(
          gain * q[static_cast<size_t>(rows < cols ? c * narrow + r : r * narrow + c)]);
}

}  // namespace cornu::nn
