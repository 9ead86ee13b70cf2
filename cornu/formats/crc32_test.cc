#include "cornu/formats/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <vector>

namespace cornu::formats {
namespace {

TEST(Crc32, IsZlibs) {
  std::vector<std::byte> bytes(3000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i / 7 + i);
  const auto zlibs = [](uint32_t crc, std::span<const std::byte> data) {
    return static_cast<uint32_t>(
        ::crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
  };
  EXPECT_EQ(crc32(0, {}), 0u);
  for (size_t size = 1; size < 700; ++size) {
    const auto data = std::span(bytes).subspan(size % 17, size);
    EXPECT_EQ(crc32(0, data), zlibs(0, data)) << size;
    EXPECT_EQ(crc32(0x89abcdef, data), zlibs(0x89abcdef, data)) << size;
  }
  // In pieces of any size, an empty one among them.
  const uint32_t whole = zlibs(0, bytes);
  for (const size_t piece : {1, 63, 64, 127, 128, 129, 1000}) {
    uint32_t crc = crc32(crc32(0, {}), {});
    for (size_t done = 0; done < bytes.size(); done += piece)
      crc = crc32(crc32(crc, std::span(bytes).subspan(done, std::min(piece, bytes.size() - done))),
                  {});
    EXPECT_EQ(crc, whole) << piece;
  }
}

}  // namespace
}  // namespace cornu::formats
