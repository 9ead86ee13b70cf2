#include "cornu/formats/safetensors.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/json.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"
#include "cornu/formats/content.h"
#include "cornu/formats/numbers.h"
#include "cornu/formats/safetensors_parser.h"

namespace cornu {

using base::Bytes;
using base::cat;
using base::Json;
using base::quoted;
using formats::NumberType;

namespace {

constexpr uint64_t kLengthBytes = 8, kAlignment = 64;
constexpr const char* kMetadata = "__metadata__";

std::optional<NumberType> type_of(std::string_view name) {
  static const std::map<std::string_view, NumberType> kTypes = {
      {"BOOL", NumberType::kBool},   {"I8", NumberType::kInt8},       {"U8", NumberType::kUint8},
      {"I16", NumberType::kInt16},   {"U16", NumberType::kUint16},    {"I32", NumberType::kInt32},
      {"U32", NumberType::kUint32},  {"I64", NumberType::kInt64},     {"U64", NumberType::kUint64},
      {"F16", NumberType::kFloat16}, {"BF16", NumberType::kBfloat16}, {"F32", NumberType::kFloat32},
      {"F64", NumberType::kFloat64}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

struct Entry {
  std::string name;
  NumberType type;
  Shape shape;
  uint64_t begin, end;
};

Entry read_entry(std::string_view name, const Json& object, const std::string& label) {
  const auto fail = [&](const std::string& what) {
    throw FormatError(cat(label, ": the array ", quoted(name), " ", what));
  };
  const std::string_view dtype = object.at("dtype").as_string();
  const auto type = type_of(dtype);
  if (!type) fail(cat("is of the dtype ", quoted(dtype), ", which is not read"));
  Entry entry{std::string(name), *type, {}, 0, 0};
  const Json shape = object.at("shape"), offsets = object.at("data_offsets");
  if (!shape.is_array()) fail("has no shape");
  for (const Json& dim : shape.elements()) entry.shape.push_back(dim.as_int());
  if (offsets.size() != 2 || !offsets.is_array()) fail("has no place");
  const int64_t begin = offsets[0].as_int(), end = offsets[1].as_int();
  const uint64_t bytes =
      formats::array_bytes(entry.shape, *type, label, cat("the array ", quoted(name)));
  if (begin < 0 || end < begin || static_cast<uint64_t>(end - begin) != bytes)
    fail(cat("takes ", bytes, " bytes. Received: data_offsets=", offsets.dump()));
  entry.begin = static_cast<uint64_t>(begin);
  entry.end = static_cast<uint64_t>(end);
  return entry;
}

// One after the other, from the first byte to the last.
std::vector<Entry> read_entries(const Json& header, uint64_t size, const std::string& label) {
  std::vector<Entry> entries;
  for (const auto& [name, object] : header.items())
    if (name != kMetadata) entries.push_back(read_entry(name, object, label));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  uint64_t at = 0;
  for (const Entry& e : entries) {
    if (e.begin != at)
      throw FormatError(cat(label, ": the array ", quoted(e.name), " does not begin where the one ",
                            "before it ends"));
    at = e.end;
  }
  if (at != size)
    throw FormatError(cat(label, ": its arrays take ", at, " bytes, but ", size, " are there"));
  return entries;
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> formats::parse_safetensors(const Bytes& file) {
  const std::string& label = file.label();
  const uint64_t length = file.u64(0, "the length of the header");
  const Bytes text = file.at(kLengthBytes, length, "the header");
  if (length == 0 || text.u8(0, "the header") != '{')
    text.fail("the header does not begin with '{'");
  base::check_json_size(length, label, {});
  const Json header = base::parse_json(text, label);
  const uint64_t start = kLengthBytes + length;
  const Bytes data = file.at(start, file.size() - start, "the data");
  std::vector<std::pair<std::string, Tensor>> arrays;
  for (const Entry& e : read_entries(header, data.size(), label)) {
    Tensor t = Tensor::uninitialized(e.shape);
    read_floats(e.type, data.at(e.begin, e.end - e.begin, "an array"), t.values());
    arrays.emplace_back(e.name, std::move(t));
  }
  return arrays;
}

std::vector<std::pair<std::string, Tensor>> load_safetensors(const std::string& path) {
  return formats::parse_safetensors(base::read_file(path));
}

void save_safetensors(const std::string& path,
                      const std::vector<std::pair<std::string, Tensor>>& arrays) {
  std::vector<std::pair<std::string, Json>> items;
  std::set<std::string> names;
  int64_t at = 0;
  for (const auto& [name, value] : arrays) {
    if (name == kMetadata || !base::is_utf8(name) || !names.insert(name).second)
      throw ValueError(
          cat("save_safetensors: ", quoted(name), " is no name for an array, or comes twice"));
    const int64_t end = at + value.size() * static_cast<int64_t>(sizeof(float));
    items.emplace_back(name, Json::object({{"dtype", "F32"},
                                           {"shape", Json::list(value.shape())},
                                           {"data_offsets", Json::array({at, end})}}));
    at = end;
  }
  std::string header = Json::object(items).dump();
  const uint64_t whole = (kLengthBytes + header.size() + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(whole - kLengthBytes, ' ');
  std::string length;
  formats::put_number(&length, header.size(), 8);
  formats::Content content(length + header);
  for (const auto& [name, value] : arrays) content.add(value);
  formats::write_file(content, path);
}

}  // namespace cornu
