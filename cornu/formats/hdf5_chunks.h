#pragma once

#include <cstdint>
#include <vector>

#include "cornu/base/bytes.h"
#include "cornu/tensor/shape.h"

// Datasets that HDF5 stores in pieces ("chunks"), each of which may be packed: what h5repack and
// h5py's compression= make of a file.
namespace cornu::formats {

// A step that packed the chunks, in the order of writing.
struct Hdf5Filter {
  static constexpr uint16_t kDeflate = 1, kShuffle = 2, kFletcher32 = 3;
  uint16_t id = 0;
  uint32_t value = 0;  // the first of its parameters: of shuffle, how many bytes an element has
};

// The message 0x0b of an object header.
std::vector<Hdf5Filter> parse_hdf5_filters(const base::Bytes& message);

// What cannot be unpacked in it, or null. Only one step may be deflate.
const char* unreadable_filter(const std::vector<Hdf5Filter>& filters);

struct Hdf5Chunk {
  uint64_t place = 0;  // its number in the grid of chunks, row-major
  uint64_t address = 0;
  uint32_t size = 0;     // as stored
  uint32_t skipped = 0;  // bit i: filter i was left out
};

struct Hdf5Chunks {
  Shape shape;        // of the dataset
  Shape chunk_shape;  // of the same rank, at least 1
  uint64_t element_bytes = 0;
  std::vector<Hdf5Filter> filters;
  std::vector<Hdf5Chunk> chunks;  // every place of the grid once, in order

  uint64_t count() const;        // how many the grid has
  uint64_t chunk_bytes() const;  // of each, unpacked
};

// The dataset's bytes in row-major order, unpacked when they are looked at. Sizes were checked:
// they do not overflow. Reading throws FormatError for chunks that do not unpack to their size.
base::Bytes chunked_data(base::Bytes file, Hdf5Chunks chunks);

}  // namespace cornu::formats
