#pragma once

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

namespace hdf5 {

using namespace formats::testing_hdf5;

using Strings = std::vector<std::string>;

// Puts a group "model_weights" with what a Dense of 4 to 3 named "d" needs, and what makes the
// whole a model. `kernel` and `bias` are the places of the two datasets.
inline void finish_model(Builder& b, size_t kernel, size_t bias, Strings on_root = {},
                         Strings on_layer = {}) {
  const auto texts = [&](const std::string& name, const Strings& strings) {
    return attribute(name, variable_type(), space({strings.size()}), b.variable(strings));
  };
  on_layer.push_back(texts("weight_names", {"w:0", "b:0"}));
  const size_t layer = b.group("layer", {{"b:0", bias}, {"w:0", kernel}}, on_layer);
  const size_t weights = b.group("weights", {{"d", layer}}, {texts("layer_names", {"d"})});
  const std::string config = json(kDense);
  on_root.push_back(attribute("keras_version", fixed_type(6), space({}), "2.15.0"));
  on_root.push_back(attribute("model_config", fixed_type(config.size()), space({}), config));
  b.finish(b.group("root", {{"model_weights", weights}}, on_root));
}
inline size_t kernel_of(Builder& b) {
  return b.dataset("kernel", float32_type(), {4, 3}, floats(12));
}
inline size_t bias_of(Builder& b) { return b.dataset("bias", float32_type(), {3}, floats(3)); }

inline Builder good(Strings on_root = {}, Strings on_layer = {}) {
  Builder b;
  const size_t kernel = kernel_of(b), bias = bias_of(b);
  finish_model(b, kernel, bias, std::move(on_root), std::move(on_layer));
  return b;
}

// One field of one structure is changed.
inline std::string changed(const std::string& place, size_t offset, uint64_t value, int bytes) {
  Builder b = good();
  b.set(place, offset, value, bytes);
  return b.data;
}
inline std::string super(size_t offset, uint64_t value, int bytes) {
  Builder b = good();
  poke(&b.data, offset, value, bytes);
  return b.data;
}
// The kernel's object header has these messages.
inline std::string with_kernel(const Strings& messages) {
  Builder b;
  const size_t kernel = b.header("kernel", messages), bias = bias_of(b);
  finish_model(b, kernel, bias);
  return b.data;
}
// The kernel's data are laid out that way.
inline std::string with_layout(const std::string& layout, Strings more = {}) {
  more.insert(more.begin(),
              {message(1, space({4, 3})), message(3, float32_type()), message(8, layout)});
  return with_kernel(more);
}
inline std::string with_type(const std::string& type, size_t each = 4) {
  Builder b;
  const size_t kernel = b.dataset("kernel", type, {4, 3}, std::string(12 * each, '\1'));
  const size_t bias = bias_of(b);
  finish_model(b, kernel, bias);
  return b.data;
}
inline std::string with_space(const std::string& body, const std::string& data = floats(12)) {
  Builder b;
  const size_t kernel = b.header("kernel", {message(1, body), message(3, float32_type()),
                                            message(8, b.contiguous("kernel", data))});
  const size_t bias = bias_of(b);
  finish_model(b, kernel, bias);
  return b.data;
}
inline std::string with_shape(const std::vector<uint64_t>& dims) { return with_space(space(dims)); }

// A message that says it is longer than its header.
inline std::string lying_message(uint16_t type) {
  std::string text = message(type, std::string(24, '\0'));
  poke(&text, 2, 0xfff8, 2);
  return good({text}).data;
}
// One whose body is all ones, or not there.
inline std::string wild_message(uint16_t type) {
  return good({message(type, std::string(40, '\xff'))}).data;
}
inline std::string empty_message(uint16_t type) { return good({message(type, "")}).data; }

inline std::string nested_groups(int depth) {
  Builder b;
  size_t group = b.group("g", {});
  for (int i = 0; i < depth; ++i) group = b.group("g", {{"g", group}});
  b.finish(group);
  return b.data;
}
}  // namespace hdf5

