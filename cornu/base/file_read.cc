#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "cornu/base/block_source.h"
#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw IoError(cat("cannot read ", quoted(path), ": ", reason));
}

std::string reason_of(int error) { return std::generic_category().message(error); }

// Calls until it is not interrupted by a signal.
template <class F>
auto retry(F&& call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class FileBytes final : public BlockSource {
 public:
  FileBytes(std::string path, Descriptor file, uint64_t size)
      : BlockSource(std::move(path), size), file_(std::move(file)) {}

  // Straight from the file.
  void copy(uint64_t offset, std::span<std::byte> out) override { fill(offset, out); }

 private:
  void fill(uint64_t begin, std::span<std::byte> to) override {
    while (!to.empty()) {
      const auto got = retry(
          [&] { return ::pread(file_.get(), to.data(), to.size(), static_cast<off_t>(begin)); });
      if (got < 0) fail(label(), reason_of(errno));
      if (got == 0) fail(label(), "the file became shorter while it was read");
      begin += static_cast<uint64_t>(got);
      to = to.subspan(static_cast<size_t>(got));
    }
  }

  Descriptor file_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a directory";
  if (S_ISFIFO(mode)) return "it is a pipe";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is a device, not a regular file";
}

// Sparse files can be of any length.
constexpr int64_t kLargest = int64_t{1} << 40;
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// `alone`: the file may have no other name, which could be one outside the folder.
Bytes read_opened(Descriptor file, const std::string& path, bool alone = false) {
  if (file.get() < 0) {
    // What openat2 and O_NOFOLLOW say of a link.
    fail(path, errno == ELOOP || errno == EXDEV ? "links are not followed here" : reason_of(errno));
  }
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) fail(path, reason_of(errno));
  if (!S_ISREG(info.st_mode)) fail(path, kind_of(info.st_mode));
  if (alone && info.st_nlink > 1)
    fail(path, "it is a hard link to a file that has another name, too; copy it");
  if (info.st_size > kLargest) fail(path, cat("it has ", info.st_size, " bytes"));
  return Bytes(
      std::make_shared<FileBytes>(path, std::move(file), static_cast<uint64_t>(info.st_size)));
}

int open_beneath(int folder, const std::string& name) {
  open_how how = {};
  how.flags = kReadFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const auto fd = retry([&] {
    return static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how));
  });
  // Kernels before 5.6, and sandboxes that do not know the call. The name is plain, so refusing to
  // follow a link is all that is left to do.
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  return retry([&] { return ::openat(folder, name.c_str(), kReadFlags | O_NOFOLLOW); });
}

}  // namespace

Bytes read_file(const std::string& path) {
  if (path.find('\0') != path.npos) fail(path, "the path holds a NUL");
  return read_opened(Descriptor(retry([&] { return ::open(path.c_str(), kReadFlags); })), path);
}

Bytes read_in_folder(const std::string& folder, std::string_view name) {
  if (!is_plain_name(name))
    throw FormatError(cat("a file name must be plain, without folders. Received: ", quoted(name)));
  const Descriptor opened(
      retry([&] { return ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (opened.get() < 0) fail(folder, reason_of(errno));
  const std::string plain(name);
  return read_opened(Descriptor(open_beneath(opened.get(), plain)), cat(folder, "/", plain), true);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name == "." || name == ".." || !is_utf8(name))
    return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return c == '/' || c == '\\' || c == ':' || byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace cornu::base
