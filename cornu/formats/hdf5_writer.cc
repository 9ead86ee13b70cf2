#include "cornu/formats/hdf5_writer.h"

#include <algorithm>
#include <deque>

#include "cornu/base/error.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::formats {

using base::cat;

// ---- the messages of object headers (formats.md 2.1)
// -------------------------------------------------------------

namespace {

constexpr uint64_t kUndefined = ~uint64_t{0};

std::string number(uint64_t value, int bytes) {
  std::string out;
  put_number(&out, value, bytes);
  return out;
}

std::string padded(std::string s) {
  s.resize((s.size() + 7) / 8 * 8);
  return s;
}

// Bit fields of a number's type: class and version, three bytes of flags, size.
std::string type_head(uint64_t class_and_flags, uint64_t size) {
  return number(class_and_flags, 4) + number(size, 4);
}
std::string float32_type() {
  return type_head(0x001f2011, 4) + number(0, 2) + number(32, 2) +
         std::string("\x17\x08\x00\x17", 4) + number(127, 4);
}
std::string float64_type() {
  return type_head(0x003f2011, 8) + number(0, 2) + number(64, 2) +
         std::string("\x34\x0b\x00\x34", 4) + number(1023, 4);
}
std::string int64_type() { return type_head(0x00000810, 8) + number(0, 2) + number(64, 2); }
std::string fixed_string_type(uint64_t size, bool ascii) {
  return type_head(ascii ? 0x00000113 : 0x00001113, size);
}
std::string utf8_string_type() {
  return type_head(0x00010119, 16) + type_head(0x00000010, 1) + number(0, 2) + number(8, 2);
}

std::string space(const std::vector<uint64_t>& dims) {
  std::string out = number(1, 1) + number(dims.size(), 1) + number(dims.empty() ? 0 : 1, 6);
  for (int round = 0; round < 2; ++round)  // the dimensions, and how far they may grow
    for (uint64_t d : dims) out += number(d, 8);
  return out;
}

std::string message(uint64_t type, const std::string& body) {
  const std::string whole = padded(body);
  return number(type, 2) + number(whole.size(), 2) + number(0, 4) + whole;
}

std::string attribute_message(const std::string& name, const std::string& type,
                              const std::string& shape, const std::string& data) {
  return message(0x0c, number(1, 2) + number(name.size() + 1, 2) + number(type.size(), 2) +
                           number(shape.size(), 2) + padded(name + '\0') + padded(type) +
                           padded(shape) + data);
}

}  // namespace

// ---- the tree
// ------------------------------------------------------------------------------------------

Hdf5Group& Hdf5Group::group(const std::string& name) {
  std::unique_ptr<Hdf5Group>& place = groups_[name];
  if (!place) place = std::make_unique<Hdf5Group>();
  return *place;
}

void Hdf5Group::add(const std::string& name, Tensor numbers) {
  datasets_[name] = {false, 0, std::move(numbers)};
}

void Hdf5Group::add_int(const std::string& name, int64_t value) {
  datasets_[name] = {true, value, {}};
}

void Hdf5Group::set(const std::string& attribute, std::string text) {
  attributes_[attribute] = {utf8_string_type(), space({}), std::move(text), true};
}

void Hdf5Group::set_strings(const std::string& attribute, std::span<const std::string> strings) {
  size_t width = 0;
  for (const std::string& s : strings) width = std::max(width, s.size());
  std::string data;
  for (const std::string& s : strings) data += s + std::string(width - s.size(), '\0');
  // Keras calls UTF-8 ASCII here, too, which readers other than h5py take at its word.
  attributes_[attribute] = {fixed_string_type(width, base::is_ascii(data)), space({strings.size()}),
                            data};
}

