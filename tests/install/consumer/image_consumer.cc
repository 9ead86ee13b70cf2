#include <cornu/image/image.h>

#include <iostream>

int main() {
  const cornu::Tensor picture = cornu::Tensor::full(cornu::Shape{2, 3, 1}, 77.4f);
  const cornu::Tensor back = cornu::decode_image(cornu::encode_png(picture), {.channels = 3});
  std::cout << to_text(back.shape()) << " " << back.data()[17] << "\n";
}
