#include "cornu/nn/initializer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "cornu/nn/fill.h"
#include "tests/support/layer_test.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;
using namespace initializers;

const nn::Where kWhere{"Conv2D", "c"};

Json json(const std::string& text) { return base::parse_json(text, "test"); }
Initializer read(const std::string& text) { return Initializer::from_config(json(text), kWhere); }

struct Moments {
  double mean = 0, stddev = 0, skew = 0, low = 0, high = 0;
};
Moments moments(const Tensor& t) {
  Moments m{0, 0, 0, t.data()[0], t.data()[0]};
  for (float v : t.values()) {
    m.mean += v;
    m.low = std::min<double>(m.low, v);
    m.high = std::max<double>(m.high, v);
  }
  const auto n = static_cast<double>(t.size());
  m.mean /= n;
  for (float v : t.values()) {
    m.stddev += (v - m.mean) * (v - m.mean);
    m.skew += (v - m.mean) * (v - m.mean) * (v - m.mean);
  }
  m.stddev = std::sqrt(m.stddev / n);
  m.skew /= n * m.stddev * m.stddev * m.stddev;
  return m;
}

// ---- fans and limits: layers.md 21.7 ------------------------------------------------------------

struct FanCase {
  Shape shape;
  double in, out, glorot_uniform, he_normal, lecun_uniform;
};
const FanCase kFans[] = {
    {{3, 3, 16, 32}, 144, 288, 0.117851, 0.133979, 0.144338},
    {{3, 16, 32}, 48, 96, 0.204124, 0.232058, 0.250000},
    {{3, 3, 8, 1}, 72, 9, 0.272166, 0.189475, 0.204124},
    {{1, 1, 16, 8}, 16, 8, 0.500000, 0.401936, 0.433013},
    {{3, 3, 8, 16}, 72, 144, 0.166667, 0.189475, 0.204124},
    {{10, 20}, 10, 20, 0.447214, 0.508414, 0.547723},
    {{5}, 5, 5, 0.774597, 0.719005, 0.774597},
};

TEST(Fans, OfEveryRank) {
  for (const FanCase& c : kFans) {
    EXPECT_EQ(nn::fans(c.shape).in, c.in) << to_text(c.shape);
    EXPECT_EQ(nn::fans(c.shape).out, c.out) << to_text(c.shape);
  }
  EXPECT_EQ(nn::fans({}).in, 1);
  EXPECT_EQ(nn::fans({}).out, 1);
}

// The largest of all the numbers that an initializer gives for a shape with some seeds is below the
// limit and comes close to it.
void expect_limit(Initializer (*make)(SeedOptions), const Shape& shape, double limit) {
  const int64_t seeds = 1 + 20000 / shape.size();
  Moments all;
  for (int64_t seed = 0; seed < seeds; ++seed) {
    const Moments m = moments(make({.seed = seed}).make(shape, kWhere));
    all.low = std::min(all.low, m.low);
    all.high = std::max(all.high, m.high);
  }
  EXPECT_LE(all.high, limit * (1 + 1e-5)) << to_text(shape);
  EXPECT_GE(all.low, -limit * (1 + 1e-5)) << to_text(shape);
  EXPECT_GT(all.high, limit * 0.99) << to_text(shape);
  EXPECT_LT(all.low, -limit * 0.99) << to_text(shape);
}

TEST(VarianceScaling, Limits) {
  for (const FanCase& c : kFans) {
    expect_limit(GlorotUniform, c.shape, c.glorot_uniform);
    expect_limit(HeNormal, c.shape, 2 * c.he_normal);  // truncated at two deviations
    expect_limit(LecunUniform, c.shape, c.lecun_uniform);
  }
  expect_limit(HeUniform, {100, 5}, std::sqrt(6.0 / 100));
  expect_limit(GlorotNormal, {10, 20}, 2 * std::sqrt(1.0 / 15) / 0.87962566103423978);
  expect_limit(LecunNormal, {10, 20}, 2 * std::sqrt(1.0 / 10) / 0.87962566103423978);
}

