#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cornu/formats/zip_test_util.h"

// HDF5 files made for tests, byte for byte as formats.md 2.1 lays them out. Every structure's place
// is kept in `place`, so that a test can break just that one.
namespace cornu::formats::testing_hdf5 {

using testing_zip::poke;
using testing_zip::put;

inline std::string padded(std::string s, size_t to = 8) {
  s.append((to - s.size() % to) % to, '\0');
  return s;
}

inline std::string u(uint64_t value, int bytes) {
  std::string out;
  put(&out, value, bytes);
  return out;
}

constexpr uint64_t kUndefined = ~uint64_t{0};

inline std::string float32_type() {
  return std::string("\x11\x20\x1f\x00", 4) + u(4, 4) + u(0, 2) + u(32, 2) +
         std::string("\x17\x08\x00\x17", 4) + u(127, 4);
}
inline std::string float64_type() {
  return std::string("\x11\x20\x3f\x00", 4) + u(8, 4) + u(0, 2) + u(64, 2) +
         std::string("\x34\x0b\x00\x34", 4) + u(1023, 4);
}
inline std::string float16_type() {
  return std::string("\x11\x20\x0f\x00", 4) + u(2, 4) + u(0, 2) + u(16, 2) +
         std::string("\x0a\x05\x00\x0a", 4) + u(15, 4);
}
inline std::string bfloat16_type() {
  return std::string("\x11\x20\x0f\x00", 4) + u(2, 4) + u(0, 2) + u(16, 2) +
         std::string("\x07\x08\x00\x07", 4) + u(127, 4);
}
inline std::string opaque_type(size_t size) {
  return std::string("\x15", 1) + u(0, 3) + u(size, 4);
}
// The same type with the most significant byte first.
inline std::string big_endian(std::string type) {
  type[1] = static_cast<char>(type[1] | 1);
  return type;
}
inline std::string integer_type(int bytes, bool is_signed) {
  return std::string("\x10", 1) + u(is_signed ? 8 : 0, 3) + u(bytes, 4) + u(0, 2) + u(8 * bytes, 2);
}
inline std::string fixed_type(size_t size, int padding = 1) {
  return std::string("\x13", 1) + u(padding, 3) + u(size, 4);
}
inline std::string variable_type() {
  return std::string("\x19\x01\x01\x00", 4) + u(16, 4) + integer_type(1, false);
}
inline std::string space(const std::vector<uint64_t>& dims, bool max_dims = false) {
  std::string out = u(1, 1) + u(dims.size(), 1) + u(max_dims, 1) + u(0, 5);
  for (int round = 0; round < 1 + max_dims; ++round)
    for (uint64_t d : dims) out += u(d, 8);
  return out;
}

inline std::string message(uint16_t type, const std::string& body, int flags = 0) {
  const std::string whole = padded(body);
  return u(type, 2) + u(whole.size(), 2) + u(flags, 4) + whole;
}

inline std::string attribute(const std::string& name, const std::string& type,
                             const std::string& shape, const std::string& data, int version = 1) {
  const std::string text = name + '\0';
  const auto part = [&](const std::string& s) { return version == 1 ? padded(s) : s; };
  return message(0x0c, u(version, 1) + u(0, 1) + u(text.size(), 2) + u(type.size(), 2) +
                           u(shape.size(), 2) + (version == 3 ? u(0, 1) : "") + part(text) +
                           part(type) + part(shape) + data);
}

class Builder {
 public:
  std::string data = std::string(96, '\0');
  std::map<std::string, size_t> place;
  uint16_t leaf_k = 4, internal_k = 16;

  // Puts bytes at the end and remembers where.
  size_t add(const std::string& name, const std::string& bytes) {
    data.resize((data.size() + 7) / 8 * 8);
    place[name] = data.size();
    data += bytes;
    return place[name];
  }

  // `count` messages. When `split`, those from byte `split` on go to a continuation block.
  size_t header(const std::string& name, const std::vector<std::string>& messages,
                size_t split = 0) {
    std::string here, there;
    size_t count = messages.size();
    for (size_t i = 0; i < messages.size(); ++i)
      (split && i >= split ? there : here) += messages[i];
    if (split) {
      const size_t block = add(name + ".continuation", there);
      here += message(0x10, u(block, 8) + u(there.size(), 8));
      ++count;
    }
    return add(name + ".header",
               u(1, 2) + u(count, 2) + u(1, 4) + u(here.size(), 4) + u(0, 4) + here);
  }

  std::string contiguous(const std::string& name, const std::string& bytes) {
    return u(3, 1) + u(1, 1) + u(bytes.empty() ? kUndefined : add(name + ".data", bytes), 8) +
           u(bytes.size(), 8);
  }

  size_t dataset(const std::string& name, const std::string& type,
                 const std::vector<uint64_t>& dims, const std::string& bytes,
                 std::vector<std::string> more = {}) {
    std::vector<std::string> messages{message(1, space(dims)), message(3, type),
                                      message(5, u(0x01020202, 4) + u(0, 4)),
                                      message(8, contiguous(name, bytes))};
    messages.insert(messages.end(), more.begin(), more.end());
    return header(name, messages);
  }

