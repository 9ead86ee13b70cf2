#include <gtest/gtest.h>

#include <cmath>

#include "cornu/base/text.h"
#include "cornu/grad/differentiate.h"
#include "cornu/train/loss.h"
#include "tests/support/loss_cases.h"

namespace cornu {
namespace {

using loss_test::Case;
using loss_test::Data;
using loss_test::Formula;
using testing::random_tensor;

struct Slope {
  double value;
  std::vector<double> gradient;  // in the second input
};

template <class T = double>
Slope slope_of(const std::vector<Tensor>& in, const Formula& formula) {
  graph::Builder g;
  std::vector<Expression> x;
  for (const Tensor& t : in) x.emplace_back(g, g.input(t.shape()));
  const graph::Value y = formula(x);
  const graph::Value dp = grad::differentiate(g, y, {x[1]})[0];
  const auto out = exec::interpret<T>(std::move(g).finish({y, dp}), in);
  return {out[0].at(0), {out[1].begin(), out[1].end()}};
}

// The slope in each number of the second input, by differences over two steps, so that what they
// are wrong by cancels to the fourth order.
std::vector<double> differences(std::vector<Tensor> in, const Formula& formula) {
  const graph::Graph g = loss_test::graph_of(in, formula);
  std::vector<double> all;
  for (int64_t i = 0; i < in[1].size(); ++i) {
    const float before = in[1].data()[i];
    const auto at = [&](float v) {
      in[1].data()[i] = v;
      return exec::interpret<double>(g, in)[0].at(0);
    };
    const auto slope = [&](float step) {
      const float high = before + step, low = before - step;
      return (at(high) - at(low)) / (double{high} - low);
    };
    all.push_back((4 * slope(0x1p-15f) - slope(0x1p-14f)) / 3);
    in[1].data()[i] = before;
  }
  return all;
}

void expect_gradient(const std::vector<Tensor>& in, const Formula& formula) {
  const auto want = differences(in, formula);
  EXPECT_LT(testing::max_error(slope_of(in, formula).gradient, want), 2e-6);
  double size = 0;
  for (double v : want) size += std::abs(v);
  EXPECT_GT(size, 1e-4);  // something flows back
}

TEST(LossGradient, OfEveryLoss) {
  for (const Case& c : loss_test::cases())
    for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 2, 4}}) {
      SCOPED_TRACE(base::cat(c.loss.config().dump(), " ", shape));
      const Data d = loss_test::data_for(c, shape, 23);
      expect_gradient({d.y, d.p}, [&](auto x) { return c.loss(x[0], x[1]); });
      const Tensor w = random_tensor({shape[0]}, 5, 0.1f, 2);
      expect_gradient({d.y, d.p, w}, [&](auto x) { return c.loss(x[0], x[1], x[2]); });
    }
}

TEST(LossGradient, OfTheRest) {
  const Tensor p = random_tensor({3, 2, 4}, 1, .1f, .9f);
  const Tensor truth = testing::random_integers({3, 2, 4}, 2, 0, 1);
  for (const Loss& loss : {Loss("dice"), losses::Dice({.axis = {1, 2}}),
                           losses::Tversky({.alpha = .3, .beta = .6, .axis = {2}})})
    expect_gradient({truth, p}, [&](auto x) { return loss(x[0], x[1]); });
  const Loss sparse = losses::SparseCategoricalCrossentropy({.ignore_class = 2});
  const Tensor labels({3, 2}, {0, 2, 3, 1, 2, 3});
  expect_gradient({labels, p}, [&](auto x) { return sparse(x[0], x[1]); });
  const Loss first = losses::CategoricalCrossentropy({.axis = 1});
  expect_gradient({truth, p}, [&](auto x) { return first(x[0], x[1]); });
}

// ---- heads --------------------------------------------------------------------------------------

const Formula kHeads[] = {
    [](auto x) { return ops::softmax(x[1]); },
    [](auto x) {
      return ops::reshape(ops::softmax(ops::reshape(x[1], {6, 4})), {2, 3, 4});
    },
    [](auto x) { return ops::sigmoid(x[1]); },
    [](auto x) {
      return ops::reshape(ops::sigmoid(ops::reshape(x[1], {24})), {2, 3, 4});
    },
};

// After a head the cross-entropies are those of the head's operand.
TEST(LossGradient, HeadsAreLookedThrough) {
  const Tensor z = random_tensor({2, 3, 4}, 1, -3, 3), labels({2, 3}, {0, 3, 1, 2, 2, 0});
  const Tensor y = loss_test::softmaxed(random_tensor({2, 3, 4}, 2));
  struct {
    Loss loss, of_logits;
    const Tensor& y;
    size_t head;
  } cases[] = {
      {"categorical_crossentropy", losses::CategoricalCrossentropy({.from_logits = true}), y, 0},
      {"sparse_categorical_crossentropy",
       losses::SparseCategoricalCrossentropy({.from_logits = true}), labels, 0},
      {"categorical_focal_crossentropy",
       losses::CategoricalFocalCrossentropy({.from_logits = true}), y, 0},
      {"binary_crossentropy", losses::BinaryCrossentropy({.from_logits = true}), y, 2},
      {losses::BinaryCrossentropy({.label_smoothing = .2}),
       losses::BinaryCrossentropy({.from_logits = true, .label_smoothing = .2}), y, 2},
  };
  for (const auto& c : cases)
    for (size_t head : {c.head, c.head + 1}) {
      SCOPED_TRACE(base::cat(c.loss.name(), " ", head));
      const auto through = [&](auto x) { return c.loss(x[0], kHeads[head](x)); };
      const auto direct = [&](auto x) { return c.of_logits(x[0], x[1]); };
      expect_gradient({c.y, z}, through);
      const Slope got = slope_of({c.y, z}, through), want = slope_of({c.y, z}, direct);
      EXPECT_EQ(got.value, want.value);
      EXPECT_LT(testing::max_error(got.gradient, want.gradient), 1e-12);
      // Saturated: what clipping would make flat still has its slope.
      const Tensor far = Tensor::full({2, 3, 4}, -60);
      Tensor steep = far;
      steep.data()[1] = 60;
      EXPECT_GT(slope_of<float>({c.y, steep}, through).value, 0.1);
      EXPECT_LT(slope_of<float>({c.y, steep}, through).gradient[0], -1e-3);
    }
}

