#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cornu/base/export.h"

namespace cornu::base {

class Bytes;
struct JsonDocument;

// A JSON value. A handle on a shared document that never changes: copying is cheap, reading from
// several threads is safe, and nothing here recurses, however deep a value is.
//
// As Python's json module does, NaN, Infinity and -Infinity are numbers, integers (written without
// '.' or exponent) are told apart from floats, objects keep the order of their keys, and of a key
// that comes twice the last value counts.
//
// Asking for what a value is not throws FormatError, which names the document's label.
class CORNU_API Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt, kFloat, kString, kArray, kObject };
  template <class Value>
  class Range;
  using Elements = Range<Json>;
  using Items = Range<std::pair<std::string_view, Json>>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(std::string_view text);
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(const char* text) : Json(std::string_view(text)) {}
  template <std::same_as<bool> T>
  Json(T value) : Json(Kind::kBool, value, 0) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value)
      : Json(Kind::kInt, static_cast<int64_t>(value), 0) {}
  template <std::floating_point T>
  Json(T value) : Json(Kind::kFloat, 0, static_cast<double>(value)) {}
  // Python's None is JSON's null.
  template <class T>
  Json(const std::optional<T>& value) {
    if (value) *this = Json(*value);
  }

  // Json::array({3, 3}), Json::object({{"units", 10}, {"use_bias", true}}). The values are copied.
  static Json array(std::span<const Json> elements);
  static Json array(std::initializer_list<Json> elements) {
    return array(std::span<const Json>(elements.begin(), elements.size()));
  }
  // The same for any range of values, such as a shape.
  template <class Range>
  static Json list(const Range& range) {
    return array(std::vector<Json>(range.begin(), range.end()));
  }
  static Json object(std::span<const std::pair<std::string, Json>> items);
  static Json object(std::initializer_list<std::pair<std::string, Json>> items = {}) {
    return object(std::span<const std::pair<std::string, Json>>(items.begin(), items.size()));
  }
  // Adds or replaces one key of an object. Copies the object: to build a long one, gather its items
  // in a vector.
  void set(std::string_view key, const Json& value);

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_int() const { return kind() == Kind::kInt; }
  bool is_number() const { return kind() == Kind::kInt || kind() == Kind::kFloat; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }
  // A number other than NaN and the infinities.
  bool is_finite() const;

  bool as_bool() const;
  // Only a number written as an integer, and only if it fits.
  int64_t as_int() const;
  // Any number; may be NaN or infinite.
  double as_double() const;
  // The text lives as long as this value or any other of the same document.
  std::string_view as_string() const;

  // Elements of an array, items of an object; 0 for anything else.
  size_t size() const;
  bool empty() const { return size() == 0; }
  // Element i of an array.
  Json operator[](size_t i) const;
  // The value of a key; nothing when the key is missing or this is not an object.
  std::optional<Json> find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key).has_value(); }
  // The value of a key that must be there.
  Json at(std::string_view key) const;
  // for (Json element : value.elements()); nothing for what is not an array.
  Elements elements() const;
  // for (auto [key, element] : value.items()); nothing for what is not an object.
  Items items() const;

  // Text as Python's json.dumps writes it: ASCII, "\uXXXX", ", " and ": ", shortest floats.
  std::string dump() const;

  // What the text was called when it was read; empty for values made here.
  std::string_view label() const;
  // "null", "a boolean", "an integer", ... for messages.
  const char* kind_name() const;

 private:
  friend struct JsonDocument;
  friend CORNU_API Json parse_json(std::string_view, std::string, const struct JsonLimits&);
  Json(Kind kind, int64_t integer, double number);
  Json(std::shared_ptr<const JsonDocument> document, uint32_t node)
      : document_(std::move(document)), node_(node) {}
  Json child(size_t i) const;
  std::string_view key(size_t i) const;
  void require(bool condition, const char* expected) const;

  std::shared_ptr<const JsonDocument> document_;
  uint32_t node_ = 0;
};

template <class Value>
class Json::Range {
 public:
  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Value;
    Iterator() = default;
    Iterator(const Json* parent, size_t i) : parent_(parent), i_(i) {}
    Value operator*() const {
      if constexpr (std::same_as<Value, Json>)
        return parent_->child(i_);
      else
        return {parent_->key(i_), parent_->child(i_)};
    }
    Iterator& operator++() { return ++i_, *this; }
    Iterator operator++(int) { return {parent_, i_++}; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.i_ == b.i_; }

   private:
    const Json* parent_ = nullptr;
    size_t i_ = 0;
  };
  Range(Json parent, size_t size) : parent_(std::move(parent)), size_(size) {}
  Iterator begin() const { return {&parent_, 0}; }
  Iterator end() const { return {&parent_, size_}; }

 private:
  Json parent_;
  size_t size_;
};

// What a text may cost. While a value is read it takes 32 bytes and a key as much, but there may be
// only free_values and one for every 64 bytes of the text (models' configurations have one for 8 to
// 10). So reading a file of n bytes takes less than 10 MiB + 1.5 n, whatever it says.
struct JsonLimits {
  uint64_t max_bytes = 16 << 20;
  uint64_t free_values = 1 << 18;  // keys count as values
  uint64_t max_depth = 256;
};

// Reads a whole JSON text. Throws FormatError with `label`, line and column for anything that is
// not strict JSON (NaN, Infinity and -Infinity apart) or not UTF-8, for numbers outside a double's
// range, for \u escapes that are half a surrogate pair, and for what passes the limits.
CORNU_API Json parse_json(std::string_view text, std::string label, const JsonLimits& limits = {});

// FormatError when a text of so many bytes passes the limits.
CORNU_API void check_json_size(uint64_t bytes, const std::string& label, const JsonLimits& limits);

// The same for a file or a part of one, whose memory is given back.
CORNU_API Json parse_json(const Bytes& file, std::string label, const JsonLimits& limits = {});

}  // namespace cornu::base
