#include "training_data.h"

#include <algorithm>
#include <map>

namespace cli {

using cornu::Tensor;
using cornu::ValueError;
using cornu::base::cat;
using cornu::base::quoted;

namespace {

class Arrays {
 public:
  explicit Arrays(const std::string& path) : path_(path) {
    for (auto& [name, tensor] : cornu::load_npz(path)) arrays_.emplace(name, tensor);
  }

  // One array per name of `names`, called KEY, KEY0, KEY1, … or as the names say. Empty where there
  // is none at all.
  std::vector<Tensor> take(const std::string& key, const std::vector<std::string>& names,
                           const std::string& prefix = {}) {
    std::vector<Tensor> found;
    for (size_t i = 0; i < names.size(); ++i) {
      auto it = arrays_.find(cat(key, i));
      if (it == arrays_.end() && names.size() == 1) it = arrays_.find(key);
      if (it == arrays_.end()) it = arrays_.find(prefix + names[i]);
      if (it == arrays_.end()) continue;
      found.push_back(it->second);
      arrays_.erase(it);
    }
    if (!found.empty() && found.size() != names.size())
      throw ValueError(cat(path_, ": it holds ", found.size(), " of the ", names.size(), " arrays ",
                           quoted(key + "0"), ", …, that the model takes"));
    return found;
  }
  void finish() const {
    std::string names;
    for (const auto& [name, tensor] : arrays_)
      names += cat(names.empty() ? "" : ", ", quoted(name));
    if (!names.empty())
      throw ValueError(cat(path_, ": nothing of the model is called ", names,
                           ". Arrays are x, y, sample_weight, val_x, val_y, val_sample_weight, or "
                           "x0, x1, … where the model has several inputs"));
  }

 private:
  const std::string& path_;
  std::map<std::string, Tensor> arrays_;
};

std::vector<std::string> names_of(const cornu::Symbols& symbols) {
  std::vector<std::string> names;
  for (const cornu::Symbol& s : symbols) names.push_back(s.call()->layer->name());
  return names;
}

}  // namespace

TrainingData read_training_data(const std::string& path, const cornu::Model& model) {
  const std::vector<std::string> in = names_of(model.inputs()), out = names_of(model.outputs());
  Arrays arrays(path);
  TrainingData data;
  data.train = {arrays.take("x", in), arrays.take("y", out),
                arrays.take("sample_weight", out, "sample_weight_")};
  data.validation = {arrays.take("val_x", in, "val_"), arrays.take("val_y", out, "val_"),
                     arrays.take("val_sample_weight", out, "val_sample_weight_")};
  arrays.finish();
  if (data.train.x.empty() || data.train.y.empty())
    throw ValueError(cat(path, ": it holds no ", data.train.x.empty() ? "`x`" : "`y`"));
  if (data.validation.x.empty() != data.validation.y.empty())
    throw ValueError(cat(path, ": it holds only one of `val_x` and `val_y`"));
  return data;
}

}  // namespace cli
