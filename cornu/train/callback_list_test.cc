#include "cornu/train/callback_list.h"

#include <gtest/gtest.h>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::train {
namespace {

// Writes down what it is told.
class Recorder : public Callback {
 public:
  Recorder(std::string name, std::string* heard) : name_(std::move(name)), heard_(heard) {}
  void on_train_begin(Logs&) override { hear("train_begin"); }
  void on_train_end(Logs&) override { hear("train_end"); }
  void on_epoch_begin(int64_t epoch, Logs&) override { hear(base::cat("epoch_begin ", epoch)); }
  void on_epoch_end(int64_t epoch, Logs& logs) override {
    hear(base::cat("epoch_end ", epoch));
    logs.set("from_" + name_, 1);
  }
  void on_train_batch_begin(int64_t batch, Logs&) override { hear(base::cat("begin ", batch)); }
  void on_train_batch_end(int64_t batch, Logs&) override { hear(base::cat("end ", batch)); }
  void on_test_begin(Logs&) override { hear("test_begin"); }
  void on_test_end(Logs&) override { hear("test_end"); }
  void on_test_batch_begin(int64_t batch, Logs&) override { hear(base::cat("test ", batch)); }
  void on_test_batch_end(int64_t batch, Logs&) override { hear(base::cat("tested ", batch)); }

 private:
  void hear(const std::string& what) { *heard_ += name_ + ":" + what + "\n"; }
  std::string name_;
  std::string* heard_;
};

class LastRecorder final : public Recorder {
 public:
  using Recorder::Recorder;
  bool runs_last() const override { return true; }
};

class Counter final : public Callback {
 public:
  explicit Counter(size_t tensors) : tensors_(tensors, Tensor({1}, {0})) {}
  void on_train_batch_end(int64_t, Logs&) override {
    ++count;
    for (Tensor& t : tensors_) t.data()[0] += 1;
  }
  base::Json state() const override { return count; }
  void set_state(const base::Json& state) override { count = state.as_int(); }
  std::vector<Tensor> state_tensors() const override { return tensors_; }
  void set_state_tensors(const std::vector<Tensor>& tensors) override { tensors_ = tensors; }
  const std::vector<Tensor>& tensors() const { return tensors_; }

  int64_t count = 0;

 private:
  std::vector<Tensor> tensors_;
};

TEST(CallbackList, TellsAllInOrder) {
  std::string heard;
  std::string printed;
  Context context;
  context.epochs = 2;
  context.steps = 1;
  context.verbose = 2;
  context.print = [&](const std::string& text) {
    printed += text;
    heard += "printed\n";
  };
  CallbackList list(
      {std::make_shared<LastRecorder>("z", &heard), std::make_shared<Recorder>("a", &heard),
       std::make_shared<Recorder>("b", &heard)},
      context);
  Logs logs;
  list.on_train_begin(logs);
  list.on_epoch_begin(0, logs);
  list.on_train_batch_begin(0, logs);
  list.on_train_batch_end(0, logs);
  list.on_test_begin(logs);
  list.on_test_batch_begin(0, logs);
  list.on_test_batch_end(0, logs);
  list.on_test_end(logs);
  list.on_epoch_end(0, logs);
  list.on_train_end(logs);
  std::string expected;
  for (const char* event : {"train_begin", "epoch_begin 0", "begin 0", "end 0", "test_begin",
                            "test 0", "tested 0", "test_end", "epoch_end 0", "train_end"}) {
    const bool prints = std::string(event).starts_with("epoch");
    expected +=
        base::cat("a:", event, "\nb:", event, "\n", prints ? "printed\n" : "", "z:", event, "\n");
  }
  EXPECT_EQ(heard, expected);
  EXPECT_EQ(printed.substr(0, 16), "Epoch 1/2\n1/1 - ");
  // What callbacks add is kept, unless they come after the History.
  EXPECT_TRUE(list.history().contains("from_a"));
  EXPECT_TRUE(list.history().contains("from_b"));
  EXPECT_FALSE(list.history().contains("from_z"));
}

// Keeps the names and values it was told last.
class Reader final : public Callback {
 public:
  explicit Reader(std::string* text) : text_(text) {}
  void on_train_batch_end(int64_t, Logs& logs) override { read(logs); }
  void on_test_batch_end(int64_t, Logs& logs) override { read(logs); }
  void on_test_end(Logs& logs) override { read(logs); }

