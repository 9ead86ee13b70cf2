#include "cornu/train/history.h"

#include <gtest/gtest.h>

#include <limits>

#include "cornu/base/error.h"

namespace cornu {
namespace {

TEST(Logs, KeepsTheOrderInWhichNamesCame) {
  Logs logs = {{"accuracy", 0.5}, {"loss", 2.0}};
  logs.set("learning_rate", 0.1);
  logs.set("accuracy", 0.75);
  ASSERT_EQ(logs.size(), 3u);
  std::string names;
  for (const auto& [name, value] : logs) names += name + " ";
  EXPECT_EQ(names, "accuracy loss learning_rate ");
  ASSERT_NE(logs.find("accuracy"), nullptr);
  EXPECT_EQ(*logs.find("accuracy"), 0.75);
  EXPECT_EQ(logs.find("val_loss"), nullptr);
}

TEST(History, GathersEpochs) {
  History h;
  h.add(3, {{"loss", 1.5}, {"val_loss", 2}});
  h.add(4, {{"loss", 1.25}});
  EXPECT_EQ(h["loss"], (std::vector<double>{1.5, 1.25}));
  EXPECT_EQ(h["val_loss"], (std::vector<double>{2}));
  EXPECT_EQ(h.epoch, (std::vector<int64_t>{3, 4}));
  EXPECT_TRUE(h.contains("val_loss"));
  EXPECT_FALSE(h.contains("mae"));
  try {
    (void)h["mae"];
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(),
                 "The history has no values named 'mae'. Available: ['loss', 'val_loss'].");
  }
}

TEST(History, JsonIsAsPythonWritesIt) {
  History h;
  const double inf = std::numeric_limits<double>::infinity();
  h.add(0, {{"loss", static_cast<double>(0.6f)}, {"val_loss", inf}});
  h.add(1, {{"loss", std::numeric_limits<double>::quiet_NaN()}, {"val_loss", -inf}});
  h.add(2, {{"loss", 1e-7}, {"val_loss", 3}});
  EXPECT_EQ(
      h.json(),
      R"({"loss": [0.6000000238418579, NaN, 1e-07], "val_loss": [Infinity, -Infinity, 3.0]})");
  EXPECT_EQ(History().json(), "{}");
}

TEST(History, StateReadsBackExactly) {
  History h;
  h.add(7, {{"loss", 0.1}, {"val_loss", 1.0 / 3}});
  const History back = History::from_state(base::parse_json(h.state().dump(), "history"));
  EXPECT_EQ(back.history, h.history);
  EXPECT_EQ(back.epoch, h.epoch);
  EXPECT_THROW(History::from_state(base::Json(3)), FormatError);
}

}  // namespace
}  // namespace cornu
