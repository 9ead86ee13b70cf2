#pragma once

#include <vector>

#include "cornu/base/budget.h"
#include "cornu/base/bytes.h"

namespace cornu::formats {

// The parts of a file that have been read. Every structure is read through here once: together
// they cannot be longer than the file, so that overlapping structures can neither multiply work
// nor memory.
class Hdf5Claims {
 public:
  explicit Hdf5Claims(base::Bytes file);

  const base::Bytes& file() const { return file_; }
  // The range, which must lie in the file. FormatError when more is claimed than there is.
  base::Bytes claim(uint64_t offset, uint64_t size, const char* what);
  // One group, dataset, attribute or link.
  void charge_object() { budget_.charge_objects(1, "groups, datasets and attributes"); }
  // What data takes when it is unpacked: of the whole file 8 MiB and 32 times its size.
  void charge_unpacked(uint64_t bytes) { budget_.charge_bytes(bytes, "unpacked data"); }
  // FormatError when two ranges share a byte.
  void check_overlaps();

 private:
  struct Claim {
    uint64_t offset, size;
  };
  const base::Bytes file_;
  base::Budget budget_;
  std::vector<Claim> claims_;
  uint64_t claimed_ = 0;
};

// Bob Jenkins's hash "lookup3" (public domain), with which newer structures check themselves.
uint32_t hdf5_checksum(std::span<const std::byte> data);

// The bytes [offset, offset + size + 4) without the four of their checksum, which must be right.
base::Bytes claim_checked(Hdf5Claims* claims, uint64_t offset, uint64_t size, const char* what);

}  // namespace cornu::formats
