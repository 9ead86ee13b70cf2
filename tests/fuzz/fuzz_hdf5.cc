#include <cstring>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "cornu/formats/hdf5_claims.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"
#include "tests/fuzz/mutate.h"

using cornu::formats::Hdf5File;
using cornu::formats::Hdf5Object;
using cornu::fuzz::allow_refusal;
using cornu::fuzz::require;

namespace {

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

CORNU_FUZZ_MUTATOR([](cornu::fuzz::Mutation& m) {
  m.bytes(&m.text);
  if (m.draw(4) != 0) cornu::fuzz::mend_hdf5(m.text);
})

// Data lies inside the file, in all no more than the file holds, or than it may unpack to, and
// names find their objects.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  std::string copy(cornu::fuzz::text_of(input, size));
  cornu::fuzz::mend_hdf5_checksums(copy);  // so that what the fuzzer changes is read
  const auto* data = reinterpret_cast<const uint8_t*>(copy.data());
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
