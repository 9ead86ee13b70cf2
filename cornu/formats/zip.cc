#include "cornu/formats/zip.h"

#include <algorithm>
#include <optional>
#include <set>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"
#include "cornu/formats/crc32.h"
#include "cornu/formats/unpacked.h"

namespace cornu::formats {
namespace {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

constexpr uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr uint32_t kDescriptor = 0x08074b50;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint16_t kHasDescriptor = 1 << 3;
// Compression level hints, data descriptor, UTF-8 name: nothing else changes only how it is read.
constexpr uint16_t kKnownFlags = 0x0006 | kHasDescriptor | 1 << 11;
constexpr uint64_t kMostEntries = 100'000;
constexpr uint64_t kPiece = 1 << 17;  // stays in a near cache

// The 64-bit sizes and offset that the zip64 extra field (id 1) holds for those that are all ones.
void read_zip64(const Bytes& extra, std::initializer_list<uint64_t*> values) {
  const bool needed =
      std::any_of(values.begin(), values.end(), [](auto* v) { return *v == 0xffffffff; });
  if (!needed) return;
  ByteCursor c(extra);
  while (c.remaining() >= 4) {
    const uint16_t id = c.u16("an extra field");
    ByteCursor field(c.take(c.u16("an extra field"), "an extra field"));
    if (id != 1) continue;
    for (uint64_t* value : values)
      if (*value == 0xffffffff) *value = field.u64("a zip64 extra field");
    return;
  }
  extra.fail("a 64-bit size is missing");
}

void check_method(const ZipReader::Entry& entry, uint32_t external, const ByteCursor& at) {
  const auto refuse = [&](const std::string& why) { at.fail(cat(quoted(entry.name), " ", why)); };
  if (entry.flags & 0x2041) refuse("is encrypted");
  if (entry.flags & ~kKnownFlags) refuse(cat("has unknown flags ", entry.flags));
  if (entry.method != kStored && entry.method != kDeflated)
    refuse(cat("is packed by method ", entry.method, "; only stored and deflated are read"));
  if (entry.method == kStored && entry.stored_size != entry.size)
    refuse("is stored with two different sizes");
  // Deflate packs at most 1032 to 1.
  if (entry.size / 1032 > entry.stored_size) refuse("has a size its data cannot unpack to");
  constexpr uint32_t kFileKind = 0170000, kLink = 0120000;  // Unix modes
  if (((external >> 16) & kFileKind) == kLink) refuse("is a symbolic link");
  if (entry.name.ends_with('/') && entry.size != 0) refuse("is a folder with content");
}

}  // namespace

struct ZipReader::Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

const char* refused_member_name(const std::string& name) {
  if (name.empty()) return "is empty";
  if (!base::is_utf8(name)) return "is not UTF-8";
  if (name[0] == '/' || (name.size() > 1 && name[1] == ':')) return "is an absolute path";
  for (char c : name)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f || c == '\\')
      return "holds a backslash or a control character";
  // A folder's own entry ends in '/'.
  const std::string_view path = std::string_view(name).substr(0, name.size() - name.ends_with('/'));
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return "leaves its folder";
    start = end + 1;
  }
  return nullptr;
}

bool is_zip(const Bytes& bytes) {
  return bytes.size() >= 4 && bytes.u32(0, "a signature") == kLocalHeader;
}

ZipReader::ZipReader(Bytes archive) : archive_(std::move(archive)) {
  const Directory directory = find_directory();
  read_directory(directory);
  std::vector<Entry*> by_place;
  for (Entry& entry : entries_) by_place.push_back(&entry);
  std::sort(by_place.begin(), by_place.end(),
            [](const Entry* a, const Entry* b) { return a->header < b->header; });
  uint64_t free_from = 0;
  for (Entry* entry : by_place) {
    if (entry->header < free_from)
      archive_.fail(cat("the member ", quoted(entry->name), " overlaps another"), entry->header);
    free_from = check_local_header(entry);
    if (free_from > directory.offset)
      archive_.fail(cat("the member ", quoted(entry->name), " overlaps the directory"),
                    entry->header);
  }
}

