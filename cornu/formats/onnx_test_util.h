#pragma once

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cornu/base/bytes.h"

// Reads protobuf messages and the parts of an ONNX file back, for tests.
namespace cornu::formats::testing_onnx {

// The fields of one message, in order: a varint's or fixed32's number, or the bytes.
struct Message {
  struct Field {
    uint64_t number = 0;
    std::string bytes;
  };
  std::map<int, std::vector<Field>> fields;

  explicit Message(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const uint64_t key = varint(bytes, at);
      Field field;
      if ((key & 7) == 0) {
        field.number = varint(bytes, at);
      } else {
        const size_t size = (key & 7) == 5 ? 4 : varint(bytes, at);
        if ((key & 7) != 5 && (key & 7) != 2) throw std::runtime_error("unknown wire type");
        if (size > bytes.size() - at) throw std::runtime_error("a field beyond the end");
        field.bytes = bytes.substr(at, size);
        at += size;
        if ((key & 7) == 5) std::memcpy(&field.number, field.bytes.data(), 4);
      }
      fields[static_cast<int>(key >> 3)].push_back(std::move(field));
    }
  }
  static uint64_t varint(const std::string& bytes, size_t& at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      if (at >= bytes.size() || shift > 63) throw std::runtime_error("a varint without an end");
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  size_t count(int field) const { return fields.contains(field) ? fields.at(field).size() : 0; }
  const std::string& text(int field, size_t i = 0) const { return fields.at(field).at(i).bytes; }
  int64_t number(int field, size_t i = 0) const {
    return static_cast<int64_t>(fields.at(field).at(i).number);
  }
  std::vector<std::string> texts(int field) const {
    std::vector<std::string> list;
    for (size_t i = 0; i < count(field); ++i) list.push_back(text(field, i));
    return list;
  }
  std::vector<int64_t> numbers(int field) const {
    std::vector<int64_t> list;
    for (size_t i = 0; i < count(field); ++i) list.push_back(number(field, i));
    return list;
  }
};

struct Node {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::vector<int64_t>> ints;  // attributes of one or more whole numbers
  std::map<std::string, std::string> texts;
};

struct Numbers {
  std::vector<int64_t> dims;
  int64_t type = 0;
  std::string raw;
};

struct Graph {
  int64_t ir_version = 0, opset = 0;
  std::vector<Node> nodes;
  std::map<std::string, Numbers> initializers;
  std::map<std::string, std::vector<int64_t>> inputs, outputs;  // their shapes

  const Node& only(const std::string& op) const {
    const Node* found = nullptr;
    for (const Node& n : nodes)
      if (n.op == op && std::exchange(found, &n)) throw std::runtime_error("two of " + op);
    if (!found) throw std::runtime_error("no " + op);
    return *found;
  }
  std::vector<std::string> ops() const {
    std::vector<std::string> list;
    for (const Node& n : nodes) list.push_back(n.op);
    return list;
  }
  std::vector<float> floats(const std::string& name) const {
    const std::string& raw = initializers.at(name).raw;
    std::vector<float> values(raw.size() / 4);
    std::memcpy(values.data(), raw.data(), values.size() * 4);
    return values;
  }
};

inline std::map<std::string, std::vector<int64_t>> ports(const Message& graph, int field) {
  std::map<std::string, std::vector<int64_t>> list;
  for (const std::string& bytes : graph.texts(field)) {
    const Message info(bytes), tensor(Message(info.text(2)).text(1));
    std::vector<int64_t> dims;
    for (const std::string& dim : Message(tensor.text(2)).texts(1))
      dims.push_back(Message(dim).number(1));
    list[info.text(1)] = dims;
  }
  return list;
}

inline Graph decode(const std::string& bytes) {
  const Message file(bytes), graph(file.text(7));
  Graph out;
  out.ir_version = file.number(1);
  out.opset = Message(file.text(8)).number(2);
  for (const std::string& text : graph.texts(1)) {
    const Message m(text);
    Node node{m.text(4), m.text(3), m.texts(1), m.texts(2), {}, {}};
    for (const std::string& attribute : m.texts(5)) {
      const Message a(attribute);
      if (a.count(8) + a.count(3) > 0)
        node.ints[a.text(1)] = a.count(3) > 0 ? a.numbers(3) : a.numbers(8);
      if (a.count(4) > 0) node.texts[a.text(1)] = a.text(4);
    }
    out.nodes.push_back(std::move(node));
  }
  for (const std::string& text : graph.texts(5)) {
    const Message m(text);
    if (!out.initializers.emplace(m.text(8), Numbers{m.numbers(1), m.number(2), m.text(9)}).second)
      throw std::runtime_error("two initializers of one name");
  }
  out.inputs = ports(graph, 11);
  out.outputs = ports(graph, 12);
  return out;
}

}  // namespace cornu::formats::testing_onnx
