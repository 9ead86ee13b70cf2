#include "cornu/formats/save.h"

#include <set>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "cornu/formats/keras_training.h"
#include "cornu/formats/keras_weights.h"
#include "cornu/formats/keras_weights_writer.h"
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
      Json::object({{"keras_version", "3.15.1"}, {"date_saved", "1980-01-01@00:00:00"}}).dump());
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

void check_weights_name(const char* what, const std::string& path) {
  if (!path.ends_with(".weights.h5"))
    throw ValueError(
        cat(what, ": the filename must end in '.weights.h5'. Received: filepath=", quoted(path)));
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
  if (!path.ends_with(".keras"))
    throw ValueError(
        cat("Model.save: the filename must end in '.keras'. Received: filepath=", quoted(path)));
  check_overwrite(path, o);
  save_keras(*this, path);
}

void Model::save_weights(const std::string& path, SaveOptions o) const {
  check_weights_name("Model.save_weights", path);
  if (!network_->built())
    throw StateError(network_->where().message("it has no weights yet: it has not been built"));
  check_overwrite(path, o);
  write_file(weights_h5(*network_), path);
}

void Model::load_weights(const std::string& path) const {
  if (!network_->built())
    throw StateError(network_->where().message(
        "its weights cannot be loaded: it has not been built, so that they have no shapes"));
  base::Bytes bytes = base::read_file(path);
  if (is_zip(bytes)) {
    const ZipReader zip(bytes);
    const ZipReader::Entry* entry = zip.find(kWeightsName);
    if (!entry) bytes.fail(cat("the archive holds no ", kWeightsName));
    base::Budget budget = zip.default_budget();
    bytes = zip.read(*entry, &budget);
  }
  const Hdf5File file(bytes);
  std::vector<std::string> warnings;  // of NaN in weights
  read_keras_weights(*network_, file.root(), path, warnings);
  if (network_->loaded_training)
    network_->loaded_training =
        read_keras_training(network_->loaded_training->compile_config, file.root(), path, warnings);
}

}  // namespace cornu
