#pragma once

// Counts the allocations of a whole test program, to see that something makes none, and lets them
// fail. To be included by one file of a program only: it replaces operator new.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {
std::atomic<int64_t> allocations{0};
bool (*allocation_fails)() = nullptr;  // asked each time, where it is given
}  // namespace
// NOLINTBEGIN: the replaceable functions of the language, all of them, as each may be paired with
// any
#define CORNU_REPLACED __attribute__((noinline))
CORNU_REPLACED void* operator new(size_t size, std::align_val_t line,
                                  const std::nothrow_t&) noexcept {
  ++allocations;
  if (allocation_fails && allocation_fails()) return nullptr;
  const auto step = std::max(static_cast<size_t>(line), sizeof(void*));
  return std::aligned_alloc(step, (std::max<size_t>(size, 1) + step - 1) / step * step);
}
CORNU_REPLACED void* operator new(size_t size, std::align_val_t line) {
  if (void* p = operator new(size, line, std::nothrow)) return p;
  throw std::bad_alloc();
}
CORNU_REPLACED void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return operator new (size, std::align_val_t{alignof(std::max_align_t)}, std::nothrow);
}
CORNU_REPLACED void* operator new(size_t size) {
  return operator new (size, std::align_val_t{alignof(std::max_align_t)});
}
CORNU_REPLACED void operator delete(void* p) noexcept { std::free(p); }
CORNU_REPLACED void operator delete(void* p, size_t) noexcept { std::free(p); }
CORNU_REPLACED void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
CORNU_REPLACED void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
CORNU_REPLACED void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
CORNU_REPLACED void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(p);
}
// NOLINTEND