// The first bytes of a file, and where its parts are.
inline Attacks hdf5_superblocks() {
  using namespace hdf5;
  const uint64_t none = kUndefined;
  Attacks all = {
      attack("good.h5", "done", "", good().data),
      attack("super_version.h5", "FormatError", "unknown version 9", super(8, 9, 1)),
      attack("super_offset_size.h5", "FormatError", "size of offsets", super(13, 4, 1)),
      attack("super_offset_size_0.h5", "FormatError", "size of offsets", super(13, 0, 1)),
      attack("super_length_size.h5", "FormatError", "size of lengths", super(14, 255, 1)),
      attack("super_leaf_k_0.h5", "FormatError", "a group K of 0", super(16, 0, 2)),
      attack("super_leaf_k_most.h5", "FormatError", "a symbol node", super(16, 0xffff, 2)),
      attack("super_internal_k_0.h5", "FormatError", "a group K of 0", super(18, 0, 2)),
      attack("super_internal_k_most.h5", "FormatError", "a B-tree node", super(18, 0xffff, 2)),
      attack("super_base.h5", "FormatError", "base address", super(24, 512, 8)),
      attack("super_end_beyond.h5", "FormatError", "cut short", super(40, uint64_t{1} << 62, 8)),
      attack("super_end_before.h5", "FormatError", "superblock", super(40, 8, 8)),
      attack("super_driver.h5", "FormatError", "driver", super(48, 96, 8)),
      attack("super_root_nowhere.h5", "FormatError", "an object header", super(64, none, 8)),
      attack("super_root_itself.h5", "FormatError", "expected an object header", super(64, 0, 8)),
      attack("super_root_overflow.h5", "FormatError", "an object header", super(64, none - 3, 8)),
      attack("super_soft_link.h5", "FormatError", "soft links", super(72, 2, 4)),
      attack("super_cached_lies.h5", "FormatError", "disagrees", super(72, 1, 4)),
      attack("super_checksum.h5", "FormatError", "checksum", super(8, 2, 1)),
      attack("header_alone.h5", "FormatError", "superblock", "\x89HDF\r\n\x1a\n"),
      attack("no_model.h5", "FormatError", "holds no model", nested_groups(0)),
      attack("deep_groups.h5", "FormatError", "nested more than 32 deep", nested_groups(33)),
      attack("deep_groups_5000.h5", "FormatError", "nested more than 32 deep", nested_groups(5000)),
  };
  for (const int percent : {1, 10, 25, 50, 75, 90, 99})
    all.push_back(attack(cat("cut_", percent, ".h5"), "FormatError",
                         percent == 1 ? "ends inside the superblock" : "cut short", [=] {
                           std::string data = good().data;
                           data.resize(data.size() * static_cast<size_t>(percent) / 100);
                           return data;
                         }()));
  return all;
}

