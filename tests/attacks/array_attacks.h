#pragma once

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

namespace arrays {

using formats::testing_hdf5::u;

inline std::string file_of(const std::string& header, const std::string& data) {
  return u(header.size(), 8) + json(header) + data;
}
inline std::string entry(const std::string& shape, const std::string& offsets,
                         const std::string& dtype = "F32") {
  return cat("{'dtype': '", dtype, "', 'shape': ", shape, ", 'data_offsets': ", offsets, "}");
}
// One array "a" in a file with so many bytes of data.
inline std::string one(const std::string& shape, const std::string& offsets, int64_t bytes = 8,
                       const std::string& dtype = "F32") {
  return file_of(cat("{'a': ", entry(shape, offsets, dtype), "}"),
                 std::string(static_cast<size_t>(bytes), '\0'));
}
inline std::string npy(const std::string& header, const std::string& data = std::string(24, '\0'),
                       const std::string& version = std::string("\1\0", 2)) {
  return "\x93NUMPY" + version + u(header.size(), version[0] == 1 ? 2 : 4) + header + data;
}
inline std::string described(const std::string& descr, const std::string& shape,
                             const std::string& order = "False") {
  return npy(cat("{'descr': ", descr, ", 'fortran_order': ", order, ", 'shape': ", shape, ", }\n"));
}

}  // namespace arrays

inline Attacks safetensors_files() {
  using namespace arrays;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& content) {
    all.push_back(attack(cat(name, ".safetensors"), "FormatError", word, content));
  };
  all.push_back(attack("good.safetensors", "done", "", one("[2]", "[0, 8]")));
  add("empty", "length of the header", "");
  add("length_cut", "length of the header", "\2\0\0");
  add("length_0", "the header", u(0, 8));
  add("length_beyond", "the header", u(100, 8) + "{}");
  add("length_most", "the header", u(~uint64_t{0}, 8) + "{}");
  add("length_overflow", "the header", u(~uint64_t{0} - 7, 8) + "{}");
  all.push_back({"length_100MB.safetensors", "FormatError", "bytes",
                 [] { return u(100'000'000, 8) + "{"; },
                 [](const std::filesystem::path& folder) {
                   std::filesystem::resize_file(folder / "length_100MB.safetensors", 100'000'008);
                 }});
  all.push_back({"length_16MiB_of_keys.safetensors", "FormatError", "values", [] {
                   const std::string text = "{\"a\":0" + repeated(",\"a\":0", 2'000'000) + "}";
                   return u(text.size(), 8) + text;
                 }});
  add("header_space_first", "begin with '{'", file_of(" {}", ""));
  add("header_list", "begin with '{'", file_of("[]", ""));
  add("header_mark", "begin with '{'", file_of("\xef\xbb\xbf{}", ""));
  add("header_two", "after the end", file_of("{}{}", ""));
  add("header_depth", "levels deep", file_of(repeated("{'a':", 1000), ""));
  add("header_number", "expected an object", file_of("{'a': 1}", ""));
  add("header_nan", "expected an integer", one("[NaN]", "[0, 8]"));
  add("dtype_unknown", "which is not read", one("[2]", "[0, 8]", 8, "F8_E4M3"));
  add("dtype_number", "expected a string",
      file_of("{'a': {'dtype': 7, 'shape': [], 'data_offsets': [0, 4]}}", ""));
  add("dtype_none", "dtype", file_of("{'a': {'shape': [], 'data_offsets': [0, 4]}}", "abcd"));
  add("shape_none", "shape", file_of("{'a': {'dtype': 'F32', 'data_offsets': [0, 4]}}", "abcd"));
  add("shape_more", "takes 12 bytes", one("[3]", "[0, 8]"));
  add("shape_less", "takes 4 bytes", one("[1]", "[0, 8]"));
  add("shape_bomb", "takes", one("[1073741824, 1024]", "[0, 8]"));
  add("shape_overflow", "the array 'a'", one("[4611686018427387904, 4]", "[0, 8]"));
  add("shape_overflow_to_fit", "the array 'a'", one("[4611686018427387904, 4, 2]", "[0, 0]"));
  add("shape_empty_overflow", "no file can hold", one("[0, 4611686018427387904, 4]", "[0, 0]", 0));
  add("shape_negative", "the array 'a'", one("[-2]", "[0, 8]"));
  add("shape_two_negatives", "the array 'a'", one("[-1, -2]", "[0, 8]"));
  add("shape_beyond", "integer", one("[9223372036854775808]", "[0, 8]"));
  add("shape_real", "integer", one("[2.0]", "[0, 8]"));
  add("shape_no_list", "no shape", one("2", "[0, 8]"));
  add("offsets_none", "data_offsets", file_of("{'a': {'dtype': 'F32', 'shape': []}}", "abcd"));
  add("offsets_one", "no place", one("[2]", "[0]"));
  add("offsets_three", "no place", one("[2]", "[0, 8, 8]"));
  add("offsets_turned", "takes 8 bytes", one("[2]", "[8, 0]"));
  add("offsets_negative", "takes 8 bytes", one("[2]", "[-8, 0]"));
  add("offsets_most", "takes 8 bytes", one("[2]", "[0, 9223372036854775807]"));
  add("offsets_far", "does not begin where",
      one("[2]", "[4611686018427387904, 4611686018427387912]"));
  add("offsets_beyond", "but 8 are there", one("[4]", "[0, 16]"));
  add("hole_before", "does not begin where", one("[2]", "[8, 16]", 16));
  add("hole_behind", "but 9 are there", one("[2]", "[0, 8]", 9));
  add("hole_between", "does not begin where",
      file_of(cat("{'a': ", entry("[1]", "[0, 4]"), ", 'b': ", entry("[1]", "[8, 12]"), "}"),
              std::string(12, '\0')));
  add("overlap_same", "does not begin where",
      file_of(cat("{'a': ", entry("[2]", "[0, 8]"), ", 'b': ", entry("[2]", "[0, 8]"), "}"),
              std::string(8, '\0')));
  add("overlap_in_part", "does not begin where",
      file_of(cat("{'a': ", entry("[2]", "[0, 8]"), ", 'b': ", entry("[2]", "[4, 12]"), "}"),
              std::string(12, '\0')));
  add("no_data", "but 0 are there", one("[2]", "[0, 8]", 0));
  add("zip", "the header", "PK\x03\x04" + std::string(30, '\0'));
  return all;
}

