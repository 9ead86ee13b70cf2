#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cornu/base/file.h"
#include "cornu/cornu.h"

namespace cornu::testing {

inline const std::string kGoldenFolder = CORNU_SOURCE_DIR "/tests/golden/";

inline std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const base::Bytes bytes = base::read_file(kGoldenFolder + "manifest.json");
  const base::Json manifest = base::parse_json(bytes.text(), "manifest.json");
  for (const base::Json& c : manifest.elements()) names.emplace_back(c.at("name").as_string());
  return names;
}

// The names of all models, those of training runs among them.
inline std::vector<std::string> golden_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kGoldenFolder + "cases"))
    if (entry.path().extension() == ".keras") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string golden_model(const std::string& name) {
  return kGoldenFolder + "cases/" + name + ".keras";
}

// What Keras computed (README.md).
struct GoldenCase {
  std::vector<Tensor> inputs, outputs, cotangents, input_gradients, weight_gradients;

  std::vector<Shape> input_shapes() const {
    std::vector<Shape> shapes;
    for (const Tensor& x : inputs) shapes.push_back(x.shape());
    return shapes;
  }
};

inline GoldenCase golden_case(const std::string& name) {
  GoldenCase c;
  const std::pair<const char*, std::vector<Tensor>*> lists[] = {
      {"input_", &c.inputs},
      {"output_", &c.outputs},
      {"cotangent_", &c.cotangents},
      {"grad_input_", &c.input_gradients},
      {"grad_weight_", &c.weight_gradients}};
  auto arrays = load_npz(kGoldenFolder + "cases/" + name + ".npz");
  for (const auto& [prefix, list] : lists) {
    for (size_t found = 1; found > 0;) {  // by number, whatever order the file has
      found = 0;
      for (auto& [key, tensor] : arrays)
        if (key == base::cat(prefix, list->size())) list->push_back(tensor), ++found;
    }
  }
  return c;
}

}  // namespace cornu::testing
