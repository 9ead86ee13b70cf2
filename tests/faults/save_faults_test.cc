// Every call that saving makes of the system fails in turn, with every likely error: what was there
// stays whole, nothing half-written is left behind, and the error names the file. And the process
// is killed before every call in turn: what was there stays whole.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"
#include "tests/faults/faults.h"

namespace cornu {
namespace {

using faults::fault;
using formats::testing_model::Folder;

std::string read(const std::string& path) { return base::read_file(path).text(); }

Sequential model_of(float value) {
  const Sequential model({Input({.shape = {30}}), Dense({.units = 40, .name = "d"})},
                         {.name = "s"});
  model.set_weights({Tensor::full({30, 40}, value), Tensor::full({40}, value)});
  return model;
}

size_t files_beside(const std::string& path) {
  const auto all = std::filesystem::directory_iterator(std::filesystem::path(path).parent_path());
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST(SaveFaults, EveryCallFailsInTurn) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential before = model_of(1), after = model_of(2);
  const std::string old_bytes = formats::keras_archive(before).text(),
                    new_bytes = formats::keras_archive(after).text();
  int64_t failures = 0;
  for (const bool there : {true, false})
    for (const int error : {EIO, ENOSPC, EINTR, EDQUOT, EMFILE, ESTALE, EACCES})
      for (int64_t at = 0;; ++at) {
        if (there) {
          before.save(path);
        } else {
          std::filesystem::remove(path);
        }
        fault = {{.left = at}, error};
        std::string message;
        try {
          after.save(path);
        } catch (const IoError& e) {
          message = e.what();
        }
        const bool hit = fault.struck;
        fault = {};
        if (!hit) {  // there are no more calls
          EXPECT_EQ(message, "");
          EXPECT_GE(at, 5);
          break;
        }
        if (message.empty()) {
          EXPECT_TRUE(read(path) == new_bytes);
        } else {
          ++failures;
          EXPECT_NE(message.find(path), std::string::npos) << message;
          // Only what comes after the file is in place may fail and leave the new one.
          const bool whole = base::file_exists(path)
                                 ? read(path) == new_bytes || (there && read(path) == old_bytes)
                                 : !there;
          EXPECT_TRUE(whole) << "call " << at << ", error " << error;
        }
        EXPECT_EQ(files_beside(path), base::file_exists(path) ? 1u : 0u);
      }
  EXPECT_GE(failures, 2 * 6 * 5);  // all but EINTR are errors
}

TEST(SaveFaults, KilledBeforeEveryCallInTurn) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential before = model_of(1), after = model_of(2);
  const std::string old_bytes = formats::keras_archive(before).text(),
                    new_bytes = formats::keras_archive(after).text();
  for (const bool short_calls : {false, true}) {
    bool over = false;
    int64_t kills = 0, left_behind = 0;
    for (; !over; ++kills) {
      before.save(path);
      EXPECT_EQ(files_beside(path), 1u);  // what the last kill left has gone
      const pid_t process = ::fork();
      ASSERT_GE(process, 0);
      if (process == 0) {
        fault = {{.left = kills}, 0, short_calls, true};
        after.save(path);
        ::_exit(0);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(process, &status, 0), process);
      over = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      ASSERT_TRUE(over || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
      const std::string found = read(path);
      EXPECT_TRUE(found == new_bytes || (!over && found == old_bytes)) << "call " << kills;
      left_behind += static_cast<int64_t>(files_beside(path)) - 1;
      EXPECT_LE(files_beside(path), 2u);
    }
    EXPECT_GE(kills, short_calls ? 20 : 5);
    EXPECT_GE(left_behind, short_calls ? 18 : 3);  // some kills came in the middle
  }
}

TEST(SaveFaults, ShortWritesAreNoErrors) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential model = model_of(3);
  fault = {{}, 0, true};
  model.save(path);
  EXPECT_GT(fault.calls, 20);
  fault = {};
  EXPECT_TRUE(read(path) == formats::keras_archive(model).text());
}

}  // namespace
}  // namespace cornu
