#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "cornu/base/error.h"
#include "cornu/train/callbacks_test_util.h"

namespace cornu::train {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

Names names_of(const std::vector<std::string>& paths) {
  Names names;
  for (const std::string& path : paths) names.push_back(fs::path(path).filename().string());
  return names;
}
Logs improving(int64_t epoch) {
  const double loss[] = {0.9, 0.7, 0.8, 0.5};
  return {{"loss", 1}, {"val_loss", loss[epoch]}};
}

TEST(ModelCheckpoint, SavesWhenItShould) {
  TemporaryFolder folder;
  const auto saved = [&](ModelCheckpointOptions o) {
    o.filepath = folder / ("new/" + o.filepath);
    FakeFit fit;
    fit.steps = 3;
    fit.epoch_logs = improving;
    fit.run({callbacks::ModelCheckpoint(o)});
    return names_of(fit.saved);
  };
  EXPECT_EQ(saved({.filepath = "{epoch:02d}-{val_loss:.2f}.keras"}),
            (Names{"01-0.90.keras", "02-0.70.keras", "03-0.80.keras", "04-0.50.keras"}));
  EXPECT_EQ(saved({.filepath = "{epoch}.h5", .save_best_only = true}),
            (Names{"1.h5", "2.h5", "4.h5"}));
  EXPECT_EQ(saved({.filepath = "{epoch}.keras", .save_best_only = true, .mode = "max"}),
            (Names{"1.keras"}));
  EXPECT_EQ(
      saved({.filepath = "{epoch}.keras", .save_best_only = true, .initial_value_threshold = 0.6}),
      (Names{"4.keras"}));
  EXPECT_EQ(
      saved({.filepath = "{epoch}-{batch}.weights.h5", .save_weights_only = true, .save_freq = 5}),
      (Names{"2-2.weights.h5", "4-1.weights.h5"}));
  EXPECT_TRUE(fs::exists(folder / "new/04-0.50.keras"));
}

TEST(ModelCheckpoint, PrintsWhatItDoes) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 3;
  fit.epoch_logs = improving;
  const std::string path = folder / "m.keras";
  fit.run({callbacks::ModelCheckpoint({.filepath = path, .verbose = 1, .save_best_only = true})});
  EXPECT_EQ(fit.printed,
            "\nEpoch 1: val_loss improved from None to 0.90000, saving model to " + path +
                "\n\nEpoch 1: finished saving model to " + path +
                "\n\nEpoch 2: val_loss improved from 0.90000 to 0.70000, saving model to " + path +
                "\n\nEpoch 2: finished saving model to " + path +
                "\n\nEpoch 3: val_loss did not improve from 0.70000\n");
  fit.printed.clear();
  fit.epochs = 1;
  fit.run({callbacks::ModelCheckpoint({.filepath = path, .verbose = 1})});
  EXPECT_EQ(fit.printed, "\nEpoch 1: saving model to " + path +
                             "\n\nEpoch 1: finished saving model to " + path + "\n");
  fit.printed.clear();
  fit.run(
      {callbacks::ModelCheckpoint({.filepath = path, .monitor = "mae", .save_best_only = true})});
  EXPECT_EQ(fit.printed, "UserWarning: Can save best model only with mae available.\n");
}

TEST(ModelCheckpoint, RefusesWhatItCannotSave) {
  TemporaryFolder folder;
  FakeFit fit;
  fs::create_directories(folder / "taken.keras");
  EXPECT_THROW(fit.run({callbacks::ModelCheckpoint({.filepath = folder / "taken.keras"})}),
               IoError);
  try {
    fit.run({callbacks::ModelCheckpoint({.filepath = "{mae}.keras"})});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(),
                 "ModelCheckpoint: `filepath` cannot be formatted: Missing field 'mae'. Received: "
                 "filepath='{mae}.keras'");
  }
  std::ofstream(folder / "file") << "x";
  EXPECT_THROW(fit.run({callbacks::ModelCheckpoint({.filepath = folder / "file/m.keras"})}),
               IoError);
}

