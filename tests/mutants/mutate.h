#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cornu::mutants {

// Changes HDF5 files of the older kind (superblock 0, headers of version 1) where it hurts: in the
// fields of their structures and messages as formats.md 2.1 lays them out, now and then anywhere.
class Hdf5Mutator {
 public:
  explicit Hdf5Mutator(std::string file);

  // The file with one to three changes, the same for the same seed.
  std::string mutant(uint64_t seed) const;

 private:
  // A number in a structure. Fields of one tag mean the same in different places.
  struct Field {
    size_t at;
    int width;  // bytes
    uint32_t tag;
  };
  struct Message {
    size_t at;  // of its body
    uint16_t type, size;
  };
  class Mutation;

  uint64_t get(size_t at, int width) const;
  void field(size_t at, int width, uint32_t tag);
  void find_superblock();
  void find_tables();
  void find_headers();
  void find_messages(size_t at, size_t size);
  void find_fields(const Message& message);

  const std::string file_;
  std::vector<Field> fields_;
  std::vector<Message> messages_;
  std::vector<size_t> headers_;  // where object headers are, still to be read
};

}  // namespace cornu::mutants
