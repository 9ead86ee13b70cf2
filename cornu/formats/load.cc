#include "cornu/formats/load.h"

#include <filesystem>
#include <new>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_archive.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/legacy_h5.h"
#include "cornu/formats/load_file.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/tfjs_model.h"
#include "cornu/formats/zip.h"

namespace cornu {
namespace formats {
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
LoadResult load_config(const base::Json& given, const std::string& label, const Mend& mend = {}) {
  const base::Json json = mend ? mend(given) : given;
  std::string version;
  if (const auto v = json.find("keras_version"); v && v->is_string())
    version = std::string(v->as_string());
  const bool keras3 = json.contains("module");
  const std::string meant = !version.empty() ? version : keras3 ? "3" : "2.15";
  auto network = network_from_config(json, dialect_of(meant), label);
  const base::Json compiled = copied(json.find("compile_config").value_or(base::Json()));
  if (!compiled.empty()) network->loaded_training = model::TrainingState{compiled, {}};
  return {Model(network), {}, version};
}

// A text that has no weights beside it may hold thousands of layers, too. Each says its class, and
// those of its data type and initializers, and has about 15 values and keys for each of them: less
// than 8 KiB for a layer.
base::JsonLimits limits_for(std::string_view text) {
  constexpr std::string_view kKey = "\"class_name\"";
  base::JsonLimits limits;
  for (size_t at = 0; (at = text.find(kKey, at)) != text.npos; at += kKey.size())
    limits.free_values += 24;
  return limits;
}

LoadResult load_json(const base::Bytes& bytes, const std::string& path, const Mend& mend) {
  base::check_json_size(bytes.size(), bytes.label(), {});
  const auto text = bytes.span();
  const base::JsonLimits limits =
      limits_for({reinterpret_cast<const char*>(text.data()), text.size()});
  const base::Json json = base::parse_json(bytes, bytes.label(), limits);
  if (json.contains("modelTopology")) return load_tfjs_model(json, path);
  if (json.contains("weight_map"))
    throw FormatError(base::cat(path,
                                ": this file holds weights alone: make the model, then "
                                "load_weights()"));
  if (!json.contains("class_name"))
    throw FormatError(base::cat(path,
                                ": this JSON is no model: neither a TensorFlow.js layers-model, "
                                "which has \"modelTopology\", nor what to_json() writes"));
  LoadResult result = load_config(json, path, mend);
  result.warnings.push_back(
      base::cat(path, ": this file holds no weights: the model's are initial ones"));
  return result;
}

FileKind kind_of(const base::Bytes& bytes) {
  if (is_zip(bytes)) return FileKind::kZip;
  if (is_hdf5(bytes)) return FileKind::kHdf5;
  return is_json(bytes) ? FileKind::kJson : FileKind::kUnknown;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace

FileKind sniff(const std::string& path) {
  return is_folder(path) ? FileKind::kFolder : kind_of(base::read_file(path));
}

LoadResult load_file(const std::string& path, const Mend& mend) {
  if (is_folder(path)) {
    if (base::file_exists(path + "/saved_model.pb"))
      throw FormatError(base::cat(path,
                                  ": a TensorFlow SavedModel is not read; save the model from "
                                  "Keras as .keras"));
    return load_keras_folder(path, mend);
  }
  const base::Bytes bytes = base::read_file(path);
  switch (kind_of(bytes)) {
    case FileKind::kZip:
      return load_keras_archive(bytes, mend);
    case FileKind::kHdf5:
      return load_legacy_model(bytes, mend);
    case FileKind::kJson:
      return load_json(bytes, path, mend);
    default:
      throw FormatError(base::cat(path,
                                  ": this is no model: neither a .keras archive, nor HDF5 (.h5), "
                                  "nor the model.json of a TensorFlow.js layers-model"));
  }
}

}  // namespace formats

LoadResult load(const std::string& path) {
  try {
    return formats::load_file(path, {});
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(base::cat(path, ": there is not enough memory to load this model"));
  }
}

Model load_model(const std::string& path) { return load(path).model; }

Model model_from_json(const std::string& json) {
  constexpr const char* label = "model_from_json";
  return formats::load_config(base::parse_json(json, label, formats::limits_for(json)), label)
      .model;
}

}  // namespace cornu
