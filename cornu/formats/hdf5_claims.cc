#include "cornu/formats/hdf5_claims.h"

#include <algorithm>
#include <bit>

#include "cornu/base/text.h"

namespace cornu::formats {

using base::Bytes;
using base::cat;

Hdf5Claims::Hdf5Claims(Bytes file)
    : file_(std::move(file)),
      budget_(file_.label(),
              {.bytes = (8 << 20) + file_.size() * 32, .objects = 4096 + file_.size() / 128}) {}

Bytes Hdf5Claims::claim(uint64_t offset, uint64_t size, const char* what) {
  const Bytes bytes = file_.at(offset, size, what);
  if (size > file_.size() - claimed_) bytes.fail(cat(what, " overlaps other parts of the file"));
  claimed_ += size;
  if (size > 0) claims_.push_back({offset, size});
  return bytes;
}

void Hdf5Claims::check_overlaps() {
  std::sort(claims_.begin(), claims_.end(),
            [](const Claim& a, const Claim& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < claims_.size(); ++i)
    if (claims_[i].offset - claims_[i - 1].offset < claims_[i - 1].size)
      file_.fail("two parts of the file overlap", claims_[i].offset);
}

uint32_t hdf5_checksum(std::span<const std::byte> data) {
  uint32_t a = 0xdeadbeef + static_cast<uint32_t>(data.size()), b = a, c = a;
  const auto add = [&](size_t at, size_t count) {
    uint32_t words[3] = {};
    for (size_t i = 0; i < count; ++i)
      words[i / 4] |= static_cast<uint32_t>(data[at + i]) << (8 * (i % 4));
    a += words[0], b += words[1], c += words[2];
  };
  const auto turn = [](uint32_t& x, uint32_t y, int by) { x ^= std::rotl(y, by); };
  size_t at = 0;
  for (; data.size() - at > 12; at += 12) {
    add(at, 12);
    a -= c, turn(a, c, 4), c += b, b -= a, turn(b, a, 6), a += c;
    c -= b, turn(c, b, 8), b += a, a -= c, turn(a, c, 16), c += b;
    b -= a, turn(b, a, 19), a += c, c -= b, turn(c, b, 4), b += a;
  }
  if (at == data.size()) return c;
  add(at, data.size() - at);
  const auto finish = [](uint32_t& x, uint32_t y, int by) { x = (x ^ y) - std::rotl(y, by); };
  finish(c, b, 14), finish(a, c, 11), finish(b, a, 25), finish(c, b, 16);
  finish(a, c, 4), finish(b, a, 14), finish(c, b, 24);
  return c;
}

Bytes claim_checked(Hdf5Claims* claims, uint64_t offset, uint64_t size, const char* what) {
  const Bytes& file = claims->file();
  const Bytes all = claims->claim(offset, base::checked_add(size, 4, file, what), what);
  const Bytes body = all.at(0, size, what);
  if (hdf5_checksum(body.span()) != all.u32(size, what))
    body.fail(cat("the checksum of ", what, " is wrong"));
  return body;
}

}  // namespace cornu::formats