TEST(VarianceScaling, StandardDeviationWhateverTheDistribution) {
  const Shape shape{200, 400};
  for (const char* distribution : {"uniform", "truncated_normal", "untruncated_normal", "normal"})
    for (const auto& [mode, fan] :
         {std::pair("fan_in", 200.0), std::pair("fan_out", 400.0), std::pair("fan_avg", 300.0)}) {
      const Initializer i =
          VarianceScaling({.scale = 3, .mode = mode, .distribution = distribution, .seed = 1});
      const Moments m = moments(i.make(shape, kWhere));
      const double stddev = std::sqrt(3 / fan);
      EXPECT_NEAR(m.stddev / stddev, 1, 0.01) << distribution << " " << mode;
      EXPECT_NEAR(m.mean / stddev, 0, 0.015) << distribution << " " << mode;
      EXPECT_NEAR(m.skew, 0, 0.03) << distribution << " " << mode;
      const double reach = std::max(m.high, -m.low) / stddev;
      if (distribution == std::string("uniform"))
        EXPECT_LE(reach, 1.7321);
      else if (distribution == std::string("untruncated_normal"))
        EXPECT_GT(reach, 3.5);
      else
        EXPECT_LE(reach, 2 / 0.879625);
    }
  // A fan of nothing counts as 1.
  EXPECT_EQ(VarianceScaling({.seed = 1}).make({0, 3}, kWhere).size(), 0);
}

TEST(Initializer, RandomDistributions) {
  const Shape shape{300, 300};
  const Moments uniform =
      moments(RandomUniform({.minval = 1, .maxval = 3, .seed = 1}).make(shape, kWhere));
  EXPECT_NEAR(uniform.mean, 2, 0.01);
  EXPECT_NEAR(uniform.stddev, 2 / std::sqrt(12), 0.01);
  EXPECT_GE(uniform.low, 1);
  EXPECT_LT(uniform.high, 3);
  const Moments normal =
      moments(RandomNormal({.mean = -1, .stddev = 2, .seed = 1}).make(shape, kWhere));
  EXPECT_NEAR(normal.mean, -1, 0.03);
  EXPECT_NEAR(normal.stddev, 2, 0.03);
  EXPECT_NEAR(normal.skew, 0, 0.03);
  EXPECT_GT(normal.high, -1 + 2 * 3.8);
  const Moments truncated =
      moments(TruncatedNormal({.mean = -1, .stddev = 2, .seed = 1}).make(shape, kWhere));
  EXPECT_NEAR(truncated.mean, -1, 0.03);
  EXPECT_NEAR(truncated.stddev, 2 * 0.8796, 0.02);
  EXPECT_GE(truncated.low, -5);
  EXPECT_LE(truncated.high, 3);
  EXPECT_GT(truncated.high, 2.99);
  // Names alone have Keras's defaults.
  EXPECT_NEAR(moments(Initializer("uniform").make(shape, kWhere)).high, 0.05, 1e-4);
  EXPECT_NEAR(moments(Initializer("normal").make(shape, kWhere)).stddev, 0.05, 1e-3);
  EXPECT_NEAR(moments(Initializer("truncated_normal").make(shape, kWhere)).high, 0.1, 1e-4);
}

// The upper end does not belong to the range, even where rounding to float would reach it.
TEST(Initializer, UniformStaysBelowItsUpperEnd) {
  const float high = std::nextafter(1.0f, 2.0f);
  const Tensor t = RandomUniform({.minval = 1, .maxval = high, .seed = 1}).make({1000}, kWhere);
  for (float v : t.values()) ASSERT_EQ(v, 1.0f);
  const Tensor one = RandomUniform({.minval = 2, .maxval = 2, .seed = 1}).make({3}, kWhere);
  EXPECT_EQ(moments(one).low, 2);
}

// ---- seeds --------------------------------------------------------------------------------------

