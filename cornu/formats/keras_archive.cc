#include "cornu/formats/keras_archive.h"

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/zip.h"

namespace cornu::formats {
namespace {

using base::Bytes;
using base::cat;
using base::Json;

constexpr const char* kWeightsName = "model.weights.h5";

// Where the three files are.
class Parts {
 public:
  virtual ~Parts() = default;
  virtual std::string label() const = 0;
  virtual uint64_t size() const = 0;  // of all of them; about
  // JSON that is larger than the limits is not even unpacked.
  virtual Json json(const char* name, const base::JsonLimits& limits) = 0;
  virtual Bytes weights() = 0;
};

class Archive final : public Parts {
 public:
  explicit Archive(const Bytes& archive)
      : archive_(archive), zip_(archive), budget_(zip_.default_budget()) {}

  std::string label() const override { return archive_.label(); }
  uint64_t size() const override { return archive_.size(); }
  Json json(const char* name, const base::JsonLimits& limits) override {
    const ZipReader::Entry* entry = zip_.find(name);
    if (!entry)
      throw FormatError(cat(label(), ": a .keras archive must hold ", name, "; this one does not"));
    const std::string where = cat(label(), ":", name);
    base::check_json_size(entry->size, where, limits);
    return base::parse_json(zip_.read(*entry, &budget_), where, limits);
  }
  Bytes weights() override {
    const ZipReader::Entry* weights = zip_.find(kWeightsName);
    if (!weights)
      throw FormatError(
          cat(label(), ": a .keras archive must hold model.weights.h5; this one does not",
              zip_.find("model.weights.npz") ? " (model.weights.npz is not read)" : ""));
    return zip_.read(*weights, &budget_);
  }

 private:
  const Bytes& archive_;
  const ZipReader zip_;
  base::Budget budget_;
};

class Folder final : public Parts {
 public:
  explicit Folder(const std::string& path)
      : path_(path), weights_(base::read_in_folder(path, kWeightsName)) {}

  std::string label() const override { return path_; }
  uint64_t size() const override { return weights_.size(); }
  Json json(const char* name, const base::JsonLimits& limits) override {
    const Bytes bytes = base::read_in_folder(path_, name);
    base::check_json_size(bytes.size(), bytes.label(), limits);
    return base::parse_json(bytes, bytes.label(), limits);
  }
  Bytes weights() override { return weights_; }

 private:
  const std::string path_;
  const Bytes weights_;
};

LoadResult load_parts(Parts& parts, const Mend& mend) {
  const std::string label = parts.label();
  // Thousands of layers have more values than a small file may. Each has 2 kB or more of the file.
  base::JsonLimits limits;
  limits.free_values += parts.size() / 32;
  const Json metadata = parts.json("metadata.json", limits);
  std::string version;
  if (const auto v = metadata.find("keras_version"); v && v->is_string())
    version = std::string(v->as_string());
  Json config = parts.json("config.json", limits);
  if (mend) config = mend(config);
  auto network = network_from_config(config, dialect_of(version), label);
  const Json compiled = copied(config.find("compile_config").value_or(Json()));
  config = {};  // weights may need the room
  const Hdf5File file(parts.weights());
  LoadResult result{Model(network), {}, version};
  read_keras_weights(*network, file.root(), {}, label, result.warnings);
  network->loaded_training = read_keras_training(compiled, file.root(), label, result.warnings);
  return result;
}

}  // namespace

LoadResult load_keras_archive(const Bytes& archive, const Mend& mend) {
  Archive parts(archive);
  return load_parts(parts, mend);
}

LoadResult load_keras_folder(const std::string& path, const Mend& mend) {
  Folder parts(path);
  return load_parts(parts, mend);
}

}  // namespace cornu::formats
