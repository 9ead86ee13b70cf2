#pragma once

#include <string>
#include <vector>

#include "cornu/formats/onnx_writer.h"
#include "cornu/graph/graph.h"

namespace cornu::formats {

// Moves the axes of a tensor: axis i of the result is axis perm[i].
Tensor transposed(const Tensor& t, const std::vector<int64_t>& perm);
// (N, *n, C) to (N, C, *n), and back.
std::vector<int64_t> channels_first(int64_t rank);
std::vector<int64_t> channels_last(int64_t rank);
// Where an axis of (N, *n, C) is then.
int64_t axis_channels_first(int64_t axis, int64_t rank);

// The values of a graph under their ONNX names. A value of three axes and more may be there twice:
// as the graph has it, channels last, and with channels first. Asking for one that is not there
// adds the Transpose; constants are turned beforehand.
class OnnxValues {
 public:
  OnnxValues(const graph::Graph& g, OnnxWriter& out) : g_(g), out_(out), names_(g.nodes.size()) {}

  enum class Layout { kLast, kFirst };
  std::string get(graph::NodeId id, Layout layout);
  std::string last(graph::NodeId id) { return get(id, Layout::kLast); }
  std::string first(graph::NodeId id) { return get(id, Layout::kFirst); }
  void set(graph::NodeId id, Layout layout, std::string name) { at(id, layout) = std::move(name); }
  // The name in that layout if it is there without a Transpose; "" if not.
  const std::string& known(graph::NodeId id, Layout layout) { return at(id, layout); }

  // The layout to work in where either will do: the one that most is there in.
  Layout best(const std::vector<graph::NodeId>& in);
  // An operand that broadcasts to a result of `rank` axes in that layout.
  std::string operand(graph::NodeId id, int64_t rank, Layout layout);
  // Null where it is no constant.
  const Tensor* constant(graph::NodeId id) const;

 private:
  struct Names {
    std::string name[2];  // by Layout
  };
  std::string& at(graph::NodeId id, Layout layout) {
    return names_[static_cast<size_t>(id)].name[static_cast<size_t>(layout)];
  }

  const graph::Graph& g_;
  OnnxWriter& out_;
  std::vector<Names> names_;
};

}  // namespace cornu::formats