void Hdf5Group::set_list(const std::string& attribute, const std::vector<std::string>& strings) {
  constexpr size_t kMost = 64512;  // Keras: HDF5_OBJECT_HEADER_LIMIT
  if (strings.empty()) {           // as h5py writes an empty list
    attributes_[attribute] = {float64_type(), space({0}), ""};
    return;
  }
  const std::span<const std::string> all = strings;
  const auto too_long = [](std::span<const std::string> part) {
    size_t width = 1;
    for (const std::string& s : part) width = std::max(width, s.size());
    return part.size() * width > kMost;
  };
  if (!too_long(all)) return set_strings(attribute, all);
  // numpy.array_split: the first n % parts of them are one longer.
  for (size_t parts = 2; parts <= all.size(); ++parts) {
    std::vector<std::span<const std::string>> split;
    for (size_t i = 0, first = 0; i < parts; ++i) {
      const size_t count = all.size() / parts + (i < all.size() % parts ? 1 : 0);
      split.push_back(all.subspan(first, count));
      first += count;
    }
    if (std::any_of(split.begin(), split.end(), too_long)) continue;
    for (size_t i = 0; i < parts; ++i) set_strings(cat(attribute, i), split[i]);
    return;
  }
  throw ValueError(
      cat("a name in ", attribute, " is too long for a file: more than ", kMost, " bytes"));
}

// ---- the file
// ------------------------------------------------------------------------------------------

// Puts what is below a group before the group, so that all addresses are known. The root comes
// last, and the superblock, which names it, goes in front at the end.
class Hdf5Writer {
 public:
  Content write(const Hdf5Group& root) {
    gather_strings(root);
    put_heap();
    const Place top = group(root);
    Content file;
    file.add("\x89HDF\r\n\x1a\n" + number(0, 5) + number(8, 1) + number(8, 1) + number(0, 1) +
             number(kLeaf / 2, 2) + number(kInternal / 2, 2) + number(0, 4) + number(0, 8) +
             number(kUndefined, 8) + number(end(), 8) + number(kUndefined, 8) + number(0, 8) +
             number(top.header, 8) + number(1, 4) + number(0, 4) + number(top.tree, 8) +
             number(top.heap, 8));
    file.add(std::move(body_));
    return file;
  }

 private:
  struct Place {
    uint64_t header, tree, heap;
  };
  static constexpr size_t kLeaf = 8, kInternal = 32;  // children of a SNOD, of a TREE
  static constexpr uint64_t kSuperblock = 96;

  // Where the next bytes will lie: always at a multiple of 8.
  uint64_t end() const { return kSuperblock + body_.size(); }
  uint64_t put(std::string bytes) {
    const uint64_t address = end();
    body_.add(padded(std::move(bytes)));
    return address;
  }
  uint64_t put(const Tensor& numbers) {
    const uint64_t address = end();
    body_.add(numbers);
    if (numbers.size() % 2 != 0) body_.add(std::string(4, '\0'));
    return address;
  }

  uint64_t header(const std::vector<std::string>& messages) {
    std::string body;
    for (const std::string& m : messages) body += m;
    return put(number(1, 2) + number(messages.size(), 2) + number(1, 4) + number(body.size(), 4) +
               number(0, 4) + body);
  }

  uint64_t dataset(const Hdf5Group::Dataset& data) {
    std::vector<uint64_t> dims;
    if (!data.is_int)
      for (int64_t d : data.numbers.shape()) dims.push_back(static_cast<uint64_t>(d));
    const uint64_t size = data.is_int ? 8 : 4 * static_cast<uint64_t>(data.numbers.size());
    uint64_t address = kUndefined;
    if (data.is_int) {
      address = put(number(static_cast<uint64_t>(data.number), 8));
    } else if (size > 0) {
      address = put(data.numbers);
    }
    const std::string layout = number(3, 1) + number(1, 1) + number(address, 8) + number(size, 8);
    return header({message(1, space(dims)), message(3, data.is_int ? int64_type() : float32_type()),
                   message(5, number(0x01020202, 4) + number(0, 4)), message(8, layout)});
  }

  // A link and what the B-tree needs to know of it.
  struct Entry {
    uint64_t name;  // where its name lies in the group's heap
    uint64_t address;
  };

