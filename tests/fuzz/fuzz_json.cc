#include <vector>

#include "cornu/base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

using cornu::base::Json;
using cornu::fuzz::require;

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) { m.json(&m.text); })

// What was read can be written, read again, and looked up.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] {
    const Json json = cornu::base::parse_json(cornu::fuzz::text_of(data, size), "input");
    const std::string text = json.dump();
    require(cornu::base::parse_json(text, "dump").dump() == text);
    std::vector<Json> todo{json};
    while (!todo.empty()) {
      const Json value = todo.back();
      todo.pop_back();
      size_t count = 0;
      for (const Json element : value.elements()) {
        require(value[count++].kind() == element.kind());
        todo.push_back(element);
      }
      for (const auto [key, item] : value.items()) {
        require(value.at(key).kind() == item.kind());
        todo.push_back(item);
        ++count;
      }
      require(count == value.size());
    }
    require(Json::array({json, json}).dump() == "[" + text + ", " + text + "]");
  });
  return 0;
}
