#include "cornu/train/progress.h"

#include <gtest/gtest.h>

#include <limits>

#include "cornu/train/callback_list.h"

namespace cornu::train {
namespace {

// A bar whose time the test tells and whose text it reads.
class ProgressTest : public testing::Test {
 protected:
  ProgbarOptions options(int64_t target, int verbose) {
    ProgbarOptions o;
    o.target = target;
    o.verbose = verbose;
    o.print = [this](const std::string& text) { printed_ += text; };
    o.clock = [this] { return now_; };
    return o;
  }
  std::string take() { return std::exchange(printed_, {}); }

  double now_ = 1000;
  std::string printed_;
};

std::string strokes(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "━";
  return out;
}
// The bar itself, as Keras colours it.
std::string bar(const std::string& count, int full) {
  const std::string green = full > 0 ? "\x1b[32m" + strokes(full) + "\x1b[0m" : "";
  return "\x1b[1m" + count + "\x1b[0m " + green + "\x1b[37m" + strokes(20 - full) + "\x1b[0m";
}
// Back over a line: its count, the bar and the rest, which here is ASCII.
std::string back(const std::string& count, const std::string& rest) {
  return std::string(count.size() + 1 + 20 + rest.size(), '\b') + "\r";
}
std::string bold(const std::string& text) { return " \x1b[1m" + text + "\x1b[0m"; }

TEST_F(ProgressTest, LineOfAnEpoch) {
  Progbar progbar(options(2, 2));
  now_ += 0.07;
  progbar.update(2,
                 {{"loss", 0.62671},
                  {"mae", 0.72459},
                  {"val_loss", 0.61438},
                  {"val_mae", 0.71676},
                  {"learning_rate", 0.025}},
                 true);
  EXPECT_EQ(take(),
            "2/2 - 0s - 35ms/step - loss: 0.6267 - mae: 0.7246 - val_loss: 0.6144 - val_mae: 0.7168"
            " - learning_rate: 0.0250\n");
}

TEST_F(ProgressTest, LineAlignsItsCountAndChoosesUnits) {
  Progbar progbar(options(1200, 2));
  now_ += 0.6;
  progbar.update(3, {}, false);
  EXPECT_EQ(take(), "");
  progbar.update(300, {{"loss", 1e-3}, {"a", -5}}, true);
  EXPECT_EQ(take(), " 300/1200 - 1s - 2ms/step - loss: 1.0000e-03 - a: -5.0000e+00\n");
  now_ += 2399.4;
  progbar.update(1200, {}, true);
  EXPECT_EQ(take(), "1200/1200 - 2400s - 2s/step - loss: 1.0000e-03 - a: -5.0000e+00\n");
  Progbar quick(options(1000, 2));
  now_ += 0.0125;
  quick.update(1000,
               {{"nan", std::numeric_limits<double>::quiet_NaN()},
                {"up", std::numeric_limits<double>::infinity()},
                {"down", -std::numeric_limits<double>::infinity()}},
               true);
  EXPECT_EQ(take(), "1000/1000 - 0s - 12us/step - nan: nan - up: inf - down: -inf\n");
}

TEST_F(ProgressTest, BarIsRedrawn) {
  Progbar progbar(options(60, 1));
  now_ += 1;  // the first step is slow and does not count later
  progbar.update(1, {{"accuracy", 0.25}, {"loss", 2.5}}, false);
  EXPECT_EQ(take(), std::string("\r") + bar(" 1/60", 0) + bold("59s") +
                        " 1s/step - accuracy: 0.2500 - loss: 2.5000");
  now_ += 0.01;
  progbar.update(2, {{"accuracy", 0.5}, {"loss", 2}}, false);
  EXPECT_EQ(take(), "") << "it is drawn every 50 ms";
  now_ += 0.10;
  progbar.update(12, {{"accuracy", 0.5}, {"loss", -2}}, false);
  EXPECT_EQ(take(), back(" 1/60", " 59s 1s/step - accuracy: 0.2500 - loss: 2.5000") +
                        bar("12/60", 4) + bold("0s") +
                        " 10ms/step - accuracy: 0.5000 - loss: -2.0000");
  now_ += 0.48;
  progbar.update(60, {{"loss", 0.0001}}, true);
  EXPECT_EQ(take(), back("12/60", " 0s 10ms/step - accuracy: 0.5000 - loss: -2.0000") +
                        bar("60/60", 20) + bold("2s") +
                        " 10ms/step - accuracy: 0.5000 - loss: 1.0000e-04\n");
}

TEST_F(ProgressTest, ShorterLinesAreFilledUp) {
  Progbar progbar(options(4, 1));
  now_ += 1;
  progbar.update(1, {{"loss", 1234.5}}, false);
  take();
  now_ += 1;
  progbar.update(2, {{"loss", 1}}, false);
  EXPECT_EQ(take(), back("1/4", " 3s 1s/step - loss: 1234.5000") + bar("2/4", 10) + bold("2s") +
                        " 1s/step - loss: 1.0000   ");
}

TEST_F(ProgressTest, TimeLeft) {
  const auto eta = [&](double seconds) {
    Progbar progbar(options(2, 1));
    now_ += seconds;
    progbar.update(1, {}, false);
    const std::string text = take(), begin = std::string("\r") + bar("1/2", 10) + " \x1b[1m";
    EXPECT_EQ(text.substr(0, begin.size()), begin);
    return text.substr(begin.size(), text.find("\x1b[0m", begin.size()) - begin.size());
  };
  EXPECT_EQ(eta(12.5), "12s");
  EXPECT_EQ(eta(60), "60s");
  EXPECT_EQ(eta(125.5), "2:05");
  EXPECT_EQ(eta(3600), "60:00");
  EXPECT_EQ(eta(3723.5), "1:02:03");
}

TEST_F(ProgressTest, UnknownNumberOfSteps) {
  Progbar progbar(options(-1, 1));
  now_ += 0.5;
  progbar.update(1, {{"loss", 1}}, false);
  EXPECT_EQ(take(), "\r      1/Unknown" + bold("0s") + " 500ms/step - loss: 1.0000");
  progbar.set_target(1);
  progbar.update(1, {{"loss", 1}}, true);
  EXPECT_EQ(take(), std::string(15 + 29, '\b') + "\r" + bar("1/1", 20) + bold("0s") +
                        " 500ms/step - loss: 1.0000\n");
}

TEST_F(ProgressTest, FitsTheTerminalUntilItIsDone) {
  ProgbarOptions o = options(2, 1);
  o.columns = 60;
  Progbar progbar(o);
  const Logs logs = {{"accuracy", 0.5}, {"loss", 1}, {"sparse_top_k", 0.5}};
  now_ += 1;
  progbar.update(1, logs, false);
  EXPECT_EQ(take(),
            std::string("\r") + bar("1/2", 10) + bold("1s") + " 1s/step - accuracy: 0.5000 …");
  now_ += 1;
  progbar.update(2, logs, true);
  EXPECT_EQ(take(), back("1/2", " 1s 1s/step - accuracy: 0.5000 .") + bar("2/2", 20) + bold("2s") +
                        " 1s/step - accuracy: 0.5000 - loss: 1.0000 - sparse_top_k: 0.5000\n");
}

TEST_F(ProgressTest, NamesDoNotSteerTheTerminal) {
  Progbar progbar(options(1, 2));
  progbar.update(1, {{"a\x1b[2J\n", 1}}, true);
  EXPECT_EQ(take(), "1/1 - 0s - 0s/step - a?[2J?: 1.0000\n");
}

// What fit() tells, here two epochs of two steps with a validation in each.
void run(ProgbarLogger* logger, double* now, double seconds) {
  Logs none, logs = {{"loss", 1}};
  logger->on_train_begin(none);
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    logger->on_epoch_begin(epoch, none);
    for (int64_t batch = 0; batch < 2; ++batch) {
      *now += seconds;
      logger->on_train_batch_end(batch, logs);
    }
    logger->on_test_begin(none);
    logger->on_test_batch_end(0, logs);
    logger->on_test_end(logs);
    logger->on_epoch_end(epoch, logs);
  }
  logger->on_train_end(none);
}

TEST_F(ProgressTest, LoggerPrintsEpochs) {
  ProgbarLogger logger;
  Context context;
  context.clock = [this] { return now_; };
  context.epochs = 2;
  context.print = [this](const std::string& text) { printed_ += text; };
  for (const int64_t steps : {2, -1}) {
    context.steps = steps;
    context.verbose = 2;
    logger.set_context(context);
    run(&logger, &now_, 0.25);
    EXPECT_EQ(take(),
              "Epoch 1/2\n2/2 - 0s - 250ms/step - loss: 1.0000\n"
              "Epoch 2/2\n2/2 - 0s - 250ms/step - loss: 1.0000\n");
  }
  context.verbose = 0;
  logger.set_context(context);
  run(&logger, &now_, 0.25);
  EXPECT_EQ(take(), "");
  context.verbose = 1;
  context.steps = 2;
  context.epochs = 1;
  logger.set_context(context);
  Logs none, logs = {{"loss", 1}};
  logger.on_test_begin(none);
  now_ += 1;
  logger.on_test_batch_end(0, logs);
  now_ += 1;
  logger.on_test_end(logs);
  EXPECT_EQ(take(), std::string("\r") + bar("1/2", 10) + bold("1s") + " 1s/step - loss: 1.0000" +
                        back("1/2", " 1s 1s/step - loss: 1.0000") + bar("2/2", 20) + bold("2s") +
                        " 1s/step - loss: 1.0000\n");
}

TEST_F(ProgressTest, LoggerGoesOnWithinAnEpoch) {
  ProgbarLogger logger;
  Context context;
  context.clock = [this] { return now_; };
  context.steps = 100;
  context.verbose = 2;
  context.print = [this](const std::string& text) { printed_ += text; };
  logger.set_context(context);
  Logs none;
  logger.on_train_begin(none);
  logger.on_epoch_begin(0, none);
  for (int64_t batch = 90; batch < 100; ++batch) {
    now_ += 0.5;
    logger.on_train_batch_end(batch, none);
  }
  logger.on_epoch_end(0, none);
  EXPECT_EQ(take(), "100/100 - 5s - 500ms/step\n");
}

}  // namespace
}  // namespace cornu::train
