// `cornu fit` and `cornu evaluate` from outside.

#include <cmath>
#include <csignal>
#include <map>

#include "cornu/cornu.h"
#include "cornu/model/network.h"
#include "tests/cli/program.h"

namespace cornu {
namespace {

using namespace cornu::testing;  // NOLINT

class TrainingTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    for (auto& [name, tensor] : load_npz(kCases + kRun + ".npz")) golden_.emplace(name, tensor);
    save_npz(file("data.npz"), {{"x", golden_.at("x")}, {"y", golden_.at("y")}});
  }
  std::string model() const { return "'" + kCases + kRun + ".keras'"; }
  std::string data() const { return " --data '" + file("data.npz") + "'"; }
  std::string to(const char* name) const { return " --output '" + file(name) + "'"; }
  std::string text(const std::string& name) const {
    std::ifstream in(file(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static constexpr const char* kRun = "train_opt_adam";
  std::map<std::string, Tensor> golden_;
};

TEST_F(TrainingTest, TrainsFromTheFileAlone) {
  const Result r = run(base::cat(
      "fit ", model(), data(), to("m.keras"), " --epochs 2 --batch-size 8 --no-shuffle --history '",
      file("h.json"), "' --plot '", file("c.svg"), "' --csv '", file("l.csv"), "'"));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_THAT(r.out, HasSubstr("seed: 0\nEpoch 1/2\n3/3 - "));
  EXPECT_THAT(r.out, HasSubstr(" - accuracy: "));
  const base::Json history = base::parse_json(text("h.json"), "h.json");
  for (const char* key : {"accuracy", "loss"}) {
    const Tensor& want = golden_.at(base::cat("history_", key));
    for (int64_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(history.at(key)[static_cast<size_t>(i)].as_double(), want.data()[i],
                  1e-4 * (1 + std::fabs(want.data()[i])));
  }
  EXPECT_THAT(text("c.svg"), HasSubstr("</svg>"));
  EXPECT_THAT(text("l.csv"), StartsWith("epoch,accuracy,loss,val_accuracy,val_loss\r\n0,"));

  // What was trained goes on where it stopped: evaluating says what Keras said.
  const Result measured =
      run(base::cat("evaluate '", file("m.keras"), "'", data(), " --batch-size 8 --json"));
  EXPECT_EQ(measured.status, 0) << measured.err;
  const base::Json values = base::parse_json(measured.out, "evaluate");
  const double loss = golden_.at("evaluate_loss").data()[0];
  EXPECT_NEAR(values.at("loss").as_double(), loss, 5e-4 * (1 + std::fabs(loss)));
  EXPECT_THAT(run(base::cat("evaluate '", file("m.keras"), "'", data())).out,
              HasSubstr("\naccuracy: "));
}

TEST_F(TrainingTest, TwiceOneEpochIsTwoEpochs) {
  const std::string options = " --batch-size 8 --no-shuffle --quiet";
  ASSERT_EQ(run(base::cat("fit ", model(), data(), to("two.keras"), " --epochs 2", options)).status,
            0);
  ASSERT_EQ(run(base::cat("fit ", model(), data(), to("one.keras"), " --epochs 1", options)).status,
            0);
  ASSERT_EQ(run(base::cat("fit '", file("one.keras"), "'", data(), to("more.keras"), " --epochs 1",
                          options))
                .status,
            0);
  const std::vector<Tensor> a = load_model(file("two.keras")).get_weights(),
                            b = load_model(file("more.keras")).get_weights();
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::equal(a[i].values().begin(), a[i].values().end(), b[i].values().begin()));
}

TEST_F(TrainingTest, FlagsReplaceWhatTheFileSays) {
  const Result r = run(base::cat("fit ", model(), data(), to("m.keras"),
                                 " --optimizer sgd --learning-rate 0.5 --loss "
                                 "sparse_categorical_crossentropy --metrics acc --json"));
  ASSERT_EQ(r.status, 0) << r.err;
  const base::Json history = base::parse_json(r.out, "history");
  EXPECT_TRUE(history.contains("loss"));
  EXPECT_TRUE(history.contains("acc"));
  const Optimizer optimizer = load_model(file("m.keras")).optimizer();
  EXPECT_EQ(optimizer.name(), "sgd");
  EXPECT_NEAR(optimizer.learning_rate(), 0.5, 1e-7);
}

TEST_F(TrainingTest, SaysOnceWhatAnOldOptimizerMeant) {
  const Model old = load_model(kCases + kRun + ".keras");
  old.network()->loaded_training =
      model::TrainingState{base::parse_json(R"({"optimizer": {"class_name": "SGD",
                                         "config": {"lr": 0.125, "decay": 0.001}},
                           "loss": "sparse_categorical_crossentropy"})",
                                            "a file"),
                           {}};
  old.save(file("old.keras"));
  const std::string fit = base::cat("fit '", file("old.keras"), "'", data(), to("m.keras"));
  const Result r = run(fit + " --json");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.err, StartsWith("warning: SGD: `decay` of Keras 2 is ignored"));
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  EXPECT_EQ(load_model(file("m.keras")).optimizer().learning_rate(), 0.125);
  EXPECT_EQ(run(fit + " --quiet").err, "");
  EXPECT_EQ(run(fit + " --optimizer adam").err, "");
  EXPECT_EQ(run(base::cat("fit '", file("m.keras"), "'", data(), to("n.keras"))).err, "");
}