TEST(InitializerSeed, OwnSeedGivesTheSameAtEveryCall) {
  const Initializer i = GlorotUniform({.seed = 5});
  const Tensor first = i.make({3, 3, 2, 4}, kWhere);
  EXPECT_TRUE(testing::bit_equal(first, i.make({3, 3, 2, 4}, kWhere)));
  EXPECT_FALSE(testing::bit_equal(first, GlorotUniform({.seed = 6}).make({3, 3, 2, 4}, kWhere)));
  EXPECT_FALSE(testing::bit_equal(first, GlorotUniform({.seed = -5}).make({3, 3, 2, 4}, kWhere)));
  Tensor in_thread;
  std::thread([&] { in_thread = i.make({3, 3, 2, 4}, kWhere); }).join();
  EXPECT_TRUE(testing::bit_equal(first, in_thread));
}

// The numbers are part of what this library promises: bits, on every platform. Python's
// NormalDist().inv_cdf and the published Philox give the same.
TEST(InitializerSeed, NumbersAreFixed) {
  const Tensor u = RandomUniform({.minval = 0, .maxval = 1, .seed = 0}).make({5}, kWhere);
  const std::vector<uint32_t> words = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (size_t i = 0; i < words.size(); ++i)
    EXPECT_EQ(u.values()[i], static_cast<float>((words[i] + 0.5) / 4294967296.0));
  const Tensor n = RandomNormal({.mean = 0, .stddev = 1, .seed = 0}).make({4}, kWhere);
  const std::vector<float> want = {-0x1.05f4ap-2f, 0x1.2d769ep+0f, 0x1.42a76ep-1f, 0x1.11fbd6p-2f};
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(n.values()[i], want[i]);
}

TEST(InitializerSeed, WithoutOneTheProcessStreamDecides) {
  const Initializer i("he_normal");
  set_random_seed(3);
  const Tensor a = i.make({4, 4}, kWhere), b = i.make({4, 4}, kWhere);
  set_random_seed(3);
  const Tensor a2 = i.make({4, 4}, kWhere), b2 = i.make({4, 4}, kWhere);
  EXPECT_FALSE(testing::bit_equal(a, b));
  EXPECT_TRUE(testing::bit_equal(a, a2));
  EXPECT_TRUE(testing::bit_equal(b, b2));
  // What draws nothing moves nothing.
  set_random_seed(3);
  Initializer("zeros").make({4}, kWhere);
  HeNormal({.seed = 1}).make({4, 4}, kWhere);
  EXPECT_TRUE(testing::bit_equal(a, i.make({4, 4}, kWhere)));
}

TEST(InitializerSeed, PreparedNumbersHaveTheirSeedAlready) {
  const Initializer i("he_normal");
  set_random_seed(3);
  const Tensor a = i.make({4, 4}, kWhere), b = i.make({4, 4}, kWhere);
  set_random_seed(3);
  const auto first = i.prepare({4, 4}, kWhere), second = i.prepare({4, 4}, kWhere);
  EXPECT_TRUE(testing::bit_equal(second(), b));
  EXPECT_TRUE(testing::bit_equal(first(), a));
  EXPECT_TRUE(testing::bit_equal(first(), a));
  EXPECT_ERROR(ValueError, Identity().prepare({3}, kWhere), "needs a weight of rank 2");
  EXPECT_ERROR(ValueError, Initializer("foo").prepare({3}, kWhere), "unknown initializer 'foo'");
  EXPECT_ERROR(ValueError, Initializer(Tensor({2})).prepare({3}, kWhere), "gives shape (2,), but");
}

// ---- matrices -----------------------------------------------------------------------------------