// A softmax over channels_first classes, and one whose classes a reshape tears apart.
TEST(LossGradient, HeadsOverOtherAxes) {
  const Tensor z = random_tensor({2, 4, 3}, 1, -30, 30), y = loss_test::softmaxed(z);
  const Loss loss = losses::CategoricalCrossentropy({.axis = 1});
  const Loss logits = losses::CategoricalCrossentropy({.from_logits = true, .axis = 1});
  const auto head = [](auto x) { return ops::softmax(x[1], 1); };
  EXPECT_EQ(slope_of({y, z}, [&](auto x) { return loss(x[0], head(x)); }).gradient,
            slope_of({y, z}, [&](auto x) { return logits(x[0], x[1]); }).gradient);
  const Tensor mild = random_tensor({2, 4, 3}, 3),
               target = loss_test::softmaxed(random_tensor({2, 2, 6}, 4));
  const Loss cce = "categorical_crossentropy";
  const auto torn = [&](auto x) { return cce(x[0], ops::reshape(ops::softmax(x[1]), {2, 2, 6})); };
  const auto plain = [&](auto x) {
    const Expression p = ops::reshape(ops::exp(ops::log_softmax(x[1])), {2, 2, 6});
    return cce(x[0], p);
  };
  EXPECT_NEAR(slope_of({target, mild}, torn).value, slope_of({target, mild}, plain).value, 1e-12);
}

// ---- at the edges -------------------------------------------------------------------------------

void expect_finite(const Slope& s) {
  EXPECT_TRUE(std::isfinite(s.value)) << s.value;
  for (double v : s.gradient) EXPECT_TRUE(std::isfinite(v)) << v;
}

TEST(LossGradient, ExtremeNumbersStayFinite) {
  const float far[] = {0, 1e-30f, 1, -1, 30, -30, 100, -100, 1e4f, -1e4f, 0.5f, 2};
  const float unit[] = {0, 1, 1e-30f, .5f, 1, 0, 1, 1e-8f, 0, 1, 1 - 0x1p-24f, 0x1p-24f};
  for (Case c : loss_test::cases()) {
    SCOPED_TRACE(c.loss.config().dump());
    Data d = loss_test::data_for(c, {3, 4}, 5);
    Tensor p({3, 4}, c.prediction == Case::kAny ? std::span<const float>(far) : unit);
    for (int64_t shift = 0; shift < 12; ++shift) {
      std::rotate(p.values().begin(), p.values().begin() + 1, p.values().end());
      expect_finite(slope_of<float>({d.y, p}, [&](auto x) { return c.loss(x[0], x[1]); }));
    }
  }
  const Tensor z({3, 4}, std::span<const float>(far)), labels({3}, {0, 1, 3});
  const Tensor y = testing::random_integers({3, 4}, 1, 0, 1);
  for (const char* name : {"categorical_crossentropy", "bce", "binary_focal_crossentropy",
                           "categorical_focal_crossentropy", "kld", "dice"})
    for (size_t head : {0, 2}) {
      SCOPED_TRACE(base::cat(name, " ", head));
      const Loss loss = name;
      expect_finite(slope_of<float>({y, z}, [&](auto x) { return loss(x[0], kHeads[head](x)); }));
    }
  expect_finite(slope_of<float>({labels, z}, [&](auto x) {
    return Loss("sparse_categorical_crossentropy")(x[0], ops::softmax(x[1]));
  }));
}

TEST(LossGradient, Zeros) {
  const Tensor zero(Shape{2, 3});
  for (const char* name : {"mse", "mae", "mape", "msle", "cosine_similarity", "huber", "log_cosh",
                           "hinge", "categorical_hinge", "kld", "poisson", "bce", "dice"}) {
    SCOPED_TRACE(name);
    const Loss loss = name;
    expect_finite(slope_of<float>({zero, zero}, [&](auto x) { return loss(x[0], x[1]); }));
  }
  const Loss by_weight = losses::MeanSquaredError({.reduction = "mean_with_sample_weight"});
  expect_finite(slope_of<float>({zero, Tensor::full({2, 3}, 1), Tensor(Shape{2})},
                                [&](auto x) { return by_weight(x[0], x[1], x[2]); }));
}

// NaN goes through: it must not be hidden by a clip, a mask or a weight.
TEST(LossGradient, NaNGoesThrough) {
  for (const Case& c : loss_test::cases()) {
    SCOPED_TRACE(c.loss.config().dump());
    Data d = loss_test::data_for(c, {3, 4}, 5);
    d.p.data()[6] = NAN;
    EXPECT_TRUE(std::isnan(
        loss_test::run<float>({d.y, d.p}, [&](auto x) { return c.loss(x[0], x[1]); }).at(0)));
  }
}

}  // namespace
}  // namespace cornu