// Object headers and the messages in them.
inline Attacks hdf5_messages() {
  using namespace hdf5;
  Attacks all;
  for (const int type :
       {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
        0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x7777})
    all.push_back(attack(cat("message_", type, "_longer.h5"), "FormatError", "a message",
                         lying_message(static_cast<uint16_t>(type))));
  const auto bad = [&](int type, const char* what, const std::string& word,
                       const std::string& data) {
    all.push_back(attack(cat("message_", type, "_", what, ".h5"), "FormatError", word, data));
  };
  struct Wild {
    int type;
    const char *ones, *empty;  // what the refusal says of a body of ones, and of none
  };
  const Wild wild[] = {{0x01, "data space", "data space"},
                       {0x02, "two styles", "a group"},
                       {0x03, "data type", "data type"},
                       {0x06, "link", "link"},
                       {0x07, "external", "external"},
                       {0x08, "data layout", "data layout"},
                       {0x0b, "filters", "filters"},
                       {0x0c, "attribute", "attribute"},
                       {0x0f, "shared", "shared"},
                       {0x10, "a continuation", "a continuation"},
                       {0x11, "two symbol tables", "a symbol table"},
                       {0x13, "unknown type", "unknown type"},
                       {0x14, "unknown type", "unknown type"},
                       {0x16, "linked", "the reference count"},
                       {0x17, "unknown type", "unknown type"},
                       {0x18, "unknown type", "unknown type"}};
  for (const auto& [type, ones, empty] : wild) {
    bad(type, "ones", ones, wild_message(static_cast<uint16_t>(type)));
    bad(type, "empty", empty, empty_message(static_cast<uint16_t>(type)));
  }
  const auto add = [&](const char* name, const char* word, const std::string& data) {
    all.push_back(attack(cat(name, ".h5"), "FormatError", word, data));
  };
  add("message_shared", "shared messages", good({message(0x0d, "x", 2)}).data);
  add("message_attributes_elsewhere", "densely stored", good({message(0x15, u(0, 10))}).data);
  add("message_odd_size", "multiple of 8", changed("kernel.header", 18, 7, 2));
  add("header_version", "an object header", changed("kernel.header", 0, 7, 1));
  add("header_more_messages", "fewer messages", changed("kernel.header", 2, 5, 2));
  add("header_fewer_messages", "more messages", changed("kernel.header", 2, 1, 2));
  add("header_most_messages", "fewer messages", changed("kernel.header", 2, 0xffff, 2));
  add("header_hard_links", "linked more than once", changed("kernel.header", 4, 2, 4));
  add("header_size_most", "an object header", changed("kernel.header", 8, 0xffffffff, 4));
  add("header_size_0", "fewer messages", changed("kernel.header", 8, 0, 4));
  add("header_two_shapes", "two shapes", with_layout(u(3, 1), {message(1, space({1}))}));
  add("header_new_checksum", "checksum", changed("kernel.header", 0, 0x5244484f, 4));
  add("header_nothing", "neither group nor dataset", with_kernel({message(1, space({4, 3}))}));
  add("header_both", "both group and dataset",
      good({
               message(1, space({})),
           })
          .data);
  const auto continuation = [](uint64_t address, uint64_t size) {
    Builder b;
    const size_t kernel = kernel_of(b), bias = bias_of(b);
    finish_model(b, kernel, bias, {message(0x10, u(address, 8) + u(size, 8))});
    return b;
  };
  add("continuation_beyond", "a continuation", continuation(1 << 30, 64).data);
  add("continuation_overflow", "a continuation", continuation(kUndefined - 7, 64).data);
  add("continuation_most", "a continuation", continuation(96, kUndefined).data);
  add("continuation_of_superblock", "multiple of 8", continuation(0, 96).data);
  add("continuation_of_itself", "more messages", [&] {
    Builder b = continuation(0, 64);
    const size_t at = b.data.rfind(message(0x10, u(0, 8) + u(64, 8)));
    poke(&b.data, at + 8, at, 8);
    return b.data;
  }());
  return all;
}

