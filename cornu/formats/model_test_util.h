#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "cornu/base/text.h"
#include "cornu/formats/hdf5_test_util.h"
#include "cornu/tensor/shape.h"

// Whole model files made for tests: configurations with single quotes for double ones, weight files
// by paths, and a folder to put them in.
namespace cornu::formats::testing_model {

using base::cat;

inline std::string json(std::string text) {
  for (char& c : text)
    if (c == '\'') c = '"';
  return text;
}

inline std::string list(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += cat(text.empty() ? "" : ", ", part);
  return cat("[", text, "]");
}

// One layer of a list. `fields` are those of its config after the name, without braces; `nodes` is
// its inbound_nodes, empty for a Sequential's; `more` starts with a comma.
inline std::string layer(const std::string& class_name, const std::string& name,
                         const std::string& fields, const std::string& nodes = "",
                         const std::string& more = "") {
  return cat("{'class_name': '", class_name, "', 'config': {'name': '", name, "'",
             fields.empty() ? "" : ", ", fields, "}",
             nodes.empty() ? "" : cat(", 'name': '", name, "', 'inbound_nodes': ", nodes), more,
             "}");
}
inline std::string input(const std::string& name, const std::string& shape = "[null, 4]") {
  return layer("InputLayer", name, cat("'batch_shape': ", shape), "[]");
}
inline std::string dense(const std::string& name, const std::string& nodes = "", int units = 3) {
  return layer("Dense", name, cat("'units': ", units), nodes);
}
inline std::string sequential(const std::vector<std::string>& layers, const std::string& more = "",
                              const std::string& name = "s") {
  return cat("{'class_name': 'Sequential', 'config': {'name': '", name,
             "', 'layers': ", list(layers), more, "}}");
}

// The bytes of float32 numbers 1, 2, … or `value` everywhere.
inline std::string floats(int64_t count, std::optional<float> value = {}) {
  std::vector<float> numbers(static_cast<size_t>(count), value.value_or(0));
  if (!value) std::iota(numbers.begin(), numbers.end(), 1.0f);
  std::string bytes(numbers.size() * 4, '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// An HDF5 file of float32 datasets, made of paths.
class WeightFile {
 public:
  WeightFile& put(const std::string& path, const Shape& shape, std::optional<float> value = {}) {
    Node& node = at(path);
    node.shape = shape;
    node.data = floats(shape.size(), value);
    return *this;
  }
  WeightFile& group(const std::string& path) { return at(path), *this; }
  WeightFile& name(const std::string& path, const std::string& name) {
    at(path).name = name;
    return *this;
  }
  // kernel and bias of a Dense from `inputs` to `units`.
  WeightFile& dense(const std::string& group, int64_t units = 3, std::optional<float> value = {},
                    int64_t inputs = 4) {
    put(group + "/vars/0", {inputs, units}, value);
    return put(group + "/vars/1", {units}, value);
  }
  std::string data() const {
    testing_hdf5::Builder b;
    b.finish(build(b, "", root_));
    return b.data;
  }
  base::Bytes bytes() const { return testing_zip::bytes_of_text(data(), "m.weights.h5"); }

 private:
  struct Node {
    std::map<std::string, Node> links;
    std::optional<Shape> shape;
    std::string data;
    std::optional<std::string> name;
  };
  Node& at(const std::string& path) {
    Node* node = &root_;
    for (size_t begin = 0; begin < path.size();) {
      const size_t end = std::min(path.find('/', begin), path.size());
      node = &node->links[path.substr(begin, end - begin)];
      begin = end + 1;
    }
    return *node;
  }
  static size_t build(testing_hdf5::Builder& b, const std::string& path, const Node& node) {
    using namespace testing_hdf5;
    if (node.shape)
      return b.dataset(path, float32_type(), {node.shape->begin(), node.shape->end()}, node.data);
    std::vector<std::pair<std::string, uint64_t>> links;
    for (const auto& [link, child] : node.links)
      links.emplace_back(link, build(b, path + "/" + link, child));
    std::vector<std::string> more;
    if (node.name)
      more.push_back(attribute("name", fixed_type(node.name->size()), space({}), *node.name));
    return b.group(path, links, more);
  }

  Node root_;
};

// A .keras archive.
inline std::string keras_archive(const std::string& config, const std::string& weights,
                                 const std::string& version = "3.8.0", bool deflate = false) {
  return testing_zip::make_zip(
             {{"metadata.json", json(cat("{'keras_version': '", version, "'}")), deflate},
              {"config.json", json(config), deflate},
              {"model.weights.h5", weights, deflate}})
      .data;
}

// A folder that goes with the test: in memory where there is such a place, since what saves models
// waits for the disk.
class Folder {
 public:
  Folder() {
    std::filesystem::path parent = "/dev/shm";
    if (::access(parent.c_str(), W_OK | X_OK) != 0) parent = std::filesystem::temp_directory_path();
    std::string name = (parent / "cornu-model-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace cornu::formats::testing_model
