#include "cornu/nn/constraint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "cornu/nn/keras_json.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using base::cat;
using namespace constraints;

const nn::Where kWhere{"Conv2D", "c"};

Constraint read(const std::string& text) {
  return Constraint::from_config(base::parse_json(text, "test"), kWhere);
}

std::string written(const char* class_name, const std::string& config) {
  return cat(R"({"module": "keras.constraints", "class_name": ")", class_name, R"(", "config": )",
             config, R"(, "registered_name": null})");
}

TEST(Constraint, Names) {
  struct {
    const char* class_name;
    std::vector<const char*> names;
    const char* config;
  } cases[] = {
      {"MaxNorm", {"MaxNorm", "max_norm", "maxnorm"}, R"({"max_value": 2.0, "axis": 0})"},
      {"NonNeg", {"NonNeg", "non_neg", "nonneg"}, "{}"},
      {"UnitNorm", {"UnitNorm", "unit_norm", "unitnorm"}, R"({"axis": 0})"},
      {"MinMaxNorm",
       {"MinMaxNorm", "min_max_norm"},
       R"({"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0})"},
  };
  for (const auto& c : cases)
    for (const char* name : c.names) {
      const Constraint forms[] = {name, read(cat("\"", name, "\"")),
                                  read(cat(R"({"class_name": ")", name, R"(", "config": {}})"))};
      for (const Constraint& constraint : forms) {
        constraint.check(kWhere);
        EXPECT_TRUE(constraint);
        EXPECT_EQ(constraint.class_name(), c.class_name);
        EXPECT_EQ(constraint.config().dump(), written(c.class_name, c.config)) << name;
      }
    }
}

TEST(Constraint, None) {
  for (const Constraint& c : {Constraint(), Constraint(None), read("null")}) {
    c.check(kWhere);
    EXPECT_FALSE(c);
    EXPECT_TRUE(c.config().is_null());
  }
}

TEST(Constraint, RoundTrips) {
  const std::pair<Constraint, std::string> cases[] = {
      {MaxNorm(), written("MaxNorm", R"({"max_value": 2.0, "axis": 0})")},
      {MaxNorm({.max_value = 3, .axis = {0, 1, 2}}),
       written("MaxNorm", R"({"max_value": 3.0, "axis": [0, 1, 2]})")},
      {MaxNorm({.axis = {}}), written("MaxNorm", R"({"max_value": 2.0, "axis": null})")},
      {NonNeg(), written("NonNeg", "{}")},
      {UnitNorm({.axis = {-1}}), written("UnitNorm", R"({"axis": -1})")},
      {MinMaxNorm({.min_value = 1, .max_value = 2, .rate = 0.5, .axis = {0, 1}}),
       written("MinMaxNorm",
               R"({"min_value": 1.0, "max_value": 2.0, "rate": 0.5, "axis": [0, 1]})")},
  };
  for (const auto& [c, config] : cases) {
    c.check(kWhere);
    EXPECT_EQ(c.config().dump(), config);
    EXPECT_EQ(read(config).config().dump(), config);
  }
  EXPECT_EQ(read(R"({"class_name": "MaxNorm", "config": {"max_value": 2, "axis": {"class_name":
                     "__tuple__", "items": [0, 1]}}})")
                .config()
                .at("config")
                .dump(),
            R"({"max_value": 2.0, "axis": [0, 1]})");
}

