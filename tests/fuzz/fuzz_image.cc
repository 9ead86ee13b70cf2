#include "cornu/image/image.h"
#include "tests/fuzz/fuzz.h"

// Pictures: what is read can be written, and stays the same from then on.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    const auto bytes = std::as_bytes(std::span(data, size));
    const cornu::Tensor image = cornu::decode_image(bytes, {.max_pixels = 1 << 16});
    cornu::fuzz::require(cornu::encode_png(cornu::decode_image(cornu::encode_png(image))) ==
                         cornu::encode_png(image));
  });
  return 0;
}
