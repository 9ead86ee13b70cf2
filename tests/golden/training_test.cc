// The 61 training runs that Keras computed, through the library.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/golden/golden_case.h"

namespace cornu {
namespace {

using testing::kGoldenFolder;

struct GoldenRun {
  std::string name;
  int64_t batch_size, epochs;
  std::vector<std::string> keys;
};

std::vector<GoldenRun> runs() {
  std::vector<GoldenRun> all;
  const base::Bytes bytes = base::read_file(kGoldenFolder + "manifest_train.json");
  const base::Json manifest = base::parse_json(bytes.text(), "manifest_train.json");
  for (const base::Json& c : manifest.elements()) {
    all.push_back({std::string(c.at("name").as_string()),
                   c.at("batch_size").as_int(),
                   c.at("epochs").as_int(),
                   {}});
    for (const base::Json& key : c.at("history").elements())
      all.back().keys.emplace_back(key.as_string());
  }
  return all;
}

// |got - want| <= tolerance * (1 + |want|), which no NaN meets.
void expect_close(double got, double want, double tolerance, const std::string& what) {
  EXPECT_TRUE(std::fabs(got - want) <= tolerance * (1 + std::fabs(want)))
      << what << ": " << got << " instead of " << want;
}

void expect_close(const Tensor& got, const Tensor& want, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  for (int64_t i = 0; i < got.size(); ++i)
    expect_close(got.data()[i], want.data()[i], tolerance, base::cat(what, " at ", i));
}

class Training : public ::testing::TestWithParam<GoldenRun> {};

TEST_P(Training, AsKeras) {
  const GoldenRun& run = GetParam();
  std::map<std::string, Tensor> arrays;
  for (auto& [key, tensor] : load_npz(kGoldenFolder + "cases/" + run.name + ".npz"))
    arrays.emplace(key, tensor);
  const Model model = load_model(testing::golden_model(run.name));

  const History history = model.fit(
      arrays.at("x"), arrays.at("y"),
      {.batch_size = run.batch_size, .epochs = run.epochs, .verbose = 0, .shuffle = false});
  for (const std::string& key : run.keys) {
    const Tensor& want = arrays.at("history_" + key);
    ASSERT_EQ(static_cast<int64_t>(history[key].size()), want.size()) << key;
    for (int64_t i = 0; i < want.size(); ++i)
      expect_close(history[key][static_cast<size_t>(i)], want.data()[i], 1e-4, key);
  }
  const std::vector<Tensor> weights = model.get_weights();
  for (size_t i = 0; i < weights.size(); ++i)
    expect_close(weights[i], arrays.at(base::cat("final_weight_", i)), 5e-4,
                 base::cat("weight ", i));
  ASSERT_FALSE(weights.empty());
  EXPECT_FALSE(arrays.contains(base::cat("final_weight_", weights.size())));

  const Logs measured =
      model.evaluate(arrays.at("x"), arrays.at("y"), {.batch_size = run.batch_size, .verbose = 0});
  EXPECT_EQ(measured.size(), run.keys.size());
  for (const auto& [key, value] : measured)
    expect_close(value, arrays.at("evaluate_" + key).data()[0], 5e-4, "evaluate " + key);

  const Tensor& x = arrays.at("x");
  Shape four = x.shape();
  four[0] = 4;
  const Tensor first(four, x.values().first(static_cast<size_t>(four.size())));
  expect_close(model.predict(first), arrays.at("predict"), 5e-4, "predict");
}

INSTANTIATE_TEST_SUITE_P(Golden, Training, ::testing::ValuesIn(runs()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace cornu