// Features that read other files, or the same bytes twice; groups that go in circles.
inline Attacks hdf5_links() {
  using namespace hdf5;
  const auto link = [](int kind, const std::string& name, int version = 1) {
    return good({message(0x06, u(version, 1) + u(8, 1) + u(kind, 1) + u(name.size(), 1) + name +
                                   u(0, 8))})
        .data;
  };
  const auto twice = [](const char* from, size_t offset, const char* to) {
    Builder b = good();
    b.set(from, offset, b.place.at(to), 8);
    return b.data;
  };
  const uint64_t none = kUndefined;
  return {
      attack("link_soft.h5", "FormatError", "soft links are not read", link(1, "x")),
      attack("link_external.h5", "FormatError", "external links are not read", link(64, "x")),
      attack("link_user.h5", "FormatError", "unknown kind 200", link(200, "x")),
      attack("link_version.h5", "FormatError", "a link's version", link(0, "x", 2)),
      attack("link_slash.h5", "FormatError", "slash", link(0, "../x")),
      attack("link_empty.h5", "FormatError", "a name", link(0, "")),
      attack("link_two_styles.h5", "FormatError", "two styles", link(0, "x")),
      attack("symbol_soft_link.h5", "FormatError", "soft links",
             changed("layer.symbols", 24, 2, 4)),
      attack("symbol_unknown.h5", "FormatError", "unknown kind 7",
             changed("layer.symbols", 24, 7, 4)),
      attack("external_files.h5", "FormatError", "external data files are not read",
             with_layout(u(3, 1) + u(1, 1) + u(none, 8) + u(48, 8), {message(0x07, u(1, 16))})),
      attack("virtual.h5", "FormatError", "virtual datasets are not read",
             with_layout(u(3, 1) + u(3, 1) + u(0, 16))),
      attack("virtual_4.h5", "FormatError", "virtual datasets are not read",
             with_layout(u(4, 1) + u(3, 1) + u(0, 16))),
      attack("cycle_to_root.h5", "FormatError", "linked twice",
             twice("layer.symbols", 16, "root.header")),
      attack("cycle_to_itself.h5", "FormatError", "linked twice",
             twice("layer.symbols", 16, "layer.header")),
      attack("cycle_to_parent.h5", "FormatError", "linked twice",
             twice("layer.symbols", 56, "weights.header")),
      attack("hard_link_twice.h5", "FormatError", "linked twice",
             twice("layer.symbols", 16, "kernel.header")),
      attack("tree_of_root.h5", "FormatError", "linked twice",
             twice("layer.header", 24, "root.tree")),
      attack("heap_of_root.h5", "FormatError", "not in order",
             twice("layer.header", 32, "root.heap")),
      attack("names_of_root.h5", "FormatError", "not in order",
             twice("layer.heap", 24, "root.names")),
      attack("symbols_of_root.h5", "FormatError", "linked twice",
             twice("layer.tree", 32, "root.symbols")),
      attack("header_in_data.h5", "FormatError", "an object header",
             twice("layer.symbols", 16, "kernel.data")),
      attack("overlap_data.h5", "FormatError", "overlap",
             [] {
               Builder b = good();
               const size_t at = b.data.find(u(b.place.at("bias.data"), 8));
               poke(&b.data, at, b.place.at("kernel.data") + 4, 8);
               return b.data;
             }()),
      attack("overlap_superblock.h5", "FormatError", "overlap",
             [] {
               Builder b = good();
               poke(&b.data, b.data.find(u(b.place.at("bias.data"), 8)), 0, 8);
               return b.data;
             }()),
      attack("overlap_header.h5", "FormatError", "overlap",
             [] {
               Builder b = good();
               poke(&b.data, b.data.find(u(b.place.at("bias.data"), 8)), b.place.at("bias.header"),
                    8);
               return b.data;
             }()),
  };
}

// The trees, nodes and heaps of groups and of texts.
inline Attacks hdf5_trees() {
  using namespace hdf5;
  const uint64_t none = kUndefined, far = uint64_t{1} << 40;
  Attacks all = {
      attack("tree_none.h5", "FormatError", "expected a B-tree node",
             changed("root.tree", 0, 'X', 1)),
      attack("tree_type.h5", "FormatError", "B-tree node's type", changed("root.tree", 4, 1, 1)),
      attack("tree_level.h5", "FormatError", "expected a B-tree node",
             changed("root.tree", 5, 1, 1)),
      attack("tree_level_most.h5", "FormatError", "expected a B-tree node",
             changed("root.tree", 5, 255, 1)),
      attack("tree_children.h5", "FormatError", "too many children",
             changed("root.tree", 6, 0xffff, 2)),
      attack("tree_more_children.h5", "FormatError", "expected a symbol node",
             changed("root.tree", 6, 20, 2)),
      attack("tree_loop.h5", "FormatError", "wrong level",
             [] {
               Builder b = good();
               b.set("root.tree", 5, 1, 1);
               b.set("root.tree", 32, b.place["root.tree"], 8);
               return b.data;
             }()),
      attack("tree_loop_of_two.h5", "FormatError", "expected a symbol node",
             [] {
               Builder b = good();
               b.set("root.tree", 5, 1, 1);
               b.set("root.tree", 32, b.place["layer.tree"], 8);
               b.set("layer.tree", 5, 0, 1);
               b.set("layer.tree", 32, b.place["root.tree"], 8);
               return b.data;
             }()),
      attack("symbols_none.h5", "FormatError", "expected a symbol node",
             changed("root.symbols", 0, 'X', 1)),
      attack("symbols_version.h5", "FormatError", "version", changed("root.symbols", 4, 9, 1)),
      attack("symbols_many.h5", "FormatError", "too many entries",
             changed("root.symbols", 6, 0xffff, 2)),
      attack("symbols_more.h5", "FormatError", "a name that is empty",
             changed("root.symbols", 6, 5, 2)),
      attack("symbols_order.h5", "FormatError", "not in order", changed("layer.symbols", 8, 16, 8)),
  };
  for (const auto& [name, place, offset, word] :
       {std::tuple{"tree_address", "root.header", 24, "a B-tree node"},
        {"heap_address", "root.header", 32, "a local heap"},
        {"names_address", "root.heap", 24, "the names of a group"},
        {"symbols_address", "root.tree", 32, "a symbol node"},
        {"header_address", "root.symbols", 16, "an object header"}})
    for (const auto& [how, address] : {std::pair{"beyond", far}, {"none", none}, {"odd", none - 3}})
      all.push_back(attack(cat(name, "_", how, ".h5"), "FormatError", word,
                           changed(place, static_cast<size_t>(offset), address, 8)));
  return all;
}

