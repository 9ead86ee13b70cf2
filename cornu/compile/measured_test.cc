#include "cornu/compile/measured.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"

namespace cornu::compile {
namespace {

using kernels::Call;
using kernels::Kernel;
using kernels::Prepared;
using kernels::Problem;

int runs = 0;

template <int kMicroseconds>
void wait(const Call&) noexcept {
  ++runs;
  std::this_thread::sleep_for(std::chrono::microseconds(kMicroseconds));
}
template <int kMicroseconds>
Prepared prepare(const Problem&) {
  Prepared prepared;
  prepared.run = wait<kMicroseconds>;
  return prepared;
}
bool all(const Problem&) { return true; }

const Kernel kSlow{"slow", all, prepare<3000>}, kFast{"fast", all, prepare<50>};

class MeasuredTest : public testing::Test {
 protected:
  void SetUp() override { runs = 0; }
  const Kernel* ask(Measured& measured, const Shape& shape = {2, 3}) {
    const ops::Op op = ops::Unary{ops::Unary::Fn::kTanh};
    const Problem problem{&op, {{shape}}, shape};
    const Kernel* const candidates[] = {&kSlow, &kFast};
    return measured.fastest(problem, candidates, reason_);
  }
  // Tests run side by side: a file for each process.
  std::string file(const std::string& text) {
    std::filesystem::remove(path_);
    if (!text.empty()) base::write_file_atomic(path_, text);
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string path_ = base::cat(testing::TempDir(), "/measured_", ::getpid(), ".json");
  std::shared_ptr<base::ThreadPool> one_ = std::make_shared<base::ThreadPool>(1);
  std::string reason_;
};

TEST_F(MeasuredTest, TakesTheFastestAndRemembersIt) {
  Measured measured(one_);
  EXPECT_FALSE(measured.changed());
  EXPECT_EQ(ask(measured), &kFast);
  EXPECT_NE(reason_.find("slow "), std::string::npos) << reason_;
  EXPECT_TRUE(measured.changed());
  const int before = runs;
  EXPECT_GT(before, 0);
  EXPECT_EQ(ask(measured), &kFast);
  EXPECT_EQ(reason_, "measured before");
  EXPECT_EQ(runs, before);
  ask(measured, {3, 2});
  EXPECT_GT(runs, before);
}

TEST_F(MeasuredTest, AFileKeepsChoicesOfThisMachineAndOthers) {
  const std::string path =
      file(R"({"format": "cornu plan", "choices": {"another machine": {"p": "slow"}}})");
  Measured first(one_);
  first.read(path);
  ask(first);
  first.write(path);
  const int before = runs;
  Measured second(one_);
  second.read(path);
  EXPECT_EQ(ask(second), &kFast);
  EXPECT_EQ(runs, before);
  EXPECT_FALSE(second.changed());
  EXPECT_NE(base::read_file(path).text().find(R"("another machine": {"p": "slow"})"),
            std::string::npos);
  // Two threads are another machine.
  Measured third(std::make_shared<base::ThreadPool>(2));
  third.read(path);
  ask(third);
  EXPECT_GT(runs, before);
}

TEST_F(MeasuredTest, AKernelThatIsNoMoreIsMeasuredAgain) {
  const std::string path = file("");
  Measured first(one_);
  first.read(path);  // not there
  ask(first);
  first.write(path);
  std::string text = base::read_file(path).text();
  text.replace(text.find("\"fast\""), 6, "\"gone\"");
  Measured second(one_);
  second.read(file(text));
  const int before = runs;
  EXPECT_EQ(ask(second), &kFast);
  EXPECT_GT(runs, before);
}

TEST_F(MeasuredTest, RefusesOtherFiles) {
  for (const char* text :
       {"{}", "[]", "no json", R"({"format": "keras"})", R"({"format": "cornu plan"})",
        R"({"format": "cornu plan", "choices": {"m": {"p": 1}}})"}) {
    const std::string path = file(text);
    Measured measured(one_);
    try {
      measured.read(path);
      FAIL() << text;
    } catch (const FormatError& e) {
      EXPECT_NE(std::string(e.what()).find(path), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace cornu::compile
