#include "cornu/formats/hdf5_header.h"

#include <algorithm>

#include "cornu/base/text.h"

namespace cornu::formats {
namespace {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

class HeaderReader {
 public:
  HeaderReader(Hdf5Claims* claims, const std::string& path) : claims_(*claims), path_(path) {}

  Hdf5Header read(uint64_t address) {
    const Bytes start = claims_.file().at(address, 4, "an object header");
    if (start.text() == "OHDR") {
      read_version2(address);
    } else {
      read_version1(address);
    }
    finish(start);
    return std::move(header_);
  }

 private:
  static constexpr uint64_t kMostBlocks = 1 << 16;

  void read_version1(uint64_t address);
  void read_version2(uint64_t address);
  void message(int type, uint8_t flags, const Bytes& body);
  void link(const Bytes& body);
  void finish(const Bytes& start);

  Hdf5Claims& claims_;
  const std::string& path_;
  Hdf5Header header_;
  std::vector<std::pair<uint64_t, uint64_t>> continuations_;  // still to be read
};

void HeaderReader::read_version1(uint64_t address) {
  constexpr uint64_t kPrefix = 16, kMessagePrefix = 8;
  constexpr const char* kContinuation = "a continuation of an object header";
  ByteCursor c(claims_.file().at(address, kPrefix, "an object header"));
  if (c.u8("an object header") != 1) c.fail("expected an object header");
  c.skip(1, "an object header");
  const uint16_t expected = c.u16("the number of messages");
  if (c.u32("the reference count") != 1) c.fail(cat(path_, " is linked more than once"));
  const uint64_t size = c.u32("an object header's size");
  ByteCursor block(
      claims_.claim(address, kPrefix + size, "an object header").at(kPrefix, size, "a header"));
  for (uint32_t count = 0;;) {
    while (block.remaining() >= kMessagePrefix) {
      const uint16_t type = block.u16("a message");
      const uint16_t body = block.u16("a message");
      const uint8_t flags = block.u8("a message");
      block.skip(3, "a message");
      if (body % 8 != 0) block.fail("a message whose size is no multiple of 8");
      if (++count > expected) block.fail("more messages in an object header than it says");
      message(type, flags, block.take(body, "a message"));
    }
    if (continuations_.empty()) {
      if (count != expected) c.fail("fewer messages in an object header than it says");
      return;
    }
    const auto [offset, length] = continuations_.front();
    continuations_.erase(continuations_.begin());
    block = ByteCursor(claims_.claim(offset, length, kContinuation));
  }
}

// "OHDR" and each "OCHK" end with a checksum of all before it.
void HeaderReader::read_version2(uint64_t address) {
  constexpr const char* kWhat = "an object header";
  constexpr uint8_t kTimes = 0x20, kPhases = 0x10, kOrdered = 0x04;
  const Bytes start = claims_.file().at(address, 6, kWhat);
  if (start.u8(4, kWhat) != 2) start.fail("an object header of an unknown version");
  const uint8_t flags = start.u8(5, kWhat);
  const uint64_t fixed = 6 + (flags & kTimes ? 16 : 0) + (flags & kPhases ? 4 : 0);
  const uint64_t width = 1ull << (flags & 3);
  uint64_t size = 0;
  const Bytes length = claims_.file().at(address + fixed, width, kWhat);
  for (uint64_t i = width; i-- > 0;) size = size << 8 | length.u8(i, kWhat);
  size = base::checked_add(size, fixed + width, claims_.file(), kWhat);
  ByteCursor block(claim_checked(&claims_, address, size, kWhat));
  block.skip(fixed + width, kWhat);
  const uint64_t prefix = flags & kOrdered ? 6 : 4;
  for (;;) {
    while (block.remaining() >= prefix) {
      const uint8_t type = block.u8("a message");
      const uint16_t body = block.u16("a message");
      const uint8_t message_flags = block.u8("a message");
      block.skip(prefix - 4, "a message");
      message(type, message_flags, block.take(body, "a message"));
    }
    if (continuations_.empty()) return;
    const auto [offset, bytes] = continuations_.front();
    continuations_.erase(continuations_.begin());
    if (bytes < 8) start.fail("a continuation of an object header that is too short");
    block = ByteCursor(claim_checked(&claims_, offset, bytes - 4, "a continuation"));
    block.expect("OCHK", "a continuation of an object header");
  }
}

void HeaderReader::message(int type, uint8_t flags, const Bytes& body) {
  const auto set = [&](auto* field, auto value, const char* what) {
    if (*field) body.fail(cat("an object with two ", what));
    *field = std::move(value);
  };
  const auto refuse = [&](const char* what) { body.fail(cat(path_, ": ", what, " are not read")); };
  const auto need_none = [&](uint64_t at, const char* what) {
    if (body.u64(at, what) != kHdf5Undefined) refuse(what);
  };
  if (flags & 2) body.fail("shared messages are not read");
  switch (type) {
    case 0x00:  // nothing: free space
    case 0x04:
    case 0x05:  // fill values
    case 0x0a:  // when a group changes its style
    case 0x0d:  // comment
    case 0x0e:
    case 0x12:  // modification times
      return;
    case 0x01:
      return set(&header_.shape, parse_hdf5_space(body), "shapes");
    case 0x02: {  // a group of the new style; many links lie outside its header
      need_none(body.u8(1, "a group") & 1 ? 10 : 2, "large groups of the new style");
      if (!header_.links) header_.links.emplace();
      return;
    }
    case 0x03:
      return set(&header_.type, parse_hdf5_type(body), "data types");
    case 0x06:
      return link(body);
    case 0x07:
      return refuse("external data files");
    case 0x08:
      return set(&header_.layout, parse_hdf5_layout(body), "data layouts");
    case 0x0b:
      if (!header_.filters.empty()) body.fail("an object with two lists of filters");
      header_.filters = parse_hdf5_filters(body);
      return;
    case 0x0c:
      claims_.charge_object();
      header_.attributes.push_back(parse_hdf5_attribute(body));
      return;
    case 0x0f:
      return refuse("tables of shared messages");
    case 0x10:
      if (continuations_.size() >= kMostBlocks) refuse("headers of so many parts");
      continuations_.emplace_back(body.u64(0, "a continuation"), body.u64(8, "a continuation"));
      return;
    case 0x11:
      return set(&header_.table,
                 Hdf5Header::Table{body.u64(0, "a symbol table"), body.u64(8, "a symbol table")},
                 "symbol tables");
    case 0x15:  // how attributes are kept
      return need_none(body.u8(1, "attributes") & 1 ? 4 : 2, "densely stored attributes");
    case 0x16:
      if (body.u32(1, "the reference count") != 1)
        body.fail(cat(path_, " is linked more than once"));
      return;
    default:
      body.fail(cat("an object header message of the unknown type ", type));
  }
}

void HeaderReader::link(const Bytes& body) {
  constexpr const char* kWhat = "a link";
  ByteCursor c(body);
  c.expect_u8(1, "a link's version");
  const uint8_t flags = c.u8(kWhat);
  const uint8_t kind = flags & 0x08 ? c.u8(kWhat) : 0;
  if (kind == 1) c.fail("soft links are not read");
  if (kind == 64) c.fail("external links are not read: they lead to other files");
  if (kind != 0) c.fail(cat("a link of the unknown kind ", int{kind}));
  if (flags & 0x04) c.skip(8, kWhat);  // its place in the order of creation
  if (flags & 0x10) c.skip(1, kWhat);  // character set: UTF-8 covers both
  uint64_t length = 0;
  for (int i = 0; i < 1 << (flags & 3); ++i) length |= uint64_t{c.u8(kWhat)} << (8 * i);
  std::string name = c.take(length, "a link's name").text();
  check_hdf5_name(name, body);
  if (name.find('/') != name.npos) c.fail(cat("a link's name with a slash: ", quoted(name)));
  claims_.charge_object();
  if (!header_.links) header_.links.emplace();
  header_.links->push_back({std::move(name), c.u64(kWhat)});
}

void HeaderReader::finish(const Bytes& start) {
  const auto check = [&](auto& list, const char* what) {
    std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.name < b.name; });
    const auto twice = std::adjacent_find(list.begin(), list.end(),
                                          [](auto& a, auto& b) { return a.name == b.name; });
    if (twice != list.end()) start.fail(cat("two ", what, " are named ", quoted(twice->name)));
  };
  check(header_.attributes, "attributes");
  if (header_.links) check(*header_.links, "links");
}

}  // namespace

Hdf5Header read_hdf5_header(Hdf5Claims* claims, uint64_t address, const std::string& path) {
  return HeaderReader(claims, path).read(address);
}

}  // namespace cornu::formats
