#include <algorithm>

#include "cornu/formats/tfjs_weights.h"
#include "tests/fuzz/fuzz.h"

// The input is the manifest up to its first line break, then the bytes of the weight files: the
// file whose name ends in 'a' has the first half of them, any other the second.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t* end = std::find(data, data + size, uint8_t{'\n'});
  const uint8_t* files = end == data + size ? end : end + 1;
  const auto rest = static_cast<size_t>(data + size - files);
  cornu::fuzz::allow_refusal([&] {
    const auto manifest = cornu::base::parse_json(
        cornu::fuzz::text_of(data, static_cast<size_t>(end - data)), "input");
    uint64_t opened = 0;
    const auto weights = cornu::formats::read_tfjs_weights(manifest, [&](const std::string& name) {
      const bool first = name.ends_with('a');
      opened += rest;
      return cornu::fuzz::bytes_of(first ? files : files + rest / 2,
                                   first ? rest / 2 : rest - rest / 2);
    });
    uint64_t numbers = 0;
    for (const auto& [name, tensor] : weights) numbers += static_cast<uint64_t>(tensor.size());
    cornu::fuzz::require(numbers <= opened);
  });
  return 0;
}
