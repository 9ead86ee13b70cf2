#include "cornu/formats/zip_writer.h"

#include "cornu/base/utf8.h"
#include "cornu/formats/crc32.h"

namespace cornu::formats {
namespace {

constexpr uint64_t kDate = 0x00210000;              // 1980-01-01, 00:00, as DOS has it
constexpr uint64_t kAttributes = 0x01800000;        // rw------- of Unix
constexpr uint64_t kTooBig = 0xffffffff;            // the number is in the zip64 field
constexpr uint64_t kVersion = 20, kVersion64 = 45;  // needed to read it
constexpr uint64_t kUtf8 = 1 << 11;                 // flag: so the name is written
constexpr uint64_t kUnix = 3 << 8;                  // made there

uint32_t crc_of(const Content& content) {
  uint32_t crc = 0;
  content.each([&](std::span<const std::byte> bytes) { crc = crc32(crc, bytes); });
  return crc;
}

// Writes one archive from front to back.
class Writer {
 public:
  explicit Writer(uint64_t zip64_from) : zip64_from_(zip64_from) {}

  void member(ZipMember m) {
    const uint64_t size = m.content.size(), offset = archive_.size();
    const bool big = size >= zip64_from_, far = offset >= zip64_from_;
    std::string common;  // of both headers: flags to sizes
    put_number(&common, base::is_ascii(m.name) ? 0 : kUtf8, 2);
    put_number(&common, 0, 2);  // stored
    put_number(&common, kDate, 4);
    put_number(&common, crc_of(m.content), 4);
    put_number(&common, big ? kTooBig : size, 4);
    put_number(&common, big ? kTooBig : size, 4);
    put_number(&common, m.name.size(), 2);

    const std::string sizes = zip64_extra(big ? std::vector{size, size} : std::vector<uint64_t>{});
    std::string header = "PK\x03\x04";
    put_number(&header, big ? kVersion64 : kVersion, 2);
    header += common;
    put_number(&header, sizes.size(), 2);
    archive_.add(header + m.name + sizes);
    archive_.add(std::move(m.content));

    std::vector<uint64_t> large;
    if (big) large = {size, size};
    if (far) large.push_back(offset);
    const std::string extra = zip64_extra(large);
    const uint64_t version = large.empty() ? kVersion : kVersion64;
    directory_ += "PK\x01\x02";
    put_number(&directory_, kUnix | version, 2);
    put_number(&directory_, version, 2);
    directory_ += common;
    put_number(&directory_, extra.size(), 2);
    put_number(&directory_, 0, 6);  // comment, disk, internal attributes
    put_number(&directory_, kAttributes, 4);
    put_number(&directory_, far ? kTooBig : offset, 4);
    directory_ += m.name + extra;
    ++members_;
  }

  Content finish() {
    const uint64_t start = archive_.size(), size = directory_.size();
    archive_.add(directory_);
    const bool many = members_ >= 0xffff, far = start >= zip64_from_;
    std::string end;
    if (many || far) {
      end += "PK\x06\x06";
      put_number(&end, 44, 8);
      put_number(&end, kUnix | kVersion64, 2);
      put_number(&end, kVersion64, 2);
      put_number(&end, 0, 8);
      put_number(&end, members_, 8);
      put_number(&end, members_, 8);
      put_number(&end, size, 8);
      put_number(&end, start, 8);
      end += "PK\x06\x07";
      put_number(&end, 0, 4);
      put_number(&end, start + size, 8);
      put_number(&end, 1, 4);
    }
    end += "PK\x05\x06";
    put_number(&end, 0, 4);
    put_number(&end, many ? 0xffff : members_, 2);
    put_number(&end, many ? 0xffff : members_, 2);
    put_number(&end, size, 4);
    put_number(&end, far ? kTooBig : start, 4);
    put_number(&end, 0, 2);
    archive_.add(end);
    return std::move(archive_);
  }

 private:
  static std::string zip64_extra(const std::vector<uint64_t>& numbers) {
    std::string extra;
    if (numbers.empty()) return extra;
    put_number(&extra, 1, 2);
    put_number(&extra, 8 * numbers.size(), 2);
    for (uint64_t n : numbers) put_number(&extra, n, 8);
    return extra;
  }

  const uint64_t zip64_from_;
  Content archive_;
  uint64_t members_ = 0;
  std::string directory_;
};

}  // namespace

Content write_zip(std::vector<ZipMember> members, uint64_t zip64_from) {
  Writer writer(zip64_from);
  for (ZipMember& m : members) writer.member(std::move(m));
  return writer.finish();
}

}  // namespace cornu::formats
