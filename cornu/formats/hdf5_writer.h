#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/formats/content.h"

namespace cornu::formats {

// A group of an HDF5 file to be written, with all below it. What is written is the corner of HDF5
// that Keras uses (formats.md 2); equal trees make equal bytes.
class Hdf5Group {
 public:
  Hdf5Group() = default;
  Hdf5Group(const Hdf5Group&) = delete;
  Hdf5Group& operator=(const Hdf5Group&) = delete;

  // The group under that name, made when it is not there. Names hold no '/' and are not empty.
  Hdf5Group& group(const std::string& name);
  // Datasets: float32 numbers, or one int64.
  void add(const std::string& name, Tensor numbers);
  void add_int(const std::string& name, int64_t number);

  // A string of any length, in the file's global heap.
  void set(const std::string& attribute, std::string text);
  // A list of strings as Keras keeps names: of fixed length, split over attribute0, attribute1, …
  // where it would not fit 64 kB (formats.md 2.3). ValueError for a name that alone does not.
  void set_list(const std::string& attribute, const std::vector<std::string>& strings);

 private:
  friend class Hdf5Writer;
  struct Dataset {
    bool is_int = false;
    int64_t number = 0;
    Tensor numbers;
  };
  struct Attribute {
    std::string type, space, data;
    bool in_heap = false;  // `data` is the text itself
  };
  void set_strings(const std::string& attribute, std::span<const std::string> strings);

  std::map<std::string, std::unique_ptr<Hdf5Group>> groups_;
  std::map<std::string, Dataset> datasets_;
  std::map<std::string, Attribute> attributes_;
};

// The whole file.
Content write_hdf5(const Hdf5Group& root);

}  // namespace cornu::formats
