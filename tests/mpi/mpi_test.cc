// Several processes that train one model, started by mpirun through the program.

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cornu/cornu.h"
#include "tests/cli/program.h"

namespace cornu {
namespace {

using namespace cornu::testing;  // NOLINT

class MpiTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    set_random_seed(3);
    Sequential model({
        Input({.shape = {8, 8, 2}}),
        Conv2D({.filters = 4, .kernel_size = 3, .activation = "relu", .kernel_regularizer = "l2"}),
        BatchNormalization({.momentum = 0.8, .synchronized = true}),
        Dropout({.rate = 0.2}),
        Flatten(),
        Dense({.units = 3, .activation = "softmax"}),
    });
    model.compile({.optimizer = SGD({.learning_rate = 0.05, .momentum = 0.9}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    model.save(file("model.keras"));
    Tensor x(Shape{45, 8, 8, 2}), y(Shape{45});  // 5 batches of 8 and one of 5
    for (int64_t i = 0; i < x.size(); ++i) x.data()[i] = std::sin(static_cast<float>(i * i % 97));
    for (int64_t i = 0; i < 45; ++i) y.data()[i] = static_cast<float>(i * 7 % 3);
    save_npz(file("data.npz"), {{"x", x}, {"y", y}});
  }

  // `cornu fit` on so many processes; 0: without mpirun.
  Result fit(int processes, const std::string& output, const std::string& more = "") const {
    const std::string arguments =
        base::cat("fit '", file("model.keras"), "' --data '", file("data.npz"),
                  "' --batch-size 8 --epochs 3 --threads 1 --history '", file(output + ".json"),
                  "' --output '", file(output + ".keras"), "' ", more);
    if (processes == 0) return run(arguments);
    return run_command(base::cat("mpirun --allow-run-as-root --oversubscribe -n ", processes, " '",
                                 CORNU_BINARY_DIR, "/cornu' ", arguments));
  }
  // The youngest process of the program that has this word on its command line.
  static void kill_one_process(const std::string& word) {
    pid_t found = 0;
    for (const fs::directory_entry& e : fs::directory_iterator("/proc")) {
      std::ifstream in(e.path() / "cmdline");
      const std::string line{std::istreambuf_iterator<char>(in), {}};
      const auto pid = static_cast<pid_t>(std::atoi(e.path().filename().c_str()));
      if (pid > found && line.starts_with(CORNU_BINARY_DIR "/cornu") &&
          line.find(word) != std::string::npos)
        found = pid;
    }
    if (found > 0) kill(found, SIGKILL);
  }
  std::vector<Tensor> weights(const std::string& name) const {
    return load_model(file(name + ".keras")).get_weights();
  }
};

TEST_F(MpiTest, SeveralProcessesTrainWhatOneTrains) {
  ASSERT_EQ(fit(0, "alone").status, 0);
  const std::vector<Tensor> alone = weights("alone");
  const auto history = [&](const std::string& name) {
    std::ifstream in(file(name + ".json"));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return base::parse_json(text, name);
  };
  for (int processes : {1, 2, 4}) {
    const std::string name = base::cat("of", processes);
    const Result r = fit(processes, name);
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 7) << r.out;  // of one process
    const std::vector<Tensor> together = weights(name);
    for (size_t i = 0; i < alone.size(); ++i)
      for (int64_t k = 0; k < alone[i].size(); ++k)
        ASSERT_NEAR(together[i].data()[k], alone[i].data()[k], 1e-5) << processes;
    for (const char* key : {"loss", "accuracy"})
      for (size_t epoch = 0; epoch < 3; ++epoch)
        EXPECT_NEAR(history(name).at(key)[epoch].as_double(),
                    history("alone").at(key)[epoch].as_double(), 1e-5);
    ASSERT_EQ(fit(processes, "again").status, 0);
    const std::vector<Tensor> again = weights("again");
    for (size_t i = 0; i < again.size(); ++i)
      EXPECT_TRUE(std::equal(again[i].values().begin(), again[i].values().end(),
                             together[i].values().begin()))
          << processes;
  }
}

TEST_F(MpiTest, ABackupGoesOnWithEqualBits) {
  ASSERT_EQ(fit(2, "whole").status, 0);
  // A process that dies takes the others with it; the checkpoint stays whole.
  const std::string backup = base::cat("--backup '", file("b"), "' --backup-every 1");
  std::thread killer([&] {
    for (int i = 0; i < 500 && !fs::exists(file("b/latest.keras")); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill_one_process("cut.keras");
  });
  fit(2, "cut", backup);
  killer.join();
  if (fs::exists(file("b/latest.keras"))) {
    EXPECT_NO_THROW(load_model(file("b/latest.keras")));
  }
  if (!fs::exists(file("cut.keras"))) {
    ASSERT_EQ(fit(2, "cut", backup).status, 0);
  }
  const std::vector<Tensor> a = weights("whole"), b = weights("cut");
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::equal(a[i].values().begin(), a[i].values().end(), b[i].values().begin()));
}

TEST_F(MpiTest, AnErrorEndsAllProcesses) {
  const Result r = fit(2, "x", "--loss nonsense");
  EXPECT_NE(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("nonsense"));
}

}  // namespace
}  // namespace cornu
