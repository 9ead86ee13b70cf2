#include "cornu/formats/keras_shards.h"

#include <set>

#include "cornu/base/file.h"
#include "cornu/base/json.h"
#include "cornu/base/text.h"

namespace cornu::formats {

using base::cat;
using base::Json;

Hdf5File open_keras_shards(const base::Bytes& bytes, const ShardSource& shards) {
  constexpr size_t kMostFiles = 1024;
  const std::string& label = bytes.label();
  const Json json = base::parse_json(bytes, label);
  const auto map = json.find("weight_map");
  if (!map || !map->is_object())
    throw FormatError(cat(label, ": this JSON holds no weights: it lacks \"weight_map\""));
  std::set<std::string> names;
  const auto add = [&](const Json& name) {
    names.emplace(name.as_string());
    if (names.size() > kMostFiles)
      throw FormatError(cat(label, ": weights in more than ", kMostFiles, " files"));
  };
  for (const auto& [path, files] : map->items()) {
    if (files.is_array()) {
      for (const Json& name : files.elements()) add(name);
    } else {
      add(files);
    }
  }
  if (names.empty()) throw FormatError(cat(label, ": \"weight_map\" names no file"));
  std::vector<Hdf5File> files;
  for (const std::string& name : names) {
    if (!base::is_plain_name(name))
      throw FormatError(
          cat(label, ": a path must be a plain file name. Received: ", base::quoted(name)));
    files.emplace_back(shards(name));
  }
  return Hdf5File::merged(std::move(files));
}

}  // namespace cornu::formats
