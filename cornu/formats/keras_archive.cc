#include "cornu/formats/keras_archive.h"

#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/zip.h"

namespace cornu::formats {
namespace {

using base::cat;

base::Json read_json(const ZipReader& zip, const char* name, const std::string& label,
                     const base::JsonLimits& limits, base::Budget* budget) {
  const ZipReader::Entry* entry = zip.find(name);
  if (!entry)
    throw FormatError(cat(label, ": a .keras archive must hold ", name, "; this one does not"));
  const std::string where = cat(label, ":", name);
  base::check_json_size(entry->size, where, limits);  // before it is unpacked
  return base::parse_json(zip.read(*entry, budget), where, limits);
}

// In a document of its own, so that the one it is from can go.
base::Json copied(const base::Json& object) {
  std::vector<std::pair<std::string, base::Json>> items;
  for (const auto& [key, value] : object.items()) items.emplace_back(key, value);
  return base::Json::object(items);
}

}  // namespace

LoadResult load_keras_archive(const base::Bytes& archive) {
  const std::string& label = archive.label();
  const ZipReader zip(archive);
  base::Budget budget = zip.default_budget();

  // Thousands of layers have more values than a small file may. Each has 2 kB or more of the file.
  base::JsonLimits limits;
  limits.free_values += archive.size() / 32;
  const base::Json metadata = read_json(zip, "metadata.json", label, limits, &budget);
  std::string version;
  if (const auto v = metadata.find("keras_version"); v && v->is_string())
    version = std::string(v->as_string());
  base::Json config = read_json(zip, "config.json", label, limits, &budget);
  auto network = network_from_config(config, dialect_of(version), label);

  const ZipReader::Entry* weights = zip.find("model.weights.h5");
  if (!weights)
    throw FormatError(cat(label, ": a .keras archive must hold model.weights.h5; this one does not",
                          zip.find("model.weights.npz") ? " (model.weights.npz is not read)" : ""));
  const base::Json compiled = copied(config.find("compile_config").value_or(base::Json()));
  config = {};  // weights may need the room
  const Hdf5File file(zip.read(*weights, &budget));
  LoadResult result{Model(network), {}, version};
  read_keras_weights(*network, file.root(), label, result.warnings);
  network->loaded_training = read_keras_training(compiled, file.root(), label, result.warnings);
  return result;
}

}  // namespace cornu::formats
