#include "cornu/formats/doctor.h"

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/legacy_weights.h"
#include "cornu/formats/load_file.h"
#include "cornu/formats/mend.h"
#include "cornu/formats/network_config.h"
#include "cornu/formats/weight_arrays.h"
#include "cornu/formats/zip.h"
#include "cornu/model/network.h"

namespace cornu {
namespace {

using base::cat;
using base::quoted;

// The suffix that a file of a kind has, for names that say otherwise.
struct Kind {
  const char* name;
  std::vector<const char*> suffixes;
};

Kind kind_of_hdf5(const base::Bytes& bytes) {
  const formats::Hdf5File file(bytes);
  const formats::Hdf5Object& root = file.root();
  if (root.has_attribute("model_config")) return {"a whole model in HDF5", {".h5", ".hdf5"}};
  if (formats::legacy_weights_group(root))
    return {"weights in HDF5, by layer names", {".h5", ".hdf5"}};
  if (root.find("layers") || root.find("_layer_checkpoint_dependencies"))
    return {"weights in HDF5, as Keras 3 keeps them", {".weights.h5"}};
  return {"an HDF5 file of something else", {}};
}

Kind kind_of(const std::string& path) {
  switch (formats::sniff(path)) {
    case formats::FileKind::kFolder:
      return {"a folder", {}};
    case formats::FileKind::kZip:
      if (formats::load_arrays(path)) return {"arrays of NumPy", {".npz"}};
      return {"a .keras archive", {".keras"}};
    case formats::FileKind::kHdf5:
      return kind_of_hdf5(base::read_file(path));
    case formats::FileKind::kJson: {
      const base::Json json = base::parse_json(base::read_file(path), path);
      if (json.contains("modelTopology")) return {"a TensorFlow.js model", {".json"}};
      if (json.contains("weight_map")) return {"the list of weights in several files", {".json"}};
      return {"the configuration of a model", {".json"}};
    }
    case formats::FileKind::kUnknown:
      if (formats::load_arrays(path)) return {"weights in safetensors", {".safetensors"}};
      break;
  }
  return {"no file of Keras", {}};
}

// What the writer's version changes in the meaning of layers.
void tell_of_version(const Diagnosis& d, std::vector<std::string>* findings) {
  if (d.keras_version.empty()) return;
  const layers::Dialect dialect = formats::dialect_of(d.keras_version);
  for (const Layer& layer : d.model->layers()) {
    const base::Json config = layer.impl()->config();
    const auto is = [&](const char* key, const char* value) {
      const auto found = config.find(key);
      return found && found->is_string() && found->as_string() == value;
    };
    const std::string name = cat(layer.class_name(), " ", quoted(layer.name()));
    if (dialect.keras2_hard_sigmoid && is("activation", "hard_sigmoid_keras2"))
      findings->push_back(
          cat(name, ": its hard_sigmoid is Keras 2's, which Keras 3 does not have"));
    if (dialect.legacy_bilinear && layer.class_name() == "UpSampling2D" &&
        !is("interpolation", "nearest"))
      findings->push_back(cat(name, ": it interpolates as Keras before 2.4 did"));
  }
}

}  // namespace

Diagnosis diagnose(const std::string& path) {
  Diagnosis d;
  try {
    const Kind kind = kind_of(path);
    d.kind = kind.name;
    bool fits = kind.suffixes.empty();
    for (const char* suffix : kind.suffixes) fits = fits || path.ends_with(suffix);
    if (!fits) d.findings.push_back(cat("its name should end in '", kind.suffixes[0], "'"));
    const LoadResult loaded = formats::load_file(
        path, [&](const base::Json& model) { return formats::mended_config(model, &d.findings); });
    d.model = loaded.model;
    d.keras_version = loaded.keras_version;
    d.findings.insert(d.findings.end(), loaded.warnings.begin(), loaded.warnings.end());
    tell_of_version(d, &d.findings);
  } catch (const IoError&) {
    throw;
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& e) {
    if (d.kind.empty()) d.kind = "a damaged file";
    d.error = e.what();
  }
  return d;
}

}  // namespace cornu
