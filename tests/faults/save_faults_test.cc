// Every call that saving makes of the system fails in turn, with every likely error: what was there
// stays whole, nothing half-written is left behind, and the error names the file. And the process
// is killed before every call in turn: what was there stays whole.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <filesystem>

#include "cornu/base/file.h"
#include "cornu/cornu.h"
#include "cornu/formats/model_test_util.h"
#include "cornu/formats/save.h"

namespace {

// What is to go wrong: the call number `left`, counted down. Short writes are no errors.
struct Fault {
  int64_t left = -1;  // none
  int error = 0;
  bool short_writes = false;
  int64_t calls = 0;
  bool kills = false;  // instead of an error
};
Fault fault;

bool fails() {
  ++fault.calls;
  if (fault.left < 0 || fault.left-- != 0) return false;
  if (fault.kills) ::raise(SIGKILL);
  errno = fault.error;
  return true;
}

}  // namespace

// These stand before the C library's.
extern "C" {
ssize_t write(int file, const void* data, size_t size) {
  if (fails()) return -1;
  if (fault.short_writes && size > 1) size = 1 + size / 3;
  return ::syscall(SYS_write, file, data, size);
}
int fsync(int file) { return fails() ? -1 : static_cast<int>(::syscall(SYS_fsync, file)); }
int rename(const char* from, const char* to) {
  return fails() ? -1 : static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
  va_end(list);
  return fails() ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
}

namespace cornu {
namespace {

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
        fault = {at, error, false, 0};
        std::string message;
        try {
          after.save(path);
        } catch (const IoError& e) {
          message = e.what();
        }
        const bool hit = fault.left < 0;
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
  for (const bool short_writes : {false, true}) {
    bool over = false;
    int64_t kills = 0, left_behind = 0;
    for (; !over; ++kills) {
      before.save(path);
      EXPECT_EQ(files_beside(path), 1u);  // what the last kill left has gone
      const pid_t process = ::fork();
      ASSERT_GE(process, 0);
      if (process == 0) {
        fault = {.left = kills, .short_writes = short_writes, .kills = true};
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
    EXPECT_GE(kills, short_writes ? 20 : 5);
    EXPECT_GE(left_behind, short_writes ? 18 : 3);  // some kills came in the middle
  }
}

TEST(SaveFaults, ShortWritesAreNoErrors) {
  const Folder folder;
  const std::string path = folder.path("m.keras");
  const Sequential model = model_of(3);
  fault = {-1, 0, true, 0};
  model.save(path);
  EXPECT_GT(fault.calls, 20);
  fault = {};
  EXPECT_TRUE(read(path) == formats::keras_archive(model).text());
}

}  // namespace
}  // namespace cornu
