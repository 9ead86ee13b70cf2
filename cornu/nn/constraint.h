#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/none.h"
#include "cornu/nn/axis_groups.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// A constraint argument (layers.md part 9): None, a Keras name ("max_norm", "NonNeg", the Keras 2
// alias "maxnorm", …), one of the functions below, or a function of your own. Layers keep and check
// it; training applies it after each update.
class CORNU_API Constraint {
 public:
  // The weight as it may be, of the same shape.
  using Function = std::function<Tensor(const Tensor& w)>;
  // Memory that apply_in_place() uses again; one serves any number of weights, one after the other.
  struct Scratch {
    nn::AxisGroupsMemory groups;
    std::vector<double> factors;
  };

  Constraint() = default;
  Constraint(std::nullopt_t) {}
  Constraint(const char* name) : Constraint(std::string(name)) {}
  Constraint(std::string name);
  // The name is what files call it: register_constraint() lets them be read again.
  Constraint(std::string name, Function function);
  // null, a name, or an object as files of any Keras write it. ValueError as check().
  static Constraint from_config(const base::Json& config, const nn::Where& where);
  base::Json config() const;  // as Keras 3 writes it; null for None

  void check(const nn::Where& where) const;  // ValueError for an unknown name or a bad value
  // The weight as it may be, of the same shape (w itself for None); computed in double. Where a
  // norm is 0 the weights stay 0. epsilon is keras.json's. check() must have passed; ValueError,
  // naming `where`, for an axis that the weight lacks and for a function of the user's own that
  // gives another shape.
  Tensor apply(const Tensor& w, const nn::Where& where = {"weight", {}}) const;
  // The same for numbers in place, of this shape. Allocates nothing once the scratch has grown,
  // except for a function of the user's own.
  void apply_in_place(std::span<float> w, const Shape& shape, Scratch& scratch,
                      const nn::Where& where = {"weight", {}}) const;
  explicit operator bool() const { return given_; }
  const std::string& class_name() const { return class_name_; }

 private:
  friend struct ConstraintAccess;
  bool given_ = false;
  std::string class_name_;
  double min_value_ = 0, max_value_ = 2, rate_ = 1;
  std::vector<int64_t> axis_ = {0};
  Function function_;
};

// Makes a function of your own known under the name that Constraint("name") and files use. Later
// registrations of a name replace earlier ones; Keras's own names cannot be replaced (ValueError).
// Not to be called while another thread makes or loads layers.
CORNU_API void register_constraint(const std::string& name, Constraint::Function function);

// The axes that one norm is summed over; none at all stands for every axis (Keras: None). A
// convolution kernel (h, w, in, out) is limited filter by filter with {0, 1, 2}.
struct MaxNormOptions {
  double max_value = 2;
  std::vector<int64_t> axis = {0};
};
struct UnitNormOptions {
  std::vector<int64_t> axis = {0};
};
struct MinMaxNormOptions {
  double min_value = 0.0, max_value = 1.0, rate = 1.0;
  std::vector<int64_t> axis = {0};
};
namespace constraints {
CORNU_API Constraint MaxNorm(MaxNormOptions o = {});
CORNU_API Constraint NonNeg();
CORNU_API Constraint UnitNorm(UnitNormOptions o = {});
CORNU_API Constraint MinMaxNorm(MinMaxNormOptions o = {});
}  // namespace constraints

}  // namespace cornu
