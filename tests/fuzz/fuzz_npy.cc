#include "cornu/formats/npy_parser.h"
#include "cornu/formats/zip.h"
#include "tests/fuzz/fuzz.h"

// Arrays and archives of arrays: an array has no more numbers than the file has bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    const cornu::base::Bytes bytes = cornu::fuzz::bytes_of(data, size);
    if (cornu::formats::is_zip(bytes)) {
      for (const auto& [name, tensor] : cornu::formats::parse_npz(bytes))
        cornu::fuzz::require(tensor.size() == tensor.shape().size());
    } else {
      const cornu::Tensor tensor = cornu::formats::parse_npy(bytes);
      cornu::fuzz::require(static_cast<uint64_t>(tensor.size()) <= size);
    }
  });
  return 0;
}
