// A whole .keras archive: loading it either works or throws one of the documented errors, and what
// was loaded can be saved and loaded again as the same. The input is the archive's three members
// with their lengths before them, so that what the fuzzer changes is not lost to a wrong checksum.

#include <zlib.h>

#include "cornu/base/text.h"
#include "cornu/formats/keras_archive.h"
#include "cornu/formats/save.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace cornu;

void put(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) *out += static_cast<char>(value >> (8 * i));
}

// Stored members, one after the other.
std::string archive_of(const std::vector<std::pair<std::string, std::string_view>>& members) {
  std::string data, directory;
  for (const auto& [name, content] : members) {
    std::string header;  // what both headers hold
    put(&header, 20, 2);
    put(&header, 0, 8);  // flags, method, time
    put(&header,
        ::crc32(0, reinterpret_cast<const Bytef*>(content.data()),
                static_cast<uInt>(content.size())),
        4);
    put(&header, content.size(), 4);
    put(&header, content.size(), 4);
    put(&header, name.size(), 2);
    put(&header, 0, 2);
    directory += "PK\x01\x02\x14" + std::string(1, '\0') + header + std::string(10, '\0');
    put(&directory, data.size(), 4);
    directory += name;
    data += base::cat("PK\x03\x04", header, name, content);
  }
  const size_t at = data.size();
  data += base::cat(directory, "PK\x05\x06");
  put(&data, 0, 4);
  put(&data, members.size(), 2);
  put(&data, members.size(), 2);
  put(&data, directory.size(), 4);
  put(&data, at, 4);
  put(&data, 0, 2);
  return data;
}

void save_again(const LoadResult& loaded) {
  std::string data;
  try {
    data = formats::keras_archive(loaded.model).text();
  } catch (const OutOfMemory&) {  // weights that the file only declares
    return;
  } catch (const ValueError&) {  // a name with a NUL
    return;
  }
  try {
    const LoadResult again = formats::load_keras_archive(
        base::Bytes::view(std::as_bytes(std::span(data.data(), data.size())), "saved"));
    fuzz::require(formats::keras_archive(again.model).text() == data);
  } catch (const Error&) {
    fuzz::require(false);
  }
}

void load(std::string_view text) {
  if (text.size() < 4) return;
  const auto number = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t first = number(0), second = number(1) | number(2) << 8;
  text.remove_prefix(3);
  const std::string_view metadata = text.substr(0, first);
  text.remove_prefix(metadata.size());
  const std::string_view config = text.substr(0, second);
  const std::string_view weights = text.substr(config.size());
  const std::string data = archive_of(
      {{"metadata.json", metadata}, {"config.json", config}, {"model.weights.h5", weights}});
  try {
    save_again(formats::load_keras_archive(
        base::Bytes::view(std::as_bytes(std::span(data.data(), data.size())), "input")));
  } catch (const InternalError&) {
    fuzz::require(false);  // a fault of the library
  } catch (const FormatError&) {
    throw;
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cornu::fuzz::allow_refusal([&] { load(cornu::fuzz::text_of(data, size)); });
  return 0;
}
