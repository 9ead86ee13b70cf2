#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/json.h"

namespace cornu::base {

// One value: 16 bytes. The children of an array or object lie side by side in the document's list
// of nodes, an object's as key, value, key, value.
struct JsonNode {
  struct Place {
    uint32_t first;   // byte of the text, or first child
    uint32_t sorted;  // objects with many items: where their order by key starts
  };
  Json::Kind kind = Json::Kind::kNull;
  uint32_t count = 0;  // bytes of a string, elements of an array, items of an object
  union {
    bool boolean;
    int64_t integer = 0;
    double number;
    Place at;
  };
};
static_assert(sizeof(JsonNode) == 16);

// The storage behind Json values. Flat, so that neither copying nor destroying one recurses.
struct JsonDocument {
  std::string label;
  std::vector<JsonNode> nodes;
  std::string text;              // all strings, back to back
  std::vector<uint32_t> by_key;  // item numbers of big objects, sorted by key

  std::string_view string(const JsonNode& node) const {
    return std::string_view(text).substr(node.at.first, node.count);
  }
  const JsonNode* children(const JsonNode& node) const { return nodes.data() + node.at.first; }

  JsonNode add_string(std::string_view s);
  JsonNode add_array(std::span<const JsonNode> elements);
  // `pairs` is key, value, key, value, ... Of equal keys the first keeps its place and takes the
  // last one's value; `pairs` is overwritten.
  JsonNode add_object(std::span<JsonNode> pairs);
  // Copies a value with all below it from its document into this one.
  JsonNode add_copy(const Json& value);
  // Number of the item with this key, or -1.
  int64_t find(const JsonNode& object, std::string_view key) const;

  // Makes `root` a value of the finished document.
  static Json finish(std::shared_ptr<JsonDocument> document, const JsonNode& root);
};

}  // namespace cornu::base
