#include <cornu/tensor/tensor.h>

#include <iostream>

int main() {
  const cornu::Tensor t(cornu::Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  std::cout << to_text(t.reshaped(cornu::Shape{3, 2}).shape()) << " " << t.data()[5] << "\n";
}
