#include "tests/mutants/mutate.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace cornu::mutants {
namespace {

enum MessageType : uint16_t {
  kSpace = 1,
  kType = 3,
  kFill = 5,
  kLayout = 8,
  kFilters = 0x0b,
  kAttribute = 0x0c,
  kContinuation = 0x10,
  kTable = 0x11,
};

void put(std::string* bytes, size_t at, uint64_t value, int width) {
  for (int i = 0; i < width; ++i)
    (*bytes)[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i));
}

// Types of numbers: class and version, three bytes of flags, size, then what the class has.
constexpr std::string_view kTypes[] = {
    std::string_view("\x11\x20\x1f\0\4\0\0\0\0\0\x20\0\x17\x08\0\x17\x7f\0\0", 20),  // float32
    std::string_view("\x11\x21\x1f\0\4\0\0\0\0\0\x20\0\x17\x08\0\x17\x7f\0\0", 20),  // its reverse
    std::string_view("\x11\x20\x3f\0\x08\0\0\0\0\0\x40\0\x34\x0b\0\x34\xff\3\0", 20),  // float64
    std::string_view("\x11\x20\x0f\0\2\0\0\0\0\0\x10\0\x0a\5\0\x0a\x0f\0\0", 20),      // float16
    std::string_view("\x10\x08\0\0\4\0\0\0\0\0\x20", 12),                              // int32
    std::string_view("\x10\x09\0\0\4\0\0\0\0\0\x20", 12),    // its reverse
    std::string_view("\x10\0\0\0\4\0\0\0\0\0\x20", 12),      // uint32
    std::string_view("\x10\x08\0\0\x08\0\0\0\0\0\x40", 12),  // int64
    std::string_view("\x10\0\0\0\x08\0\0\0\0\0\x40", 12),    // uint64
    std::string_view("\x10\x08\0\0\2\0\0\0\0\0\x10", 12),    // int16
    std::string_view("\x10\0\0\0\1\0\0\0\0\0\x08", 12),      // uint8
};

}  // namespace

// ---- what is where
// ------------------------------------------------------------------------------------------

Hdf5Mutator::Hdf5Mutator(std::string file) : file_(std::move(file)) {
  find_superblock();
  find_tables();
  find_headers();
}

uint64_t Hdf5Mutator::get(size_t at, int width) const {
  uint64_t value = 0;
  for (int i = width; i-- > 0;) {
    const size_t place = at + static_cast<size_t>(i);
    value = value << 8 | (place < file_.size() ? static_cast<uint8_t>(file_[place]) : 0);
  }
  return value;
}

void Hdf5Mutator::field(size_t at, int width, uint32_t tag) {
  if (at + static_cast<size_t>(width) <= file_.size()) fields_.push_back({at, width, tag});
}

void Hdf5Mutator::find_superblock() {
  if (get(8, 1) > 1) {
    for (size_t at = 8; at < 44; ++at) field(at, 1, 0x1000);
    return;
  }
  for (size_t at = 8; at < 16; ++at) field(at, 1, 0x1000);
  for (size_t at = 16; at < 20; at += 2) field(at, 2, 0x1001);
  const size_t more = get(8, 1) == 1 ? 4 : 0;
  for (size_t at = 24 + more; at < 96 + more; at += 8) field(at, 8, 0x1002);
  headers_.push_back(get(64 + more, 8));
}

// By their signatures, which stand at multiples of 8.
void Hdf5Mutator::find_tables() {
  for (size_t at = 0; at + 24 <= file_.size(); at += 8) {
    const std::string_view signature(&file_[at], 4);
    if (signature == "SNOD") {
      field(at + 4, 1, 0x2000);
      field(at + 6, 2, 0x2001);
      for (uint64_t i = 0; i < std::min<uint64_t>(get(at + 6, 2), 64); ++i) {
        const size_t entry = at + 8 + 40 * i;
        for (uint32_t k = 0; k < 5; ++k)
          k == 2 ? field(entry + 16, 4, 0x2012) : field(entry + 8 * k, 8, 0x2010 + k);
        headers_.push_back(get(entry + 8, 8));
      }
    } else if (signature == "TREE") {
      field(at + 4, 1, 0x2100);
      field(at + 5, 1, 0x2101);
      field(at + 6, 2, 0x2102);
      for (size_t k = 1; k < 3; ++k) field(at + 8 * k, 8, 0x2103);
      // Keys and children in turns; the keys of chunks are several numbers.
      for (size_t k = 0; k < 2 * std::min<uint64_t>(get(at + 6, 2), 64) + 1; ++k)
        field(at + 24 + 8 * k, 8, k % 2 ? 0x2104 : 0x2105);
      field(at + 24, 4, 0x2106);
      field(at + 28, 4, 0x2107);
    } else if (signature == "HEAP") {
      field(at + 4, 1, 0x2200);
      for (uint32_t k = 1; k < 4; ++k) field(at + 8 * k, 8, 0x2200 + k);
      const size_t names = get(at + 24, 8);
      for (size_t k = names; k < names + std::min<uint64_t>(get(at + 8, 8), 256); ++k)
        field(k, 1, 0x2210);
    } else if (signature == "GCOL") {
      for (size_t k = 8; k < 48; k += 8) field(at + k, 8, 0x2300);
      field(at + 16, 2, 0x2301);
    }
  }
}

