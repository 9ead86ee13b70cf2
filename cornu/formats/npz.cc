#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/formats/npy_parser.h"
#include "cornu/formats/zip.h"

namespace cornu {
namespace formats {

std::vector<std::pair<std::string, Tensor>> parse_npz(const base::Bytes& archive) {
  constexpr std::string_view kSuffix = ".npy";
  const ZipReader zip(archive);
  base::Budget budget = zip.default_budget();
  std::vector<std::pair<std::string, Tensor>> arrays;
  for (const ZipReader::Entry& entry : zip.entries()) {
    if (!entry.name.ends_with(kSuffix))
      archive.fail(base::cat("the member ", base::quoted(entry.name), " is not an array"));
    arrays.emplace_back(entry.name.substr(0, entry.name.size() - kSuffix.size()),
                        parse_npy(zip.read(entry, &budget)));
  }
  return arrays;
}

}  // namespace formats

std::vector<std::pair<std::string, Tensor>> load_npz(const std::string& path) {
  return formats::parse_npz(base::read_file(path));
}

}  // namespace cornu
