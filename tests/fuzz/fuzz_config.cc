// A model's configuration: building it from any JSON either works or throws one of the documented
// errors, and what was built lowers to a sound graph.

#include "cornu/formats/network_config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/mutate.h"

namespace {

using namespace cornu;

void build(std::string_view text) {
  const base::Json json = base::parse_json(text, "config.json");
  for (const char* version : {"3.15.1", "2.3.1"}) {
    std::shared_ptr<model::Network> network;
    try {
      network = formats::network_from_config(json, formats::dialect_of(version), "config.json");
      if (!network->built()) continue;
      const auto shapes = fuzz::small_shapes(*network);
      if (!shapes) continue;
      const Model model(network);
      model.summary_text({.expand_nested = true});
      graph::verify(model.trace(*shapes));
    } catch (const InternalError&) {
      fuzz::require(false);  // a fault of the library
    } catch (const Error&) {
    }
  }
}

}  // namespace

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) { m.json(&m.text); })

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { build(cornu::fuzz::text_of(data, size)); });
  return 0;
}