// Rows or columns, whichever are fewer, are orthonormal up to the gain.
void expect_orthogonal(const Shape& shape, double gain) {
  SCOPED_TRACE(to_text(shape));
  const Tensor t = Orthogonal({.gain = gain, .seed = 1}).make(shape, kWhere);
  ASSERT_EQ(t.shape(), shape);
  const int64_t cols = shape[-1], rows = t.size() / cols, narrow = std::min(rows, cols);
  const int64_t along = rows < cols ? 1 : cols, across = rows < cols ? cols : 1;
  double worst = 0;
  for (int64_t i = 0; i < narrow; ++i)
    for (int64_t j = 0; j < narrow; ++j) {
      double dot = 0;
      for (int64_t k = 0; k < std::max(rows, cols); ++k)
        dot += double{t.data()[i * across + k * along]} * t.data()[j * across + k * along];
      worst = std::max(worst, std::fabs(dot - (i == j ? gain * gain : 0)));
    }
  EXPECT_LT(worst, 1e-5 * gain * gain);
}

TEST(Orthogonal, ColumnsOrRowsAreOrthonormal) {
  expect_orthogonal({6, 6}, 1);
  expect_orthogonal({64, 64}, 1);
  expect_orthogonal({10, 4}, 2.5);
  expect_orthogonal({4, 10}, 0.5);
  expect_orthogonal({3, 3, 8, 16}, 1);
  expect_orthogonal({1, 1, 3, 16}, 1);
  expect_orthogonal({1, 1}, 1);
  EXPECT_EQ(Initializer("orthogonal").make({0, 4}, kWhere).size(), 0);
}

// Q of the QR decomposition whose R has a positive diagonal: each column of the Gaussian matrix
// leans towards its own column of Q.
TEST(Orthogonal, SignsFollowTheGaussianMatrix) {
  const Tensor q = Orthogonal({.seed = 9}).make({5, 3}, kWhere);
  const Tensor a = RandomNormal({.mean = 0, .stddev = 1, .seed = 9}).make({5, 3}, kWhere);
  for (int64_t c = 0; c < 3; ++c) {
    std::vector<double> below(3, 0.0);  // column c of R
    for (int64_t r = 0; r < 5; ++r)
      for (int64_t k = 0; k < 3; ++k)
        below[static_cast<size_t>(k)] += double{q.data()[r * 3 + k]} * a.data()[r * 3 + c];
    EXPECT_GT(below[static_cast<size_t>(c)], 1e-3);
    for (int64_t k = c + 1; k < 3; ++k) EXPECT_NEAR(below[static_cast<size_t>(k)], 0, 1e-6);
  }
}

TEST(Identity, Values) {
  EXPECT_TRUE(testing::bit_equal(Identity({.gain = 2}).make({2, 3}, kWhere),
                                 Tensor({2, 3}, {2, 0, 0, 0, 2, 0})));
  EXPECT_TRUE(testing::bit_equal(Initializer("identity").make({3, 2}, kWhere),
                                 Tensor({3, 2}, {1, 0, 0, 1, 0, 0})));
}

TEST(Initializer, Constants) {
  EXPECT_TRUE(testing::bit_equal(Zeros().make({2}, kWhere), Tensor({2}, {0, 0})));
  EXPECT_TRUE(testing::bit_equal(Ones().make({2}, kWhere), Tensor({2}, {1, 1})));
  EXPECT_TRUE(testing::bit_equal(Constant({.value = -2.5}).make({1, 2}, kWhere),
                                 Tensor({1, 2}, {-2.5f, -2.5f})));
  EXPECT_TRUE(testing::bit_equal(Constant().make({}, kWhere), Tensor(Shape{}, {0})));
}

TEST(Initializer, TensorsAndFunctions) {
  const Tensor t({1, 2}, {3, 4});
  EXPECT_TRUE(testing::bit_equal(Initializer(t).make({1, 2}, kWhere), t));
  EXPECT_ERROR(ValueError, Initializer(t).make({2}, kWhere),
               "Conv2D 'c': initializer 'constant' gives shape (1, 2), but the weight has shape "
               "(2,)");
  const Initializer three("three", [](const Shape& s) { return Tensor::full(s, 3); });
  three.check(kWhere);
  EXPECT_TRUE(testing::bit_equal(three.make({2}, kWhere), Tensor({2}, {3, 3})));
  const Initializer wrong("wrong", [](const Shape&) { return Tensor({1}); });
  EXPECT_ERROR(ValueError, wrong.make({2}, kWhere), "initializer 'wrong' gives shape (1,), but");
}

