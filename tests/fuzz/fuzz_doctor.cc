// What `cornu doctor` changes in a configuration: it stays a configuration, mended once it is not
// mended again, and what could be built still can.

#include "cornu/formats/mend.h"
#include "cornu/formats/network_config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/mutate.h"

namespace {

using namespace cornu;

bool builds(const base::Json& config) {
  try {
    return formats::network_from_config(config, formats::dialect_of("3.8.0"), "x") != nullptr;
  } catch (const InternalError&) {
    fuzz::require(false);  // a fault of the library
  } catch (const Error&) {
  }
  return false;
}

void mend(std::string_view text) {
  const base::Json config = base::parse_json(text, "config.json");
  std::vector<std::string> findings, later;
  const base::Json mended = formats::mended_config(config, &findings);
  const bool changed = mended.dump() != config.dump();
  fuzz::require(!changed || !findings.empty());
  fuzz::require(formats::mended_config(mended, &later).dump() == mended.dump());
  fuzz::require(later.size() <= findings.size());
  if (changed && builds(config)) fuzz::require(builds(mended));
}

}  // namespace

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) { m.json(&m.text); })

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { mend(cornu::fuzz::text_of(data, size)); });
  return 0;
}
