#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cornu/formats/protobuf.h"

namespace cornu::formats {

using OnnxAttribute = std::variant<int64_t, float, std::string, std::vector<int64_t>>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

// An ONNX model being made: nodes in the order they run, numbers they take, inputs and outputs
// (formats.md 7). Values go by names, which are unique; adding something gives its name.
class OnnxWriter {
 public:
  // The layer that following nodes are named after.
  void set_layer(const std::string& name) { layer_ = name; }

  // A name that nothing else has: this one, or with a number after it.
  std::string unique(const std::string& name);
  std::string input(const std::string& name, const Shape& shape);
  // Gives a value its name to the outside.
  void output(const std::string& name, const std::string& value, const Shape& shape);

  // A node with one result. An input that is left out is "".
  std::string node(const std::string& op, std::vector<std::string> inputs,
                   OnnxAttributes attributes = {});
  std::string numbers(const Tensor& value);
  // Equal ones are kept once.
  std::string scalar(float value);
  std::string list(const std::vector<int64_t>& values);  // int64, one axis
  std::string reals(const std::vector<float>& values);   // float, one axis

  // The whole file. ValueError when it would have 2 GiB, which no protobuf message may have.
  Content finish() const;

 private:
  struct Node {
    std::string op, name;
    std::vector<std::string> inputs;
    std::string output;
    OnnxAttributes attributes;
  };
  struct Port {
    std::string name;
    Shape shape;
  };
  ProtoMessage graph() const;
  std::string initializer(std::vector<int64_t> dims, int64_t type, Content raw);
  void rename(const std::string& from, const std::string& to);

  std::string layer_;
  std::map<std::string, int64_t> taken_;  // names, and what was last put after them
  std::vector<Node> nodes_;
  std::vector<Port> inputs_, outputs_;
  std::vector<ProtoMessage> initializers_;
  std::map<std::string, std::string> shared_;   // by their bytes
  std::map<std::string, std::string> renamed_;  // outputs, by what they were called inside
};

}  // namespace cornu::formats
