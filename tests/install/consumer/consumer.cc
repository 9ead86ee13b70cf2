#include <cornu/cornu.h>

#include <iostream>

// Builds a network, runs it, and has an error come back whole through the library's edge.
int main() {
  using namespace cornu;
  Sequential model({
      Conv2D(
          {.filters = 1, .kernel_size = 3, .kernel_initializer = "ones", .input_shape = {4, 5, 2}}),
      Flatten(),
  });
  const Tensor y = model.predict(Tensor::full({1, 4, 5, 2}, 0.5f));
  std::cout << to_text(y.shape()) << " " << y.data()[5] << "\n";
  try {
    model.predict(Tensor({1, 4, 5, 3}));
    return 1;
  } catch (const ValueError&) {
    return 0;
  }
}