// layers.md 21.8.
TEST(Constraint, Apply) {
  using testing::max_error;
  const Tensor w({2, 2}, {3, 0, 4, 1});
  const auto expect = [](const Constraint& c, const Tensor& from, const Tensor& wanted) {
    EXPECT_LT(max_error(c.apply(from), wanted), 1e-6) << c.config().dump();
  };
  expect(MaxNorm({.max_value = 2, .axis = {0}}), w, Tensor({2, 2}, {1.2f, 0, 1.6f, 1}));
  expect("max_norm", w, Tensor({2, 2}, {1.2f, 0, 1.6f, 1}));
  expect(MaxNorm({.max_value = 2, .axis = {1}}), w, Tensor({2, 2}, {2, 0, 1.940285f, 0.485071f}));
  expect(MaxNorm({.max_value = 2, .axis = {-1}}), w, Tensor({2, 2}, {2, 0, 1.940285f, 0.485071f}));
  expect(UnitNorm(), w, Tensor({2, 2}, {.6f, 0, .8f, 1}));
  expect(MinMaxNorm({.min_value = 1, .max_value = 2, .rate = 0.5, .axis = {0}}), w,
         Tensor({2, 2}, {2.1f, 0, 2.8f, 1}));
  const Tensor kernel({2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  expect(MaxNorm({.max_value = 2, .axis = {0, 1, 2}}), kernel,
         Tensor({2, 2, 1, 2}, {.218218f, .365148f, .654654f, .730297f, 1.091089f, 1.095445f,
                               1.527525f, 1.460594f}));
  expect(MaxNorm({.max_value = 2, .axis = {0}}), kernel,
         Tensor({2, 2, 1, 2}, {.392232f, .632456f, .787839f, .894427f, 1.961161f, 1.897366f,
                               1.83829f, 1.788854f}));
  // No axis: one norm of all, here sqrt(26).
  expect(UnitNorm({.axis = {}}), w, Tensor({2, 2}, {.588348f, 0, .784465f, .196116f}));
  expect(UnitNorm(), Tensor({2}, {3, 4}), Tensor({2}, {.6f, .8f}));  // a bias
}

TEST(Constraint, ApplyAtTheEdges) {
  using testing::bit_equal;
  const Tensor w({2, 2}, {-3, 0, -0.5f, 1});
  EXPECT_TRUE(bit_equal(Constraint(None).apply(w), w));
  EXPECT_TRUE(bit_equal(NonNeg().apply(w), Tensor({2, 2}, {0, 0, 0, 1})));
  const Tensor zeros({2, 2});
  for (const Constraint& c : {MaxNorm(), UnitNorm(), MinMaxNorm({.min_value = 1})})
    EXPECT_TRUE(bit_equal(c.apply(zeros), zeros)) << c.config().dump();
  EXPECT_EQ(UnitNorm().apply(Tensor(Shape{0, 3})).shape(), (Shape{0, 3}));
  // Inside the range a weight shrinks by epsilon alone (layers.md part 9).
  const Tensor one({1}, {1});
  const double before = epsilon();
  set_epsilon(0.25);
  EXPECT_EQ(MaxNorm().apply(one).values()[0], 0.8f);
  set_epsilon(0);
  EXPECT_TRUE(bit_equal(MaxNorm().apply(zeros), zeros));
  set_epsilon(before);
  EXPECT_ERROR(ValueError, MaxNorm({.axis = {2}}).apply(w),
               "constraint: `axis` must be in [-2, 2) for a weight of shape (2, 2). Received: "
               "axis=2");
}

TEST(Constraint, InPlaceGivesTheSameBitsAndAllocatesOnce) {
  Constraint::Scratch scratch;
  const Tensor large = testing::random_tensor({3, 3, 4, 5}, 1, -3, 3);
  const Tensor small = testing::random_tensor({4, 2}, 2, -3, 3);
  const Constraint all[] = {MaxNorm(),
                            MaxNorm({.axis = {0, 1}}),
                            UnitNorm({.axis = {}}),
                            NonNeg(),
                            MinMaxNorm({.rate = 0.3, .axis = {-1}}),
                            None};
  const double* memory = nullptr;
  for (int round = 0; round < 2; ++round) {
    for (const Constraint& c : all)
      for (const Tensor& w : {large, small}) {
        Tensor in_place = w;
        c.apply_in_place(in_place.values(), w.shape(), scratch);
        EXPECT_TRUE(testing::bit_equal(in_place, c.apply(w))) << c.config().dump();
      }
    if (round == 1) {
      EXPECT_EQ(scratch.factors.data(), memory);
    }
    memory = scratch.factors.data();
  }
}

TEST(Constraint, OwnFunction) {
  const auto halve = [](const Tensor& w) {
    Tensor half = w;
    for (float& v : half.values()) v /= 2;
    return half;
  };
  const Constraint c("halve", halve);
  c.check(kWhere);
  EXPECT_TRUE(testing::bit_equal(c.apply(Tensor({2}, {2, -6})), Tensor({2}, {1, -3})));
  Tensor w({2, 1}, {8, 4});
  Constraint::Scratch scratch;
  c.apply_in_place(w.values(), w.shape(), scratch);
  EXPECT_TRUE(testing::bit_equal(w, Tensor({2, 1}, {4, 2})));
  const Constraint flat("flat", [](const Tensor& t) { return Tensor(Shape{t.size()}); });
  EXPECT_ERROR(ValueError, flat.apply(w, kWhere),
               "Conv2D 'c': constraint 'flat' gives shape (2,), but the weight has shape (2, 1)");

  register_constraint("halve", halve);
  EXPECT_TRUE(testing::bit_equal(Constraint("halve").apply(w), c.apply(w)));
  EXPECT_TRUE(testing::bit_equal(read(c.config().dump()).apply(w), c.apply(w)));
  EXPECT_ERROR(ValueError, register_constraint("max_norm", halve), "is a constraint of Keras");
}

TEST(Constraint, Errors) {
  EXPECT_ERROR(ValueError, Constraint("max").check(kWhere),
               "Conv2D 'c': unknown constraint 'max'. Received: \"max\"");
  EXPECT_ERROR(ValueError, Constraint("").check(kWhere), "unknown constraint ''");
  EXPECT_ERROR(ValueError, MaxNorm({.max_value = -1}).check(kWhere),
               "Conv2D 'c': constraint MaxNorm: `max_value` must be finite and zero or positive. "
               "Received: max_value=-1.0");
  EXPECT_ERROR(ValueError, MaxNorm({.max_value = std::nan("")}).check(kWhere), "max_value=nan");
  EXPECT_ERROR(ValueError, MinMaxNorm({.min_value = -1}).check(kWhere),
               "constraint MinMaxNorm: `min_value` must be finite and zero or positive");
  EXPECT_ERROR(ValueError, MinMaxNorm({.min_value = 2}).check(kWhere),
               "`min_value` must be at most max_value=1.0. Received: min_value=2.0");
  EXPECT_ERROR(ValueError, MinMaxNorm({.rate = INFINITY}).check(kWhere),
               "`rate` must be a finite number. Received: rate=inf");
  const std::pair<const char*, const char*> cases[] = {
      {"\"max\"", "Conv2D 'c': unknown constraint 'max'. Received: \"max\""},
      {R"({"class_name": "RadialConstraint", "config": {}})",
       "unknown constraint 'RadialConstraint'. Received: {\"class_name\""},
      {R"({"module": null, "class_name": "NonNeg", "config": {}})", "unknown constraint 'NonNeg'"},
      {R"({"class_name": "MaxNorm", "config": {"max_value": -1}})",
       "`max_value` must be finite and zero or positive"},
      {R"({"class_name": "MaxNorm", "config": {"max_value": NaN}})",
       "constraint MaxNorm: `max_value` must be a finite number. Received: max_value=NaN"},
      {R"({"class_name": "MaxNorm", "config": {"axis": 0.5}})",
       "`axis` must be an integer or a list of integers. Received: axis=0.5"},
      {R"({"class_name": "MaxNorm", "config": {"axis": [0, null]}})", "a list of integers"},
      {R"({"class_name": "NonNeg", "config": {"axis": 1}})",
       "constraint NonNeg: unknown argument 'axis'. Received: axis=1"},
      {"2", "the constraint must be a name or an object with a class_name. Received: 2"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

}  // namespace
}  // namespace cornu
