#include "cornu/formats/onnx_writer.h"

#include <algorithm>
#include <bit>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/model/model.h"

namespace cornu::formats {
namespace {

constexpr int64_t kIrVersion = 8, kOpset = 17;
enum DataType : int64_t { kFloat = 1, kInt64 = 7 };

// Numbers of the fields: formats.md 7, onnx.proto.
ProtoMessage attribute(const std::string& name, const OnnxAttribute& value) {
  ProtoMessage m;
  m.text(1, name);
  if (const auto* real = std::get_if<float>(&value)) return m.real(2, *real).number(20, 1);
  if (const auto* number = std::get_if<int64_t>(&value)) return m.number(3, *number).number(20, 2);
  if (const auto* text = std::get_if<std::string>(&value)) return m.text(4, *text).number(20, 3);
  for (int64_t v : std::get<std::vector<int64_t>>(value)) m.number(8, v);
  return m.number(20, 7);
}

ProtoMessage value_info(const std::string& name, const Shape& shape) {
  ProtoMessage dims, tensor, type, info;
  for (int64_t d : shape) dims.message(1, std::move(ProtoMessage().number(1, d)));
  tensor.number(1, kFloat).message(2, std::move(dims));
  type.message(1, std::move(tensor));
  return std::move(info.text(1, name).message(2, std::move(type)));
}

}  // namespace

std::string OnnxWriter::unique(const std::string& name) {
  const auto [at, fresh] = taken_.try_emplace(name, 0);
  if (fresh) return name;
  for (;;) {
    const std::string other = base::cat(name, "_", ++at->second);
    if (taken_.try_emplace(other, 0).second) return other;
  }
}

std::string OnnxWriter::input(const std::string& name, const Shape& shape) {
  inputs_.push_back({unique(name), shape});
  return inputs_.back().name;
}

void OnnxWriter::output(const std::string& name, const std::string& value, const Shape& shape) {
  const std::string own = unique(name);
  const auto out_already = renamed_.find(value);
  const bool made =
      std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& n) { return n.output == value; });
  if (made) {
    rename(value, own);
  } else {  // an input, numbers, or what is an output already
    const std::string& from = out_already == renamed_.end() ? value : out_already->second;
    nodes_.push_back({"Identity", unique(own + "/Identity"), {from}, own, {}});
  }
  outputs_.push_back({own, shape});
}

void OnnxWriter::rename(const std::string& from, const std::string& to) {
  for (Node& n : nodes_) {
    std::replace(n.inputs.begin(), n.inputs.end(), from, to);
    if (n.output == from) n.output = to;
  }
  renamed_[from] = to;
}

std::string OnnxWriter::node(const std::string& op, std::vector<std::string> inputs,
                             OnnxAttributes attributes) {
  const std::string name = unique(layer_.empty() ? op : base::cat(layer_, "/", op));
  nodes_.push_back({op, name, std::move(inputs), unique(name + ":0"), std::move(attributes)});
  return nodes_.back().output;
}

std::string OnnxWriter::initializer(std::vector<int64_t> dims, int64_t type, Content raw) {
  const std::string name = unique(layer_.empty() ? "numbers" : base::cat(layer_, "/numbers"));
  ProtoMessage m;
  for (int64_t d : dims) m.number(1, d);
  initializers_.push_back(std::move(m.number(2, type).text(8, name).bytes(9, std::move(raw))));
  return name;
}

std::string OnnxWriter::numbers(const Tensor& value) {
  Content raw;
  raw.add(value);
  return initializer({value.shape().begin(), value.shape().end()}, kFloat, std::move(raw));
}

std::string OnnxWriter::scalar(float value) {
  std::string bytes;
  put_number(&bytes, std::bit_cast<uint32_t>(value), 4);
  std::string& name = shared_["scalar " + bytes];
  if (name.empty()) name = initializer({}, kFloat, Content(bytes));
  return name;
}

std::string OnnxWriter::list(const std::vector<int64_t>& values) {
  std::string bytes;
  for (int64_t v : values) put_number(&bytes, static_cast<uint64_t>(v), 8);
  std::string& name = shared_["list " + bytes];
  if (name.empty())
    name = initializer({static_cast<int64_t>(values.size())}, kInt64, Content(bytes));
  return name;
}

std::string OnnxWriter::reals(const std::vector<float>& values) {
  std::string bytes;
  for (float v : values) put_number(&bytes, std::bit_cast<uint32_t>(v), 4);
  std::string& name = shared_["reals " + bytes];
  if (name.empty())
    name = initializer({static_cast<int64_t>(values.size())}, kFloat, Content(bytes));
  return name;
}

ProtoMessage OnnxWriter::graph() const {
  ProtoMessage graph;
  for (const Node& n : nodes_) {
    ProtoMessage node;
    for (const std::string& in : n.inputs) node.text(1, in);
    node.text(2, n.output).text(3, n.name).text(4, n.op);
    for (const auto& [name, value] : n.attributes) node.message(5, attribute(name, value));
    graph.message(1, std::move(node));
  }
  graph.text(2, "model");
  for (const ProtoMessage& m : initializers_) graph.message(5, m);
  for (const Port& port : inputs_) graph.message(11, value_info(port.name, port.shape));
  for (const Port& port : outputs_) graph.message(12, value_info(port.name, port.shape));
  return graph;
}

Content OnnxWriter::finish() const {
  ProtoMessage file;
  file.number(1, kIrVersion).text(2, "cornu").text(3, version());
  file.message(7, graph());
  file.message(8, std::move(ProtoMessage().text(1, "").number(2, kOpset)));
  constexpr uint64_t kMost = (uint64_t{1} << 31) - 1;
  if (file.content().size() > kMost)
    throw ValueError(base::cat("an ONNX file holds less than 2 GiB; this model takes ",
                               file.content().size(), " bytes"));
  return file.content();
}

}  // namespace cornu::formats
