// The calls themselves, which stand before the C library's, and a proof that they fail when told.

#include "tests/faults/faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <new>
#include <string>

#include "tests/support/count_allocations.h"

namespace cornu::faults {

Fault fault;
Countdown allocation;

bool Countdown::due() {
  ++calls;
  if (left < 0) return struck && lasting;
  if (left-- != 0) return false;
  return struck = true;
}

namespace {

bool fails() {
  if (!fault.due()) return false;
  if (fault.kills) ::raise(SIGKILL);
  errno = fault.error;
  return true;
}
size_t shortened(size_t size) { return fault.short_calls && size > 1 ? 1 + size / 3 : size; }

// The function that would have been called.
template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace cornu::faults

using cornu::faults::fails;
using cornu::faults::shortened;

extern "C" {

ssize_t write(int file, const void* data, size_t size) {
  return fails() ? -1 : ::syscall(SYS_write, file, data, shortened(size));
}
ssize_t read(int file, void* data, size_t size) {
  return fails() ? -1 : ::syscall(SYS_read, file, data, shortened(size));
}
ssize_t pread(int file, void* data, size_t size, off_t at) {
  return fails() ? -1 : ::syscall(SYS_pread64, file, data, shortened(size), at);
}
int fsync(int file) { return fails() ? -1 : static_cast<int>(::syscall(SYS_fsync, file)); }
int close(int file) {  // which is closed even when that fails
  const auto result = static_cast<int>(::syscall(SYS_close, file));
  return fails() ? -1 : result;
}
int rename(const char* from, const char* to) noexcept {
  return fails() ? -1 : static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
  va_end(list);
  return fails() ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int stat(const char* path, struct stat* info) noexcept {
  static const auto real = cornu::faults::next<int(const char*, struct stat*)>("stat");
  return fails() ? -1 : real(path, info);
}
int fstat(int file, struct stat* info) noexcept {
  static const auto real = cornu::faults::next<int(int, struct stat*)>("fstat");
  return fails() ? -1 : real(file, info);
}
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  if (fails()) return MAP_FAILED;
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, file, offset));
}
// openat2 has no function of its own. All six arguments are passed on, whether they were given or
// not.
__attribute__((no_sanitize_address)) long syscall(long number, ...) noexcept {
  static const auto real = cornu::faults::next<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2 && fails()) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"

// A sanitizer has its own malloc: there the operators fail.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

[[maybe_unused]] static const bool hooked = [] {
  allocation_fails = [] { return cornu::faults::allocation.due(); };
  return true;
}();

#else

// glibc's own, behind these names.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* p, size_t size);
void* __libc_memalign(size_t line, size_t size);

void* malloc(size_t size) {
  return cornu::faults::allocation.due() ? nullptr : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  return cornu::faults::allocation.due() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* p, size_t size) {
  return cornu::faults::allocation.due() ? nullptr : __libc_realloc(p, size);
}
void* aligned_alloc(size_t line, size_t size) {
  return cornu::faults::allocation.due() ? nullptr : __libc_memalign(line, size);
}
int posix_memalign(void** p, size_t line, size_t size) {
  if (cornu::faults::allocation.due()) return ENOMEM;
  *p = __libc_memalign(line, size);
  return *p ? 0 : ENOMEM;
}
}

#endif

namespace cornu::faults {
namespace {

TEST(Faults, CallsFailWhenTold) {
  fault = {};
  fault.left = 1;
  fault.error = EIO;
  const int first = ::open("/dev/null", O_RDONLY);
  const int second = ::open("/dev/null", O_RDONLY), error = errno;
  const int third = ::open("/dev/null", O_RDONLY);
  fault = {};
  EXPECT_GE(first, 0);
  EXPECT_EQ(second, -1);
  EXPECT_EQ(error, EIO);
  EXPECT_GE(third, 0);
  ::close(first);
  ::close(third);
}

TEST(Faults, AllocationsFailWhenTold) {
  const auto take = [](int64_t left, bool lasting) {
    std::string log;
    log.reserve(100);
    for (int i = 0; i < 5; ++i) {
      if (i == 0) allocation = {.left = left, .lasting = lasting};
      try {
        ::operator delete(::operator new(8));
        log += '.';
      } catch (const std::bad_alloc&) {
        log += 'x';
      }
    }
    allocation = {};
    return log;
  };
  EXPECT_EQ(take(2, false), "..x..");
  EXPECT_EQ(take(2, true), "..xxx");
  EXPECT_EQ(take(9, true), ".....");
}

}  // namespace
}  // namespace cornu::faults
