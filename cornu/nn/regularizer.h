#pragma once

#include <functional>
#include <string>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/none.h"
#include "cornu/graph/expression.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// A regularizer argument (layers.md part 8): None, a Keras name ("l1", "L2", "l1_l2", …), one of
// the functions below, or a function of your own. Layers keep and check it; training adds what it
// costs to the loss.
class CORNU_API Regularizer {
 public:
  // What a weight costs: one number.
  using Function = std::function<Expression(Expression w)>;

  Regularizer() = default;
  Regularizer(std::nullopt_t) {}
  Regularizer(const char* name) : Regularizer(std::string(name)) {}
  Regularizer(std::string name);
  // The name is what files call it: register_regularizer() lets them be read again.
  Regularizer(std::string name, Function function);
  // null, a name, or an object as files of any Keras write it. ValueError as check().
  static Regularizer from_config(const base::Json& config, const nn::Where& where);
  base::Json config() const;  // as Keras 3 writes it; null for None

  // Throws ValueError for an unknown name, a coefficient below 0 or not finite.
  void check(const nn::Where& where) const;
  // What a weight costs, a scalar; 0 for None. The same of a layer's output is to be divided by its
  // batch size. check() must have passed. ValueError, naming `where`, where OrthogonalRegularizer
  // is given anything but a matrix and where a function of the user's own gives several numbers.
  Expression penalty(Expression w, const nn::Where& where = {"weight", {}}) const;
  double penalty(const Tensor& w) const;  // the same of numbers, summed in double
  explicit operator bool() const { return given_; }
  const std::string& class_name() const { return class_name_; }  // "L1", "L2", "L1L2", …
  double l1() const { return l1_; }
  double l2() const { return l2_; }

 private:
  friend struct RegularizerAccess;
  bool given_ = false;
  std::string class_name_;
  double l1_ = 0, l2_ = 0;
  double factor_ = 0.01;  // OrthogonalRegularizer
  std::string mode_ = "rows";
  Function function_;
};

// Makes a function of your own known under the name that Regularizer("name") and files use. Later
// registrations of a name replace earlier ones; Keras's own names cannot be replaced (ValueError).
// Not to be called while another thread makes or loads layers.
CORNU_API void register_regularizer(const std::string& name, Regularizer::Function function);

struct L1L2Options {
  double l1 = 0.0, l2 = 0.0;
};
struct OrthogonalRegularizerOptions {
  double factor = 0.01;
  std::string mode = "rows";
};
namespace regularizers {
CORNU_API Regularizer L1(double l1 = 0.01);
CORNU_API Regularizer L2(double l2 = 0.01);
CORNU_API Regularizer L1L2(L1L2Options o = {});
CORNU_API Regularizer OrthogonalRegularizer(OrthogonalRegularizerOptions o = {});
}  // namespace regularizers

}  // namespace cornu