TEST(Initializer, ShapesThatCannotBe) {
  EXPECT_ERROR(ValueError, Identity().make({1, 2, 3}, kWhere),
               "Conv2D 'c': initializer Identity needs a weight of rank 2. Received: shape=(1, 2, "
               "3)");
  EXPECT_ERROR(ValueError, Orthogonal().make({5}, kWhere),
               "Conv2D 'c': initializer Orthogonal needs a weight of rank 2 or more. Received: "
               "shape=(5,)");
}

// ---- names --------------------------------------------------------------------------------------

struct NameCase {
  const char* class_name;
  std::vector<const char*> names;
  const char* config;  // as Keras 3 writes it
};
const NameCase kNames[] = {
    {"Zeros", {"zeros", "Zeros", "zero"}, "{}"},
    {"Ones", {"ones", "Ones", "one"}, "{}"},
    {"Constant", {"constant", "Constant"}, R"({"value": 0.0})"},
    {"RandomUniform",
     {"random_uniform", "RandomUniform", "uniform"},
     R"({"seed": null, "minval": -0.05, "maxval": 0.05})"},
    {"RandomNormal",
     {"random_normal", "RandomNormal", "normal"},
     R"({"seed": null, "mean": 0.0, "stddev": 0.05})"},
    {"TruncatedNormal",
     {"truncated_normal", "TruncatedNormal"},
     R"({"seed": null, "mean": 0.0, "stddev": 0.05})"},
    {"VarianceScaling",
     {"variance_scaling", "VarianceScaling"},
     R"({"seed": null, "scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"})"},
    {"GlorotUniform", {"glorot_uniform", "GlorotUniform"}, R"({"seed": null})"},
    {"GlorotNormal", {"glorot_normal", "GlorotNormal"}, R"({"seed": null})"},
    {"HeUniform", {"he_uniform", "HeUniform"}, R"({"seed": null})"},
    {"HeNormal", {"he_normal", "HeNormal"}, R"({"seed": null})"},
    {"LecunUniform", {"lecun_uniform", "LecunUniform"}, R"({"seed": null})"},
    {"LecunNormal", {"lecun_normal", "LecunNormal"}, R"({"seed": null})"},
    {"Orthogonal",
     {"orthogonal", "Orthogonal", "OrthogonalInitializer", "orthogonal_initializer"},
     R"({"seed": null, "gain": 1.0})"},
    {"Identity",
     {"identity", "Identity", "IdentityInitializer", "identity_initializer"},
     R"({"gain": 1.0})"},
};

TEST(InitializerNames, EveryNameInCodeAndInFiles) {
  for (const NameCase& c : kNames) {
    const std::string want =
        cat(R"({"module": "keras.initializers", "class_name": ")", c.class_name, R"(", "config": )",
            c.config, R"(, "registered_name": null})");
    EXPECT_EQ(read(want).config().dump(), want);
    for (const char* name : c.names) {
      Initializer(name).check(kWhere);
      EXPECT_EQ(Initializer(name).config().dump(), want) << name;
      EXPECT_EQ(read(cat("\"", name, "\"")).config().dump(), want) << name;
      EXPECT_EQ(read(cat(R"({"class_name": ")", name, R"(", "config": {}})")).config().dump(), want)
          << name;
    }
  }
}

TEST(InitializerNames, Unknown) {
  EXPECT_ERROR(ValueError, Initializer("foo").check(kWhere),
               "Conv2D 'c': unknown initializer 'foo'. Received: \"foo\"");
  EXPECT_ERROR(ValueError, read(R"({"class_name": "Foo", "config": {"a": 1}})"),
               "Conv2D 'c': unknown initializer 'Foo'. Received: {\"class_name\": \"Foo\", ");
  for (const char* name : {"", "Zero", "glorotuniform", "GLOROT_UNIFORM", "he"})
    EXPECT_ERROR(ValueError, Initializer(name).check(kWhere), "unknown initializer '");
  EXPECT_ERROR(ValueError, Initializer("foo").make({2}, kWhere), "unknown initializer 'foo'");
}

