#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/budget.h"
#include "cornu/base/bytes.h"
#include "cornu/formats/hdf5_types.h"
#include "cornu/formats/numbers.h"
#include "cornu/tensor/tensor.h"

namespace cornu::formats {

struct Hdf5Storage;

// A group or a dataset of an open file, valid as long as the file is.
class Hdf5Object {
 public:
  struct Link {
    std::string name;
    const Hdf5Object* object;
  };

  // "/model_weights/conv2d", for messages.
  std::string path() const;
  bool is_group() const { return !is_dataset_; }
  bool is_dataset() const { return is_dataset_; }

  // What a group holds, in the file's order: by the bytes of the names. Empty for a dataset.
  std::span<const Link> links() const { return links_; }
  // The object down the links of `path`, which are separated by '/'. Null when there is none.
  const Hdf5Object* find(std::string_view path) const;

  bool has_attribute(std::string_view name) const { return attribute(name) != nullptr; }
  // A scalar string, of fixed or variable length. FormatError if it is something else.
  std::string string_attribute(std::string_view name) const;
  // The same where it lies in the file, so that a long one takes no memory of its own.
  base::Bytes text_attribute(std::string_view name) const;
  // A list of strings. Keras splits long lists over name0, name1, ... (spec: formats.md 2.3) and
  // writes an empty one as numbers. Nothing when there is neither.
  std::optional<std::vector<std::string>> string_list_attribute(std::string_view name) const;

  // Datasets. The dimensions, and the numbers as float32 in row-major order; FormatError when they
  // are of a type or storage that is not read.
  const Shape& shape() const { return shape_; }
  Tensor tensor() const;
  // to.size() must be shape().size().
  void read(std::span<float> to) const;
  // The numbers as they lie in the file.
  NumberType number_type() const;
  ByteOrder byte_order() const { return type_.order; }
  const base::Bytes& data() const { return data_; }
  // Whether data() is put together from chunks, packed or not, when it is looked at.
  bool is_chunked() const { return is_chunked_; }

 private:
  friend class Hdf5Reader;
  friend class Hdf5File;
  const Hdf5Attribute* attribute(std::string_view name) const;
  std::vector<std::string> strings(const Hdf5Attribute& attribute, base::Budget* budget) const;
  base::Budget string_budget() const;
  [[noreturn]] void fail(const std::string& what) const;

  const Hdf5Storage* storage_ = nullptr;
  const Hdf5Object* parent_ = nullptr;
  std::string name_;
  std::vector<Link> links_;
  std::vector<Hdf5Attribute> attributes_;  // sorted by name
  bool is_dataset_ = false;
  bool is_chunked_ = false;
  Shape shape_;
  Hdf5Type type_;
  const char* unreadable_ = nullptr;  // why the data cannot be read
  base::Bytes data_;
};

// An HDF5 file of the kind Keras writes (spec: formats.md 2), or what h5repack and h5py's options
// make of one: chunks, deflated or not, superblocks and headers of the newer versions, links inside
// headers. Opening it walks and checks the whole file: every structure lies inside it, none
// overlaps another, each object is linked once, and a dataset's bytes are exactly what its shape
// needs. Whatever could reach out of the file (external links and storage, virtual datasets) and
// everything else is refused by name.
class Hdf5File {
 public:
  explicit Hdf5File(base::Bytes file);
  ~Hdf5File();
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;

  // Several files as one: groups of equal paths are one group, with the attributes of the first
  // that has any. FormatError for two datasets of one path. `files` is not empty.
  static Hdf5File merged(std::vector<Hdf5File> files);

  const Hdf5Object& root() const;

 private:
  Hdf5File() = default;
  std::unique_ptr<Hdf5Storage> storage_;
};

// Whether the bytes begin as an HDF5 file does.
bool is_hdf5(const base::Bytes& bytes);

}  // namespace cornu::formats
