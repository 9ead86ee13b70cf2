#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"

namespace cornu::base {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw IoError(cat("cannot write ", quoted(path), ": ", reason));
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

// Two writers of one path, in this process or another, must not share a temporary file. A long name
// is cut, so that what is added to it fits too.
std::string temporary_name(const std::string& path) {
  constexpr size_t kLongest = 200;
  static std::atomic<uint64_t> count{0};
  const size_t name = path.rfind('/') + 1;  // npos + 1 == 0
  return cat(path.substr(0, name + kLongest), ".", ::getpid(), "-", ++count, ".tmp");
}

}  // namespace

bool file_exists(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0;
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
  temporary_ = temporary_name(path);
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
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