TEST(CSVLogger, WritesWhatPythonWrites) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 2;
  const double inf = std::numeric_limits<double>::infinity();
  fit.epoch_logs = [=](int64_t epoch) {
    return epoch == 0
               ? Logs{{"loss", double(0.6f)}, {"accuracy", 1}, {"val_loss", 1e-7}}
               : Logs{{"loss", -inf}, {"accuracy", std::numeric_limits<double>::quiet_NaN()}};
  };
  fit.run({callbacks::CSVLogger({.filename = folder / "a.csv"})});
  EXPECT_EQ(read_text(folder / "a.csv"),
            "epoch,accuracy,loss,val_loss\r\n0,1.0,0.6000000238418579,1e-07\r\n1,nan,-inf,NA\r\n");
  // Without validation values, places are kept for them.
  fit.epoch_logs = [](int64_t) { return Logs{{"loss", 0.5}, {"a;\"b\"", 2}}; };
  fit.run({callbacks::CSVLogger({.filename = folder / "a.csv", .separator = ";"})});
  EXPECT_EQ(read_text(folder / "a.csv"),
            "epoch;\"a;\"\"b\"\"\";loss;\"val_a;\"\"b\"\"\";val_loss\r\n0;2.0;0.5;NA;NA\r\n1;2.0;0."
            "5;NA;NA\r\n");
}

TEST(CSVLogger, AppendsOrBeginsAnew) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 1;
  fit.epoch_logs = [](int64_t) { return Logs{{"loss", 0.5}, {"val_loss", 1}}; };
  const std::string path = folder / "a.csv", row = "0,0.5,1.0\r\n",
                    header = "epoch,loss,val_loss\r\n";
  for (const int rows : {1, 2, 3}) {
    fit.run({callbacks::CSVLogger({.filename = path, .append = true})});
    std::string expected = header;
    for (int i = 0; i < rows; ++i) expected += row;
    EXPECT_EQ(read_text(path), expected);
  }
  fit.run({callbacks::CSVLogger({.filename = path})});
  EXPECT_EQ(read_text(path), header + row);
  fit.epochs = 0;
  fit.run({callbacks::CSVLogger({.filename = path})});
  EXPECT_EQ(read_text(path), "");
  // Known before the first epoch.
  EXPECT_THROW(fit.run({callbacks::CSVLogger({.filename = folder / "none/a.csv"})}), IoError);
}

TEST(BackupAndRestore, DeletesItsFilesAlone) {
  TemporaryFolder folder;
  const std::string backup = folder / "backup";
  FakeFit fit;
  fit.run({callbacks::BackupAndRestore({.backup_dir = backup, .double_checkpoint = true})});
  EXPECT_FALSE(fs::exists(backup));
  fit.run({callbacks::BackupAndRestore({.backup_dir = backup, .delete_checkpoint = false})});
  EXPECT_TRUE(fs::exists(backup + "/latest.keras"));
  fs::remove_all(backup);
  fs::create_directories(backup);
  std::ofstream(backup + "/mine") << "x";
  std::ofstream(backup + "/latest.keras.123-4.tmp") << "x";
  fit.run({callbacks::BackupAndRestore({.backup_dir = backup})});
  EXPECT_TRUE(fs::exists(backup + "/mine"));
  EXPECT_FALSE(fs::exists(backup + "/latest.keras"));
  EXPECT_FALSE(fs::exists(backup + "/latest.keras.123-4.tmp"));
}

TEST(BackupAndRestore, GoesOnWithThePreviousFileWhenTheLastIsDamaged) {
  TemporaryFolder folder;
  const std::string backup = folder / "backup";
  for (const bool twice : {false, true}) {
    const auto run = [&](FakeFit* fit) {
      fit->run({callbacks::BackupAndRestore({.backup_dir = backup, .double_checkpoint = twice})});
    };
    FakeFit first;
    first.kill_after = 7;  // in the last epoch
    EXPECT_THROW(run(&first), Killed);
    std::ofstream(backup + "/latest.keras") << "damage";
    FakeFit second;
    if (!twice) {
      EXPECT_THROW(run(&second), FormatError);
      fs::remove_all(backup);
    } else {
      FakeFit killed;  // before it saves anything
      killed.kill_after = 0;
      EXPECT_THROW(run(&killed), Killed);
      run(&second);
      EXPECT_EQ(second.weight(), 8);
      EXPECT_EQ(second.history.epoch, (std::vector<int64_t>{0, 1, 2, 3}));
      EXPECT_NE(second.printed.find("is damaged; going on with"), std::string::npos);
    }
  }
}