// The end record is the last thing in the file, but for a comment of up to 64 KiB.
ZipReader::Directory ZipReader::find_directory() const {
  constexpr uint64_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56;
  const uint64_t size = archive_.size();
  std::optional<uint64_t> end;
  for (uint64_t back = kEndSize; !end && back <= std::min(size, kEndSize + 0xffff); ++back)
    if (archive_.u32(size - back, "the end record") == kEnd &&
        archive_.u16(size - back + 20, "the end record") == back - kEndSize)
      end = size - back;
  if (!end) archive_.fail("no zip directory at the end of the file; it is damaged or cut short");
  ByteCursor c(archive_);
  c.seek(*end + 4, "the end record");
  if (c.u16("the disk") != 0 || c.u16("the disk") != 0) c.fail("archives split over disks");
  const uint16_t entries_here = c.u16("the number of members");
  Directory d;
  d.entries = c.u16("the number of members");
  d.size = c.u32("the directory's size");
  d.offset = c.u32("the directory's offset");
  if (entries_here != d.entries) c.fail("archives split over disks");
  uint64_t directory_end = *end;
  if (*end >= kLocatorSize + kEnd64Size &&
      archive_.u32(*end - kLocatorSize, "the zip64 locator") == kEnd64Locator) {
    c.seek(*end - kLocatorSize + 4, "the zip64 locator");
    c.skip(4, "the zip64 locator");
    directory_end = c.u64("the zip64 locator");
    if (directory_end != *end - kLocatorSize - kEnd64Size)
      c.fail("the zip64 record is not where it should be");
    c.seek(directory_end, "the zip64 record");
    if (c.u32("the zip64 record") != kEnd64) c.fail("expected the zip64 record");
    c.skip(12, "the zip64 record");
    if (c.u64("the disks") != 0) c.fail("archives split over disks");
    const uint64_t members = c.u64("the number of members");
    const Directory d64{c.u64("the number of members"), c.u64("the directory's size"),
                        c.u64("the directory's offset")};
    const auto agrees = [](uint64_t small, uint64_t full, uint64_t saturated) {
      return small == saturated || small == full;
    };
    if (members != d64.entries || !agrees(d.entries, d64.entries, 0xffff) ||
        !agrees(d.size, d64.size, 0xffffffff) || !agrees(d.offset, d64.offset, 0xffffffff))
      c.fail("the end records disagree");
    d = d64;
  }
  if (d.offset > directory_end || d.size != directory_end - d.offset)
    archive_.fail("the directory is not where the end record says", *end);
  return d;
}

void ZipReader::read_directory(const Directory& directory) {
  constexpr uint64_t kHeaderSize = 46;
  ByteCursor c(archive_.at(directory.offset, directory.size, "the directory"));
  if (directory.entries > std::min(kMostEntries, directory.size / kHeaderSize))
    c.fail(cat("a directory of ", directory.entries, " members is too large"));
  std::set<std::string_view> names;
  entries_.reserve(directory.entries);
  for (uint64_t i = 0; i < directory.entries; ++i) {
    if (c.u32("a directory entry") != kCentralHeader) c.fail("expected a directory entry");
    c.skip(4, "a directory entry");  // versions
    Entry entry;
    entry.flags = c.u16("a directory entry");
    entry.method = c.u16("a directory entry");
    c.skip(4, "a directory entry");  // time and date
    entry.crc = c.u32("a directory entry");
    entry.stored_size = c.u32("a directory entry");
    entry.size = c.u32("a directory entry");
    const uint16_t name_size = c.u16("a directory entry");
    const uint16_t extra_size = c.u16("a directory entry");
    const uint16_t comment_size = c.u16("a directory entry");
    if (c.u16("a directory entry") != 0) c.fail("archives split over disks");
    c.skip(2, "a directory entry");  // internal attributes
    const uint32_t external = c.u32("a directory entry");
    entry.header = c.u32("a directory entry");
    entry.name = c.take(name_size, "a member name").text();
    if (const char* why = refused_member_name(entry.name))
      c.fail(cat("the member name ", quoted(entry.name), " ", why));
    read_zip64(c.take(extra_size, "an extra field"),
               {&entry.size, &entry.stored_size, &entry.header});
    c.skip(comment_size, "a comment");
    check_method(entry, external, c);
    entries_.push_back(std::move(entry));
    if (!names.insert(entries_.back().name).second)
      c.fail(cat("two members are named ", quoted(entries_.back().name)));
  }
  if (!c.at_end()) c.fail("the directory is longer than its members");
}

