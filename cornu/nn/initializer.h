#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cornu/base/export.h"
#include "cornu/base/json.h"
#include "cornu/base/random.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/tensor.h"

namespace cornu {

// An initializer argument (layers.md part 7): a Keras name ("glorot_uniform", "HeNormal"), one of
// the functions below, an object from a file, a tensor of the weight's shape, or a function of your
// own. Holding one checks nothing: the layer that takes it calls check(), so that the error can
// name the layer.
class CORNU_API Initializer {
 public:
  // The numbers for a weight of this shape, which the result must have.
  using Function = std::function<Tensor(const Shape&)>;

  Initializer(const char* name) : Initializer(std::string(name)) {}
  Initializer(std::string name);
  Initializer(Tensor values);
  // The name is what files call it: register_initializer() lets them be read again.
  Initializer(std::string name, Function function);
  // A name or an object as files of any Keras write it. ValueError for an unknown one and for a
  // value that is wrong.
  static Initializer from_config(const base::Json& config, const nn::Where& where);
  // As Keras 3 writes it. A tensor becomes a Constant that holds all its numbers.
  base::Json config() const;

  // Throws ValueError for an unknown name or a bad value.
  void check(const nn::Where& where) const;
  // The initial numbers. Without a seed of its own an initializer draws a fresh one from the
  // process-wide stream (set_random_seed); with one it gives the same numbers at every call. The
  // generator is counter-based (Philox 4x32-10): the same numbers on every platform and on any
  // number of threads. They are not Keras's, whose back ends differ among themselves.
  // Throws ValueError naming `where` for a shape it cannot do (Identity of rank 3, a tensor of
  // another shape).
  Tensor make(const Shape& shape, const nn::Where& where) const;
  // The same in two steps: all checks, and the seed, now; the numbers when the result is called.
  std::function<Tensor()> prepare(const Shape& shape, const nn::Where& where) const;

 private:
  friend struct InitializerAccess;
  Tensor fill(const Shape& shape, uint64_t key) const;

  std::string name_;      // snake case, canonical ("glorot_uniform"); as typed where unknown
  double a_ = 0, b_ = 0;  // value | minval, maxval | mean, stddev | scale | gain
  std::string mode_, distribution_;  // variance scaling
  std::optional<int64_t> seed_;
  std::optional<Tensor> values_;
  Function function_;
};

// Makes a function of your own known under the name that Initializer("name") and files use. Later
// registrations of a name replace earlier ones; Keras's own names cannot be replaced (ValueError).
// Not to be called while another thread makes or loads layers.
CORNU_API void register_initializer(const std::string& name, Initializer::Function function);

struct SeedOptions {
  std::optional<int64_t> seed = {};
};
struct ConstantOptions {
  double value = 0.0;
};
struct RandomUniformOptions {
  double minval = -0.05, maxval = 0.05;
  std::optional<int64_t> seed = {};
};
struct RandomNormalOptions {
  double mean = 0.0, stddev = 0.05;
  std::optional<int64_t> seed = {};
};
struct VarianceScalingOptions {
  double scale = 1.0;
  std::string mode = "fan_in";
  std::string distribution = "truncated_normal";
  std::optional<int64_t> seed = {};
};
struct OrthogonalOptions {
  double gain = 1.0;
  std::optional<int64_t> seed = {};
};
struct IdentityOptions {
  double gain = 1.0;
};

namespace initializers {
CORNU_API Initializer Zeros();
CORNU_API Initializer Ones();
CORNU_API Initializer Constant(ConstantOptions o = {});
CORNU_API Initializer RandomUniform(RandomUniformOptions o = {});
CORNU_API Initializer RandomNormal(RandomNormalOptions o = {});
CORNU_API Initializer TruncatedNormal(RandomNormalOptions o = {});
CORNU_API Initializer VarianceScaling(VarianceScalingOptions o = {});
CORNU_API Initializer GlorotUniform(SeedOptions o = {});
CORNU_API Initializer GlorotNormal(SeedOptions o = {});
CORNU_API Initializer HeUniform(SeedOptions o = {});
CORNU_API Initializer HeNormal(SeedOptions o = {});
CORNU_API Initializer LecunUniform(SeedOptions o = {});
CORNU_API Initializer LecunNormal(SeedOptions o = {});
CORNU_API Initializer Orthogonal(OrthogonalOptions o = {});
CORNU_API Initializer Identity(IdentityOptions o = {});
}  // namespace initializers

}  // namespace cornu