// The names of groups, and texts.
inline Attacks hdf5_heaps() {
  using namespace hdf5;
  const uint64_t none = kUndefined, far = uint64_t{1} << 40;
  return {
      attack("name_beyond.h5", "FormatError", "outside its heap",
             changed("layer.symbols", 8, far, 8)),
      attack("name_unended.h5", "FormatError", "without end",
             [] {
               Builder b = good();
               overwrite(b.data, b.place["layer.names"], std::string(24, 'x'));
               return b.data;
             }()),
      attack("name_up.h5", "FormatError", "slash",
             [] {
               Builder b = good();
               overwrite(b.data, b.place["layer.names"] + 8, "../b");
               return b.data;
             }()),
      attack("name_control.h5", "FormatError", "control", changed("layer.names", 9, '\n', 1)),
      attack("name_no_utf8.h5", "FormatError", "UTF-8", changed("layer.names", 9, 0xff, 1)),
      attack("heap_none.h5", "FormatError", "a local heap", changed("root.heap", 0, 'X', 1)),
      attack("heap_version.h5", "FormatError", "version", changed("root.heap", 4, 1, 1)),
      attack("heap_size.h5", "FormatError", "the names of a group",
             changed("root.heap", 8, far, 8)),
      attack("heap_size_most.h5", "FormatError", "the names of a group",
             changed("root.heap", 8, none, 8)),
      attack("heap_size_0.h5", "FormatError", "outside its heap", changed("root.heap", 8, 0, 8)),
      attack("gcol_none.h5", "FormatError", "a global heap", changed("gcol", 0, 'X', 1)),
      attack("gcol_version.h5", "FormatError", "version", changed("gcol", 4, 2, 1)),
      attack("gcol_size_beyond.h5", "FormatError", "a global heap", changed("gcol", 8, far, 8)),
      attack("gcol_size_small.h5", "FormatError", "a global heap", changed("gcol", 8, 15, 8)),
      attack("gcol_size_0.h5", "FormatError", "a global heap", changed("gcol", 8, 0, 8)),
      attack("gcol_object_gone.h5", "FormatError", "does not hold", changed("gcol", 16, 9, 2)),
      attack("gcol_string_short.h5", "FormatError", "a string in the global heap",
             changed("gcol", 24, 0, 8)),
      attack("gcol_string_most.h5", "FormatError", "a heap object", changed("gcol", 24, none, 8)),
      {"gcol_shared_strings.h5", "FormatError", "the strings of an attribute",
       [] {
         Builder b;
         const std::string element = b.variable({std::string(20000, 'x')});
         const size_t kernel = kernel_of(b), bias = bias_of(b);
         finish_model(
             b, kernel, bias, {},
             {attribute("weight_names0", variable_type(), space({500}), repeated(element, 500))});
         // So that the list in parts counts.
         overwrite(b.data, b.data.rfind("weight_names" + std::string(1, '\0')), "W");
         return b.data;
       }},
  };
}

}  // namespace cornu::testing_attacks
