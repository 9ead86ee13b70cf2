#pragma once

#include <vector>

#include "cornu/base/export.h"
#include "cornu/graph/builder.h"

namespace cornu {

// A value of a graph being built, for formulas: what a user's own losses, metrics, activations,
// regularizers and layers are written with. Arithmetic broadcasts as in NumPy. Every function below
// can be differentiated. Shapes are known; a misfit throws ValueError.
class CORNU_API Expression {
 public:
  Expression(graph::Builder& g, graph::Value v) : g_(&g), v_(v) {}
  Shape shape() const { return g_->shape(v_); }
  int64_t rank() const { return shape().rank(); }
  graph::Builder& builder() const { return *g_; }
  graph::Value value() const { return v_; }
  operator graph::Value() const { return v_; }

 private:
  graph::Builder* g_;
  graph::Value v_;
};

CORNU_API Expression operator+(Expression a, Expression b);
CORNU_API Expression operator-(Expression a, Expression b);
CORNU_API Expression operator*(Expression a, Expression b);
CORNU_API Expression operator/(Expression a, Expression b);
CORNU_API Expression operator+(Expression a, double b);
CORNU_API Expression operator-(Expression a, double b);
CORNU_API Expression operator*(Expression a, double b);
CORNU_API Expression operator/(Expression a, double b);
CORNU_API Expression operator+(double a, Expression b);
CORNU_API Expression operator-(double a, Expression b);
CORNU_API Expression operator*(double a, Expression b);
CORNU_API Expression operator/(double a, Expression b);
CORNU_API Expression operator-(Expression a);

// keras.ops, by their names there.
namespace ops {

// Axes may be negative, as in Keras; no axes at all: over everything.
struct ReduceOptions {
  std::vector<int64_t> axis = {};
  bool keepdims = false;
};
CORNU_API Expression sum(Expression x, ReduceOptions o = {});
CORNU_API Expression mean(Expression x, ReduceOptions o = {});
CORNU_API Expression max(Expression x, ReduceOptions o = {});
CORNU_API Expression min(Expression x, ReduceOptions o = {});

CORNU_API Expression maximum(Expression a, Expression b);
CORNU_API Expression maximum(Expression a, double b);
CORNU_API Expression minimum(Expression a, Expression b);
CORNU_API Expression minimum(Expression a, double b);
CORNU_API Expression power(Expression a, Expression b);
CORNU_API Expression power(Expression a, double b);
// 1 where it holds, else 0; nothing flows back.
CORNU_API Expression greater(Expression a, Expression b);
CORNU_API Expression greater(Expression a, double b);
CORNU_API Expression greater_equal(Expression a, Expression b);
CORNU_API Expression equal(Expression a, Expression b);
CORNU_API Expression equal(Expression a, double b);

CORNU_API Expression exp(Expression x);
CORNU_API Expression log(Expression x);
CORNU_API Expression sqrt(Expression x);
CORNU_API Expression rsqrt(Expression x);
CORNU_API Expression square(Expression x);
CORNU_API Expression absolute(Expression x);
CORNU_API Expression sigmoid(Expression x);
CORNU_API Expression tanh(Expression x);
CORNU_API Expression relu(Expression x);
CORNU_API Expression softplus(Expression x);
CORNU_API Expression clip(Expression x, double low, double high);
CORNU_API Expression softmax(Expression x, int64_t axis = -1);
CORNU_API Expression log_softmax(Expression x, int64_t axis = -1);
CORNU_API Expression stop_gradient(Expression x);

CORNU_API Expression reshape(Expression x, Shape shape);
CORNU_API Expression transpose(Expression x, std::vector<int64_t> axes);
CORNU_API Expression concatenate(std::vector<Expression> parts, int64_t axis = -1);
// Entries [begin, end) of an axis.
CORNU_API Expression slice(Expression x, int64_t axis, int64_t begin, int64_t end);
// (...) to (..., num_classes).
CORNU_API Expression one_hot(Expression labels, int64_t num_classes);
// (B, M, K) x (B, K, N).
CORNU_API Expression matmul(Expression a, Expression b);

}  // namespace ops
}  // namespace cornu
