#pragma once

// Calls that this program makes of the system, and its allocations, fail when a test says so.

#include <cstdint>

namespace cornu::faults {

// Tells when it is time to fail: at call number `left`, counted down from there.
struct Countdown {
  int64_t left = -1;     // less than 0: never
  bool lasting = false;  // from that call on, not at that call alone
  int64_t calls = 0;     // made so far
  bool struck = false;   // that call was made

  bool due();
};

// Calls of the system: open, openat2, stat, fstat, read, pread, write, mmap, fsync, rename, close.
struct Fault : Countdown {
  int error = 0;
  bool short_calls = false;  // reading and writing move fewer bytes than asked, which is no error
  bool kills = false;        // the process, instead of an error
};

extern Fault fault;
// Allocations: operator new and, unless a sanitizer has it, malloc and its kin.
extern Countdown allocation;

}  // namespace cornu::faults
