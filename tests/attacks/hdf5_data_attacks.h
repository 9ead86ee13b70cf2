#pragma once

#include "tests/attacks/hdf5_attacks.h"

namespace cornu::testing_attacks {

namespace hdf5 {

// The kernel as chunks of 2x3, after `change` has been to them.
struct Chunked {
  std::vector<uint64_t> dims = {4, 3}, chunk = {2, 3};
  std::vector<Builder::Chunk> chunks = {{{0, 0}, floats(6)}, {{2, 0}, floats(6)}};
  std::vector<int> filters = {};
};
inline Builder chunked(const Chunked& c) {
  Builder b;
  const size_t kernel =
      b.chunked_dataset("kernel", c.dims, b.chunked("kernel", c.chunk, c.chunks), c.filters);
  const size_t bias = bias_of(b);
  finish_model(b, kernel, bias);
  return b;
}
inline std::string chunked(const std::function<void(Chunked&)>& change) {
  Chunked c;
  change(c);
  return chunked(c).data;
}
inline std::string changed_chunks(const std::string& place, size_t offset, uint64_t value,
                                  int bytes) {
  Builder b = chunked(Chunked());
  b.set(place, offset, value, bytes);
  return b.data;
}
inline std::string zlib(const std::string& text) {
  std::string out(::compressBound(text.size()), '\0');
  uLongf size = out.size();
  ::compress(reinterpret_cast<Bytef*>(out.data()), &size,
             reinterpret_cast<const Bytef*>(text.data()), text.size());
  out.resize(size);
  return out;
}

}  // namespace hdf5

// Shapes, types and layouts that lie.
inline Attacks hdf5_datasets() {
  using namespace hdf5;
  const uint64_t none = kUndefined, one = 1;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& data) {
    all.push_back(attack(cat(name, ".h5"), "FormatError", word, data));
  };
  add("shape_bomb_4GiB", "takes", with_shape({1 << 15, 1 << 15}));
  add("shape_bomb_4EiB", "takes", with_shape({one << 30, one << 30}));
  add("shape_overflow", "overflows", with_shape({one << 32, one << 32}));
  add("shape_overflow_to_fit", "overflows", with_shape({one << 61, 8, 12}));
  add("shape_most", "a dimension of", with_shape({none}));
  add("shape_negative", "a dimension of", with_shape({one << 63}));
  add("shape_one_more", "takes 64 bytes", with_shape({4, 4}));
  add("shape_one_less", "takes 32 bytes", with_shape({4, 2}));
  add("shape_transposed", "(3, 4)", with_shape({3, 4}));
  add("shape_zero", "takes 0 bytes", with_shape({0, 3}));
  add("shape_zero_and_huge", "takes 0 bytes", with_shape({0, one << 60}));
  add("shape_empty_overflow", "an empty array whose shape overflows",
      with_space(space({0, one << 61, one << 61}), ""));
  add("shape_scalar", "takes 4 bytes", with_shape({}));
  add("shape_33_axes", "dimensions", with_shape(std::vector<uint64_t>(33, 1)));
  add("shape_255_axes", "dimensions", with_shape(std::vector<uint64_t>(255, 1)));
  add("shape_without_dims", "a dimension", with_space(u(1, 1) + u(2, 1) + u(0, 6)));
  add("shape_version", "version 9", with_space(u(9, 1) + u(2, 1) + u(0, 22)));
  add("shape_permuted", "permuted", with_space(u(1, 1) + u(1, 1) + u(2, 6) + u(12, 8)));
  add("shape_null", "null", with_space(u(2, 1) + u(0, 1) + u(0, 1) + u(2, 1)));
  add("shape_above_largest", "above its largest",
      with_space(u(1, 1) + u(1, 1) + u(1, 6) + u(12, 8) + u(3, 8)));
  const char* kinds[] = {"times", "bit fields", "opaque", "compound", "references", "enumerations"};
  const int classes[] = {2, 4, 5, 6, 7, 8};
  const auto type = [](size_t at, int value, std::string from = float32_type()) {
    from[at] = static_cast<char>(value);
    return from;
  };
  for (int i = 0; i < 6; ++i)
    add(cat("type_class_", classes[i]), kinds[i], with_type(type(0, 0x10 + classes[i])));
  add("type_array", "arrays", with_type(type(0, 0x1a)));
  add("type_unknown", "unknown class", with_type(type(0, 0x1f)));
  add("type_version", "version 0", with_type(type(0, 0x01)));
  add("type_size_0", "size 0", with_type(type(4, 0)));
  add("type_size_most", "takes",
      with_type(float32_type().substr(0, 4) + u(0xffffffff, 4) + float32_type().substr(8)));
  add("type_precision", "unusual", with_type(type(10, 31)));
  add("type_exponent", "unusual", with_type(type(13, 99)));
  add("type_text", "text where numbers should be", with_type(fixed_type(4)));
  add("type_text_padding", "padded", with_type(type(1, 9, fixed_type(4))));
  add("type_variable_list", "variable-length lists", with_type(type(1, 0, variable_type()), 16));
  add("type_variable_size", "element size", with_type(type(4, 8, variable_type()), 8));
  const auto layout = [](int kind, uint64_t address, uint64_t size, int version = 3) {
    return with_layout(u(version, 1) + u(kind, 1) + u(address, 8) + u(size, 8));
  };
  add("layout_version", "layout of version 9", layout(1, 96, 48, 9));
  add("layout_class", "unknown class 7", layout(7, 96, 48));
  add("layout_beyond", "a dataset's data", layout(1, one << 40, 48));
  add("layout_overflow", "a dataset's data", layout(1, none - 16, 48));
  add("layout_size_huge", "are stored", layout(1, 96, one << 50));
  add("layout_size_most", "are stored", layout(1, 96, none));
  add("layout_never_written", "never written", layout(1, none, 48));
  add("layout_latest", "libver='latest'", layout(2, 96, 48, 4));
  add("layout_compact_longer", "compact data", with_layout(u(3, 1) + u(0, 1) + u(60000, 2)));
  add("layout_compact_short", "are stored", with_layout(u(3, 1) + u(0, 1) + u(4, 2) + "abcd"));
  add("layout_filtered", "filtered",
      with_layout(u(3, 1) + u(0, 1) + u(48, 2) + floats(12),
                  {message(0x0b, u(1, 1) + u(1, 1) + u(0, 6) + u(1, 8))}));
  return all;
}

