#include "cornu/ops/evaluate.h"

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/ops/batch_norm.h"
#include "cornu/ops/binary.h"
#include "cornu/ops/conv.h"
#include "cornu/ops/conv_filter_grad.h"
#include "cornu/ops/conv_transpose.h"
#include "cornu/ops/index.h"
#include "cornu/ops/matmul.h"
#include "cornu/ops/movement.h"
#include "cornu/ops/one_hot.h"
#include "cornu/ops/pool.h"
#include "cornu/ops/pool_grad.h"
#include "cornu/ops/random.h"
#include "cornu/ops/reduce.h"
#include "cornu/ops/resize.h"
#include "cornu/ops/softmax.h"
#include "cornu/ops/unary.h"
#include "cornu/ops/unary_grad.h"
#include "cornu/ops/warp.h"

namespace cornu::ops {
namespace {

[[noreturn]] void leaf_fault(const Op& op) {
  throw InternalError(base::cat("internal error: ", name_of(op), " is a leaf of a graph"));
}

void check_operands(const Op& op, const std::vector<Shape>& in) {
  for (const Shape& shape : in)
    require(shape.rank() <= kMaxRank && shape.checked_size(), "known shapes of at most 8 axes", op,
            in);
}

void check_result(const Op& op, const std::vector<Shape>& in, const Shape& out) {
  require(out.rank() <= kMaxRank, "a result of at most 8 axes", op, in);
  if (!out.checked_size())
    throw OutOfMemory(
        base::cat("the result of ", to_text(op), ", of shape ", out, ", does not fit in memory"));
}

}  // namespace

int64_t row_count(const Shape& shape) { return product(outer(shape)); }
int64_t row_length(const Shape& shape) { return shape.rank() == 0 ? 1 : shape[-1]; }

Shape infer_shape(const Op& op, const std::vector<Shape>& in) {
  check_operands(op, in);
  Shape out = std::visit(overloaded{[&](const Input&) -> Shape { leaf_fault(op); },
                                    [&](const Variable&) -> Shape { leaf_fault(op); },
                                    [&](const Constant& leaf) {
                                      require(in.empty(), "takes nothing", leaf, in);
                                      return leaf.value.shape();
                                    },
                                    [&](const auto& x) { return shape_rule(x, in); }},
                         op);
  check_result(op, in, out);
  return out;
}

template <class T>
void evaluate(const Op& op, Inputs<T> in, View<T> out, Rows rows) {
  std::visit(
      overloaded{[&](const Input&) { leaf_fault(op); }, [&](const Variable&) { leaf_fault(op); },
                 [&](const Constant&) { leaf_fault(op); },
                 [&](const auto& x) { reference(x, in, out, rows); }},
      op);
}

template void evaluate<float>(const Op&, Inputs<float>, View<float>, Rows);
template void evaluate<double>(const Op&, Inputs<double>, View<double>, Rows);

}  // namespace cornu::ops
