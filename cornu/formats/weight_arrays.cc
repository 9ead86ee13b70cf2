#include "cornu/formats/weight_arrays.h"

#include <map>
#include <set>

#include "cornu/base/file.h"
#include "cornu/formats/npy_parser.h"
#include "cornu/formats/safetensors.h"
#include "cornu/formats/weight_reader.h"
#include "cornu/formats/zip.h"

namespace cornu::formats {

using base::cat;
using base::quoted;

namespace {

struct Path {
  std::string name;
  std::shared_ptr<Variable> variable;
};

class Paths {
 public:
  // `scope` is "", or ends in a slash.
  void add(const Layer& layer, const std::string& scope) {
    if (!seen_.insert(layer.impl().get()).second) return;
    // A Functional has been built, and its weights named, before it is called.
    const LayerImpl& impl = *layer.impl();
    if (const auto* network = dynamic_cast<const model::Network*>(&impl)) return add(*network);
    const std::string path = cat(scope, layer.name(), "/");
    const std::vector<Layer> inner = impl.inner_layers();
    for (const Layer& each : inner) add(each, path);
    if (!inner.empty()) return;
    for (const Weight& w : impl.weights()) {
      const std::string plain = path + w.variable->name();
      std::string name = plain;
      for (int i = 1; !names_.insert(name).second; ++i) name = cat(plain, "_", i);
      all_.push_back({name, w.variable});
    }
  }
  void add(const model::Network& network) {
    const std::string scope = network.class_name() == "Sequential" ? network.name() + "/" : "";
    for (const Layer& layer : network.layers()) add(layer, scope);
  }
  const std::vector<Path>& all() const { return all_; }

 private:
  std::vector<Path> all_;
  std::set<std::string> names_;
  std::set<const LayerImpl*> seen_;
};

std::vector<Path> paths_of(const model::Network& network) {
  Paths paths;
  paths.add(network);
  return paths.all();
}

// TensorFlow's names end in ":0".
std::string_view without_number(std::string_view name) {
  return name.ends_with(":0") ? name.substr(0, name.size() - 2) : name;
}

// Names that come twice stand for nothing.
using Index = std::map<std::string_view, std::optional<size_t>>;

void note(Index* index, std::string_view name, size_t i) {
  const auto [at, is_new] = index->try_emplace(name, i);
  if (!is_new) at->second.reset();
}

std::optional<size_t> look(const Index& index, std::string_view name) {
  const auto at = index.find(name);
  return at == index.end() ? std::nullopt : at->second;
}

class Filler : public WeightReader {
 public:
  using WeightReader::WeightReader;

  void fill(const std::vector<Path>& paths, NamedArrays arrays) {
    Index names, tails, wanted;
    for (size_t i = 0; i < arrays.size(); ++i) {
      const std::string_view name = without_number(arrays[i].first);
      note(&names, name, i);
      note(&tails, last_two_parts(name), i);
    }
    for (size_t i = 0; i < paths.size(); ++i) note(&wanted, last_two_parts(paths[i].name), i);
    std::set<size_t> used;
    for (const auto& [name, variable] : paths) {
      std::optional<size_t> at = look(names, name);
      if (!at && look(wanted, last_two_parts(name))) at = look(tails, last_two_parts(name));
      if (at && used.insert(*at).second) {
        read(name, variable, std::move(arrays[*at].second));
      } else if (!options_.by_name) {
        mismatch(cat("there is no array ", quoted(name)));
      }
    }
    for (size_t i = 0; i < arrays.size() && !options_.by_name; ++i)
      if (!used.contains(i)) mismatch(cat("the array ", quoted(arrays[i].first), " is no weight"));
    finish();
  }

 private:
  void read(const std::string& name, const std::shared_ptr<Variable>& variable, Tensor value) {
    if (value.shape() != variable->shape())
      return mismatch(cat("weight ", quoted(name), " has shape ", variable->shape(),
                          ", the file holds ", value.shape()));
    add(variable, std::move(value), cat("weight ", quoted(name)));
  }
};

}  // namespace

NamedArrays weight_arrays(const model::Network& network) {
  NamedArrays arrays;
  for (const auto& [name, variable] : paths_of(network))
    arrays.emplace_back(name, variable->value());
  return arrays;
}

std::optional<NamedArrays> load_arrays(const std::string& path) {
  if (path.ends_with(".safetensors")) return load_safetensors(path);
  const base::Bytes bytes = base::read_file(path);
  if (path.ends_with(".npz")) return parse_npz(bytes);
  if (!is_zip(bytes)) return std::nullopt;
  const ZipReader zip(bytes);
  for (const ZipReader::Entry& entry : zip.entries())
    if (!entry.name.ends_with(".npy")) return std::nullopt;
  return parse_npz(bytes);
}

void read_weight_arrays(const model::Network& network, NamedArrays arrays,
                        const LoadWeightsOptions& o, const std::string& label,
                        std::vector<std::string>& warnings) {
  Filler(o, label, warnings).fill(paths_of(network), std::move(arrays));
}

}  // namespace cornu::formats