// ---- configurations -----------------------------------------------------------------------------

TEST(InitializerConfig, OptionsRoundTrip) {
  const std::pair<Initializer, const char*> cases[] = {
      {Constant({.value = 2}), R"({"value": 2.0})"},
      {RandomUniform({.minval = -1, .maxval = 2, .seed = 3}),
       R"({"seed": 3, "minval": -1.0, "maxval": 2.0})"},
      {RandomNormal({.mean = 1, .stddev = 2, .seed = 3}),
       R"({"seed": 3, "mean": 1.0, "stddev": 2.0})"},
      {TruncatedNormal({.mean = 1, .stddev = 2}), R"({"seed": null, "mean": 1.0, "stddev": 2.0})"},
      {VarianceScaling({.scale = 2, .mode = "fan_out", .distribution = "Uniform", .seed = -1}),
       R"({"seed": -1, "scale": 2.0, "mode": "fan_out", "distribution": "uniform"})"},
      {GlorotUniform({.seed = 1}), R"({"seed": 1})"},
      {GlorotNormal({.seed = 1}), R"({"seed": 1})"},
      {HeUniform({.seed = 1}), R"({"seed": 1})"},
      {HeNormal({.seed = 1}), R"({"seed": 1})"},
      {LecunUniform({.seed = 1}), R"({"seed": 1})"},
      {LecunNormal({.seed = 1}), R"({"seed": 1})"},
      {Orthogonal({.gain = 0.5, .seed = 1}), R"({"seed": 1, "gain": 0.5})"},
      {Identity({.gain = 0.5}), R"({"gain": 0.5})"},
  };
  for (const auto& [initializer, config] : cases) {
    initializer.check(kWhere);
    EXPECT_EQ(initializer.config().at("config").dump(), config);
    const Initializer again = Initializer::from_config(initializer.config(), kWhere);
    EXPECT_EQ(again.config().dump(), initializer.config().dump());
    if (initializer.config().at("config").find("seed").value_or(Json()).is_int()) {
      EXPECT_TRUE(testing::bit_equal(again.make({4, 4}, kWhere), initializer.make({4, 4}, kWhere)));
    }
  }
}

TEST(InitializerConfig, TensorRoundTrip) {
  const Tensor tensors[] = {Tensor({2, 1, 3}, {1, 2.5f, -3, 4, 5, 1e-7f}), Tensor(Shape{}, {2}),
                            Tensor({0}), Tensor({2, 0}), Tensor({1}, {7})};
  for (const Tensor& t : tensors) {
    const Json config = Initializer(t).config();
    EXPECT_EQ(config.at("class_name").as_string(), "Constant");
    EXPECT_TRUE(
        testing::bit_equal(Initializer::from_config(config, kWhere).make(t.shape(), kWhere), t))
        << config.dump();
  }
  EXPECT_EQ(Initializer(tensors[0]).config().at("config").dump(),
            R"({"value": {"class_name": "__numpy__", "config": {"value": [[[1.0, 2.5, -3.0]], )"
            R"([[4.0, 5.0, 1.0000000116860974e-07]]], "dtype": "float32"}}})");
}