inline Attacks hdf5_chunks() {
  using namespace hdf5;
  const uint64_t none = kUndefined, one = 1;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& data) {
    all.push_back(attack(cat(name, ".h5"), "FormatError", word, data));
  };
  all.push_back(attack("good_chunks.h5", "done", "", chunked(Chunked()).data));
  add("chunk_missing", "never written", chunked([](Chunked& c) { c.chunks.pop_back(); }));
  add("chunk_twice", "chunks out of order", chunked([](Chunked& c) {
        c.chunks[1].start = {0, 0};
      }));
  add("chunk_order", "chunks out of order",
      chunked([](Chunked& c) { std::swap(c.chunks[0], c.chunks[1]); }));
  add("chunk_outside", "outside its dataset", chunked([](Chunked& c) {
        c.chunks[1].start = {4, 0};
      }));
  add("chunk_far", "outside its dataset", chunked([=](Chunked& c) {
        c.chunks[1].start = {none - 1, 0};
      }));
  add("chunk_off_grid", "outside its dataset", chunked([](Chunked& c) {
        c.chunks[1].start = {1, 0};
      }));
  add("chunk_short", "wrong size", chunked([](Chunked& c) { c.chunks[1].bytes.pop_back(); }));
  add("chunk_long", "wrong size", chunked([](Chunked& c) { c.chunks[1].bytes += "x"; }));
  add("chunk_shape_bomb", "unpacked data", chunked([=](Chunked& c) {
        c.dims = {one << 31, one << 20};
      }));
  add("chunk_shape_overflow", "overflows", chunked([=](Chunked& c) {
        c.dims = {one << 61, one << 61};
      }));
  add("chunk_edge_bomb", "unpacked data", chunked([](Chunked& c) { c.chunk = {100000, 100000}; }));
  add("chunk_of_nothing", "chunks of size 0", chunked([](Chunked& c) { c.chunk = {0, 3}; }));
  add("chunk_axes", "number of axes", chunked([](Chunked& c) { c.dims = {12}; }));
  add("chunk_element_size", "elements of another size",
      with_layout(u(3, 1) + u(2, 1) + u(3, 1) + u(none, 8) + u(4, 4) + u(3, 4) + u(8, 4)));
  add("chunk_no_tree", "never written",
      with_layout(u(3, 1) + u(2, 1) + u(3, 1) + u(none, 8) + u(4, 4) + u(3, 4) + u(4, 4)));
  add("chunk_axes_most", "axes", with_layout(u(3, 1) + u(2, 1) + u(255, 1) + u(96, 8)));
  add("chunk_axes_0", "axes", with_layout(u(3, 1) + u(2, 1) + u(0, 1) + u(96, 8)));
  add("chunk_tree_none", "a B-tree node", changed_chunks("kernel.chunks", 0, 'X', 1));
  add("chunk_tree_type", "type", changed_chunks("kernel.chunks", 4, 0, 1));
  add("chunk_tree_level", "overlaps", changed_chunks("kernel.chunks", 5, 1, 1));
  add("chunk_tree_many", "too many children", changed_chunks("kernel.chunks", 6, 0xffff, 2));
  add("chunk_tree_loop", "overlaps", [] {
    Builder b = chunked(Chunked());
    b.set("kernel.chunks", 5, 1, 1);
    b.set("kernel.chunks", 24 + 32, b.place["kernel.chunks"], 8);
    return b.data;
  }());
  add("chunk_size_most", "a chunk of data", changed_chunks("kernel.chunks", 24, 0xffffffff, 4));
  add("chunk_address", "a chunk of data", changed_chunks("kernel.chunks", 24 + 32, one << 40, 8));
  add("chunk_overlap", "overlap", [] {
    Builder b = chunked(Chunked());
    b.set("kernel.chunks", 24 + 32 + 8 + 32, b.place["bias.data"], 8);
    return b.data;
  }());
  add("chunk_in_element", "inside an element", changed_chunks("kernel.chunks", 24 + 8 + 16, 1, 8));
  return all;
}

