#pragma once

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

namespace zip {

using namespace formats::testing_zip;

// Fields of the headers, by their offset.
constexpr size_t kLocalFlags = 6, kLocalMethod = 8, kLocalCrc = 14, kLocalStored = 18,
                 kLocalSize = 22, kLocalName = 30;
constexpr size_t kCentralFlags = 8, kCentralMethod = 10, kCentralCrc = 16, kCentralStored = 20,
                 kCentralSize = 24, kCentralNameSize = 28, kCentralExtraSize = 30,
                 kCentralDisk = 34, kCentralHeader = 42, kCentralName = 46;

// The three members of a .keras archive, then some more.
inline std::vector<Member> members(std::vector<Member> more = {}, bool deflate = false) {
  std::vector<Member> all = {
      {"metadata.json", json("{'keras_version': '3.8.0'}"), deflate},
      {"config.json", json(kDense), deflate},
      {"model.weights.h5", WeightFile().dense("layers/dense").data(), deflate}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline std::string with(Member more) { return make_zip(members({std::move(more)})).data; }
inline std::string named(const std::string& name) { return with({name, "x"}); }

// One field of the second member's header in the directory, in its local header, or in both.
inline std::string central(size_t field, uint64_t value, int bytes, bool deflate = false) {
  Archive a = make_zip(members({}, deflate));
  poke(&a.data, a.central[1] + field, value, bytes);
  return a.data;
}
inline std::string local(size_t field, uint64_t value, int bytes, bool deflate = false) {
  Archive a = make_zip(members({}, deflate));
  poke(&a.data, a.local[1] + field, value, bytes);
  return a.data;
}
inline std::string both(size_t local_field, size_t central_field, uint64_t value, int bytes,
                        bool deflate = false) {
  Archive a = make_zip(members({}, deflate));
  poke(&a.data, a.local[1] + local_field, value, bytes);
  poke(&a.data, a.central[1] + central_field, value, bytes);
  return a.data;
}
inline std::string at_end(size_t field, uint64_t value, int bytes) {
  Archive a = make_zip(members());
  poke(&a.data, a.end + field, value, bytes);
  return a.data;
}
// A field of the zip64 end record (from 0) or of its locator (from 56).
inline std::string at_end64(size_t field, uint64_t value, int bytes) {
  Archive a = make_zip(members(), true);
  poke(&a.data, a.end - 76 + field, value, bytes);
  return a.data;
}
// The value `at` (0: size, 1: stored size) of the zip64 field of the second member, both headers.
inline std::string zip64_size(int at, uint64_t value) {
  std::vector<Member> all = members();
  all[1].zip64 = true;
  Archive a = make_zip(all);
  const size_t extra = all[1].name.size() + 4 + 8 * static_cast<size_t>(at);
  poke(&a.data, a.local[1] + kLocalName + extra, value, 8);
  poke(&a.data, a.central[1] + kCentralName + extra, value, 8);
  return a.data;
}
inline std::string without(size_t member) {
  std::vector<Member> all = members();
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(member));
  return make_zip(all).data;
}
inline std::string cut(size_t keep_of_100) {
  std::string data = make_zip(members()).data;
  data.resize(data.size() * keep_of_100 / 100);
  return data;
}
// A member whose deflated bytes unpack to `size` zeros.
inline std::string bomb(const std::string& name, size_t size) {
  std::vector<Member> all = members();
  for (Member& m : all)
    if (m.name == name) m.content.append(size, '\0'), m.deflate = true;
  return make_zip(all).data;
}
// Many members that are one and the same bytes, each with a header of its own in the directory
// (as the bombs of overlapping members do).
inline std::string overlapping() {
  Archive a = make_zip(members({{"m0", std::string(5000, 'x')}, {"m1", std::string(5000, 'x')}}));
  poke(&a.data, a.central[4] + kCentralHeader, a.local[3], 4);
  a.data[a.central[4] + kCentralName + 1] = '0';
  a.data[a.central[3] + kCentralName + 1] = '1';
  a.data[a.local[3] + kLocalName + 1] = '0';
  return a.data;
}
// A member that holds another's header and data within its own.
inline std::string quoting() {
  Archive a = make_zip(members({{"in", "inner"}}));
  const uint64_t more = a.directory - a.local[2];  // to the end of the last member
  const size_t name = std::string("model.weights.h5").size();
  for (const auto& [at, stored] :
       {std::pair{a.local[2], kLocalStored}, std::pair{a.central[2], kCentralStored}})
    for (const size_t field : {stored, stored + 4})
      poke(&a.data, at + field, more - kLocalName - name, 4);
  return a.data;
}
inline std::string many_members() {
  std::vector<Member> more;
  for (int i = 0; i < 100'001; ++i) more.push_back({cat("assets/", i), ""});
  return make_zip(members(more), true).data;
}
// An end record within the comment of the real one, for another directory.
inline std::string two_ends() {
  Archive a = make_zip(members(), false, std::string(22, 'c'));
  std::string end = a.data.substr(a.end, 22);
  poke(&end, 20, 0, 2);
  a.data.replace(a.end + 22, 22, end);
  return a.data;
}
inline std::string descriptor(size_t field, uint64_t value) {
  std::vector<Member> all = members();
  all[2].descriptor = true;
  Archive a = make_zip(all);
  poke(&a.data, a.directory - 16 + field, value, 4);
  return a.data;
}

}  // namespace zip

inline Attacks zip_names() {
  using namespace zip;
  const std::string name = "the member name";
  return {
      attack("name_parent.keras", "FormatError", "leaves its folder", named("../config.json")),
      attack("name_parent_inside.keras", "FormatError", "leaves its folder", named("a/../../b")),
      attack("name_parent_last.keras", "FormatError", "leaves its folder", named("a/..")),
      attack("name_two_dots.keras", "FormatError", "leaves its folder", named("..")),
      attack("name_dot.keras", "FormatError", "leaves its folder", named("./config.json")),
      attack("name_empty_part.keras", "FormatError", "leaves its folder", named("a//b")),
      attack("name_absolute.keras", "FormatError", "absolute", named("/etc/passwd")),
      attack("name_drive.keras", "FormatError", "absolute", named("C:/config.json")),
      attack("name_backslash.keras", "FormatError", "backslash", named("..\\config.json")),
      attack("name_share.keras", "FormatError", "backslash", named("\\\\host\\share")),
      attack("name_nul.keras", "FormatError", "control",
             named(std::string("config.json\0.txt", 16))),
      attack("name_newline.keras", "FormatError", "control", named("config.json\n")),
      attack("name_escape.keras", "FormatError", "control", named("\x1b[2Jconfig.json")),
      attack("name_delete.keras", "FormatError", "control", named("a\x7f")),
      attack("name_empty.keras", "FormatError", "is empty", named("")),
      attack("name_no_utf8.keras", "FormatError", "UTF-8", named("\xff\xfe")),
      attack("name_overlong_slash.keras", "FormatError", "UTF-8", named("..\xc0\xaf")),
      attack("name_surrogate.keras", "FormatError", "UTF-8", named("\xed\xa0\x80")),
      attack("link.keras", "FormatError", "symbolic link",
             with({"assets/l", "/etc/passwd", false, false, false, 0120777u << 16})),
      attack("link_deflated.keras", "FormatError", "symbolic link",
             with({"l", "/etc", true, false, false, 0120755u << 16})),
      attack("folder_with_content.keras", "FormatError", "folder with content",
             with({"assets/", "x"})),
      attack("twice_config.keras", "FormatError", "two members are named 'config.json'",
             with({"config.json", "{}"})),
      attack("twice_weights.keras", "FormatError", "two members are named 'model.weights.h5'",
             with({"model.weights.h5", "x"})),
      attack("twice_of_other_kind.keras", "FormatError", "two members",
             with({"metadata.json", "{}", true})),
  };
}

inline Attacks zip_headers() {
  using namespace zip;
  Attacks all = {
      attack("differ_name.keras", "FormatError", "differ in their name", local(kLocalName, 'C', 1)),
      attack("differ_method.keras", "FormatError", "differ in their method",
             local(kLocalMethod, 8, 2)),
      attack("differ_flags.keras", "FormatError", "differ in their flags",
             local(kLocalFlags, 2, 2)),
      attack("differ_crc.keras", "FormatError", "differ in their CRC-32", local(kLocalCrc, 1, 4)),
      attack("differ_stored.keras", "FormatError", "differ in their sizes",
             local(kLocalStored, 1, 4)),
      attack("differ_size.keras", "FormatError", "differ in their sizes", local(kLocalSize, 1, 4)),
      attack("local_none.keras", "FormatError", "expected a local header", local(0, 0, 4)),
      attack("local_name_beyond.keras", "FormatError", "name", local(26, 0xffff, 2)),
      attack("local_extra_beyond.keras", "FormatError", "an extra field", local(28, 0x7000, 2)),
      attack("central_none.keras", "FormatError", "expected a directory entry", central(0, 0, 4)),
      attack("central_name_beyond.keras", "FormatError", "a member name",
             central(kCentralNameSize, 0xffff, 2)),
      attack("central_extra_beyond.keras", "FormatError", "an extra field",
             central(kCentralExtraSize, 0xffff, 2)),
      attack("central_comment_beyond.keras", "FormatError", "a comment",
             central(kCentralExtraSize + 2, 0xffff, 2)),
      attack("central_header_beyond.keras", "FormatError", "a local header",
             central(kCentralHeader, 0xfffffff0, 4)),
      attack("central_header_inside.keras", "FormatError", "overlaps another",
             central(kCentralHeader, 1, 4)),
      attack("central_header_itself.keras", "FormatError", "expected a local header",
             [] {
               const Archive a = make_zip(members());
               return central(kCentralHeader, a.central[1], 4);
             }()),
      attack("central_disk.keras", "FormatError", "disks", central(kCentralDisk, 1, 2)),
      attack("stored_two_sizes.keras", "FormatError", "two different sizes",
             both(kLocalSize, kCentralSize, 1 << 30, 4)),
      attack("stored_beyond.keras", "FormatError", "a member's data",
             [] {
               Archive a = make_zip(members());
               for (const size_t at : {a.local[1] + kLocalStored, a.central[1] + kCentralStored})
                 for (const size_t field : {at, at + 4}) poke(&a.data, field, 0x7fffffff, 4);
               return a.data;
             }()),
      attack("crc_stored.keras", "FormatError", "the CRC-32 of 'config.json' is wrong",
             both(kLocalCrc, kCentralCrc, 1, 4)),
      attack("crc_deflated.keras", "FormatError", "the CRC-32 of 'config.json' is wrong",
             both(kLocalCrc, kCentralCrc, 1, 4, true)),
      attack("encrypted.keras", "FormatError", "is encrypted",
             both(kLocalFlags, kCentralFlags, 1, 2)),
      attack("encrypted_strongly.keras", "FormatError", "is encrypted",
             both(kLocalFlags, kCentralFlags, 0x41, 2)),
      attack("encrypted_directory.keras", "FormatError", "is encrypted",
             both(kLocalFlags, kCentralFlags, 0x2000, 2)),
      attack("patched.keras", "FormatError", "unknown flags",
             both(kLocalFlags, kCentralFlags, 0x20, 2)),
      attack("descriptor_crc.keras", "FormatError", "descriptor", descriptor(4, 1)),
      attack("descriptor_stored.keras", "FormatError", "descriptor", descriptor(8, 1)),
      attack("descriptor_size.keras", "FormatError", "descriptor", descriptor(12, 1 << 30)),
      attack("descriptor_none.keras", "FormatError", "descriptor",
             both(kLocalFlags, kCentralFlags, 8, 2)),
  };
  // Shrunk, imploded, Deflate64, BZIP2, LZMA, Zstandard, XZ, AES, reserved
  for (const int method : {1, 6, 9, 12, 14, 93, 95, 99, 0xffff})
    all.push_back(attack(cat("method_", method, ".keras"), "FormatError", cat("by method ", method),
                         both(kLocalMethod, kCentralMethod, static_cast<uint64_t>(method), 2)));
  return all;
}

inline Attacks zip_ends() {
  using namespace zip;
  const uint64_t ones = ~uint64_t{0};
  Attacks all = {
      attack("end_none.keras", "FormatError", "no zip directory", cut(99)),
      attack("end_half.keras", "FormatError", "no zip directory", cut(50)),
      attack("end_start.keras", "FormatError", "no zip directory", cut(1)),
      attack("end_tail.keras", "FormatError", "no zip directory", make_zip(members()).data + "x"),
      attack("end_in_comment.keras", "FormatError", "directory is not where", two_ends()),
      attack("end_comment_longer.keras", "FormatError", "no zip directory", at_end(20, 500, 2)),
      attack("end_disk.keras", "FormatError", "disks", at_end(4, 1, 2)),
      attack("end_disk_of_directory.keras", "FormatError", "disks", at_end(6, 1, 2)),
      attack("end_entries_differ.keras", "FormatError", "disks", at_end(8, 1, 2)),
      attack("end_entries_fewer.keras", "FormatError", "longer than its members",
             at_end(8, 0x00020002, 4)),
      attack("end_entries_more.keras", "FormatError", "too large", at_end(8, 0x00040004, 4)),
      attack("end_entries_most.keras", "FormatError", "too large", at_end(8, 0xffffffff, 4)),
      attack("end_directory_size.keras", "FormatError", "not where", at_end(12, 1 << 30, 4)),
      attack("end_directory_offset.keras", "FormatError", "not where", at_end(16, 0xfffffff0, 4)),
      attack("end_directory_start.keras", "FormatError", "not where", at_end(16, 0, 4)),
      attack("end64_offset.keras", "FormatError", "zip64 record is not where",
             at_end64(64, ones, 8)),
      attack("end64_itself.keras", "FormatError", "zip64 record is not where",
             [] {
               const Archive a = make_zip(members(), true);
               return at_end64(64, a.end - 20, 8);
             }()),
      attack("end64_none.keras", "FormatError", "expected the zip64 record", at_end64(0, 0, 4)),
      attack("end64_disk.keras", "FormatError", "disks", at_end64(16, 1, 4)),
      attack("end64_entries.keras", "FormatError", "disagree", at_end64(24, ones, 8)),
      attack("end64_entries_most.keras", "FormatError", "too large",
             [] {
               Archive a = make_zip(members(), true);
               for (const size_t at : {24u, 32u})
                 poke(&a.data, a.end - 76 + at, uint64_t{1} << 60, 8);
               return a.data;
             }()),
      attack("end64_size.keras", "FormatError", "not where", at_end64(40, ones, 8)),
      attack("end64_directory.keras", "FormatError", "not where", at_end64(48, ones - 8, 8)),
      attack("end64_differs.keras", "FormatError", "not where", at_end(16, 0xffffffff, 4)),
      attack("zip64_size_huge.keras", "FormatError", "two different sizes", zip64_size(0, ones)),
      attack("zip64_stored_huge.keras", "FormatError", "two different sizes", zip64_size(1, ones)),
      attack("zip64_size_one_more.keras", "FormatError", "two different sizes",
             zip64_size(0, members()[1].content.size() + 1)),
      attack("zip64_missing.keras", "FormatError", "64-bit size is missing",
             central(kCentralSize, 0xffffffff, 4)),
      attack("zip64_missing_in_local.keras", "FormatError", "64-bit size is missing",
             local(kLocalSize, 0xffffffff, 4)),
      attack("zip64_header_missing.keras", "FormatError", "64-bit size is missing",
             central(kCentralHeader, 0xffffffff, 4)),
      {"members_100001.keras", "FormatError", "too large", many_members},
  };
  return all;
}

// Members that overlap, bombs, archives that hold something else.
inline Attacks zip_contents() {
  using namespace zip;
  constexpr size_t kMiB = 1 << 20;
  return {
      attack("overlap_same.keras", "FormatError", "overlap", overlapping()),
      attack("overlap_quoted.keras", "FormatError", "overlaps", quoting()),
      attack("overlap_directory.keras", "FormatError", "overlaps the directory",
             [] {
               Archive a = make_zip(members());
               const uint64_t size = members()[2].content.size() + 8;
               for (const size_t at : {a.local[2] + kLocalStored, a.central[2] + kCentralStored})
                 for (const size_t field : {at, at + 4}) poke(&a.data, field, size, 4);
               return a.data;
             }()),
      {"bomb_config.keras", "FormatError", "bytes", [] { return bomb("config.json", 100 * kMiB); }},
      {"bomb_metadata.keras", "FormatError", "bytes",
       [] { return bomb("metadata.json", 100 * kMiB); }},
      {"bomb_weights.keras", "FormatError", "unpacked members",
       [] { return bomb("model.weights.h5", 200 * kMiB); }},
      attack("bomb_ratio.keras", "FormatError", "cannot unpack to",
             both(kLocalSize, kCentralSize, 4'000'000'000, 4, true)),
      attack("deflate_more.keras", "FormatError", "more than its size",
             both(kLocalSize, kCentralSize, 50, 4, true)),
      attack("deflate_less.keras", "FormatError", "less than its size",
             both(kLocalSize, kCentralSize, 500, 4, true)),
      attack("deflate_garbage.keras", "FormatError", "damaged",
             [] {
               Archive a = make_zip(members({}, true));
               poke(&a.data, a.local[1] + kLocalName + 11, ~uint64_t{0}, 8);
               return a.data;
             }()),
      attack("deflate_of_stored.keras", "FormatError", "'config.json'",
             both(kLocalMethod, kCentralMethod, 8, 2)),
      attack("deflate_tail.keras", "FormatError", "data after its end",
             [] {
               std::vector<Member> all = members();
               const std::string text = all[1].content;
               all[1].content = deflated(text) + "tail";
               Archive a = make_zip(all);
               for (const size_t at : {a.local[1] + kLocalMethod, a.central[1] + kCentralMethod})
                 poke(&a.data, at, 8, 2);
               for (const size_t at : {a.local[1] + kLocalSize, a.central[1] + kCentralSize})
                 poke(&a.data, at, text.size(), 4);
               return a.data;
             }()),
      attack("nested.keras", "FormatError", "must hold metadata.json",
             make_zip({{"model.keras", make_zip(members()).data}}).data),
      attack("no_metadata.keras", "FormatError", "must hold metadata.json", without(0)),
      attack("no_config.keras", "FormatError", "must hold config.json", without(1)),
      attack("no_weights.keras", "FormatError", "must hold model.weights.h5", without(2)),
      attack("weights_of_numpy.keras", "FormatError", "model.weights.npz is not read",
             make_zip({members()[0], members()[1], {"model.weights.npz", "PK"}}).data),
      attack("weights_no_hdf5.keras", "FormatError", "HDF5",
             make_zip({members()[0], members()[1], {"model.weights.h5", "#!/bin/sh\nid\n"}}).data),
      attack("weights_empty.keras", "FormatError", "HDF5",
             make_zip({members()[0], members()[1], {"model.weights.h5", ""}}).data),
      attack("config_empty.keras", "FormatError", "ends where a value should be",
             make_zip({members()[0], {"config.json", ""}, members()[2]}).data),
      attack("metadata_list.keras", "FormatError", "config.json",
             make_zip({{"metadata.json", "[]"}, {"config.json", "[}"}, members()[2]}).data),
      attack("pickle.keras", "FormatError", "this is no model",
             "\x80\x04\x95"
             "cposix\nsystem\n."),
      attack("tar.keras", "FormatError", "this is no model",
             "config.json" + std::string(246, '\0') + "ustar" + std::string(250, '\0')),
      attack("gzip.keras", "FormatError", "this is no model",
             "\x1f\x8b\x08" + std::string(40, '\0')),
      attack("elf.keras", "FormatError", "this is no model",
             "\x7f"
             "ELF" +
                 std::string(40, '\2')),
      attack("empty.keras", "FormatError", "this is no model", ""),
      attack("nuls.keras", "FormatError", "this is no model", std::string(10000, '\0')),
      attack("signature_alone.keras", "FormatError", "no zip directory", "PK\x03\x04"),
      attack("end_alone.keras", "FormatError", "this is no model",
             "PK\x05\x06" + std::string(18, '\0')),
      attack("zip_behind_hdf5.h5", "FormatError", "superblock",
             "\x89HDF\r\n\x1a\n\x09" + std::string(90, '\0') + make_zip(members()).data),
  };
}

}  // namespace cornu::testing_attacks
