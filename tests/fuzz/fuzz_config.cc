// A model's configuration: building it from any JSON either works or throws one of the documented
// errors, and what was built lowers to a sound graph.

#include "cornu/formats/network_config.h"
#include "cornu/model/model.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cornu;

// Unknown sizes become small ones; nothing where some size is not small.
bool small_shapes(const model::Network& network, std::vector<Shape>* shapes) {
  for (const Symbol& s : network.inputs()) {
    Shape shape = s.shape();
    for (int64_t i = 0; i < shape.rank(); ++i)
      if (!shape.known(i)) shape[i] = i == 0 ? 2 : 7;
    shapes->push_back(std::move(shape));
  }
  const auto small = [](const Shape& shape) {
    int64_t size = 1;
    for (int64_t d : shape)
      if (d > 64 || (size *= std::max<int64_t>(d, 1)) > 100000) return false;
    return true;
  };
  for (const Shape& shape : *shapes)
    if (!small(shape)) return false;
  for (const auto& call : network.steps())
    for (const Shape& shape : call->outputs)
      if (!small(shape)) return false;
  return true;
}

void build(std::string_view text) {
  const base::Json json = base::parse_json(text, "config.json");
  for (const char* version : {"3.15.1", "2.3.1"}) {
    std::shared_ptr<model::Network> network;
    try {
      network = formats::network_from_config(json, formats::dialect_of(version), "config.json");
      std::vector<Shape> shapes;
      if (!network->built() || !small_shapes(*network, &shapes)) continue;
      const Model model(network);
      model.summary_text({.expand_nested = true});
      graph::verify(model.trace(shapes));
    } catch (const InternalError&) {
      fuzz::require(false);  // a fault of the library
    } catch (const Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { build(cornu::fuzz::text_of(data, size)); });
  return 0;
}
