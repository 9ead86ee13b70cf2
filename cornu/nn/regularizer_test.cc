#include "cornu/nn/regularizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "cornu/grad/differentiate.h"
#include "cornu/graph/interpret.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;
using namespace regularizers;

const nn::Where kWhere{"Conv2D", "c"};

Regularizer read(const std::string& text) {
  return Regularizer::from_config(base::parse_json(text, "test"), kWhere);
}

std::string written(const char* class_name, const std::string& config) {
  return cat(R"({"module": "keras.regularizers", "class_name": ")", class_name, R"(", "config": )",
             config, R"(, "registered_name": null})");
}

TEST(Regularizer, Names) {
  struct {
    const char* name;
    const char* class_name;
    double l1, l2;
    const char* config;
  } cases[] = {
      {"l1", "L1", 0.01, 0, R"({"l1": 0.01})"},
      {"L1", "L1", 0.01, 0, R"({"l1": 0.01})"},
      {"l2", "L2", 0, 0.01, R"({"l2": 0.01})"},
      {"L2", "L2", 0, 0.01, R"({"l2": 0.01})"},
      {"l1l2", "L1L2", 0, 0, R"({"l1": 0.0, "l2": 0.0})"},
      {"L1L2", "L1L2", 0, 0, R"({"l1": 0.0, "l2": 0.0})"},
      {"l1_l2", "L1L2", 0.01, 0.01, R"({"l1": 0.01, "l2": 0.01})"},
      {"OrthogonalRegularizer", "OrthogonalRegularizer", 0, 0,
       R"({"factor": 0.01, "mode": "rows"})"},
      {"orthogonal_regularizer", "OrthogonalRegularizer", 0, 0,
       R"({"factor": 0.01, "mode": "rows"})"},
  };
  for (const auto& c : cases) {
    const Regularizer forms[] = {c.name, read(cat("\"", c.name, "\"")),
                                 read(cat(R"({"class_name": ")", c.name, R"(", "config": {}})"))};
    for (const Regularizer& r : forms) {
      r.check(kWhere);
      EXPECT_TRUE(r);
      EXPECT_EQ(r.class_name(), c.class_name);
      EXPECT_EQ(r.l1(), c.l1) << c.name;
      EXPECT_EQ(r.l2(), c.l2) << c.name;
      EXPECT_EQ(r.config().dump(), written(c.class_name, c.config));
    }
  }
}

TEST(Regularizer, None) {
  for (const Regularizer& r : {Regularizer(), Regularizer(None), read("null")}) {
    r.check(kWhere);
    EXPECT_FALSE(r);
    EXPECT_TRUE(r.config().is_null());
  }
}

TEST(Regularizer, RoundTrips) {
  const std::pair<Regularizer, std::string> cases[] = {
      {L1(), written("L1", R"({"l1": 0.01})")},
      {L1(0.5), written("L1", R"({"l1": 0.5})")},
      {L2(), written("L2", R"({"l2": 0.01})")},
      {L2(0), written("L2", R"({"l2": 0.0})")},
      {L1L2({.l1 = 1, .l2 = 2}), written("L1L2", R"({"l1": 1.0, "l2": 2.0})")},
      {OrthogonalRegularizer({.factor = 2, .mode = "columns"}),
       written("OrthogonalRegularizer", R"({"factor": 2.0, "mode": "columns"})")},
  };
  for (const auto& [r, config] : cases) {
    r.check(kWhere);
    EXPECT_EQ(r.config().dump(), config);
    EXPECT_EQ(read(config).config().dump(), config);
  }
}

TEST(Regularizer, OlderFiles) {
  const Regularizer r =
      read(R"({"class_name": "L1L2", "config": {"l1": 0, "l2": 0.0010000000474974513}})");
  EXPECT_EQ(r.l1(), 0);
  EXPECT_EQ(r.l2(), 0.0010000000474974513);
  EXPECT_EQ(read(R"({"class_name": "L1L2", "config": {"l2": 1}})").l2(), 1);
}

// layers.md 21.8. Coefficients are floats in a graph.
TEST(Regularizer, Penalty) {
  const Tensor w({2, 2}, {1, -2, 3, -4});
  EXPECT_NEAR(L1(.01).penalty(w), .1, 1e-8);
  EXPECT_NEAR(L2(.01).penalty(w), .3, 1e-8);
  EXPECT_NEAR(L1L2({.l1 = .01, .l2 = .1}).penalty(w), 3.1, 1e-7);
  EXPECT_NEAR(Regularizer("l1_l2").penalty(w), .4, 1e-8);
  EXPECT_EQ(Regularizer(None).penalty(w), 0);
  EXPECT_NEAR(OrthogonalRegularizer().penalty(w), .009839, 5e-7);
  EXPECT_NEAR(OrthogonalRegularizer({.mode = "columns"}).penalty(w), .009899, 5e-7);
  // An output of eight threes, four samples: .1 * 72 / 4.
  EXPECT_NEAR(L2(.1).penalty(Tensor::full({4, 2}, 3)) / 4, 1.8, 1e-7);
}

