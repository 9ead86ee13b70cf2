#pragma once

// Runs the program from outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cornu/base/text.h"

namespace cornu::testing {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

inline const std::string kCases = CORNU_SOURCE_DIR "/tests/golden/cases/";

struct Result {
  int status;
  std::string out, err;
};

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              base::cat("cornu-cli-", getpid(), "-",
                        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  // `arguments` are words of a shell.
  Result run(const std::string& arguments) const {
    return run_command(base::cat("'", CORNU_BINARY_DIR, "/cornu' ", arguments));
  }

  Result run_command(const std::string& command) const {
    FILE* pipe = popen(base::cat(command, " 2> '", file("stderr"), "'").c_str(), "r");
    Result r{-1, "", ""};
    std::array<char, 4096> buffer;
    while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe))
      r.out.append(buffer.data(), n);
    const int status = pclose(pipe);
    r.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ifstream err(file("stderr"));
    r.err.assign(std::istreambuf_iterator<char>(err), {});
    return r;
  }

  // One clear line on standard error, exit 1, nothing on standard output.
  void expect_error(const std::string& arguments, const std::vector<std::string>& fragments) {
    const Result r = run(arguments);
    EXPECT_EQ(r.status, 1) << arguments << "\n" << r.err;
    EXPECT_EQ(r.out, "");
    EXPECT_THAT(r.err, StartsWith("cornu: "));
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(r.err, HasSubstr(fragment));
  }

  fs::path folder_;
};

}  // namespace cornu::testing
