#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <vector>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"

namespace cornu::base {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw IoError(cat("cannot write ", base::quoted(path), ": ", reason));
}
[[noreturn]] void fail(const std::string& path) {
  fail(path, std::generic_category().message(errno));
}

// Makes a rename survive a power cut. Some file systems know no fsync of a folder.
void sync_folder(const std::string& path) {
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail(path);
  const bool done = ::fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP;
  const int error = errno;
  ::close(folder);
  errno = error;
  if (!done) fail(path);
}

// What the temporary names of a path begin with. A long name is cut, so that what is added to it
// fits too.
std::string temporary_stem(const std::string& path) {
  constexpr size_t kLongest = 200;
  const size_t name = path.rfind('/') + 1;  // npos + 1 == 0
  return path.substr(0, name + kLongest) + ".";
}

// Two writers of one path, in this process or another, must not share a temporary file.
std::string temporary_name(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  return cat(temporary_stem(path), ::getpid(), "-", ++count, ".tmp");
}

// Whether temporary_name() adds such a text to its stem.
bool is_temporary_suffix(std::string_view text) {
  const auto digits = [&text] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (!digits() || !text.starts_with('-')) return false;
  text.remove_prefix(1);
  return digits() && text == ".tmp";
}

// A writer holds the lock of its file as long as it lives.
bool lock(int file, int how) {
  while (::flock(file, LOCK_EX | how) != 0)
    if (errno != EINTR) return false;
  return true;
}

// Makes a temporary file, and locks it where the file system can.
int make_temporary(const std::string& path, std::string* name) {
  for (;;) {
    *name = temporary_name(path);
    const int file =
        ::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0 && errno == EEXIST) continue;  // such numbers come again
    struct stat info = {};
    // Who removes unfinished files may have come before the lock.
    if (file < 0 || !lock(file, 0) || ::fstat(file, &info) != 0 || info.st_nlink > 0) return file;
    ::close(file);
  }
}

void remove_if_unfinished(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return;
  struct stat info = {};
  if (::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && lock(file, LOCK_NB))
    ::unlink(path.c_str());
  ::close(file);
}

}  // namespace

bool file_exists(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0;
}

void remove_unfinished(const std::string& path) {
  const std::string stem = temporary_stem(path), folder = folder_of(path);
  const std::string_view begin = std::string_view(stem).substr(path.rfind('/') + 1);
  std::vector<std::string> found;
  // Not std::filesystem's iterator: libstdc++'s ends the process where it finds no memory.
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(begin) && is_temporary_suffix(name.substr(begin.size())))
      found.push_back(cat(folder, "/", name));
  }
  for (const std::string& file : found) remove_if_unfinished(file);
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  if (path.empty() || path.find('\0') != path.npos) fail(path, "it is not a file's name");
  mode_t mode = 0;
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0) {
    // Renaming over a device would replace it.
    if (!S_ISREG(info.st_mode)) fail(path, "it is there already and is not a regular file");
    mode = info.st_mode & 07777;
  }
  remove_unfinished(path);
  file_ = make_temporary(path, &temporary_);
  if (file_ < 0) fail(path);
  // A replaced file keeps its permissions; failing to is no reason not to save.
  if (mode != 0 && ::fchmod(file_, mode) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t put = ::write(file_, data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path_);
    data = data.subspan(static_cast<size_t>(put));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail(path_);
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0) fail(path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_);
  temporary_.clear();
  sync_folder(path_);
}

void write_file_atomic(const std::string& path, std::span<const std::byte> data) {
  AtomicFile file(path);
  file.write(data);
  file.commit();
}

}  // namespace cornu::base
