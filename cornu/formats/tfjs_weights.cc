#include "cornu/formats/tfjs_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/formats/numbers.h"

namespace cornu::formats {
namespace {

using base::Bytes;
using base::cat;
using base::Json;
using base::quoted;

// value = stored * scale + min, in double.
struct Quantization {
  double scale = 1;
  double min = 0;
  bool round = false;  // the original was an integer
};

struct Weight {
  std::string name;
  Shape shape;
  NumberType stored = NumberType::kFloat32;
  std::optional<Quantization> quantization;
  bool wanted = true;
  uint64_t bytes = 0;
};

struct Shard {
  std::string name;
  uint64_t bytes;
};

struct Group {
  std::vector<Weight> weights;
  std::vector<Shard> shards;
};

[[noreturn]] void fail(const Json& where, const std::string& what) {
  throw FormatError(cat(where.label(), ": weightsManifest: ", what));
}

Json list_at(const Json& object, std::string_view key) {
  Json list = object.at(key);
  if (!list.is_array()) fail(object, cat(quoted(key), " is ", list.kind_name(), ", not a list"));
  return list;
}

void read_quantization(const Json& q, Weight* weight) {
  const std::string_view dtype = q.at("dtype").as_string();
  if (dtype == "float16") {
    weight->stored = NumberType::kFloat16;
    return;
  }
  if (dtype != "uint8" && dtype != "uint16")
    fail(q, cat("the weight ", quoted(weight->name), " is quantised to ", quoted(dtype),
                "; uint8, uint16 and float16 are read"));
  Quantization quantization;
  quantization.scale = q.at("scale").as_double();
  quantization.min = q.at("min").as_double();
  quantization.round = weight->stored == NumberType::kInt32;
  weight->stored = dtype == "uint8" ? NumberType::kUint8 : NumberType::kUint16;
  const double largest = std::fabs(quantization.min) + 65535 * std::fabs(quantization.scale);
  if (!(largest <= std::numeric_limits<float>::max()))
    fail(q, cat("the weight ", quoted(weight->name),
                " is quantised outside float32. Received: scale=", quantization.scale,
                ", min=", quantization.min));
  weight->quantization = quantization;
}

Weight read_weight(const Json& w) {
  Weight weight;
  weight.name = w.at("name").as_string();
  const std::string_view dtype = w.at("dtype").as_string();
  if (dtype == "int32") {
    weight.stored = NumberType::kInt32;
  } else if (dtype == "bool") {
    weight.stored = NumberType::kBool;
  } else if (dtype != "float32") {
    fail(w, cat("the weight ", quoted(weight.name), " is of dtype ", quoted(dtype),
                "; float32, int32 and bool are read"));
  }
  for (const Json dim : list_at(w, "shape").elements()) weight.shape.push_back(dim.as_int());
  if (const auto q = w.find("quantization"); q && !q->is_null()) {
    if (weight.stored == NumberType::kBool)
      fail(w, cat("the weight ", quoted(weight.name), " is bool and quantised"));
    read_quantization(*q, &weight);
  }
  if (const auto group = w.find("group"))
    weight.wanted = !group->is_string() || group->as_string() != "optimizer";
  weight.bytes = array_bytes(weight.shape, weight.stored, std::string(w.label()),
                             cat("the weight ", quoted(weight.name)));
  return weight;
}

// Names seen in the whole manifest. A file listed twice could make a small model take much memory.
struct Seen {
  std::set<std::string> weights, files;
};

Group read_group(const Json& g, const ShardSource& source, Seen* seen) {
  Group group;
  uint64_t needed = 0, stored = 0;
  const auto add = [&g](uint64_t* sum, uint64_t bytes) {
    if (__builtin_add_overflow(*sum, bytes, sum)) fail(g, "the sizes overflow");
  };
  for (const Json w : list_at(g, "weights").elements()) {
    group.weights.push_back(read_weight(w));
    const Weight& weight = group.weights.back();
    add(&needed, weight.bytes);
    if (!seen->weights.insert(weight.name).second)
      fail(w, cat("two weights are named ", quoted(weight.name)));
  }
  for (const Json path : list_at(g, "paths").elements()) {
    const std::string name(path.as_string());
    if (!base::is_plain_name(name))
      fail(g, cat("a path must be a plain file name. Received: ", quoted(name)));
    if (!seen->files.insert(name).second)
      fail(g, cat("the file ", quoted(name), " is listed twice"));
    group.shards.push_back({name, source(name).size()});
    add(&stored, group.shards.back().bytes);
  }
  if (stored != needed)
    fail(g, cat("the weights of a group take ", needed, " bytes, but its files hold ", stored));
  return group;
}

// The files of a group as one stream of bytes: a number may begin in one and end in the next.
class ShardStream {
 public:
  ShardStream(const std::vector<Shard>& shards, const ShardSource& source)
      : shards_(shards), source_(source) {}

