#pragma once

#include <string>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/none.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// A regularizer argument (layers.md part 8): None, a Keras name ("l1", "L2", "l1_l2", …) or one of
// the functions below. Layers keep and check it; training adds what it costs to the loss.
class CORNU_API Regularizer {
 public:
  Regularizer() = default;
  Regularizer(std::nullopt_t) {}
  Regularizer(const char* name) : Regularizer(std::string(name)) {}
  Regularizer(std::string name);
  // null, a name, or an object as files of any Keras write it. ValueError as check().
  static Regularizer from_config(const base::Json& config, const nn::Where& where);
  base::Json config() const;  // as Keras 3 writes it; null for None

  // Throws ValueError for an unknown name, a coefficient below 0 or not finite.
  void check(const nn::Where& where) const;
  // What a weight costs, 0 for None; summed in double. The same of a layer's output is to be
  // divided by its batch size. check() must have passed; ValueError where OrthogonalRegularizer is
  // given anything but a matrix.
  double penalty(const Tensor& w) const;
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
};

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