TEST(Regularizer, PenaltyAtTheEdges) {
  const Regularizer rows = OrthogonalRegularizer({.factor = 1});
  EXPECT_NEAR(rows.penalty(Tensor({3, 2}, {3, 4, 6, 8, -4, 3})), 1. / 3, 1e-12);  // one pair of 3
  EXPECT_EQ(rows.penalty(Tensor({1, 2}, {3, 4})), 0);                             // no pair
  EXPECT_EQ(rows.penalty(Tensor(Shape{2, 3})), 0);  // zeros stay zeros
  EXPECT_EQ(L1().penalty(Tensor(Shape{0})), 0);
  EXPECT_TRUE(std::isnan(L2().penalty(Tensor({1}, {NAN}))));
  EXPECT_ERROR(ValueError, rows.penalty(Tensor({2})),
               "OrthogonalRegularizer needs a matrix. Received: shape=(2,)");
}

// The gradient of a penalty in w.
std::vector<double> gradient(const Regularizer& r, const Tensor& w) {
  graph::Builder g;
  const graph::Value x = g.input(w.shape());
  const std::vector<graph::Value> dx = grad::differentiate(g, r.penalty(Expression(g, x)), {x});
  return graph::interpret<double>(std::move(g).finish(dx), std::span(&w, 1)).at(0);
}

TEST(Regularizer, Gradients) {
  const Tensor w({2, 2}, {1, -2, 0, -4});
  const auto expect = [](const std::vector<double>& got, const std::vector<double>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-7);
  };
  expect(gradient(L1(.5), w), {.5, -.5, 0, -.5});  // 0 at 0: part 19
  expect(gradient(L2(.5), w), {1, -2, 0, -4});
  expect(gradient(L1L2({.l1 = .5, .l2 = .5}), w), {1.5, -2.5, 0, -4.5});
  expect(gradient(None, w), {0, 0, 0, 0});
  // Turning one of two unit vectors away from the other: the penalty is |cos| of the angle.
  expect(gradient(OrthogonalRegularizer({.factor = 2}), Tensor({2, 2}, {1, 0, .6f, .8f})),
         {0, 1.6, 2 * .64, -2 * .48});
  for (double v : gradient(OrthogonalRegularizer(), Tensor(Shape{3, 2}))) EXPECT_EQ(v, 0);
}

TEST(Regularizer, OwnFunction) {
  const auto fourth = [](Expression x) { return ops::sum(ops::power(x, 4)) * 0.25; };
  const Regularizer r("fourth", fourth);
  r.check(kWhere);
  const Tensor w({3}, {1, 2, -3});
  EXPECT_NEAR(r.penalty(w), 24.5, 1e-6);
  EXPECT_NEAR(gradient(r, w).at(2), -27, 1e-5);
  EXPECT_EQ(Regularizer("own", [](Expression x) { return x; }).penalty(Tensor({1, 1}, {5})), 5);
  const Regularizer several("several", [](Expression x) { return x; });
  EXPECT_ERROR(ValueError, several.penalty(w),
               "weight: regularizer 'several' must give one number. Received: shape=(3,)");

  register_regularizer("fourth", fourth);
  EXPECT_EQ(Regularizer("fourth").penalty(w), r.penalty(w));
  EXPECT_EQ(read(r.config().dump()).penalty(w), r.penalty(w));
  EXPECT_ERROR(ValueError, register_regularizer("l2", fourth), "'l2' is a regularizer of Keras");
}

TEST(Regularizer, Errors) {
  EXPECT_ERROR(ValueError, Regularizer("l3").check(kWhere),
               "Conv2D 'c': unknown regularizer 'l3'. Received: \"l3\"");
  EXPECT_ERROR(ValueError, Regularizer("").check(kWhere), "unknown regularizer ''");
  EXPECT_ERROR(ValueError, L1(-1).check(kWhere),
               "Conv2D 'c': regularizer L1: `l1` must be finite and zero or positive. Received: "
               "l1=-1.0");
  EXPECT_ERROR(ValueError, L2(std::nan("")).check(kWhere), "regularizer L2: `l2` must be finite");
  EXPECT_ERROR(ValueError, L1L2({.l2 = INFINITY}).check(kWhere), "Received: l2=inf");
  EXPECT_ERROR(ValueError, OrthogonalRegularizer({.factor = -1}).check(kWhere),
               "regularizer OrthogonalRegularizer: `factor` must be finite and zero or positive");
  EXPECT_ERROR(ValueError, OrthogonalRegularizer({.mode = "cols"}).check(kWhere),
               "`mode` must be 'rows' or 'columns'. Received: mode='cols'");
  const std::pair<const char*, const char*> cases[] = {
      {"\"l3\"", "Conv2D 'c': unknown regularizer 'l3'. Received: \"l3\""},
      {R"({"class_name": "L3", "config": {}})", "unknown regularizer 'L3'. Received: {\"class_na"},
      {R"({"module": "mine", "class_name": "L2", "config": {}})", "unknown regularizer 'L2'"},
      {R"({"class_name": "L2", "config": {"l2": -1}})", "`l2` must be finite and zero or positive"},
      {R"({"class_name": "L2", "config": {"l2": NaN}})",
       "regularizer L2: `l2` must be a finite number. Received: l2=NaN"},
      {R"({"class_name": "L2", "config": {"l2": "1"}})", "`l2` must be a finite number"},
      {R"({"class_name": "L2", "config": {"l1": 1}})",
       "regularizer L2: unknown argument 'l1'. Received: l1=1"},
      {R"({"class_name": "L2", "config": "x"})", "its configuration must be an object"},
      {"0.01", "the regularizer must be a name or an object with a class_name. Received: 0.01"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

}  // namespace
}  // namespace cornu
