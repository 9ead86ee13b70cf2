#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "cornu/formats/hdf5.h"

namespace cornu::formats {

// A collection of the global heap, where variable-length strings lie.
struct Hdf5Heap {
  struct Item {
    uint16_t index;
    base::Bytes data;
  };
  std::vector<Item> items;  // sorted by index
};

// What an open file keeps.
struct Hdf5Storage {
  base::Bytes file;  // up to its end-of-file address
  std::deque<Hdf5Object> objects;
  std::vector<Hdf5File> parts;  // the files it was merged from

  // The string that a variable-length element (16 bytes) points to.
  base::Bytes heap_string(const base::Bytes& element) const;

 private:
  const Hdf5Heap& heap(uint64_t address) const;
  mutable std::map<uint64_t, Hdf5Heap> heaps_;
  mutable uint64_t heap_bytes_ = 0;
};

// Where the file says it ends.
uint64_t hdf5_end_of_file(const base::Bytes& file);

// Reads all objects of `storage->file`; the first is the root group.
void read_hdf5_objects(Hdf5Storage* storage);

}  // namespace cornu::formats
