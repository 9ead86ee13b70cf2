#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/formats/content.h"
#include "cornu/model/model.h"

// Writing models. Model::save(), save_weights() and load_weights() are defined in save.cc.
namespace cornu::formats {

// A further member of a .keras archive, which Keras does not look at.
struct Member {
  std::string name;  // "cornu/state"
  std::string bytes;
};

// A whole .keras archive. ValueError for names that no file can hold: of a layer that is not UTF-8,
// of a member that is no plain path, or is taken.
Content keras_archive(const Model& model, const std::vector<Member>& extra = {});

// Model::save() with further members, for checkpoints. The file appears whole or not at all.
// Throws IoError, and what keras_archive() throws.
CORNU_API void save_keras(const Model& model, const std::string& path,
                          const std::vector<Member>& extra = {});

// The bytes of one member of a .keras archive, whose CRC is right; nothing when there is no such
// member. Throws IoError, FormatError for what is no archive or is damaged.
CORNU_API std::optional<std::string> read_member(const std::string& path, const std::string& name);

}  // namespace cornu::formats