  // The sizes were checked: there are enough bytes.
  void read(std::span<std::byte> out) {
    while (!out.empty()) {
      const Bytes& file = current();
      const uint64_t count = std::min<uint64_t>(out.size(), file.size() - at_);
      const Bytes piece = file.at(at_, count, "a weight");
      piece.copy_to(out.first(count));
      piece.release();
      out = out.subspan(count);
      at_ += count;
    }
  }
  void skip(uint64_t bytes) {
    while (bytes > 0) {
      const uint64_t count = std::min(bytes, current().size() - at_);
      bytes -= count;
      at_ += count;
    }
  }

 private:
  const Bytes& current() {
    while (!file_ || at_ == file_->size()) {
      CORNU_CHECK(next_ < shards_.size());
      const Shard& shard = shards_[next_++];
      file_.reset();
      file_ = source_(shard.name);
      at_ = 0;
      if (file_->size() != shard.bytes) file_->fail("the file changed while it was read");
    }
    return *file_;
  }

  const std::vector<Shard>& shards_;
  const ShardSource& source_;
  size_t next_ = 0;
  std::optional<Bytes> file_;
  uint64_t at_ = 0;
};

void dequantize(const Quantization& q, std::span<float> values) {
  for (float& value : values) {
    const double wide = static_cast<double>(value) * q.scale + q.min;
    value = static_cast<float>(q.round ? std::floor(wide + 0.5) : wide);
  }
}

Tensor read_tensor(const Weight& weight, ShardStream* stream) {
  constexpr size_t kPiece = 1 << 16;  // numbers
  Tensor tensor = Tensor::uninitialized(weight.shape);
  std::span<float> left = tensor.values();
  if (weight.stored == NumberType::kFloat32) {
    stream->read(std::as_writable_bytes(left));
    return tensor;
  }
  std::vector<std::byte> buffer(std::min(kPiece, left.size()) * bytes_of(weight.stored));
  while (!left.empty()) {
    const std::span<float> piece = left.first(std::min(kPiece, left.size()));
    const std::span<std::byte> bytes =
        std::span(buffer).first(piece.size() * bytes_of(weight.stored));
    stream->read(bytes);
    to_floats(weight.stored, bytes, piece);
    if (weight.quantization) dequantize(*weight.quantization, piece);
    left = left.subspan(piece.size());
  }
  return tensor;
}

}  // namespace

ShardSource shards_in(std::string folder) {
  return [folder = std::move(folder)](const std::string& name) {
    return base::read_in_folder(folder, name);
  };
}

std::vector<std::pair<std::string, Tensor>> read_tfjs_weights(const Json& manifest,
                                                              const ShardSource& shards) {
  if (!manifest.is_array()) fail(manifest, cat("expected a list, found ", manifest.kind_name()));
  Seen seen;
  std::vector<Group> groups;
  for (const Json g : manifest.elements()) groups.push_back(read_group(g, shards, &seen));
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Group& group : groups) {
    ShardStream stream(group.shards, shards);
    for (const Weight& weight : group.weights) {
      if (weight.wanted) {
        tensors.emplace_back(weight.name, read_tensor(weight, &stream));
      } else {
        stream.skip(weight.bytes);
      }
    }
  }
  return tensors;
}

}  // namespace cornu::formats
