// Members lie inside the archive and have exactly the size they say.

#include "cornu/formats/zip.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/mutate.h"

using cornu::formats::ZipReader;
using cornu::fuzz::require;

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) {
  m.bytes(&m.text);
  if (m.draw(4) != 0) cornu::fuzz::mend_zip(m.text);
})

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    const ZipReader zip(cornu::fuzz::bytes_of(data, size));
    cornu::base::Budget budget = zip.default_budget();
    uint64_t stored = 0;
    for (const ZipReader::Entry& entry : zip.entries()) {
      require(entry.data + entry.stored_size <= size);
      stored += entry.stored_size;
      require(zip.find(entry.name) == &entry);
      require(entry.name.find("..") == std::string::npos ||
              entry.name.find("...") != std::string::npos ||
              ("/" + entry.name + "/").find("/../") == std::string::npos);
      cornu::fuzz::allow_refusal(
          [&] { require(zip.read(entry, &budget).span().size() == entry.size); });
    }
    require(stored <= size);
  });
  return 0;
}