  Place group(const Hdf5Group& g) {
    std::map<std::string, uint64_t> links;  // by the bytes of their names, as the B-tree wants them
    for (const auto& [name, child] : g.groups_) links[name] = group(*child).header;
    for (const auto& [name, data] : g.datasets_) links[name] = dataset(data);
    std::string names(8, '\0');
    std::vector<Entry> entries;
    for (const auto& [name, address] : links) {
      entries.push_back({names.size(), address});
      names += padded(name + '\0');
    }
    const uint64_t segment_size = names.size(), segment = put(std::move(names));
    const uint64_t heap =
        put("HEAP" + number(0, 4) + number(segment_size, 8) + number(1, 8) + number(segment, 8));
    const uint64_t root = tree(entries);
    std::vector<std::string> messages = {message(0x11, number(root, 8) + number(heap, 8))};
    for (const auto& [name, a] : g.attributes_)
      messages.push_back(
          attribute_message(name, a.type, a.space, a.in_heap ? take_string() : a.data));
    return {header(messages), root, heap};
  }

  // The B-tree of a group's links: symbol nodes, then levels of tree nodes up to a single one.
  uint64_t tree(const std::vector<Entry>& entries) {
    std::vector<Entry> below;  // the nodes of one level, each with the greatest name in it
    for (size_t first = 0; first < entries.size(); first += kLeaf) {
      const size_t used = std::min(kLeaf, entries.size() - first);
      std::string node = "SNOD" + number(1, 2) + number(used, 2);
      for (size_t i = first; i < first + used; ++i)
        node += number(entries[i].name, 8) + number(entries[i].address, 8) + std::string(24, '\0');
      node.resize(8 + kLeaf * 40);
      below.push_back({entries[first + used - 1].name, put(std::move(node))});
    }
    for (uint64_t level = 0;; ++level) {
      std::vector<Entry> nodes;
      const size_t count = std::max<size_t>(1, (below.size() + kInternal - 1) / kInternal);
      constexpr uint64_t kNodeSize = 24 + kInternal * 16 + 8;
      const uint64_t start = end();  // they lie side by side
      for (size_t n = 0; n < count; ++n) {
        const size_t first = n * kInternal, used = std::min(kInternal, below.size() - first);
        std::string node = "TREE" + number(0, 1) + number(level, 1) + number(used, 2) +
                           number(n > 0 ? start + (n - 1) * kNodeSize : kUndefined, 8) +
                           number(n + 1 < count ? start + (n + 1) * kNodeSize : kUndefined, 8) +
                           number(first > 0 ? below[first - 1].name : 0, 8);
        for (size_t i = first; i < first + used; ++i)
          node += number(below[i].address, 8) + number(below[i].name, 8);
        node.resize(kNodeSize);
        nodes.push_back({used > 0 ? below[first + used - 1].name : 0, put(std::move(node))});
      }
      if (count == 1) return nodes[0].address;
      below = std::move(nodes);
    }
  }

  // The strings of the global heap, in the order in which group() will ask for them.
  void gather_strings(const Hdf5Group& g) {
    for (const auto& [name, child] : g.groups_) gather_strings(*child);
    for (const auto& [name, a] : g.attributes_)
      if (a.in_heap) strings_.push_back(&a.data);
  }

  void put_heap() {
    constexpr size_t kSmallest = 4096, kEnough = 1 << 16, kMostObjects = 65535;
    for (size_t i = 0; i < strings_.size();) {
      std::string objects;
      std::vector<size_t> lengths;
      for (; i < strings_.size() && objects.size() < kEnough && lengths.size() < kMostObjects;
           ++i) {
        const std::string& s = *strings_[i];
        lengths.push_back(s.size());
        objects += number(lengths.size(), 2) + number(1, 2) + number(0, 4) + number(s.size(), 8) +
                   padded(s);
      }
      // The rest is free and says so.
      const size_t size = std::max(kSmallest, 16 + objects.size() + 16),
                   rest = size - 16 - objects.size();
      std::string heap =
          "GCOL" + number(1, 4) + number(size, 8) + objects + number(0, 8) + number(rest, 8);
      heap.resize(size);
      const uint64_t address = put(std::move(heap));
      for (size_t n = 0; n < lengths.size(); ++n)
        elements_.push_back(number(lengths[n], 4) + number(address, 8) + number(n + 1, 4));
    }
  }
  std::string take_string() {
    std::string element = std::move(elements_.front());
    elements_.pop_front();
    return element;
  }

  Content body_;  // all after the superblock
  std::vector<const std::string*> strings_;
  std::deque<std::string> elements_;
};

Content write_hdf5(const Hdf5Group& root) { return Hdf5Writer().write(root); }

}  // namespace cornu::formats
