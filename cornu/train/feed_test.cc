// Epochs of `steps_per_epoch` batches (Keras: EpochIterator).

#include "cornu/train/feed.h"

#include "tests/support/fit.h"

namespace cornu {
namespace {

using namespace cornu::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kOutOfData = "UserWarning: Your input ran out of data; interrupting training";

// Tells of the passes over the data that it gives on.
class Watched final : public Dataset {
 public:
  explicit Watched(std::shared_ptr<Dataset> data) : data_(std::move(data)) {}
  std::optional<int64_t> steps() const override { return data_->steps(); }
  void start(uint64_t seed) override {
    seeds.push_back(seed);
    data_->start(seed);
  }
  const Batch* next() override {
    const Batch* batch = data_->next();
    if (batch) batches.push_back(batch->x[0]);
    return batch;
  }
  std::vector<uint64_t> seeds;
  std::vector<Tensor> batches;

 private:
  std::shared_ptr<Dataset> data_;
};

// Counts the batches of each epoch.
class Lengths final : public Callback {
 public:
  void on_epoch_begin(int64_t, Logs&) override { epochs.push_back(0); }
  void on_train_batch_end(int64_t batch, Logs&) override {
    EXPECT_EQ(batch, epochs.back());
    ++epochs.back();
  }
  std::vector<int64_t> epochs;
};

// Batches of 8 in the order of the samples, over and over; how many there are is not told.
std::shared_ptr<Dataset> unknown_size(const Data& d) {
  const int64_t samples = d.x.shape()[0];
  return generator_dataset([&d, samples, at = int64_t{0}]() mutable -> std::optional<Batch> {
    const int64_t begin = at, end = std::min(at + 8, samples);
    at = begin == samples ? 0 : end;
    if (begin == samples) return {};
    return Batch{train::samples({d.x}, begin, end), train::samples({d.y}, begin, end), {}};
  });
}

struct Outcome {
  std::vector<int64_t> epochs;  // their batches
  std::string printed;
};
Outcome lengths(const std::shared_ptr<Dataset>& data, int64_t epochs,
                std::optional<int64_t> steps_per_epoch) {
  const Printed printed;
  const auto counter = std::make_shared<Lengths>();
  compiled(1).fit(
      data,
      {.epochs = epochs, .verbose = 0, .callbacks = {counter}, .steps_per_epoch = steps_per_epoch});
  return {counter->epochs, printed.text()};
}

std::shared_ptr<Watched> shuffled(const Data& d) {
  return std::make_shared<Watched>(array_dataset({d.x}, {d.y}, {.batch_size = 8, .shuffle = true}));
}

TEST(Feed, AnEpochGoesOnWhereTheLastOneStopped) {
  const Data d = pictures(50, 5);  // 7 batches
  const auto data = shuffled(d);
  const Outcome outcome = lengths(data, 5, 3);
  EXPECT_THAT(outcome.epochs, ElementsAre(3, 3, 1, 3, 3));
  ASSERT_EQ(data->seeds.size(), 2u);
  EXPECT_NE(data->seeds[0], data->seeds[1]);
  // The first seven batches are one pass.
  const auto again = shuffled(d);
  again->start(data->seeds[0]);
  while (again->next()) {
  }
  ASSERT_EQ(again->batches.size(), 7u);
  for (size_t i = 0; i < 7; ++i)
    EXPECT_EQ(max_error(again->batches[i], data->batches[i]), 0) << "batch " << i;
  // Said once, in Keras's words.
  const size_t at = outcome.printed.find(kOutOfData);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(outcome.printed.find(kOutOfData, at + 1), std::string::npos);
}

TEST(Feed, WithoutStepsPerEpochAnEpochIsAPass) {
  const Data d = pictures(50, 5);
  const auto data = shuffled(d);
  const Outcome outcome = lengths(data, 3, None);
  EXPECT_THAT(outcome.epochs, ElementsAre(7, 7, 7));
  EXPECT_EQ(data->seeds.size(), 3u);
  EXPECT_THAT(outcome.printed, IsEmpty());
}

TEST(Feed, APassThatEndsWithAnEpochIsFollowedByAnother) {
  const Data d = pictures(48, 5);  // 6 batches
  for (bool known : {true, false}) {
    const auto data = known ? shuffled(d) : std::make_shared<Watched>(unknown_size(d));
    const Outcome outcome = lengths(data, 5, 3);
    EXPECT_THAT(outcome.epochs, ElementsAre(3, 3, 3, 3, 3));
    EXPECT_EQ(data->seeds.size(), 3u);
    EXPECT_THAT(outcome.printed, IsEmpty());
  }
}

TEST(Feed, MoreStepsThanBatches) {
  const Data d = pictures(30, 5);  // 4 batches
  for (bool known : {true, false}) {
    const auto data = known ? shuffled(d) : std::make_shared<Watched>(unknown_size(d));
    const Outcome outcome = lengths(data, 2, 9);
    EXPECT_THAT(outcome.epochs, ElementsAre(4, 4));
    EXPECT_EQ(data->seeds.size(), 2u);
    EXPECT_THAT(outcome.printed, HasSubstr(kOutOfData));
  }
}

TEST(Feed, EpochsDoNotMatterToTheWeights) {
  const Data d = pictures(50, 5);
  const auto trained = [&](int64_t epochs, int64_t steps) {
    Sequential model = compiled(3);
    model.fit(d.x, d.y,
              {.batch_size = 8, .epochs = epochs, .verbose = 0, .steps_per_epoch = steps});
    return model;
  };
  expect_equal_bits(trained(2, 3), trained(1, 6));
  expect_equal_bits(trained(7, 1), trained(1, 7));
  EXPECT_GT(max_error(trained(2, 3).get_weights()[0], trained(1, 7).get_weights()[0]), 0);
}

TEST(Feed, AnEmptyPassIsAnError) {
  const auto nothing = generator_dataset([]() -> std::optional<Batch> { return {}; });
  expect_error([&] { compiled(1).fit(nothing, {.verbose = 0, .steps_per_epoch = 3}); },
               {"the data holds no batches"});
}

TEST(Feed, ValidationBeginsAnewEachTime) {
  const Data d = pictures(16, 5), held = pictures(40, 6);  // 5 batches
  const auto run = [&](std::optional<int64_t> validation_steps, std::string& printed) {
    const auto data =
        std::make_shared<Watched>(array_dataset({held.x}, {held.y}, {.batch_size = 8}));
    const Printed now;
    compiled(1).fit(d.x, d.y,
                    {.epochs = 3,
                     .verbose = 0,
                     .validation_data = {.dataset = data},
                     .validation_steps = validation_steps});
    printed = now.text();
    EXPECT_EQ(data->seeds.size(), 3u);
    return data->batches;
  };
  std::string printed;
  const std::vector<Tensor> batches = run(2, printed);
  ASSERT_EQ(batches.size(), 6u);
  for (size_t i : {2u, 4u}) {
    EXPECT_EQ(max_error(batches[0], batches[i]), 0);
    EXPECT_EQ(max_error(batches[1], batches[i + 1]), 0);
  }
  EXPECT_THAT(printed, IsEmpty());
  EXPECT_EQ(run(9, printed).size(), 15u);
  EXPECT_THAT(printed, HasSubstr(kOutOfData));
}

TEST(Feed, AnInterruptedRunGoesOnWithinAPass) {
  const Data d = pictures(50, 5), held = pictures(20, 6);  // 7 batches: epochs of 3, 3, 1, 3, 3
  const auto arrays = [&](const Model& model, std::vector<CallbackPtr> callbacks) {
    return model.fit(d.x, d.y,
                     {.batch_size = 8,
                      .epochs = 5,
                      .verbose = 0,
                      .callbacks = std::move(callbacks),
                      .validation_data = {.x = held.x, .y = held.y},
                      .steps_per_epoch = 3,
                      .validation_steps = 2});
  };
  expect_goes_on(arrays, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1);
  expect_goes_on(arrays, {3, 5, 6, 7, 9, 11}, "epoch");
  const auto batches = [&](const Model& model, std::vector<CallbackPtr> callbacks) {
    return model.fit(
        unknown_size(d),
        {.epochs = 5, .verbose = 0, .callbacks = std::move(callbacks), .steps_per_epoch = 3});
  };
  expect_goes_on(batches, {1, 2, 3, 4, 6, 7, 8, 11, 12}, 1);
  expect_goes_on(batches, {3, 6, 7, 10}, "epoch");
}

}  // namespace
}  // namespace cornu