inline Attacks npy_files() {
  using namespace arrays;
  using formats::testing_zip::make_zip;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& content) {
    all.push_back(attack(cat(name, ".npy"), "FormatError", word, content));
  };
  all.push_back(attack("good.npy", "done", "", described("'<f4'", "(2, 3)")));
  add("empty", "signature", "");
  add("signature", "signature", "\x93NUMPX" + std::string(50, '\0'));
  add("version_0", "version 0", npy("{}", "", std::string("\0\0", 2)));
  add("version_9", "version 9", npy("{}", "", std::string("\x09\0", 2)));
  add("version_minor", "minor version", npy("{}", "", "\1\1"));
  add("header_beyond", "the header", "\x93NUMPY" + std::string("\1\0\xff\xff", 4) + "{}");
  add("header_4GiB", "a header of", "\x93NUMPY" + std::string("\2\0\xff\xff\xff\xff", 6) + "{}");
  add("header_depth", "no '{'", npy(repeated("(", 60000)));
  add("header_none", "no '{'", npy(""));
  add("header_empty", "no 'descr'", npy("{}"));
  add("header_tail", "text after the dict",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} import os"));
  add("header_call", "no '{'", npy("__import__('os').system('id')"));
  add("header_key", "unexpected key", npy("{'code': '<f4'}"));
  add("header_key_twice", "unexpected key", npy("{'descr': '<f4', 'descr': '<f4'}"));
  add("header_unended", "a string without end", npy("{'descr"));
  add("objects", "Python objects", described("'|O'", "(6,)"));
  add("records", "a structured type", described("[('a', '<f4')]", "(6,)"));
  add("text", "which is not read", described("'<U4'", "(6,)"));
  add("type_empty", "which is not read", described("''", "(6,)"));
  add("type_complex", "which is not read", described("'<c8'", "(3,)"));
  add("order_number", "no boolean", described("'<f4'", "(6,)", "1"));
  add("shape_more", "takes 28 bytes", described("'<f4'", "(7,)"));
  add("shape_less", "takes 20 bytes", described("'<f4'", "(5,)"));
  add("shape_bomb", "takes", described("'<f4'", "(1073741824, 1024)"));
  add("shape_overflow", "the array", described("'<f4'", "(4611686018427387904, 4)"));
  add("shape_overflow_to_fit", "the array", described("'|i1'", "(4294967296, 4294967296, 24)"));
  all.push_back(attack("shape_empty_overflow.npy", "FormatError", "no file can hold",
                       npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, "
                           "4611686018427387904, 4)}",
                           "")));
  add("shape_negative", "a shape that is not of sizes", described("'<f4'", "(-6,)"));
  add("shape_beyond", "a shape that is not of sizes", described("'<f4'", "(9223372036854775808,)"));
  add("shape_name", "a shape that is not of sizes", described("'<f4'", "(x,)"));
  add("shape_unended", "no ')'", npy("{'shape': (6 "));
  const auto archive = [&](const std::string& name, const char* word,
                           const std::vector<formats::testing_zip::Member>& members) {
    all.push_back(
        {cat(name, ".npz"), "FormatError", word, [members] { return make_zip(members).data; }});
  };
  const std::string good = described("'<f4'", "(2, 3)");
  archive("up", "leaves its folder", {{"../a.npy", good}});
  archive("twice", "two members", {{"a.npy", good}, {"a.npy", good}});
  archive("no_array", "is not an array", {{"a.npy", good}, {"run.sh", "id"}});
  archive("objects", "Python objects", {{"a.npy", described("'|O'", "(1,)")}});
  archive("link", "symbolic link", {{"a.npy", "/etc/passwd", false, false, false, 0120777u << 16}});
  archive("bomb_lie", "takes", {{"a.npy", described("'<f4'", "(1073741824,)"), true}});
  archive("nested", "is not an array", {{"a.npz", make_zip({{"a.npy", good}}).data}});
  all.push_back(attack("no_zip.npz", "FormatError", "no zip directory", "\x93NUMPY"));
  return all;
}

}  // namespace cornu::testing_attacks