inline Attacks hdf5_filters() {
  using namespace hdf5;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& data) {
    all.push_back(attack(cat(name, ".h5"), "FormatError", word, data));
  };
  const auto packed = [](const std::string& bytes, std::vector<int> filters) {
    return chunked([&](Chunked& c) {
      c.filters = std::move(filters);
      for (Builder::Chunk& chunk : c.chunks) chunk.bytes = bytes;
    });
  };
  constexpr int kDeflate = 1, kShuffle = 2, kFletcher = 3;
  all.push_back(attack("good_deflated.h5", "done", "", packed(zlib(floats(6)), {kDeflate})));
  add("filter_unknown", "a filter other than", packed(floats(6), {32015}));
  add("filter_szip", "a filter other than", packed(floats(6), {4}));
  add("filter_deflated_twice", "deflated twice", packed(zlib(zlib(floats(6))), {1, 1}));
  add("filters_33", "33 filters", packed(floats(6), std::vector<int>(33, kShuffle)));
  add("filters_255", "255 filters", packed(floats(6), std::vector<int>(255, kShuffle)));
  add("filter_damaged", "damaged", packed("\x78\x9c" + std::string(20, '\xff'), {kDeflate}));
  add("filter_short", "damaged", packed(zlib(floats(5)), {kDeflate}));
  add("filter_bomb", "damaged", packed(zlib(std::string(10 << 20, '\0')), {kDeflate}));
  add("filter_empty", "damaged", packed("", {kDeflate}));
  add("filter_checksum", "checksum is wrong", packed(floats(6) + "abcd", {kFletcher}));
  add("filter_checksum_short", "shorter than its checksum", packed("abc", {kFletcher}));
  add("filter_left_out", "unpacks to", chunked([](Chunked& c) {
        c.filters = {kDeflate};
        for (Builder::Chunk& chunk : c.chunks) chunk.bytes = zlib(floats(6)), chunk.skipped = 1;
      }));
  return all;
}

// Attributes, and names in them.
inline Attacks hdf5_attributes() {
  using namespace hdf5;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& data) {
    all.push_back(attack(cat("attribute_", name, ".h5"), "FormatError", word, data));
  };
  const auto change = [](size_t at, uint64_t value, int bytes) {
    std::string text = attribute("names", fixed_type(2), space({2}), "abcd");
    poke(&text, 8 + at, value, bytes);
    return good({text}).data;
  };
  add("version", "attribute of version 9", change(0, 9, 1));
  add("shared_type", "shared data type", change(0, 0x0102, 2));
  add("name_unended", "without end", change(2, 5, 2));
  add("name_empty", "a name", change(8, 0, 1));
  add("name_longer", "an attribute's name", change(2, 0xffff, 2));
  add("type_longer", "an attribute's type", change(4, 0xffff, 2));
  add("space_longer", "an attribute's shape", change(6, 0xffff, 2));
  add("shape_bomb", "an attribute's data", change(8 + 8 + 8 + 8, 1 << 30, 8));
  add("shape_most", "a dimension of", change(8 + 8 + 8 + 8, kUndefined, 8));
  add("overflow", "overflows",
      good({attribute("n", fixed_type(1 << 30), space({uint64_t{1} << 60}), "")}).data);
  add("more_data", "more data",
      good({attribute("n", fixed_type(1), space({1}), std::string(16, 'x'))}).data);
  add("twice", "two attributes are named 'n'",
      good({attribute("n", fixed_type(1), space({}), "x"),
            attribute("n", fixed_type(1), space({}), "y")})
          .data);
  // A whole model whose texts lie.
  const auto model = [](const std::string& version, const std::string& config) {
    Builder b;
    b.finish(b.group("root", {}, {version, config}));
    return b.data;
  };
  const std::string version = attribute("keras_version", fixed_type(6), space({}), "2.15.0");
  const auto config = [](const std::string& type, const std::vector<uint64_t>& dims,
                         const std::string& data) {
    return attribute("model_config", type, space(dims), data);
  };
  add("config_number", "holds no text", model(version, config(float32_type(), {}, u(0, 4))));
  add("config_list", "is not one string", model(version, config(fixed_type(2), {2}, "{}{}")));
  add("config_nothing", "is not one string", model(version, config(fixed_type(2), {0}, "")));
  add("config_of_heap_nowhere", "a global heap",
      model(version, config(variable_type(), {}, u(9, 4) + u(1 << 30, 8) + u(1, 4))));
  add("config_no_json", "expected a value", model(version, config(fixed_type(4), {}, "\1\2\3\4")));
  add("version_list", "is not one string",
      model(attribute("keras_version", fixed_type(2), space({2}), "2.3."),
            config(fixed_type(2), {}, "{}")));
  return all;
}

}  // namespace cornu::testing_attacks
