#include "cornu/formats/load.h"

#include <filesystem>
#include <new>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_archive.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/legacy_h5.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/tfjs_model.h"
#include "cornu/formats/zip.h"

namespace cornu {
namespace {

bool is_json(const base::Bytes& bytes) {
  for (uint64_t i = 0; i < std::min<uint64_t>(bytes.size(), 64); ++i) {
    const uint8_t c = bytes.u8(i, "the first character");
    if (c == '{') return true;
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return false;
}

// The text of to_json(). Keras 2 says its version; Keras 3 does not.
LoadResult load_config(const base::Json& json, const std::string& label) {
  std::string version;
  if (const auto v = json.find("keras_version"); v && v->is_string())
    version = std::string(v->as_string());
  const bool keras3 = json.contains("module");
  const std::string meant = !version.empty() ? version : keras3 ? "3" : "2.15";
  auto network = formats::network_from_config(json, formats::dialect_of(meant), label);
  const base::Json compiled = formats::copied(json.find("compile_config").value_or(base::Json()));
  if (!compiled.empty()) network->loaded_training = model::TrainingState{compiled, {}};
  return {Model(network), {}, version};
}

LoadResult load_json(const base::Bytes& bytes, const std::string& path) {
  const base::Json json = base::parse_json(bytes, bytes.label());
  if (json.contains("modelTopology")) return formats::load_tfjs_model(json, path);
  if (json.contains("weight_map"))
    throw FormatError(base::cat(path,
                                ": this file holds weights alone: make the model, then "
                                "load_weights()"));
  if (!json.contains("class_name"))
    throw FormatError(base::cat(path,
                                ": this JSON is no model: neither a TensorFlow.js layers-model, "
                                "which has \"modelTopology\", nor what to_json() writes"));
  LoadResult result = load_config(json, path);
  result.warnings.push_back(
      base::cat(path, ": this file holds no weights: the model's are initial ones"));
  return result;
}

LoadResult load_any(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    if (base::file_exists(path + "/saved_model.pb"))
      throw FormatError(base::cat(path,
                                  ": a TensorFlow SavedModel is not read; save the model from "
                                  "Keras as .keras"));
    return formats::load_keras_folder(path);
  }
  const base::Bytes bytes = base::read_file(path);
  if (formats::is_zip(bytes)) return formats::load_keras_archive(bytes);
  if (formats::is_hdf5(bytes)) return formats::load_legacy_model(bytes);
  if (is_json(bytes)) return load_json(bytes, path);
  throw FormatError(base::cat(path,
                              ": this is no model: neither a .keras archive, nor HDF5 (.h5), nor "
                              "the model.json of a TensorFlow.js layers-model"));
}

}  // namespace

LoadResult load(const std::string& path) {
  try {
    return load_any(path);
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(base::cat(path, ": there is not enough memory to load this model"));
  }
}

Model load_model(const std::string& path) { return load(path).model; }

Model model_from_json(const std::string& json) {
  return load_config(base::parse_json(json, "model_from_json"), "model_from_json").model;
}

}  // namespace cornu
