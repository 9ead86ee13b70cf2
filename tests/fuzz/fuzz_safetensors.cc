// Arrays lie in the file one after the other: they have as many numbers as their bytes hold.

#include "cornu/formats/safetensors_parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/mutate.h"

namespace {

constexpr size_t kLengthBytes = 8;

// The header is changed as JSON; its length and that of the data are made right again.
void change(cornu::fuzz::Mutation& m) {
  if (m.text.size() < kLengthBytes || m.draw(8) == 0) return m.bytes(&m.text);
  const size_t length = std::min<size_t>(cornu::fuzz::number_at(m.text, 0, kLengthBytes),
                                         m.text.size() - kLengthBytes);
  std::string header = m.text.substr(kLengthBytes, length);
  std::string data = m.text.substr(kLengthBytes + length);
  m.json(&header);
  if (m.draw(4) == 0) m.bytes(&data);
  if (m.draw(4) != 0) data.resize(std::min<size_t>(cornu::fuzz::most_data(header), 1 << 13));
  m.text = std::string(kLengthBytes, '\0') + header + data;
  cornu::fuzz::put_at(m.text, 0, header.size(), kLengthBytes);
}

}  // namespace

CORNU_FUZZ_MUTATOR(change)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    uint64_t numbers = 0;
    for (const auto& [name, tensor] :
         cornu::formats::parse_safetensors(cornu::fuzz::bytes_of(data, size))) {
      cornu::fuzz::require(tensor.size() == tensor.shape().size());
      numbers += static_cast<uint64_t>(tensor.size());
    }
    cornu::fuzz::require(numbers <= size);
  });
  return 0;
}
