#include "cornu/formats/save.h"

#include <set>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_shards.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/keras_weights_writer.h"
#include "cornu/formats/legacy_h5_writer.h"
#include "cornu/formats/legacy_weights.h"
#include "cornu/formats/npy.h"
#include "cornu/formats/safetensors.h"
#include "cornu/formats/weight_arrays.h"
#include "cornu/formats/zip.h"
#include "cornu/formats/zip_writer.h"
#include "cornu/model/network.h"

namespace cornu {
namespace formats {
namespace {

using base::cat;
using base::Json;
using base::quoted;

constexpr const char* kWeightsName = "model.weights.h5";

// The version whose files these are. No date: equal models make equal files.
Content metadata() {
  return Content(
      Json::object({{"keras_version", kKerasVersion}, {"date_saved", "1980-01-01@00:00:00"}})
          .dump());
}

Content config_json(const model::Network& network) {
  Json object = model::model_object(network);
  if (const auto training = training_of(network))
    object.set("compile_config", training->compile_config);
  return Content(object.dump());
}

Content weights_h5(const model::Network& network) {
  Hdf5Group root;
  write_keras_weights(network, &root);
  return write_hdf5(root);
}

void check_member_names(const std::vector<ZipMember>& members) {
  std::set<std::string> names;
  for (const ZipMember& m : members) {
    bool plain = m.name.size() < (1 << 16);
    for (size_t begin = 0; begin <= m.name.size();) {
      const size_t end = std::min(m.name.find('/', begin), m.name.size());
      plain = plain && base::is_plain_name(std::string_view(m.name).substr(begin, end - begin));
      begin = end + 1;
    }
    if (!plain) throw ValueError(cat(quoted(m.name), " is no name for a member of an archive"));
    if (!names.insert(m.name).second)
      throw ValueError(cat("two members of an archive are named ", quoted(m.name)));
  }
}

void check_overwrite(const std::string& path, const SaveOptions& o) {
  if (!o.overwrite && base::file_exists(path))
    throw IoError(cat("cannot write ", quoted(path), ": it is there already, and overwrite=False"));
}

}  // namespace

Content keras_archive(const Model& model, const std::vector<Member>& extra) {
  const model::Network& network = *model.network();
  Content weights = weights_h5(network);  // first: it checks the names
  std::vector<ZipMember> members;
  members.push_back({"metadata.json", metadata()});
  members.push_back({"config.json", config_json(network)});
  members.push_back({kWeightsName, std::move(weights)});
  for (const Member& m : extra) members.push_back({m.name, Content(m.bytes)});
  check_member_names(members);
  return write_zip(std::move(members));
}

void save_keras(const Model& model, const std::string& path, const std::vector<Member>& extra) {
  write_file(keras_archive(model, extra), path);
}

std::optional<std::string> read_member(const std::string& path, const std::string& name) {
  const ZipReader zip(base::read_file(path));
  const ZipReader::Entry* entry = zip.find(name);
  if (!entry) return std::nullopt;
  base::Budget budget = zip.default_budget();
  return zip.read(*entry, &budget).text();
}

}  // namespace formats

using namespace formats;

void Model::save(const std::string& path, SaveOptions o) const {
  const bool hdf5 =
      (path.ends_with(".h5") && !path.ends_with(".weights.h5")) || path.ends_with(".hdf5");
  if (!hdf5 && !path.ends_with(".keras"))
    throw ValueError(cat("Model.save: the filename must end in '.keras', '.h5' or '.hdf5'. ",
                         "Received: filepath=", quoted(path)));
  check_overwrite(path, o);
  if (hdf5) {
    write_file(legacy_model(*network_), path);
  } else {
    save_keras(*this, path);
  }
}

void Model::save_weights(const std::string& path, SaveOptions o) const {
  const bool npz = path.ends_with(".npz"), safetensors = path.ends_with(".safetensors");
  if (!npz && !safetensors && !path.ends_with(".weights.h5"))
    throw ValueError(cat("Model.save_weights: the filename must end in '.weights.h5', '.npz' or ",
                         "'.safetensors'. Received: filepath=", quoted(path)));
  if (!network_->built())
    throw StateError(network_->where().message("it has no weights yet: it has not been built"));
  check_overwrite(path, o);
  if (npz) {
    save_npz(path, weight_arrays(*network_));
  } else if (safetensors) {
    save_safetensors(path, weight_arrays(*network_));
  } else {
    write_file(weights_h5(*network_), path);
  }
}

namespace {

// By layer names where the file is of that kind, else by classes and numbers.
void read_weights(const model::Network& network, const Hdf5Object& root,
                  const LoadWeightsOptions& o, const std::string& path,
                  std::vector<std::string>& warnings) {
  if (const Hdf5Object* legacy = legacy_weights_group(root)) {
    read_legacy_weights(network, *legacy, o, path, warnings);
  } else if (o.by_name) {
    throw ValueError(
        cat("Model.load_weights: `by_name` is for files that name layers (.h5), which ",
            quoted(path), " is not"));
  } else {
    read_keras_weights(network, root, o, path, warnings);
  }
}

Hdf5File open_weights(const std::string& path) {
  const base::Bytes bytes = base::read_file(path);
  if (is_zip(bytes)) {
    const ZipReader zip(bytes);
    const ZipReader::Entry* entry = zip.find(kWeightsName);
    if (!entry) bytes.fail(cat("the archive holds no ", kWeightsName));
    base::Budget budget = zip.default_budget();
    return Hdf5File(zip.read(*entry, &budget));
  }
  if (!is_hdf5(bytes) && path.ends_with(".json"))
    return open_keras_shards(bytes, shards_in(base::folder_of(path)));
  return Hdf5File(bytes);
}

}  // namespace

std::vector<std::string> Model::load_weights(const std::string& path, LoadWeightsOptions o) const {
  if (!network_->built())
    throw StateError(network_->where().message(
        "its weights cannot be loaded: it has not been built, so that they have no shapes"));
  std::vector<std::string> warnings;
  if (std::optional<NamedArrays> arrays = load_arrays(path)) {
    read_weight_arrays(*network_, std::move(*arrays), o, path, warnings);
    return warnings;
  }
  const Hdf5File file = open_weights(path);
  read_weights(*network_, file.root(), o, path, warnings);
  if (network_->loaded_training)
    network_->loaded_training =
        read_keras_training(network_->loaded_training->compile_config, file.root(), path, warnings);
  return warnings;
}

std::string Model::to_json() const { return config_json(*network_).text(); }

}  // namespace cornu
