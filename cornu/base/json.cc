#include "cornu/base/json.h"

#include <cmath>

#include "cornu/base/error.h"
#include "cornu/base/json_document.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

const JsonNode kNullNode{};

const char* name_of(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return "a boolean";
    case Json::Kind::kInt:
      return "an integer";
    case Json::Kind::kFloat:
      return "a float";
    case Json::Kind::kString:
      return "a string";
    case Json::Kind::kArray:
      return "a list";
    case Json::Kind::kObject:
      return "an object";
  }
  return "";
}

const JsonNode& node_of(const std::shared_ptr<const JsonDocument>& document, uint32_t node) {
  return document ? document->nodes[node] : kNullNode;
}

void append_u16(std::string* out, uint32_t unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) *out += kHex[(unit >> shift) & 15];
}

void append_escaped(std::string* out, std::string_view s) {
  *out += '"';
  for (size_t i = 0; i < s.size();) {
    const uint32_t code = next_code_point(s, &i);
    switch (code) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      case '\f':
        *out += "\\f";
        break;
      case '\b':
        *out += "\\b";
        break;
      default:
        if (code >= 0x20 && code < 0x7f) {
          *out += static_cast<char>(code);
        } else if (code < 0x10000) {
          append_u16(out, code);
        } else {
          append_u16(out, 0xd800 + ((code - 0x10000) >> 10));
          append_u16(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        }
    }
  }
  *out += '"';
}

std::string float_text(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
  return to_text(d);
}

// Everything but arrays and objects.
void append_scalar(std::string* out, const JsonDocument& document, const JsonNode& node) {
  switch (node.kind) {
    case Json::Kind::kBool:
      *out += node.boolean ? "true" : "false";
      break;
    case Json::Kind::kInt:
      *out += to_text(node.integer);
      break;
    case Json::Kind::kFloat:
      *out += float_text(node.number);
      break;
    case Json::Kind::kString:
      append_escaped(out, document.string(node));
      break;
    default:
      *out += "null";
  }
}

bool is_container(const JsonNode& node) {
  return node.kind == Json::Kind::kArray || node.kind == Json::Kind::kObject;
}

}  // namespace

Json::Json(Kind kind, int64_t integer, double number) {
  auto document = std::make_shared<JsonDocument>();
  JsonNode node;
  node.kind = kind;
  if (kind == Kind::kBool) node.boolean = integer != 0;
  if (kind == Kind::kInt) node.integer = integer;
  if (kind == Kind::kFloat) node.number = number;
  *this = JsonDocument::finish(std::move(document), node);
}

Json::Json(std::string_view text) {
  if (!is_utf8(text)) throw ValueError(cat("text is not UTF-8. Received: ", quoted(text)));
  auto document = std::make_shared<JsonDocument>();
  const JsonNode node = document->add_string(text);
  *this = JsonDocument::finish(std::move(document), node);
}

Json Json::array(std::span<const Json> elements) {
  auto document = std::make_shared<JsonDocument>();
  std::vector<JsonNode> nodes;
  nodes.reserve(elements.size());
  for (const Json& element : elements) nodes.push_back(document->add_copy(element));
  const JsonNode root = document->add_array(nodes);
  return JsonDocument::finish(std::move(document), root);
}

Json Json::object(std::span<const std::pair<std::string, Json>> items) {
  auto document = std::make_shared<JsonDocument>();
  std::vector<JsonNode> nodes;
  nodes.reserve(2 * items.size());
  for (const auto& [name, value] : items) {
    if (!is_utf8(name)) throw ValueError(cat("text is not UTF-8. Received: ", quoted(name)));
    nodes.push_back(document->add_string(name));
    nodes.push_back(document->add_copy(value));
  }
  const JsonNode root = document->add_object(nodes);
  return JsonDocument::finish(std::move(document), root);
}

void Json::set(std::string_view key, const Json& value) {
  require(is_object(), "an object");
  std::vector<std::pair<std::string, Json>> all;
  all.reserve(size() + 1);
  for (auto [name, old] : items()) all.emplace_back(name, old);
  all.emplace_back(key, value);
  *this = object(all);
}

Json::Kind Json::kind() const { return node_of(document_, node_).kind; }

const char* Json::kind_name() const { return name_of(kind()); }

std::string_view Json::label() const {
  return document_ ? std::string_view(document_->label) : std::string_view();
}

void Json::require(bool condition, const char* expected) const {
  if (condition) return;
  const std::string value = is_array() || is_object() ? kind_name() : dump();
  throw FormatError(cat(label(), label().empty() ? "" : ": ", "expected ", expected,
                        ". Received: ", value.substr(0, 200)));
}

bool Json::is_finite() const { return is_number() && std::isfinite(as_double()); }

bool Json::as_bool() const {
  require(is_bool(), "a boolean");
  return node_of(document_, node_).boolean;
}

int64_t Json::as_int() const {
  require(is_int(), "an integer");
  return node_of(document_, node_).integer;
}

double Json::as_double() const {
  require(is_number(), "a number");
  const JsonNode& node = node_of(document_, node_);
  return is_int() ? static_cast<double>(node.integer) : node.number;
}

std::string_view Json::as_string() const {
  require(is_string(), "a string");
  return document_->string(node_of(document_, node_));
}

size_t Json::size() const {
  const JsonNode& node = node_of(document_, node_);
  return is_container(node) ? node.count : 0;
}

Json Json::child(size_t i) const {
  const JsonNode& node = node_of(document_, node_);
  const size_t place = is_object() ? 2 * i + 1 : i;
  return {document_, static_cast<uint32_t>(node.at.first + place)};
}

std::string_view Json::key(size_t i) const {
  return document_->string(document_->children(node_of(document_, node_))[2 * i]);
}

Json Json::operator[](size_t i) const {
  require(is_array(), "a list");
  if (i >= size()) {
    const std::string expected = cat("a list of at least ", i + 1, " elements, not ", size());
    require(false, expected.c_str());
  }
  return child(i);
}

std::optional<Json> Json::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  const int64_t i = document_->find(node_of(document_, node_), key);
  if (i < 0) return std::nullopt;
  return child(static_cast<size_t>(i));
}

Json Json::at(std::string_view key) const {
  require(is_object(), "an object");
  std::optional<Json> found = find(key);
  if (!found) {
    const std::string expected = cat("an object with the key ", quoted(key));
    require(false, expected.c_str());
  }
  return *found;
}

Json::Elements Json::elements() const { return {*this, is_array() ? size() : 0}; }
Json::Items Json::items() const { return {*this, is_object() ? size() : 0}; }

std::string Json::dump() const {
  if (!document_) return "null";
  const JsonDocument& document = *document_;
  std::string out;
  struct Open {
    const JsonNode* node;
    uint32_t next;
  };
  std::vector<Open> open;
  const auto begin = [&](const JsonNode& node) {
    if (!is_container(node)) return append_scalar(&out, document, node);
    out += node.kind == Kind::kArray ? '[' : '{';
    open.push_back({&node, 0});
  };
  begin(node_of(document_, node_));
  while (!open.empty()) {
    auto& [node, next] = open.back();
    const bool object = node->kind == Kind::kObject;
    if (next == node->count) {
      out += object ? '}' : ']';
      open.pop_back();
      continue;
    }
    if (next > 0) out += ", ";
    const JsonNode* child = document.children(*node) + (object ? 2 * next : next);
    ++next;
    if (object) {
      append_escaped(&out, document.string(*child++));
      out += ": ";
    }
    begin(*child);
  }
  return out;
}

}  // namespace cornu::base
