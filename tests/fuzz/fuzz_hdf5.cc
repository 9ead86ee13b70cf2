#include <cstring>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/formats/hdf5_claims.h"
#include "tests/fuzz/fuzz.h"

using cornu::formats::Hdf5File;
using cornu::formats::Hdf5Object;
using cornu::fuzz::allow_refusal;
using cornu::fuzz::require;

namespace {

// Newer structures carry checksums: made right again, so that what the fuzzer changes is read.
std::vector<uint8_t> repaired(const uint8_t* data, size_t size) {
  std::vector<uint8_t> out(data, data + size);
  const auto seal = [&](size_t at, size_t length) {
    if (length > size || at > size - length || size - length - at < 4) return;
    const uint32_t sum = cornu::formats::hdf5_checksum(std::as_bytes(std::span(&out[at], length)));
    for (int i = 0; i < 4; ++i)
      out[at + length + static_cast<size_t>(i)] = static_cast<uint8_t>(sum >> (8 * i));
  };
  for (size_t at = 0; at + 16 < size; ++at) {
    if (std::memcmp(&out[at], "OHDR", 4) != 0) continue;
    const uint8_t flags = out[at + 5];
    const size_t fixed = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0),
                 width = 1u << (flags & 3);
    if (at + fixed + width > size) continue;
    size_t length = 0;
    for (size_t i = width; i-- > 0;) length = length << 8 | out[at + fixed + i];
    if (length < size) seal(at, fixed + width + length);
  }
  if (size > 48 && (out[8] == 2 || out[8] == 3)) seal(0, 44);
  return out;
}

void check_dataset(const Hdf5Object& object, const uint8_t* data, size_t size) {
  const cornu::Tensor tensor = object.tensor();
  const cornu::base::Bytes& bytes = object.data();
  const auto type = object.number_type();
  require(static_cast<uint64_t>(tensor.size()) * bytes_of(type) == bytes.size());
  if (object.is_chunked()) return;
  require(bytes.offset() + bytes.size() <= size);
  if (type == cornu::formats::NumberType::kFloat32 &&
      object.byte_order() == cornu::formats::ByteOrder::kLittle && tensor.size() > 0)
    require(std::memcmp(tensor.data(), data + bytes.offset(), bytes.size()) == 0);
}

}  // namespace

// Data lies inside the file, in all no more than the file holds, or than it may unpack to, and
// names find their objects.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const std::vector<uint8_t> copy = repaired(input, size);
  const uint8_t* data = copy.data();
  allow_refusal([&] {
    const Hdf5File file(cornu::fuzz::bytes_of(data, size));
    std::vector<const Hdf5Object*> todo{&file.root()};
    uint64_t total = 0, unpacked = 0;
    while (!todo.empty()) {
      const Hdf5Object& object = *todo.back();
      todo.pop_back();
      (object.is_chunked() ? unpacked : total) += object.data().size();
      if (object.is_dataset()) allow_refusal([&] { check_dataset(object, data, size); });
      for (const char* name : {"model_config", "keras_version", "name"})
        if (object.has_attribute(name)) allow_refusal([&] { object.string_attribute(name); });
      for (const char* name : {"layer_names", "weight_names"})
        allow_refusal([&] { object.string_list_attribute(name); });
      for (const Hdf5Object::Link& link : object.links()) {
        require(object.find(link.name) == link.object);
        require(file.root().find(link.object->path().substr(1)) == link.object);
        todo.push_back(link.object);
      }
    }
    require(total <= size);
    require(unpacked <= (8 << 20) + 32 * size);
  });
  return 0;
}
