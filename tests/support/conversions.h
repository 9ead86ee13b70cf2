#pragma once

// Every format that a model can be written in and read from again.

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"

namespace cornu::testing {

// Writes the model into an empty folder, and reads it from there.
struct Conversion {
  const char* format;
  std::function<LoadResult(const Model&, const std::string& folder)> through;
  bool keeps_training = true;  // optimizer and its state
};

namespace conversion {

inline LoadResult as(const char* suffix, const Model& model, const std::string& folder) {
  const std::string path = folder + "/model" + suffix;
  model.save(path);
  return load(path);
}

inline LoadResult unpacked(const Model& model, const std::string& folder) {
  const std::string path = folder + "/model.keras", whole = folder + "/whole";
  model.save(path);
  std::filesystem::create_directory(whole);
  for (const char* name : {"metadata.json", "config.json", "model.weights.h5"})
    std::ofstream(whole + "/" + name, std::ios::binary) << formats::read_member(path, name).value();
  return load(whole);
}

inline Model from_json(const Model& model, const std::string& folder) {
  const std::string path = folder + "/model.json";
  std::ofstream(path) << model.to_json();
  return load_model(path);
}

// The configuration as text, the weights in a file of the given kind.
inline LoadResult with_weights(const char* suffix, const Model& model, const std::string& folder) {
  const std::string path = folder + "/model" + suffix;
  const bool whole = std::string(suffix) == ".keras" || std::string(suffix) == ".h5";
  whole ? model.save(path) : model.save_weights(path);
  const Model made = from_json(model, folder);
  const std::vector<std::string> warnings = made.load_weights(path);
  return {made, warnings, ""};
}

}  // namespace conversion

// All that keep the configuration; TensorFlow.js, which has one of its own, is not among them.
inline std::vector<Conversion> conversions() {
  using namespace conversion;
  using std::placeholders::_1, std::placeholders::_2;
  return {
      {".keras", std::bind(as, ".keras", _1, _2)},
      {".h5", std::bind(as, ".h5", _1, _2)},
      {"unpacked", unpacked},
      {"JSON and .weights.h5", std::bind(with_weights, ".weights.h5", _1, _2)},
      {"JSON and .keras", std::bind(with_weights, ".keras", _1, _2)},
      {"JSON and .h5", std::bind(with_weights, ".h5", _1, _2), false},
      {"JSON and safetensors", std::bind(with_weights, ".safetensors", _1, _2), false},
  };
}

inline LoadResult through_tfjs(const Model& model, const std::string& folder) {
  export_tfjs(model, folder + "/model.json");
  return load(folder + "/model.json");
}

}  // namespace cornu::testing
