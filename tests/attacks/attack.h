#pragma once

// Hostile files, made when they are needed: each row of the lists beside this header is one of
// them, with the error it must be refused with. A file's name says what is wrong with it.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"

namespace cornu::testing_attacks {

using base::cat;
using namespace formats::testing_model;

struct Attack {
  std::string file;    // a path below the folder of all files; its suffix says what reads it
  std::string ending;  // the class of the error, or "done" for a file to compare with
  std::string word;    // of the message
  std::function<std::string()> content;
  // Puts what else belongs to the file into its folder.
  std::function<void(const std::filesystem::path& folder)> beside = {};
};

using Attacks = std::vector<Attack>;

// A file whose content is small enough to be held.
inline Attack attack(std::string file, std::string ending, std::string word, std::string content) {
  return {std::move(file), std::move(ending), std::move(word),
          [content = std::move(content)] { return content; }};
}

// Puts the file into the folder and returns its path.
inline std::string write(const Attack& attack, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / attack.file;
  std::filesystem::create_directories(path.parent_path());
  if (attack.content) std::ofstream(path, std::ios::binary) << attack.content();
  if (attack.beside) attack.beside(path.parent_path());
  return path.string();
}

// Dense from 4 to 3, which the weights of files of weights alone are for.
inline const std::string kDense =
    sequential({layer("Dense", "d", "'units': 3")}, ", 'build_input_shape': [null, 4]");

inline void read(const std::string& path) {
  const auto is = [&](const char* suffix) { return path.ends_with(suffix); };
  if (is(".safetensors")) {
    load_safetensors(path);
  } else if (is(".npy")) {
    load_npy(path);
  } else if (is(".npz")) {
    load_npz(path);
  } else if (is(".weights.h5") || is(".weights.json")) {
    model_from_json(json(kDense)).load_weights(path);
  } else {
    load(path).model.summary_text();
  }
}

inline std::string repeated(std::string_view text, int64_t count) {
  std::string all;
  all.reserve(text.size() * static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) all += text;
  return all;
}

inline void overwrite(std::string& data, size_t at, std::string_view text) {
  for (const char c : text) data.at(at++) = c;
}

// A .keras archive of that configuration and no weights, deflated where it is long.
inline std::string archive_of_text(const std::string& config) {
  return formats::testing_zip::make_zip({{"metadata.json", json("{'keras_version': '3.8.0'}")},
                                         {"config.json", config, config.size() > 1 << 16},
                                         {"model.weights.h5", WeightFile().data()}})
      .data;
}
inline std::string archive_of(const std::string& config) { return archive_of_text(json(config)); }

}  // namespace cornu::testing_attacks