TEST_F(TrainingTest, GoesOnAfterKillNine) {
  const std::string fit = base::cat("fit ", model(), data(), " --batch-size 2 --epochs 6 --quiet");
  ASSERT_EQ(run(fit + to("whole.keras")).status, 0);
  const std::string backup = base::cat(" --backup '", file("b"), "' --backup-every 1");
  int kills = 0;
  for (int i = 0; i < 100; ++i) {
    // `timeout` sends the signal after a little while, a different one each time.
    const std::string command =
        base::cat("timeout -s KILL 0.0", 3 + i % 6, " '", CORNU_BINARY_DIR, "/cornu' ", fit,
                  to("cut.keras"), backup, " > /dev/null 2> '", file("err"), "'");
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 137) << text("err");
    ++kills;
    if (fs::exists(file("b/latest.keras"))) {
      EXPECT_NO_THROW(load_model(file("b/latest.keras")));
    }
  }
  EXPECT_GT(kills, 0);
  if (!fs::exists(file("cut.keras"))) {
    ASSERT_EQ(run(fit + to("cut.keras") + backup).status, 0);
  }
  const std::vector<Tensor> a = load_model(file("whole.keras")).get_weights(),
                            b = load_model(file("cut.keras")).get_weights();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::equal(a[i].values().begin(), a[i].values().end(), b[i].values().begin()));
}

// A run is not lost when its end is.
TEST_F(TrainingTest, KeepsTheBackupUntilTheModelIsSaved) {
  const std::string fit =
      base::cat("fit ", model(), data(), " --batch-size 8 --epochs 2 --json --backup '", file("b"),
                "' --backup-every 2");
  fs::create_directory(file("taken.keras"));
  expect_error(fit + to("taken.keras"), {"taken.keras"});
  EXPECT_TRUE(fs::exists(file("b/latest.keras")));
  const Result again = run(fit + to("cut.keras"));
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_FALSE(fs::exists(file("b")));
  const Result whole = run(fit + to("whole.keras"));
  EXPECT_EQ(again.out, whole.out);
  EXPECT_EQ(text("cut.keras"), text("whole.keras"));
}

TEST_F(TrainingTest, SaysWhatIsWrongInOneLine) {
  expect_error(base::cat("fit ", model(), " --data /nowhere.npz", to("m.keras")), {"/nowhere.npz"});
  save_npz(file("odd.npz"), {{"x", golden_.at("x")}, {"z", golden_.at("y")}});
  expect_error(base::cat("fit ", model(), " --data '", file("odd.npz"), "'", to("m.keras")),
               {"odd.npz", "'z'"});
  save_npz(file("half.npz"), {{"x", golden_.at("x")}});
  expect_error(base::cat("evaluate ", model(), " --data '", file("half.npz"), "'"),
               {"half.npz", "`y`"});
  expect_error(base::cat("fit '", kCases, "conv2d_groups4.keras'", data(), to("m.keras")),
               {"conv2d_groups4.keras", "--loss"});
  expect_error(base::cat("fit ", model(), data(), to("m.keras"), " --loss nonsense"), {"nonsense"});
  expect_error(base::cat("fit ", model(), data(), to("m.keras"), " --validation-split 1.5 --quiet"),
               {"validation_split", "1.5"});
  Tensor labels = golden_.at("y");
  labels.data()[0] = 17;
  save_npz(file("high.npz"), {{"x", golden_.at("x")}, {"y", labels}});
  expect_error(
      base::cat("fit ", model(), " --data '", file("high.npz"), "'", to("m.keras"), " --quiet"),
      {"`y`", "17"});
  expect_error(base::cat("fit ", model(), data(), " --output /nowhere/m.keras --quiet"),
               {"/nowhere/m.keras"});
  EXPECT_FALSE(fs::exists(file("m.keras")));
}

}  // namespace
}  // namespace cornu
