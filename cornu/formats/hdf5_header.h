#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cornu/formats/hdf5_chunks.h"
#include "cornu/formats/hdf5_claims.h"
#include "cornu/formats/hdf5_types.h"

namespace cornu::formats {

// What an object header says: of a group its table or its links, of a dataset the other fields.
struct Hdf5Header {
  // Where the names and links of a group of the old style are.
  struct Table {
    uint64_t tree = 0, heap = 0;
    bool operator==(const Table&) const = default;
  };
  struct Link {
    std::string name;
    uint64_t address;
  };

  std::optional<Table> table;
  std::optional<std::vector<Link>> links;  // of the new style, sorted by name
  std::optional<Shape> shape;
  std::optional<Hdf5Type> type;
  std::optional<Hdf5Layout> layout;
  std::vector<Hdf5Filter> filters;
  std::vector<Hdf5Attribute> attributes;  // sorted by name
};

// Reads the object header at `address`, of version 1 or 2; `path` is for messages. FormatError for
// what is damaged, and by name for everything that is not read.
Hdf5Header read_hdf5_header(Hdf5Claims* claims, uint64_t address, const std::string& path);

}  // namespace cornu::formats