TEST(InitializerConfig, OfEveryGeneration) {
  const auto same = [](const std::string& text, const Initializer& want) {
    const Initializer got = read(text);
    EXPECT_TRUE(testing::bit_equal(got.make({8, 4}, kWhere), want.make({8, 4}, kWhere))) << text;
  };
  // Keras 2.0-2.2: what glorot_uniform and he_normal were.
  same(R"({"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg",
           "distribution": "uniform", "seed": 4}})",
       GlorotUniform({.seed = 4}));
  same(R"({"class_name": "VarianceScaling", "config": {"distribution": "normal", "scale": 2,
           "seed": 4, "mode": "fan_in"}})",
       HeNormal({.seed = 4}));
  // tf.keras 1.x and 2.x.
  same(R"({"class_name": "GlorotUniform", "config": {"seed": 4, "dtype": "float32"}})",
       GlorotUniform({.seed = 4}));
  // Keras 3: 3.0's module, 3.15's axes, a seed that is an object, an id beside the object.
  same(R"({"module": "keras.src.initializers.random_initializers", "class_name": "HeNormal",
           "config": {"seed": 4}, "registered_name": "HeNormal", "shared_object_id": 3})",
       HeNormal({.seed = 4}));
  same(R"({"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": 4,
           "input_axes": null, "output_axes": null}, "registered_name": null})",
       GlorotUniform({.seed = 4}));
  same(R"({"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": {
           "module": "keras.random", "class_name": "SeedGenerator", "config": {"name": "s",
           "seed": 4}, "registered_name": null}}, "registered_name": null})",
       GlorotUniform({.seed = 4}));
  same(R"({"class_name": "Constant", "config": {"value": {"class_name": "__numpy__", "config":
           {"value": 3, "dtype": "float32"}}}})",
       Constant({.value = 3}));
  same(R"({"class_name": "Zeros"})", Zeros());
  // Keras 2 wrote arrays so.
  EXPECT_TRUE(testing::bit_equal(
      read(R"({"class_name": "Constant", "config": {"value": {"type": "ndarray", "value":
               [[1, 2], [3, 4]]}}})")
          .make({2, 2}, kWhere),
      Tensor({2, 2}, {1, 2, 3, 4})));
}

TEST(InitializerConfig, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"class_name": "RandomNormal", "config": {"mean": NaN}})",
       "Conv2D 'c': initializer RandomNormal: `mean` must be a finite number. Received: mean=NaN"},
      {R"({"class_name": "RandomNormal", "config": {"stddev": Infinity}})",
       "`stddev` must be a finite number. Received: stddev=Infinity"},
      {R"({"class_name": "RandomUniform", "config": {"minval": "0"}})",
       "initializer RandomUniform: `minval` must be a finite number. Received: minval=\"0\""},
      {R"({"class_name": "RandomUniform", "config": {"maxval": true}})", "`maxval` must be a fin"},
      {R"({"class_name": "VarianceScaling", "config": {"scale": 0}})",
       "initializer VarianceScaling: `scale` must be positive. Received: scale=0.0"},
      {R"({"class_name": "VarianceScaling", "config": {"mode": "fan"}})",
       "initializer VarianceScaling: `mode` must be one of 'fan_in', 'fan_out', 'fan_avg'. "
       "Received: mode='fan'"},
      {R"({"class_name": "VarianceScaling", "config": {"distribution": "beta"}})",
       "`distribution` must be one of 'truncated_normal', 'untruncated_normal', 'uniform'. "
       "Received: distribution='beta'"},
      {R"({"class_name": "VarianceScaling", "config": {"mode": null}})",
       "`mode` must be a string. Received: mode=null"},
      {R"({"class_name": "GlorotUniform", "config": {"seed": "a"}})",
       "initializer GlorotUniform: `seed` must be an integer, null or a SeedGenerator. Received: "
       "seed=\"a\""},
      {R"({"class_name": "GlorotUniform", "config": {"seed": {"config": {"seed": 1.5}}}})",
       "`seed` must be an integer"},
      {R"({"class_name": "GlorotUniform", "config": {"input_axes": [0]}})",
       "initializer GlorotUniform: unknown argument 'input_axes'. Received: input_axes=[0]"},
      {R"({"class_name": "Zeros", "config": {"value": 1}})", "unknown argument 'value'"},
      {R"({"class_name": "Zeros", "config": 3})",
       "initializer Zeros: its configuration must be an object. Received: 3"},
      {R"({"class_name": "Constant", "config": {"value": [[1, 2], [3]]}})",
       "initializer Constant: `value` must be a finite number or nested lists of them. Received: "
       "value=[[1, 2], [3]]"},
      {R"({"class_name": "Constant", "config": {"value": [1, [2]]}})", "nested lists of them"},
      {R"({"class_name": "Constant", "config": {"value": [[1], 2]}})", "nested lists of them"},
      {R"({"class_name": "Constant", "config": {"value": [1, NaN]}})", "nested lists of them"},
      {R"({"class_name": "Constant", "config": {"value": [null]}})", "nested lists of them"},
      {R"({"class_name": "Constant", "config": {"value": NaN}})", "`value` must be a finite numb"},
      {R"({"module": "mine", "class_name": "Zeros", "config": {}})", "unknown initializer 'Zeros'"},
      {R"({"module": "keras.initializers", "class_name": "Zeros", "config": {},
           "registered_name": "mine>Zeros"})",
       "unknown initializer 'mine>Zeros'"},
      {"null",
       "Conv2D 'c': the initializer must be a name or an object with a class_name. "
       "Received: null"},
      {"[]", "the initializer must be a name or an object"},
      {"3", "the initializer must be a name or an object"},
  };
  for (const auto& [config, text] : cases) {
    SCOPED_TRACE(config);
    EXPECT_ERROR(ValueError, read(config), text);
  }
}