// Finds where the member's bytes start, and checks that the two headers say the same. Returns where
// the member ends.
uint64_t ZipReader::check_local_header(Entry* entry) const {
  ByteCursor c(archive_);
  c.seek(entry->header, "a local header");
  const auto refuse = [&](const char* what) {
    c.fail(cat("the two headers of ", quoted(entry->name), " differ in their ", what));
  };
  if (c.u32("a local header") != kLocalHeader) c.fail("expected a local header");
  c.skip(2, "a local header");  // version
  if (c.u16("a local header") != entry->flags) refuse("flags");
  if (c.u16("a local header") != entry->method) refuse("method");
  c.skip(4, "a local header");  // time and date
  const uint32_t crc = c.u32("a local header");
  uint64_t stored_size = c.u32("a local header");
  uint64_t size = c.u32("a local header");
  const uint16_t name_size = c.u16("a local header");
  const uint16_t extra_size = c.u16("a local header");
  if (c.take(name_size, "a member name").text() != entry->name) refuse("name");
  const bool zip64 = size == 0xffffffff || stored_size == 0xffffffff;
  read_zip64(c.take(extra_size, "an extra field"), {&size, &stored_size});
  entry->data = c.position();
  c.skip(entry->stored_size, "a member's data");
  // With a descriptor behind the data the header may leave these at zero.
  const bool later = (entry->flags & kHasDescriptor) != 0;
  const auto same = [later](uint64_t local, uint64_t central) {
    return local == central || (later && local == 0);
  };
  if (!same(crc, entry->crc)) refuse("CRC-32");
  if (!same(stored_size, entry->stored_size) || !same(size, entry->size)) refuse("sizes");
  return later ? check_descriptor(*entry, c.position(), zip64) : c.position();
}

// CRC-32 and the two sizes, with or without a signature, the sizes of 4 or 8 bytes.
uint64_t ZipReader::check_descriptor(const Entry& entry, uint64_t offset, bool zip64) const {
  const bool wide = zip64 || entry.size > 0xffffffff || entry.stored_size > 0xffffffff;
  for (const bool with_signature : {true, false}) {
    ByteCursor c(archive_);
    c.seek(offset, "a data descriptor");
    if (with_signature && c.u32("a data descriptor") != kDescriptor) continue;
    const auto size = [&] {
      return wide ? c.u64("a data descriptor") : c.u32("a data descriptor");
    };
    if (c.u32("a data descriptor") == entry.crc && size() == entry.stored_size &&
        size() == entry.size)
      return c.position();
  }
  archive_.fail(cat("the data descriptor of ", quoted(entry.name), " differs from its header"),
                offset);
}

const ZipReader::Entry* ZipReader::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

base::Budget ZipReader::default_budget() const {
  return {archive_.label(), {.bytes = (8 << 20) + 32 * archive_.size(), .objects = kMostEntries}};
}

Bytes ZipReader::read(const Entry& entry, base::Budget* budget) const {
  const Bytes data = archive_.at(entry.data, entry.stored_size, "a member's data");
  Bytes whole = data;
  if (entry.method == kDeflated) {
    budget->charge_bytes(entry.size, "unpacked members");
    whole = unpacked(data, entry.size, entry.name);
  }
  uint32_t crc = 0;
  std::vector<std::byte> room(entry.method == kStored ? std::min(kPiece, whole.size()) : 0);
  for (uint64_t done = 0; done < whole.size(); done += kPiece) {
    const Bytes piece = whole.at(done, std::min(kPiece, whole.size() - done), "a member's data");
    std::span<const std::byte> bytes;
    if (entry.method == kStored) {
      piece.copy_to(std::span(room).first(piece.size()));
      bytes = room;
    } else {
      bytes = piece.span();  // stays: making it again is dear
    }
    crc = crc32(crc, bytes.first(piece.size()));
  }
  if (crc != entry.crc)
    data.fail(cat("the CRC-32 of ", quoted(entry.name), " is wrong: the file is damaged"));
  return whole;
}

}  // namespace cornu::formats
