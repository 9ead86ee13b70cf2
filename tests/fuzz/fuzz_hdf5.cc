#include <cstring>
#include <vector>

#include "cornu/formats/hdf5.h"
#include "tests/fuzz/fuzz.h"

using cornu::formats::Hdf5File;
using cornu::formats::Hdf5Object;
using cornu::fuzz::allow_refusal;
using cornu::fuzz::require;

namespace {

void check_dataset(const Hdf5Object& object, const uint8_t* data, size_t size) {
  const cornu::Tensor tensor = object.tensor();
  const cornu::base::Bytes& bytes = object.data();
  const auto type = object.number_type();
  require(bytes.offset() + bytes.size() <= size);
  require(static_cast<uint64_t>(tensor.size()) * bytes_of(type) == bytes.size());
  if (type == cornu::formats::NumberType::kFloat32 && tensor.size() > 0)
    require(std::memcmp(tensor.data(), data + bytes.offset(), bytes.size()) == 0);
}

}  // namespace

// Data lies inside the file, in all no more than the file holds, and names find their objects.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  allow_refusal([&] {
    const Hdf5File file(cornu::fuzz::bytes_of(data, size));
    std::vector<const Hdf5Object*> todo{&file.root()};
    uint64_t total = 0;
    while (!todo.empty()) {
      const Hdf5Object& object = *todo.back();
      todo.pop_back();
      total += object.data().size();
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
  });
  return 0;
}