 private:
  void read(Logs& logs) {
    text_->clear();
    for (const auto& [name, value] : logs) *text_ += base::cat(name, "=", value, " ");
    logs.set("mine", 1);
  }
  std::string* text_;
};

TEST(CallbackList, SortsTheLogsOfBatchesAndTests) {
  std::string text;
  CallbackList list({std::make_shared<Reader>(&text)}, {});
  const auto told = [&](Logs logs, int what) {
    const size_t size = logs.size();
    if (what == 0) list.on_train_batch_end(0, logs);
    if (what == 1) list.on_test_batch_end(0, logs);
    if (what == 2) list.on_test_end(logs);
    EXPECT_EQ(logs.size(), size) << "the caller's logs are its own";
    EXPECT_EQ(logs.begin()->first, "loss");
    return text;
  };
  for (int what = 0; what < 3; ++what) {
    EXPECT_EQ(told({{"loss", 2}, {"accuracy", 0.5}}, what), "accuracy=0.5 loss=2.0 ");
    EXPECT_EQ(told({{"loss", 1}, {"accuracy", 0.75}}, what), "accuracy=0.75 loss=1.0 ");
    EXPECT_EQ(told({{"loss", 3}, {"auc", 0.25}}, what), "auc=0.25 loss=3.0 ");
    EXPECT_EQ(told({{"loss", 4}}, what), "loss=4.0 ");
  }
}

TEST(CallbackList, GoesOnWithTheStatesOfAll) {
  Logs logs = {{"loss", 1.0 / 3}};
  const auto make = [](std::vector<std::shared_ptr<Counter>>* counters) {
    *counters = {std::make_shared<Counter>(2), std::make_shared<Counter>(0),
                 std::make_shared<Counter>(1)};
    return std::vector<CallbackPtr>(counters->begin(), counters->end());
  };
  Context quiet, loud;
  loud.verbose = 1;
  std::vector<std::shared_ptr<Counter>> first, second;
  CallbackList before(make(&first), quiet);
  before.on_train_begin(logs);
  before.on_train_batch_end(0, logs);
  before.on_train_batch_end(1, logs);
  before.on_epoch_end(0, logs);
  first[1]->count = 9;

  CallbackList after(make(&second), loud);
  after.on_train_begin(logs);
  const base::Json state = base::parse_json(before.state().dump(), "state");
  ASSERT_EQ(before.state_tensors().size(), 3u);
  after.set_state(state, before.state_tensors());
  EXPECT_EQ(second[0]->count, 2);
  EXPECT_EQ(second[1]->count, 9);
  EXPECT_EQ(second[2]->count, 2);
  EXPECT_EQ(second[0]->tensors().size(), 2u);
  EXPECT_EQ(second[1]->tensors().size(), 0u);
  ASSERT_EQ(second[2]->tensors().size(), 1u);
  EXPECT_EQ(second[2]->tensors()[0].values()[0], 2.f);
  EXPECT_EQ(after.history()["loss"], before.history()["loss"]);

  CallbackList fewer({first[0]}, quiet);
  EXPECT_THROW(fewer.set_state(state, before.state_tensors()), ValueError);
  EXPECT_THROW(after.set_state(state, {}), FormatError);
  EXPECT_THROW(CallbackList({nullptr}, quiet), ValueError);
}

TEST(Callback, HasAModelOnlyInARun) {
  class Asks final : public Callback {
   public:
    void on_train_begin(Logs&) override { (void)model(); }
  };
  Asks asks;
  Logs logs;
  EXPECT_THROW(asks.on_train_begin(logs), StateError);
}

TEST(Callback, WarnsOnce) {
  class Warns final : public Callback {
   public:
    void on_epoch_end(int64_t epoch, Logs&) override { warn(epoch < 2 ? "odd" : "odder"); }
  };
  Warns warns;
  std::string printed;
  Context context;
  context.print = [&](const std::string& text) { printed += text; };
  warns.set_context(context);
  Logs logs;
  for (int64_t epoch = 0; epoch < 4; ++epoch) warns.on_epoch_end(epoch, logs);
  EXPECT_EQ(printed, "UserWarning: odd\nUserWarning: odder\n");
}

}  // namespace
}  // namespace cornu::train
