// The weights of a TensorFlow.js model. The input is the manifest up to its first line break, then
// the bytes of the weight files: the file whose name ends in 'a' has the first half of them, any
// other the second.

#include <algorithm>

#include "cornu/formats/tfjs_weights.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

namespace {

void read(std::string_view text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view files = text.substr(std::min(end + 1, text.size()));
  const size_t half = files.size() / 2;
  const auto manifest = cornu::base::parse_json(text.substr(0, end), "input");
  uint64_t opened = 0;
  const auto weights = cornu::formats::read_tfjs_weights(manifest, [&](const std::string& name) {
    const std::string_view file = name.ends_with('a') ? files.substr(0, half) : files.substr(half);
    opened += files.size();
    return cornu::fuzz::bytes_of(reinterpret_cast<const uint8_t*>(file.data()), file.size());
  });
  uint64_t numbers = 0;
  for (const auto& [name, tensor] : weights) numbers += static_cast<uint64_t>(tensor.size());
  cornu::fuzz::require(numbers <= opened);
}

// The number behind a word of an error message.
size_t number_behind(std::string_view message, std::string_view word) {
  size_t at = message.find(word), number = 0;
  if (at == message.npos) return 0;
  for (at += word.size(); at < message.size() && message[at] >= '0' && message[at] <= '9'; ++at)
    number = std::min<size_t>(10 * number + static_cast<size_t>(message[at] - '0'), 1 << 20);
  return number;
}

// The manifest is changed as JSON; then the files are made as long as it says: the reader tells how
// much a group needs.
void change(cornu::fuzz::Mutation& m) {
  const size_t end = std::min(m.text.find('\n'), m.text.size());
  std::string manifest = m.text.substr(0, end);
  std::string files = m.text.substr(std::min(end + 1, m.text.size()));
  m.json(&manifest);
  std::replace(manifest.begin(), manifest.end(), '\n', ' ');
  if (m.draw(4) == 0) m.bytes(&files);
  m.text = manifest + "\n" + files;
  for (int i = 0; i < 2 && m.draw(4) != 0; ++i) {
    try {
      return read(m.text);
    } catch (const cornu::Error& e) {
      const size_t needed = number_behind(e.what(), "the weights of a group take ");
      const size_t there = number_behind(e.what(), "but its files hold ");
      if (needed == there || needed > 1 << 12) return;
      const size_t rest = m.text.size() - manifest.size() - 1;
      const size_t wanted = there == rest ? needed : 2 * needed;  // both files, or one of them
      m.text.resize(manifest.size() + 1 + wanted);
    }
  }
}

}  // namespace

CORNU_FUZZ_MUTATOR(change)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { read(cornu::fuzz::text_of(data, size)); });
  return 0;
}
