#pragma once

#include <zlib.h>

#include <span>
#include <string>
#include <vector>

#include "cornu/base/json.h"
#include "cornu/base/text.h"
#include "cornu/formats/hdf5.h"

// What our reader finds in an HDF5 file, for comparison with what other readers do.
namespace cornu::testing {

inline int64_t checksum_of(std::span<const std::byte> bytes) {
  return static_cast<int64_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// A list of [path, shape, CRC-32]: of a dataset's numbers as float32; of groups the shape is null;
// of attributes, "path@name", it is the number of strings, and the CRC that of them all, a line end
// after each. The CRC of what cannot be read is null.
class Hdf5Listing {
 public:
  static base::Json of(const formats::Hdf5File& file) {
    Hdf5Listing listing;
    std::vector<const formats::Hdf5Object*> todo{&file.root()};
    while (!todo.empty()) {
      const formats::Hdf5Object& object = *todo.back();
      todo.pop_back();
      listing.add(object);
      for (const auto& link : object.links()) todo.push_back(link.object);
    }
    return base::Json::array(listing.rows_);
  }

 private:
  using Json = base::Json;

  void row(const std::string& path, Json shape, Json checksum) {
    rows_.push_back(Json::array({path, std::move(shape), std::move(checksum)}));
  }

  void add(const formats::Hdf5Object& object) {
    if (object.is_group()) {
      row(object.path(), {}, {});
    } else {
      row(object.path(), Json::list(object.shape()), numbers(object));
    }
    for (const char* name : {"keras_version", "backend", "model_config", "training_config", "name"})
      if (object.has_attribute(name)) add_strings(object, name);
    for (const char* name : {"layer_names", "weight_names"}) {
      if (object.has_attribute(name)) add_strings(object, name);
      for (int i = 0; object.has_attribute(base::cat(name, i)); ++i)
        add_strings(object, base::cat(name, i));
    }
  }

  static Json numbers(const formats::Hdf5Object& object) {
    try {
      const Tensor tensor = object.tensor();
      return checksum_of(std::as_bytes(tensor.values()));
    } catch (const FormatError&) {
      return {};
    }
  }

  void add_strings(const formats::Hdf5Object& object, const std::string& name) {
    const std::string path = base::cat(object.path(), "@", name);
    try {
      const std::vector<std::string> strings = object.string_list_attribute(name).value();
      std::string lines;
      for (const std::string& s : strings) lines += s + "\n";
      row(path, std::ssize(strings), checksum_of(std::as_bytes(std::span(lines))));
    } catch (const FormatError&) {
      row(path, {}, {});
    }
  }

  std::vector<Json> rows_;
};

}  // namespace cornu::testing
