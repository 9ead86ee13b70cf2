#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

namespace tfjs {

inline std::string model(const std::string& manifest, const std::string& config = kDense) {
  return json(
      cat("{'format': 'layers-model', 'modelTopology': {'keras_version': '2.15.0', "
          "'model_config': ",
          config, "}, 'weightsManifest': ", manifest, "}"));
}
// `more` starts with a comma.
inline std::string weight(const std::string& name, const std::string& shape,
                          const std::string& dtype = "float32", const std::string& more = "") {
  return cat("{'name': '", name, "', 'shape': ", shape, ", 'dtype': '", dtype, "'", more, "}");
}
inline std::string group(const std::string& paths, const std::vector<std::string>& weights) {
  return cat("{'paths': ", paths, ", 'weights': ", list(weights), "}");
}
const std::vector<std::string> kWeights = {weight("d/kernel", "[4, 3]"), weight("d/bias", "[3]")};
// All weights in the files of that list.
inline std::string files(const std::string& paths) {
  return model(cat("[", group(paths, kWeights), "]"));
}
// The kernel said to be something else.
inline std::string kernel(const std::string& shape, const std::string& dtype = "float32",
                          const std::string& more = "") {
  return model(
      cat("[", group("['w.bin']", {weight("d/kernel", shape, dtype, more), kWeights[1]}), "]"));
}
inline std::string quantized(const std::string& fields, const std::string& dtype = "float32") {
  return kernel("[4, 3]", dtype, cat(", 'quantization': {", fields, "}"));
}

using Path = std::filesystem::path;

inline void put(const Path& folder, const std::string& name, const std::string& content) {
  std::ofstream(folder / name, std::ios::binary) << content;
}
// The numbers of both weights.
inline void put_weights(const Path& folder) { put(folder, "w.bin", floats(15)); }

}  // namespace tfjs

