#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/base/budget.h"
#include "cornu/base/bytes.h"

namespace cornu::formats {

// A zip archive (.keras, .npz), read strictly: members stored or deflated, zip64, data descriptors.
// Opening checks the whole structure: the central directory alone says what there is, every local
// header must agree with it, members may not overlap, and names are unique and never leave the
// archive. Whatever is odd, encrypted, linked or split over disks is a FormatError.
class ZipReader {
 public:
  struct Entry {
    std::string name;
    uint16_t method = 0;  // 0 stored, 8 deflated
    uint16_t flags = 0;
    uint32_t crc = 0;
    uint64_t stored_size = 0;  // bytes in the archive
    uint64_t size = 0;         // bytes when unpacked
    uint64_t header = 0;       // offset of the local header
    uint64_t data = 0;         // offset of the member's bytes
  };

  explicit ZipReader(base::Bytes archive);

  // What unpacking one archive may take: 8 MiB and 32 times its size.
  base::Budget default_budget() const;

  // In the order of the central directory.
  std::span<const Entry> entries() const { return entries_; }
  // Null when there is no such member.
  const Entry* find(std::string_view name) const;
  // A member's bytes, whose size and CRC-32 are right. Stored members stay where they are; a
  // deflated one takes its size from `budget` first, and holds memory until it is released.
  base::Bytes read(const Entry& entry, base::Budget* budget) const;

 private:
  struct Directory;
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  uint64_t check_local_header(Entry* entry) const;
  uint64_t check_descriptor(const Entry& entry, uint64_t offset, bool zip64) const;

  base::Bytes archive_;
  std::vector<Entry> entries_;
};

// Why no member may have this name, "is empty"; null for one that may.
const char* refused_member_name(const std::string& name);

// Whether the bytes begin as a zip archive does.
bool is_zip(const base::Bytes& bytes);

}  // namespace cornu::formats
