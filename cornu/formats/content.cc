#include "cornu/formats/content.h"

#include "cornu/base/file.h"

namespace cornu::formats {

std::string Content::text() const {
  std::string all;
  all.reserve(size_);
  each([&](std::span<const std::byte> bytes) {
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return all;
}

void write_file(const Content& content, const std::string& path) {
  base::AtomicFile file(path);
  content.each([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace cornu::formats