// Everything that callbacks leave behind, for comparing.
struct Outcome {
  std::string history, csv, later;
  float weight;
  double rate;
  Names saved;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(const std::string& folder, int64_t kill_after, Frequency save_freq) {
  const auto callbacks_of = [&](std::string* later) {
    return std::vector<CallbackPtr>{
        // First, though it must keep what all others have become.
        callbacks::BackupAndRestore({.backup_dir = folder + "/backup", .save_freq = save_freq}),
        callbacks::LearningRateScheduler([](int64_t, double rate) { return rate * 0.75; }),
        callbacks::ReduceLROnPlateau({.factor = 0.5, .patience = 2, .cooldown = 1}),
        callbacks::CSVLogger({.filename = folder + "/log.csv"}),
        callbacks::ModelCheckpoint(
            {.filepath = folder + "/best-{epoch}.keras", .save_best_only = true}),
        callbacks::ModelCheckpoint({.filepath = folder + "/{epoch}-{batch}.keras", .save_freq = 4}),
        callbacks::EarlyStopping({.patience = 3, .verbose = 1, .restore_best_weights = true}),
        callbacks::LambdaCallback({.on_train_end = [later](Logs&) { *later += "end"; }})};
  };
  const auto configure = [](FakeFit* fit) {
    fit->epochs = 12;
    fit->steps = 3;
    fit->epoch_logs = [](int64_t epoch) {
      const double loss[] = {9, 8, 8, 7, 7, 7, 6, 6.5, 6.5, 6.5, 1, 1};
      return Logs{{"loss", 0.1 * double(epoch)}, {"val_loss", loss[epoch]}};
    };
  };
  Outcome outcome = {};
  std::vector<std::string> saved;
  if (kill_after >= 0) {
    FakeFit killed;
    configure(&killed);
    killed.kill_after = kill_after;
    std::string ignored;
    EXPECT_THROW(killed.run(callbacks_of(&ignored)), Killed);
    saved = killed.saved;
  }
  FakeFit fit;
  configure(&fit);
  fit.run(callbacks_of(&outcome.later));
  outcome.history = fit.history.json();
  outcome.csv = read_text(folder + "/log.csv");
  outcome.later += fit.printed;
  outcome.weight = fit.weight();
  outcome.rate = fit.optimizer.learning_rate();
  saved.insert(saved.end(), fit.saved.begin(), fit.saved.end());
  // What was done between the last checkpoint and the end is done again.
  std::sort(saved.begin(), saved.end());
  saved.erase(std::unique(saved.begin(), saved.end()), saved.end());
  outcome.saved = names_of(saved);
  EXPECT_FALSE(fs::exists(folder + "/backup"));
  return outcome;
}

TEST(BackupAndRestore, EndsAsIfNothingHadHappened) {
  TemporaryFolder whole_folder;
  const Outcome whole = outcome_of(whole_folder.path(), -1, "epoch");
  EXPECT_NE(whole.later.find("early stopping"), std::string::npos) << whole.later;
  EXPECT_EQ(whole.weight, 21);  // the seventh epoch was the best
  for (const Frequency& save_freq :
       {Frequency("epoch"), Frequency(1), Frequency(2), Frequency(7)}) {
    for (const int64_t kill : {0, 1, 2, 3, 8, 13, 22, 29}) {
      TemporaryFolder folder;
      const Outcome resumed = outcome_of(folder.path(), kill, save_freq);
      EXPECT_EQ(resumed.history, whole.history) << kill;
      EXPECT_EQ(resumed.csv, whole.csv) << kill;
      EXPECT_TRUE(resumed == whole) << save_freq.batches() << " " << kill;
    }
  }
}

}  // namespace
}  // namespace cornu::train