void Hdf5Mutator::find_headers() {
  std::vector<size_t> read;
  while (!headers_.empty()) {
    const size_t at = headers_.back();
    headers_.pop_back();
    if (get(at, 2) != 1 || std::find(read.begin(), read.end(), at) != read.end()) continue;
    read.push_back(at);
    field(at, 1, 0x3000);
    field(at + 2, 2, 0x3001);
    field(at + 4, 4, 0x3002);
    field(at + 8, 4, 0x3003);
    find_messages(at + 16, get(at + 8, 4));
  }
}

void Hdf5Mutator::find_messages(size_t at, size_t size) {
  std::vector<std::pair<size_t, size_t>> blocks{{at, size}};
  while (!blocks.empty() && messages_.size() < 100000) {
    auto [from, left] = blocks.back();
    blocks.pop_back();
    while (left >= 8 && from + 8 <= file_.size()) {
      const Message m{from + 8, static_cast<uint16_t>(get(from, 2)),
                      static_cast<uint16_t>(get(from + 2, 2))};
      if (m.size + 8u > left) break;
      messages_.push_back(m);
      field(from, 2, 0x3010);
      field(from + 2, 2, 0x3011);
      field(from + 4, 1, 0x3012);
      find_fields(m);
      if (m.type == kContinuation) blocks.emplace_back(get(m.at, 8), get(m.at + 8, 8));
      from += m.size + 8u;
      left -= m.size + 8u;
    }
  }
}

void Hdf5Mutator::find_fields(const Message& m) {
  const uint32_t tag = 0x10000u * m.type;
  const auto add = [&](uint32_t offset, int width) {
    if (offset + static_cast<uint32_t>(width) <= m.size) field(m.at + offset, width, tag + offset);
  };
  switch (m.type) {
    case kSpace:
      for (uint32_t i = 0; i < 4; ++i) add(i, 1);
      for (uint32_t i = 8; i < m.size; i += 8) add(i, 8);
      break;
    case kLayout: {
      add(0, 1), add(1, 1);
      const uint64_t kind = get(m.at + 1, 1);
      if (kind == 0) add(2, 2);
      if (kind == 1) add(2, 8), add(10, 8);
      if (kind == 2) add(2, 1), add(3, 8);
      for (uint32_t i = 11; kind == 2 && i < m.size; i += 4) add(i, 4);
      break;
    }
    case kFilters:
      add(0, 1), add(1, 1);
      for (uint32_t i = 8; i < m.size; i += 2) add(i, 2);
      break;
    case kAttribute:
      add(0, 1), add(2, 2), add(4, 2), add(6, 2);
      for (uint32_t i = 8; i < std::min<uint32_t>(m.size, 72); ++i) add(i, 1);
      break;
    case kTable:
      add(0, 8), add(8, 8);
      break;
    default:
      for (uint32_t i = 0; i < std::min<uint32_t>(m.size, 24); ++i) add(i, 1);
      add(4, 4);
  }
}

// ---- changes
// -------------------------------------------------------------------------------------------

class Hdf5Mutator::Mutation {
 public:
  Mutation(const Hdf5Mutator& from, uint64_t seed) : from_(from), out_(from.file_), rng_(seed) {}

  std::string run() {
    const uint64_t changes = 1 + pick(3);
    for (uint64_t i = 0; i < changes; ++i) change();
    return std::move(out_);
  }

 private:
  uint64_t pick(uint64_t below) { return rng_() % below; }
  template <class T>
  const T& one(const std::vector<T>& some) {
    return some[pick(some.size())];
  }
  uint64_t now(size_t at, int width) const {
    uint64_t value = 0;
    for (int i = width; i-- > 0;)
      value = value << 8 | static_cast<uint8_t>(out_[at + static_cast<size_t>(i)]);
    return value;
  }

