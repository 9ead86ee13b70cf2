#pragma once

#include <optional>
#include <string>

#include "cornu/layers/layer.h"

namespace cornu::formats {

// Who wrote a file of weights, as far as kernels depend on it (formats.md 3.5).
struct KernelOrigin {
  bool keras1 = false;  // axes in other orders
  bool theano = false;  // flipped: Theano convolves, the others correlate
};

// Whether a weight stored with that shape can be weight number `index` of the layer, whose shape is
// `wanted`: it has that shape, or is a convolution's kernel in an order that older files have.
bool fits_weight(const Layer& layer, size_t index, const Shape& wanted, const Shape& stored,
                 const KernelOrigin& origin);

// The weight in the order that Keras has had since version 2. fits_weight() must hold. `note`
// is set where the order was guessed, to words for a warning.
Tensor fitted_weight(const Layer& layer, size_t index, const Shape& wanted, Tensor stored,
                     const KernelOrigin& origin, std::string* note);

}  // namespace cornu::formats
