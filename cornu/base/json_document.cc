#include "cornu/base/json_document.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "cornu/base/error.h"

namespace cornu::base {
namespace {

// Below this a walk over the keys is as fast as a search.
constexpr uint32_t kSortedFrom = 12;

uint32_t index32(size_t i) {
  if (i > std::numeric_limits<uint32_t>::max()) throw OutOfMemory("a JSON value is too large");
  return static_cast<uint32_t>(i);
}

JsonNode container(Json::Kind kind, size_t count, size_t first) {
  JsonNode node;
  node.kind = kind;
  node.count = index32(count);
  node.at = {index32(first), 0};
  return node;
}

// Gives equal keys the last value and drops the later ones. `order` lists the items sorted by key
// and, among equal keys, by position. Returns how many items are left.
size_t drop_repeated(const JsonDocument& document, std::span<JsonNode> pairs,
                     std::span<const uint32_t> order) {
  std::vector<bool> dropped(order.size());
  for (size_t i = 0, j = 0; i < order.size(); i = j) {
    const std::string_view key = document.string(pairs[2 * order[i]]);
    for (j = i + 1; j < order.size() && document.string(pairs[2 * order[j]]) == key; ++j)
      dropped[order[j]] = true;
    pairs[2 * order[i] + 1] = pairs[2 * order[j - 1] + 1];
  }
  size_t kept = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (dropped[i]) continue;
    pairs[2 * kept] = pairs[2 * i];
    pairs[2 * kept + 1] = pairs[2 * i + 1];
    ++kept;
  }
  return kept;
}

}  // namespace

JsonNode JsonDocument::add_string(std::string_view s) {
  const JsonNode node = container(Json::Kind::kString, s.size(), text.size());
  text.append(s);
  return node;
}

JsonNode JsonDocument::add_array(std::span<const JsonNode> elements) {
  const JsonNode node = container(Json::Kind::kArray, elements.size(), nodes.size());
  nodes.insert(nodes.end(), elements.begin(), elements.end());
  return node;
}

JsonNode JsonDocument::add_object(std::span<JsonNode> pairs) {
  size_t count = pairs.size() / 2;
  const auto sorted_items = [&] {
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const int c = string(pairs[2 * a]).compare(string(pairs[2 * b]));
      return c != 0 ? c < 0 : a < b;
    });
    return order;
  };
  std::vector<uint32_t> order = sorted_items();
  const size_t kept = drop_repeated(*this, pairs, order);
  if (kept < count) {
    count = kept;
    pairs = pairs.first(2 * kept);
    order = sorted_items();
  }
  JsonNode node = container(Json::Kind::kObject, count, nodes.size());
  nodes.insert(nodes.end(), pairs.begin(), pairs.end());
  if (count >= kSortedFrom) {
    node.at.sorted = index32(by_key.size());
    by_key.insert(by_key.end(), order.begin(), order.end());
  }
  return node;
}

int64_t JsonDocument::find(const JsonNode& object, std::string_view key) const {
  const JsonNode* pairs = children(object);
  if (object.count < kSortedFrom) {
    for (uint32_t i = 0; i < object.count; ++i)
      if (string(pairs[2 * i]) == key) return i;
    return -1;
  }
  const auto first = by_key.begin() + object.at.sorted;
  const auto last = first + object.count;
  const auto found = std::lower_bound(
      first, last, key, [&](uint32_t i, std::string_view k) { return string(pairs[2 * i]) < k; });
  return found != last && string(pairs[2 * *found]) == key ? int64_t{*found} : -1;
}

JsonNode JsonDocument::add_copy(const Json& value) {
  if (!value.document_) return {};
  const JsonDocument& from = *value.document_;
  JsonNode root = from.nodes[value.node_];
  // Places whose node still speaks of `from`; -1 is the root.
  std::vector<int64_t> todo{-1};
  while (!todo.empty()) {
    const int64_t place = todo.back();
    todo.pop_back();
    JsonNode node = place < 0 ? root : nodes[static_cast<size_t>(place)];
    if (node.kind == Json::Kind::kString) {
      node = add_string(from.string(node));
    } else if (node.kind == Json::Kind::kArray || node.kind == Json::Kind::kObject) {
      const bool object = node.kind == Json::Kind::kObject;
      const size_t children_count = size_t{node.count} * (object ? 2 : 1);
      const JsonNode* source = from.children(node);
      const size_t first = nodes.size();
      if (object && node.count >= kSortedFrom) {
        const auto order = from.by_key.begin() + node.at.sorted;
        node.at.sorted = index32(by_key.size());
        by_key.insert(by_key.end(), order, order + node.count);
      }
      node.at.first = index32(first);
      nodes.insert(nodes.end(), source, source + children_count);
      for (size_t i = 0; i < children_count; ++i) todo.push_back(static_cast<int64_t>(first + i));
    }
    (place < 0 ? root : nodes[static_cast<size_t>(place)]) = node;
  }
  return root;
}

Json JsonDocument::finish(std::shared_ptr<JsonDocument> document, const JsonNode& root) {
  const uint32_t node = index32(document->nodes.size());
  document->nodes.push_back(root);
  return {std::move(document), node};
}

}  // namespace cornu::base