  void change() {
    const uint64_t which = pick(10);
    if (which == 0 || from_.fields_.empty() || from_.messages_.empty()) return anywhere();
    if (which <= 5) return change_field(one(from_.fields_));
    if (which == 6) return swap_bodies(one(from_.messages_));
    // The messages of datasets, which are outnumbered by those of groups and attributes.
    for (int tries = 0; tries < 50; ++tries) {
      const Message& m = one(from_.messages_);
      if (m.type == kSpace && which <= 8) return change_shape(m);
      if (m.type == kType && which == 9) return change_type(m);
    }
  }

  void anywhere() {
    const uint64_t count = 1 + pick(4);
    for (uint64_t i = 0; i < count; ++i) out_[pick(out_.size())] = static_cast<char>(pick(256));
  }

  void change_field(const Field& f) {
    const uint64_t old = now(f.at, f.width);
    const Field& other = one(from_.fields_);
    static constexpr uint64_t kSpecial[] = {
        0, 1, 2, 3, 4, 7, 8, 255, 0xffff, 1ull << 31, 1ull << 32, 1ull << 62, ~0ull};
    switch (pick(7)) {
      case 0:
        return put(&out_, f.at, kSpecial[pick(std::size(kSpecial))], f.width);
      case 1:
        return put(&out_, f.at, old + pick(17) - 8, f.width);
      case 2:
        return put(&out_, f.at, pick(2) ? old * 2 : old / 2, f.width);
      case 3:
        return put(&out_, f.at, old ^ (1ull << pick(8 * static_cast<uint64_t>(f.width))), f.width);
      case 4:
        return put(&out_, f.at, now(other.at, other.width), f.width);
      default:
        for (int tries = 0; tries < 50; ++tries) {
          const Field& same = one(from_.fields_);
          if (same.tag != f.tag || same.at == f.at || same.width != f.width) continue;
          put(&out_, f.at, now(same.at, f.width), f.width);
          if (pick(2)) put(&out_, same.at, old, f.width);
          return;
        }
    }
  }

  // Two messages of a kind change places.
  void swap_bodies(const Message& a) {
    for (int tries = 0; tries < 50; ++tries) {
      const Message& b = one(from_.messages_);
      if (b.type != a.type || b.size != a.size || b.at == a.at) continue;
      const std::string body = out_.substr(a.at, a.size);
      out_.replace(a.at, a.size, out_, b.at, b.size);
      out_.replace(b.at, b.size, body);
      return;
    }
  }

  // Two dimensions change places, or a factor moves from one to the other.
  void change_shape(const Message& m) {
    const uint64_t rank = now(m.at + 1, 1);
    if (rank < 2 || 8 + 8 * rank > m.size) return change_field(one(from_.fields_));
    const size_t a = m.at + 8 + 8 * pick(rank), b = m.at + 8 + 8 * pick(rank);
    const uint64_t x = now(a, 8), y = now(b, 8), factor = pick(2) ? x : 2 + pick(3);
    const bool moves = factor > 1 && x % factor == 0 && a != b && pick(2);
    set_dim(m, a, moves ? x / factor : y);
    set_dim(m, b, moves ? y * factor : x);
  }
  void set_dim(const Message& m, size_t at, uint64_t dim) {
    put(&out_, at, dim, 8);
    const size_t largest = at + 8 * now(m.at + 1, 1);
    if ((now(m.at + 2, 1) & 1) && largest + 8 <= m.at + m.size) put(&out_, largest, dim, 8);
  }

  // Another type of numbers; where its size differs, mostly with a dimension to make up for it.
  void change_type(const Message& m) {
    const std::string_view type = kTypes[pick(std::size(kTypes))];
    if (type.size() > m.size) return;
    const uint64_t before = now(m.at + 4, 4);
    out_.replace(m.at, type.size(), type);
    const uint64_t after = now(m.at + 4, 4);
    const Message* space = &m;  // the one before its type, as HDF5 writes them
    if (after == before || space == from_.messages_.data() || (--space)->type != kSpace) return;
    const uint64_t rank = now(space->at + 1, 1);
    if (rank == 0 || 8 + 8 * rank > space->size || pick(4) == 0) return;
    const size_t dim = space->at + 8 * rank;
    if (now(dim, 8) * before % after == 0) set_dim(*space, dim, now(dim, 8) * before / after);
  }

  const Hdf5Mutator& from_;
  std::string out_;
  std::mt19937_64 rng_;
};

std::string Hdf5Mutator::mutant(uint64_t seed) const { return Mutation(*this, seed).run(); }

}  // namespace cornu::mutants
