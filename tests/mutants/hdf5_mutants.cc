// Makes mutants of HDF5 files and says what our reader finds in each.
//   hdf5_mutants SEED FIRST COUNT FILE...
// Mutants FIRST to FIRST + COUNT - 1: number K is one of file K modulo the number of files. For
// each, standard output gets two texts after their sizes of 8 bytes: the mutant, and its listing
// (tests/support/hdf5_listing.h), which is empty when our reader refuses the whole file.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cornu/base/file.h"
#include "cornu/formats/hdf5.h"
#include "tests/mutants/mutate.h"
#include "tests/support/hdf5_listing.h"

namespace cornu::mutants {
namespace {

void write(const std::string& text) {
  const uint64_t size = text.size();
  if (std::fwrite(&size, 1, sizeof size, stdout) != sizeof size ||
      std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw IoError("cannot write");
}

std::string listing(const std::string& mutant) {
  const base::Bytes bytes =
      base::Bytes::view(std::as_bytes(std::span(mutant.data(), mutant.size())), "mutant");
  try {
    return testing::Hdf5Listing::of(formats::Hdf5File(bytes)).dump();
  } catch (const FormatError&) {
    return "";
  }
}

void run(int count, char** words) {
  if (count < 5) throw ValueError("hdf5_mutants SEED FIRST COUNT FILE...");
  const uint64_t seed = std::stoull(words[1]), first = std::stoull(words[2]);
  std::vector<Hdf5Mutator> mutators;
  for (int i = 4; i < count; ++i) mutators.emplace_back(base::read_file(words[i]).text());
  for (uint64_t k = first; k < first + std::stoull(words[3]); ++k) {
    const std::string mutant = mutators[k % mutators.size()].mutant(seed * 0x9e3779b97f4a7c15 + k);
    write(mutant);
    write(listing(mutant));
  }
}

}  // namespace
}  // namespace cornu::mutants

int main(int count, char** words) {
  try {
    cornu::mutants::run(count, words);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hdf5_mutants: %s\n", e.what());
    return 1;
  }
}