  struct Chunk {
    std::vector<uint64_t> start;
    std::string bytes;
    uint32_t skipped = 0;
  };
  // The layout of a dataset of float32 in chunks, in the order of the B-tree.
  std::string chunked(const std::string& name, const std::vector<uint64_t>& chunk_shape,
                      const std::vector<Chunk>& chunks) {
    const size_t axes = chunk_shape.size() + 1;
    std::string tree =
        "TREE" + u(1, 1) + u(0, 1) + u(chunks.size(), 2) + u(kUndefined, 8) + u(kUndefined, 8);
    for (const Chunk& c : chunks) {
      tree += u(c.bytes.size(), 4) + u(c.skipped, 4);
      for (uint64_t start : c.start) tree += u(start, 8);
      tree += u(0, 8) + u(add(name + ".chunk", c.bytes), 8);
    }
    tree += u(0, 8);  // the key behind the last chunk
    for (size_t i = 0; !chunks.empty() && i < chunk_shape.size(); ++i)
      tree += u(chunks.back().start[i] + chunk_shape[i], 8);
    tree += u(4, 8);
    tree.resize(24 + 64 * (16 + 8 * axes) + 8 + 8 * axes);
    std::string layout = u(3, 1) + u(2, 1) + u(axes, 1) + u(add(name + ".chunks", tree), 8);
    for (uint64_t dim : chunk_shape) layout += u(dim, 4);
    return layout + u(4, 4);
  }
  // A dataset of float32 with that layout; `filters` are their numbers.
  size_t chunked_dataset(const std::string& name, const std::vector<uint64_t>& dims,
                         const std::string& layout, const std::vector<int>& filters = {}) {
    std::vector<std::string> messages{message(1, space(dims)), message(3, float32_type()),
                                      message(8, layout)};
    std::string body = u(1, 1) + u(filters.size(), 1) + u(0, 6);
    for (int id : filters) body += u(id, 2) + u(0, 6);
    if (!filters.empty()) messages.push_back(message(0x0b, body));
    return header(name, messages);
  }

  // `links` are in order.
  size_t group(const std::string& name, const std::vector<std::pair<std::string, uint64_t>>& links,
               std::vector<std::string> more = {}, size_t split = 0) {
    std::string names(8, '\0'), keys;
    std::vector<size_t> offsets;
    for (const auto& [link, address] : links) {
      offsets.push_back(names.size());
      names += padded(link + '\0');
    }
    const size_t segment = add(name + ".names", names);
    const size_t heap =
        add(name + ".heap", "HEAP" + u(0, 4) + u(names.size(), 8) + u(1, 8) + u(segment, 8));
    std::vector<uint64_t> children;
    for (size_t first = 0; first < links.size(); first += 2u * leaf_k) {
      const size_t used = std::min<size_t>(2u * leaf_k, links.size() - first);
      std::string node = "SNOD" + u(1, 2) + u(used, 2);
      for (size_t i = first; i < first + used; ++i)
        node += u(offsets[i], 8) + u(links[i].second, 8) + u(0, 24);
      node.resize(8 + 2u * leaf_k * 40);
      children.push_back(add(name + ".symbols", node));
    }
    uint64_t tree = 0;
    for (int level = 0; level == 0 || children.size() > 1; ++level) {
      std::vector<uint64_t> above;
      for (size_t first = 0; first == 0 || first < children.size(); first += 2u * internal_k) {
        const size_t used = std::min<size_t>(2u * internal_k, children.size() - first);
        std::string node = "TREE" + u(0, 1) + u(level, 1) + u(used, 2) + u(kUndefined, 8) +
                           u(kUndefined, 8) + u(0, 8);
        for (size_t i = first; i < first + used; ++i) node += u(children[i], 8) + u(0, 8);
        node.resize(24 + 2u * internal_k * 16 + 8);
        above.push_back(add(name + ".tree", node));
      }
      children = above;
      tree = above[0];
    }
    more.insert(more.begin(), message(0x11, u(tree, 8) + u(heap, 8)));
    return header(name, more, split);
  }

  // Variable-length strings in one global heap; returns their elements.
  std::string variable(const std::vector<std::string>& strings) {
    std::string objects, elements;
    for (size_t i = 0; i < strings.size(); ++i)
      objects += u(i + 1, 2) + u(1, 2) + u(0, 4) + u(strings[i].size(), 8) + padded(strings[i]);
    objects += u(0, 8) + u(16, 8);  // free
    const size_t heap = add("gcol", "GCOL" + u(1, 4) + u(16 + objects.size(), 8) + objects);
    for (size_t i = 0; i < strings.size(); ++i)
      elements += u(strings[i].size(), 4) + u(heap, 8) + u(i + 1, 4);
    return elements;
  }

  base::Bytes finish(uint64_t root) {
    data = padded(data);
    const std::string super = std::string("\x89HDF\r\n\x1a\n") + u(0, 5) + u(8, 1) + u(8, 1) +
                              u(0, 1) + u(leaf_k, 2) + u(internal_k, 2) + u(0, 4) + u(0, 8) +
                              u(kUndefined, 8) + u(data.size(), 8) + u(kUndefined, 8) + u(0, 8) +
                              u(root, 8) + u(0, 24);
    data.replace(0, 96, super);
    return bytes();
  }
  base::Bytes bytes() const { return testing_zip::bytes_of_text(data, "test.h5"); }
  void set(const std::string& name, size_t offset, uint64_t value, int bytes) {
    poke(&data, place.at(name) + offset, value, bytes);
  }
};

}  // namespace cornu::formats::testing_hdf5