TEST(InitializerConfig, OptionsAreChecked) {
  const double nan = std::nan("");
  EXPECT_ERROR(ValueError, RandomNormal({.mean = nan}).check(kWhere),
               "Conv2D 'c': initializer RandomNormal: `mean` must be a finite number. Received: "
               "mean=nan");
  EXPECT_ERROR(ValueError, RandomUniform({.maxval = INFINITY}).check(kWhere), "maxval=inf");
  EXPECT_ERROR(ValueError, Constant({.value = nan}).check(kWhere), "`value` must be a finite");
  EXPECT_ERROR(ValueError, Orthogonal({.gain = nan}).check(kWhere), "`gain` must be a finite");
  EXPECT_ERROR(ValueError, Identity({.gain = nan}).check(kWhere), "`gain` must be a finite");
  EXPECT_ERROR(ValueError, VarianceScaling({.scale = -1}).check(kWhere),
               "`scale` must be positive. Received: scale=-1.0");
  EXPECT_ERROR(ValueError, VarianceScaling({.mode = "FAN_IN"}).check(kWhere), "mode='FAN_IN'");
  EXPECT_ERROR(ValueError, VarianceScaling({.distribution = ""}).make({2}, kWhere),
               "distribution=''");
}

// ---- functions of the user's own ----------------------------------------------------------------

TEST(OwnInitializer, RegisteredNamesAreRead) {
  const auto sevens = [](const Shape& s) { return Tensor::full(s, 7); };
  EXPECT_ERROR(ValueError, Initializer("sevens").check(kWhere), "unknown initializer 'sevens'");
  register_initializer("sevens", sevens);
  register_initializer("pack>Sevens", sevens);
  const Tensor want({2}, {7, 7});
  EXPECT_TRUE(testing::bit_equal(Initializer("sevens").make({2}, kWhere), want));
  const Json config = Initializer("sevens", sevens).config();
  EXPECT_EQ(config.dump(),
            R"({"module": "builtins", "class_name": "function", "config": "sevens", )"
            R"("registered_name": "sevens"})");
  const Initializer again = Initializer::from_config(config, kWhere);
  EXPECT_TRUE(testing::bit_equal(again.make({2}, kWhere), want));
  EXPECT_EQ(again.config().dump(), config.dump());
  EXPECT_TRUE(testing::bit_equal(read(R"({"module": "pack", "class_name": "Sevens", "config": {},
                                          "registered_name": "pack>Sevens"})")
                                     .make({2}, kWhere),
                                 want));
  for (const char* name : {"zeros", "Zeros", "zero", "he_normal"})
    EXPECT_ERROR(ValueError, register_initializer(name, sevens), "cannot be replaced");
}

}  // namespace
}  // namespace cornu