// Weight files that are no files of the model's folder.
inline Attacks tfjs_files() {
  using namespace tfjs;
  Attacks all;
  const auto add = [&](const std::string& name, const char* ending, const char* word,
                       const std::string& content, std::function<void(const Path&)> beside) {
    all.push_back({cat("tfjs_", name, "/model.json"), ending, word, [content] { return content; },
                   std::move(beside)});
  };
  add("good", "done", "", files("['w.bin']"), put_weights);
  const std::pair<const char*, const char*> names[] = {{"parent", "../w.bin"},
                                                       {"parent_inside", "a/../w.bin"},
                                                       {"folder", "a/w.bin"},
                                                       {"absolute", "/etc/passwd"},
                                                       {"dots", ".."},
                                                       {"dot", "."},
                                                       {"backslash", "..\\\\w.bin"},
                                                       {"drive", "C:w.bin"},
                                                       {"url", "http://localhost/w"},
                                                       {"file_url", "file:///etc/passwd"},
                                                       {"empty", ""},
                                                       {"nul", "w.bin\\u0000.txt"},
                                                       {"newline", "w\\n.bin"},
                                                       {"stream", "w.bin:x"}};
  for (const auto& [what, name] : names)
    add(cat("name_", what), "FormatError", "must be a plain file name",
        files(cat("['", name, "']")), put_weights);
  add("name_long", "FormatError", "must be a plain file name",
      files(cat("['", std::string(5000, 'w'), "']")), put_weights);
  add("name_number", "FormatError", "expected a string", files("[7]"), put_weights);
  add("name_twice", "FormatError", "listed twice", files("['w.bin', 'w.bin']"), put_weights);
  add("paths_no_list", "FormatError", "not a list", files("'w.bin'"), put_weights);
  add("symlink", "IoError", "links are not followed", files("['w.bin']"), [](const Path& folder) {
    put(folder, "outside", floats(15));
    std::filesystem::create_symlink(folder / "outside", folder / "w.bin");
  });
  add("symlink_up", "IoError", "links are not followed", files("['w.bin']"),
      [](const Path& folder) { std::filesystem::create_symlink("/etc/passwd", folder / "w.bin"); });
  add("symlink_broken", "IoError", "links are not followed", files("['w.bin']"),
      [](const Path& folder) { std::filesystem::create_symlink("nowhere", folder / "w.bin"); });
  add("symlink_itself", "IoError", "links are not followed", files("['w.bin']"),
      [](const Path& folder) { std::filesystem::create_symlink("w.bin", folder / "w.bin"); });
  add("hard_link", "IoError", "hard link", files("['w.bin']"), [](const Path& folder) {
    put(folder, "outside", floats(15));
    std::filesystem::create_hard_link(folder / "outside", folder / "w.bin");
  });
  add("fifo", "IoError", "pipe", files("['w.bin']"), [](const Path& folder) {
    if (::mkfifo((folder / "w.bin").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  });
  add("directory", "IoError", "directory", files("['w.bin']"),
      [](const Path& folder) { std::filesystem::create_directory(folder / "w.bin"); });
  add("socket", "IoError", "No such device", files("['w.bin']"), [](const Path& folder) {
    const int s = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{AF_UNIX, {}};
    (folder / "w.bin").string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int result = ::bind(s, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(s);
    if (result != 0) throw std::runtime_error("bind");
  });
  add("missing", "IoError", "No such file", files("['w.bin']"), {});
  add("short", "FormatError", "take 60 bytes, but its files hold 59", files("['w.bin']"),
      [](const Path& folder) { put(folder, "w.bin", floats(15).substr(1)); });
  add("long", "FormatError", "but its files hold 61", files("['w.bin']"),
      [](const Path& folder) { put(folder, "w.bin", floats(15) + "x"); });
  add("empty", "FormatError", "but its files hold 0", files("['w.bin']"),
      [](const Path& folder) { put(folder, "w.bin", ""); });
  add("sparse", "FormatError", "but its files hold", files("['w.bin']"), [](const Path& folder) {
    put_weights(folder);
    std::filesystem::resize_file(folder / "w.bin", uint64_t{1} << 38);
  });
  return all;
}

// Manifests that lie.
inline Attacks tfjs_manifests() {
  using namespace tfjs;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word, const std::string& content) {
    all.push_back({cat("tfjs_", name, "/model.json"), "FormatError", word,
                   [content] { return content; }, put_weights});
  };
  add("shape_bomb", "no file can hold", kernel("[9223372036854775807, 3]"));
  add("shape_4EiB", "no file can hold", kernel("[1073741824, 1073741824]"));
  add("shape_empty_overflow", "no file can hold", kernel("[0, 4611686018427387904, 4]"));
  add("shape_negative", "'d/kernel'", kernel("[-4, -3]"));
  add("shape_minus_1", "'d/kernel'", kernel("[-1, 3]"));
  add("shape_beyond", "integer", kernel("[9223372036854775808]"));
  add("shape_real", "integer", kernel("[4.5, 3]"));
  add("shape_text", "integer", kernel("['4', 3]"));
  add("shape_no_list", "not a list", kernel("12"));
  add("shape_other", "has shape (4, 3), the file holds (3, 4)", kernel("[3, 4]"));
  add("shape_transposed_bias", "the file holds (12,)", kernel("[12]"));
  add("dtype_string", "dtype 'string'", kernel("[4, 3]", "string"));
  add("dtype_complex", "dtype 'complex64'", kernel("[4, 3]", "complex64"));
  add("dtype_number", "expected a string",
      model(cat("[",
                group("['w.bin']", {"{'name': 'd/kernel', 'shape': [4, "
                                    "3], 'dtype': 7}"}),
                "]")));
  add("overlap_groups", "take 48 bytes, but its files hold 60",
      model(cat("[", group("['w.bin']", {kWeights[0]}), ", ", group("['w.bin']", {kWeights[1]}),
                "]")));
  add("weight_twice", "two weights are named",
      model(cat("[", group("['w.bin']", {kWeights[0], kWeights[0]}), "]")));
  add("weight_missing", "the file holds (5, 3)",
      model(cat("[", group("['w.bin']", {weight("d/kernel", "[5, 3]")}), "]")));
  add("weight_foreign", "there is no weight 'd/bias'",
      model(cat("[", group("['w.bin']", {weight("d/kernel", "[4, 3]"), weight("e/bias", "[3]")}),
                "]")));
  add("weight_up", "there is no weight 'd/bias'",
      model(cat("[",
                group("['w.bin']", {weight("../d/kernel", "[4, 3]"), weight("/etc/passwd", "[3]")}),
                "]")));
  add("weight_no_object", "expected an object", model(cat("[", group("['w.bin']", {"7"}), "]")));
  add("weight_without_name", "name", model("[{'paths': ['w.bin'], 'weights': [{'shape': []}]}]"));
  add("group_no_object", "expected an object", model("[7]"));
  add("manifest_no_list", "expected a list", model("{}"));
  add("manifest_none", "weightsManifest",
      json(cat("{'modelTopology': {'model_config': ", kDense, "}}")));
  add("topology_none", "lacks 'class_name'",
      json("{'modelTopology': null, 'weightsManifest': []}"));
  add("topology_of_graph", "graph-model",
      json("{'format': 'graph-model', 'modelTopology': {'node': []}, 'weightsManifest': []}"));
  add("groups_million", "values", model(cat("[[]", repeated(", []", 2'000'000), "]")));
  const char* uint8 = "'dtype': 'uint8', ";
  add("quantised_nan", "outside float32", quantized(cat(uint8, "'scale': NaN, 'min': 0")));
  add("quantised_min_nan", "outside float32", quantized(cat(uint8, "'scale': 1, 'min': NaN")));
  add("quantised_infinity", "outside float32",
      quantized(cat(uint8, "'scale': Infinity, 'min': 0")));
  add("quantised_huge", "outside float32", quantized(cat(uint8, "'scale': 1e38, 'min': 0")));
  add("quantised_no_scale", "scale", quantized("'dtype': 'uint8', 'min': 0"));
  add("quantised_no_min", "min", quantized("'dtype': 'uint8', 'scale': 1"));
  add("quantised_scale_text", "expected a number", quantized(cat(uint8, "'scale': '1', 'min': 0")));
  add("quantised_scale_0_short", "bytes", quantized(cat(uint8, "'scale': 0, 'min': 0")));
  add("quantised_int64", "quantised to 'int64'",
      quantized("'dtype': 'int64', 'scale': 1, 'min': 0"));
  add("quantised_bool", "is bool and quantised",
      quantized(cat(uint8, "'scale': 1, 'min': 0"), "bool"));
  add("quantised_no_object", "expected an object",
      kernel("[4, 3]", "float32", ", 'quantization': 7"));
  return all;
}

// What is no file at all.
inline Attacks other_files() {
  using namespace tfjs;
  namespace fs = std::filesystem;
  const auto here = [](const std::string& name, const char* word,
                       std::function<void(const std::string&)> make) {
    return Attack{
        name, "IoError", word, {}, [=](const Path& parent) { make((parent / name).string()); }};
  };
  return {
      here("missing.keras", "No such file", [](const std::string&) {}),
      here("pipe.keras", "pipe",
           [](const std::string& path) {
             if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
           }),
      here("zeros.keras", "device",
           [](const std::string& path) { fs::create_symlink("/dev/zero", path); }),
      here("terminal.keras", "cannot read",
           [](const std::string& path) { fs::create_symlink("/dev/tty", path); }),
      here("links.keras", "links", [](const std::string& path) { fs::create_symlink(path, path); }),
      here("folder.weights.h5", "directory",
           [](const std::string& path) { fs::create_directory(path); }),
      here("sparse.keras", "bytes",
           [](const std::string& path) {
             std::ofstream(path) << "PK\x03\x04";
             fs::resize_file(path, uint64_t{1} << 42);
           }),
      Attack{"sparse.h5", "FormatError", "superblock", [] { return "\x89HDF\r\n\x1a\n"; },
             [](const Path& folder) { fs::resize_file(folder / "sparse.h5", uint64_t{1} << 38); }},
  };
}

// Unpacked .keras archives.
inline Attacks unpacked_folders() {
  using namespace tfjs;
  namespace fs = std::filesystem;
  const auto folder_of = [](const std::string& name, const char* ending, const char* word,
                            std::function<void(const Path&)> inside) {
    return Attack{name, ending, word, {}, [=](const Path& parent) {
                    fs::create_directory(parent / name);
                    inside(parent / name);
                  }};
  };
  const auto unpacked = [](const Path& folder) {
    put(folder, "metadata.json", json("{'keras_version': '3.8.0'}"));
    put(folder, "config.json", json(kDense));
    put(folder, "model.weights.h5", WeightFile().dense("layers/dense").data());
  };
  const auto replaced = [=](const char* name, const std::string& target) {
    return [=](const Path& folder) {
      unpacked(folder);
      fs::remove(folder / name);
      fs::create_symlink(target, folder / name);
    };
  };
  return {
      folder_of("unpacked_good", "done", "", unpacked),
      folder_of("unpacked_empty", "IoError", "No such file", [](const Path&) {}),
      folder_of("unpacked_saved_model", "FormatError", "SavedModel",
                [](const Path& f) { put(f, "saved_model.pb", "\x08\x01"); }),
      folder_of("unpacked_config_link", "IoError", "links are not followed",
                replaced("config.json", "/etc/passwd")),
      folder_of("unpacked_weights_link", "IoError", "links are not followed",
                replaced("model.weights.h5", "../other.h5")),
      folder_of("unpacked_metadata_link", "IoError", "links are not followed",
                replaced("metadata.json", "config.json")),
      folder_of("unpacked_config_device", "IoError", "links are not followed",
                replaced("config.json", "/dev/zero")),
  };
}

// Lists of files that hold weights.
inline Attacks sharded_weights() {
  using namespace tfjs;
  namespace fs = std::filesystem;
  const auto shards = [](const std::string& name, const char* ending, const char* word,
                         const std::string& map) {
    return Attack{cat("shards_", name, "/m.weights.json"), ending, word,
                  [map] { return json(cat("{'metadata': {}, 'weight_map': ", map, "}")); },
                  [](const Path& folder) {
                    put(folder, "a.weights.h5", WeightFile().dense("layers/dense").data());
                    put(folder, "b.weights.h5", WeightFile().dense("layers/dense").data());
                    fs::create_symlink("/etc/passwd", folder / "l.weights.h5");
                  }};
  };
  return {
      shards("good", "done", "", "{'/layers/dense/vars': ['a.weights.h5']}"),
      shards("twice", "FormatError", "another file has this too",
             "{'/layers/dense/vars': ['a.weights.h5', 'b.weights.h5']}"),
      shards("up", "FormatError", "plain file name", "{'x': '../a.weights.h5'}"),
      shards("absolute", "FormatError", "plain file name", "{'x': ['/etc/passwd']}"),
      shards("link", "IoError", "links are not followed", "{'x': 'l.weights.h5'}"),
      shards("itself", "FormatError", "HDF5", "{'x': 'm.weights.json'}"),
      shards("missing", "IoError", "No such file", "{'x': 'z.weights.h5'}"),
      shards("number", "FormatError", "expected a string", "{'x': 7}"),
      shards("none", "FormatError", "names no file", "{}"),
      shards("list", "FormatError", "weight_map", "[]"),
      shards("many", "FormatError", "more than 1024 files",
             [] {
               std::string names = "'a.weights.h5'";
               for (int i = 0; i < 2000; ++i) names += cat(", 'f", i, "'");
               return cat("{'x': [", names, "]}");
             }()),
  };
}

}  // namespace cornu::testing_attacks
