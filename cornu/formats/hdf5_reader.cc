#include <algorithm>
#include <unordered_set>

#include "cornu/base/text.h"
#include "cornu/formats/hdf5_header.h"
#include "cornu/formats/hdf5_storage.h"

namespace cornu::formats {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

// Walks the file from its superblock. Nothing recurses: what is still to be read waits in lists.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(Hdf5Storage* storage)
      : storage_(*storage), file_(storage->file), claims_(file_) {}

  void run();

 private:
  using Table = Hdf5Header::Table;
  struct Todo {
    Hdf5Object* object;
    uint64_t header;
    int depth;
    std::optional<Table> cached;  // what the link says the object's table is
  };
  // A child in a node of a B-tree: the keys before and behind it, and those about the node in the
  // one above, which are empty for the root.
  struct TreeEntry {
    const Bytes &key, &next, &low, &high;
    uint64_t child;
    int level;
  };

  void read_superblock();
  void read_superblock1(ByteCursor c, int version);
  void read_superblock2(ByteCursor c);
  void read_entry(ByteCursor* c, std::string* last, const Bytes* names, Hdf5Object* parent,
                  int depth);
  void add_object(std::string name, Hdf5Object* parent, Todo todo);
  void read_object(const Todo& todo);
  void set_dataset(Hdf5Object* object, const Hdf5Header& header);
  void set_chunks(Hdf5Object* object, const Hdf5Header& header);
  std::vector<Hdf5Chunk> read_chunks(const Hdf5Chunks& grid, uint64_t tree);
  void check_chunk_keys(const TreeEntry& entry, const Hdf5Chunks& grid);
  Hdf5Chunk read_chunk(ByteCursor* c, const Hdf5Chunks& grid);
  void read_group(const Todo& todo, const Table& table);
  void read_links(const Todo& todo, const std::vector<Hdf5Header::Link>& links);
  template <class F>
  void walk_tree(uint64_t root, int type, uint64_t key_bytes, int k, F&& each);
  Bytes read_names(uint64_t address);
  void read_symbols(uint64_t address, const Bytes& names, const Todo& todo, std::string* last);
  std::string read_name(const Bytes& names, uint64_t offset);
  Bytes claim(uint64_t offset, uint64_t size, const char* what) {
    return claims_.claim(offset, size, what);
  }

  static constexpr int kDeepest = 32;
  Hdf5Storage& storage_;
  const Bytes file_;
  Hdf5Claims claims_;
  uint16_t leaf_k_ = 4, internal_k_ = 16, chunk_k_ = 32;
  std::vector<Todo> todo_;
  std::unordered_set<uint64_t> headers_;
  uint64_t name_bytes_ = 0;  // of one group's links
};

void Hdf5Reader::run() {
  read_superblock();
  while (!todo_.empty()) {
    const Todo todo = todo_.back();
    todo_.pop_back();
    read_object(todo);
  }
  claims_.check_overlaps();
}

// ---- the superblock
// ------------------------------------------------------------------------------------

uint64_t hdf5_end_of_file(const Bytes& file) {
  switch (file.u8(8, "the superblock's version")) {
    case 0:
      return file.u64(40, "the superblock");
    case 1:
      return file.u64(44, "the superblock");
    case 2:
    case 3:
      return file.u64(28, "the superblock");
    default:  // the reader will name it
      return file.size();
  }
}

void Hdf5Reader::read_superblock() {
  constexpr uint64_t kSignature = 8;
  const uint8_t version = file_.u8(kSignature, "the superblock's version");
  if (version <= 1) {
    ByteCursor c(claim(0, version == 0 ? 96 : 100, "the superblock"));
    c.skip(kSignature + 1, "the signature");
    read_superblock1(c, version);
  } else if (version <= 3) {
    ByteCursor c(claim_checked(&claims_, 0, 44, "the superblock"));
    c.skip(kSignature + 1, "the signature");
    read_superblock2(c);
  } else {
    file_.fail(cat("a superblock of the unknown version ", int{version}), kSignature);
  }
}

void Hdf5Reader::read_superblock1(ByteCursor c, int version) {
  c.expect_u8(0, "the version of free space");
  c.expect_u8(0, "the version of the root group's entry");
  c.skip(1, "padding");
  c.expect_u8(0, "the version of shared messages");
  c.expect_u8(8, "the size of offsets");
  c.expect_u8(8, "the size of lengths");
  c.skip(1, "padding");
  leaf_k_ = c.u16("the group leaf K");
  internal_k_ = c.u16("the group internal K");
  if (leaf_k_ == 0 || internal_k_ == 0) c.fail("a group K of 0");
  c.skip(4, "flags");
  if (version == 1) {
    chunk_k_ = c.u16("the K of chunks");
    if (chunk_k_ == 0) c.fail("a K of chunks of 0");
    c.skip(2, "padding");
  }
  if (c.u64("the base address") != 0) c.fail("a base address other than 0");
  // Of free space, says the specification; libhdf5 takes it for that of an extension.
  if (c.u64("the free space address") != kHdf5Undefined)
    c.fail("a superblock with an extension is not read");
  c.skip(8, "the end-of-file address");
  if (c.u64("the driver address") != kHdf5Undefined)
    c.fail("a file of several parts (a driver block)");
  read_entry(&c, nullptr, nullptr, nullptr, 0);
}

void Hdf5Reader::read_superblock2(ByteCursor c) {
  c.expect_u8(8, "the size of offsets");
  c.expect_u8(8, "the size of lengths");
  c.skip(1, "flags");
  if (c.u64("the base address") != 0) c.fail("a base address other than 0");
  if (c.u64("the extension's address") != kHdf5Undefined)
    c.fail("a superblock with an extension is not read");
  c.skip(8, "the end-of-file address");
  add_object("", nullptr, {nullptr, c.u64("the root group"), 0, std::nullopt});
}

// ---- objects
// -------------------------------------------------------------------------------------------

// A symbol table entry: a name, the object it links to, and a copy of where a group's table is.
void Hdf5Reader::read_entry(ByteCursor* c, std::string* last, const Bytes* names,
                            Hdf5Object* parent, int depth) {
  constexpr const char* what = "a link";
  const uint64_t name_offset = c->u64(what);
  const uint64_t header = c->u64(what);
  const uint32_t cached = c->u32(what);
  c->skip(4, what);
  Todo todo{nullptr, header, depth, std::nullopt};
  const uint64_t tree = c->u64(what), heap = c->u64(what);
  if (cached == 1) todo.cached = Table{tree, heap};
  if (cached == 2) c->fail("soft links are not read");
  if (cached > 2) c->fail(cat("a link of the unknown kind ", cached));
  std::string name;
  if (parent) {
    name = read_name(*names, name_offset);
    if (!last->empty() && name <= *last)
      c->fail(cat("the names of a group are not in order: ", quoted(name)));
    *last = name;
  }
  add_object(std::move(name), parent, todo);
}

void Hdf5Reader::add_object(std::string name, Hdf5Object* parent, Todo todo) {
  claims_.charge_object();
  Hdf5Object& object = storage_.objects.emplace_back();
  object.storage_ = &storage_;
  object.parent_ = parent;
  object.name_ = std::move(name);
  if (parent) parent->links_.push_back({object.name_, &object});
  if (!headers_.insert(todo.header).second)
    file_.fail(cat("the object ", object.path(), " is linked twice"), todo.header);
  todo.object = &object;
  todo_.push_back(todo);
}

void Hdf5Reader::read_object(const Todo& todo) {
  Hdf5Header header = read_hdf5_header(&claims_, todo.header, todo.object->path());
  if (todo.cached && header.table != todo.cached)
    file_.fail(cat("the link to ", todo.object->path(), " disagrees with its header"), todo.header);
  todo.object->attributes_ = std::move(header.attributes);
  const bool is_group = header.table || header.links;
  if (is_group && (header.layout || header.type || header.shape))
    file_.fail(cat(todo.object->path(), " is both group and dataset"), todo.header);
  if (header.table && header.links)
    file_.fail(cat(todo.object->path(), " is a group of two styles"), todo.header);
  if (is_group && todo.depth >= kDeepest)
    file_.fail(cat("groups nested more than ", kDeepest, " deep"), todo.header);
  if (header.table) {
    read_group(todo, *header.table);
  } else if (header.links) {
    read_links(todo, *header.links);
  } else if (header.layout && header.type && header.shape) {
    set_dataset(todo.object, header);
  } else {
    file_.fail(cat(todo.object->path(), " is neither group nor dataset"), todo.header);
  }
}

// ---- datasets
// ------------------------------------------------------------------------------------------

void Hdf5Reader::set_dataset(Hdf5Object* object, const Hdf5Header& header) {
  const Hdf5Layout& layout = *header.layout;
  object->is_dataset_ = true;
  object->shape_ = *header.shape;
  object->type_ = *header.type;
  object->unreadable_ = object->type_.unreadable;
  if (layout.unreadable) object->unreadable_ = layout.unreadable;
  if (layout.unreadable) return;
  if (layout.chunked) return set_chunks(object, header);
  if (!header.filters.empty()) object->unreadable_ = "filtered data that is not chunked";
  uint64_t size = object->type_.size;
  for (int64_t dim : object->shape_)
    size = base::checked_mul(size, static_cast<uint64_t>(dim), file_, "the size of a dataset");
  if (size != layout.size)
    object->fail(cat("its shape ", object->shape_, " takes ", size, " bytes, but ", layout.size,
                     " are stored"));
  if (layout.compact) {
    object->data_ = layout.data;
  } else if (size > 0 && layout.address == kHdf5Undefined) {
    object->unreadable_ = "data that was never written";
  } else if (size > 0) {
    object->data_ = claim(layout.address, size, "a dataset's data");
  }
}

void Hdf5Reader::set_chunks(Hdf5Object* object, const Hdf5Header& header) {
  const Hdf5Layout& layout = *header.layout;
  Hdf5Chunks all{object->shape_, layout.chunk_shape, object->type_.size, header.filters, {}};
  if (all.chunk_shape.rank() != all.shape.rank())
    object->fail("its chunks have another number of axes");
  if (layout.size != all.element_bytes) object->fail("its chunks are of elements of another size");
  // Neither the whole nor all chunks, with what sticks out at the edges, may pass what it may take.
  uint64_t size = all.element_bytes, chunks_size = size;
  for (int64_t i = 0; i < all.shape.rank(); ++i) {
    const auto dim = static_cast<uint64_t>(all.shape[i]);
    const auto step = static_cast<uint64_t>(all.chunk_shape[i]);
    size = base::checked_mul(size, dim, file_, "the size of a dataset");
    chunks_size = base::checked_mul(chunks_size, (dim + step - 1) / step * step, file_,
                                    "the size of a dataset");
  }
  if (size == 0) return;
  if (const char* why = unreadable_filter(header.filters)) {
    object->unreadable_ = why;
    return;
  }
  claims_.charge_unpacked(chunks_size);
  if (layout.address == kHdf5Undefined) {
    object->unreadable_ = "data that was never written";
    return;
  }
  all.chunks = read_chunks(all, layout.address);
  if (all.chunks.size() != all.count()) {
    object->unreadable_ = "data some of whose chunks were never written";
    return;
  }
  object->is_chunked_ = true;
  object->data_ = chunked_data(file_, std::move(all));
}

std::vector<Hdf5Chunk> Hdf5Reader::read_chunks(const Hdf5Chunks& grid, uint64_t tree) {
  const uint64_t key_bytes = 8 + 8 * static_cast<uint64_t>(grid.shape.rank() + 1);
  std::vector<Hdf5Chunk> chunks;
  walk_tree(tree, 1, key_bytes, chunk_k_, [&](const TreeEntry& entry) {
    ByteCursor key(entry.key);
    Hdf5Chunk chunk = read_chunk(&key, grid);
    check_chunk_keys(entry, grid);
    if (entry.level != 0) return;
    chunk.address = entry.child;
    if (!chunks.empty() && chunk.place <= chunks.back().place) key.fail("chunks out of order");
    claim(chunk.address, chunk.size, "a chunk of data");
    if (grid.filters.empty() && chunk.size != grid.chunk_bytes())
      key.fail("a chunk of the wrong size");
    chunks.push_back(chunk);
  });
  return chunks;
}

// Each chunk lies between the keys around it, and those within what the node above says: HDF5's own
// library looks for chunks by their keys, and takes one that it does not find for zeros.
void Hdf5Reader::check_chunk_keys(const TreeEntry& entry, const Hdf5Chunks& grid) {
  const auto place = [&](const Bytes& key) {
    std::vector<uint64_t> starts;  // on each axis, and within an element
    ByteCursor c(key);
    c.skip(8, "a chunk");
    for (int64_t i = 0; i <= grid.shape.rank(); ++i) starts.push_back(c.u64("a chunk"));
    return starts;
  };
  const std::vector<uint64_t> here = place(entry.key), next = place(entry.next);
  if (here >= next) entry.key.fail("keys of chunks out of order");
  if (entry.low.empty()) return;
  const std::vector<uint64_t> high = place(entry.high);
  if (here < place(entry.low) || here >= high || (entry.level > 0 && next > high))
    entry.key.fail("keys of chunks that disagree with those above");
}

// Its size, the filters left out, and where it starts on each axis.
Hdf5Chunk Hdf5Reader::read_chunk(ByteCursor* c, const Hdf5Chunks& grid) {
  Hdf5Chunk chunk;
  chunk.size = c->u32("a chunk");
  chunk.skipped = c->u32("a chunk");
  for (int64_t i = 0; i < grid.shape.rank(); ++i) {
    const uint64_t start = c->u64("a chunk");
    const auto dim = static_cast<uint64_t>(grid.shape[i]);
    const auto step = static_cast<uint64_t>(grid.chunk_shape[i]);
    if (start % step != 0 || start >= dim) c->fail("a chunk that lies outside its dataset");
    chunk.place = chunk.place * ((dim + step - 1) / step) + start / step;
  }
  if (c->u64("a chunk") != 0) c->fail("a chunk that starts inside an element");
  return chunk;
}

// ---- groups
// --------------------------------------------------------------------------------------------

// Every node of a B-tree of version 1 in order; each(TreeEntry) for every child.
template <class F>
void Hdf5Reader::walk_tree(uint64_t root, int type, uint64_t key_bytes, int k, F&& each) {
  constexpr int kAnyLevel = 256;
  const uint64_t used_most = 2ull * static_cast<uint64_t>(k);
  const uint64_t node_size = 24 + used_most * (8 + key_bytes) + key_bytes;
  struct Node {
    uint64_t address;
    int above;        // level of the node that points here
    Bytes low, high;  // its keys about this one
  };
  std::vector<Node> nodes{{root, kAnyLevel, {}, {}}};  // still to be read, the next one last
  while (!nodes.empty()) {
    const Node node = nodes.back();
    nodes.pop_back();
    ByteCursor c(claim(node.address, node_size, "a B-tree node"));
    c.expect("TREE", "a B-tree node");
    c.expect_u8(static_cast<uint8_t>(type), "a B-tree node's type");
    const int level = c.u8("a B-tree node's level");
    if (node.above != kAnyLevel && level != node.above - 1)
      c.fail("a B-tree node of the wrong level");
    const uint16_t used = c.u16("a B-tree node");
    if (used > used_most) c.fail("a B-tree node with too many children");
    c.skip(16, "a B-tree node");  // siblings
    const size_t first = nodes.size();
    for (int i = 0; i < used; ++i) {
      const Bytes key = c.take(key_bytes, "a B-tree key");
      const uint64_t child = c.u64("a B-tree child");
      ByteCursor rest = c;
      const Bytes next = rest.take(key_bytes, "a B-tree key");
      each(TreeEntry{key, next, node.low, node.high, child, level});
      if (level > 0) nodes.push_back({child, level, key, next});
    }
    std::reverse(nodes.begin() + static_cast<std::ptrdiff_t>(first), nodes.end());
  }
}

// Names and links lie in the leaves of a B-tree, in the order of the names.
void Hdf5Reader::read_group(const Todo& todo, const Table& table) {
  const Bytes names = read_names(table.heap);
  name_bytes_ = 0;
  std::string last;
  walk_tree(table.tree, 0, 8, internal_k_, [&](const TreeEntry& entry) {
    if (entry.level == 0) read_symbols(entry.child, names, todo, &last);
  });
}

void Hdf5Reader::read_links(const Todo& todo, const std::vector<Hdf5Header::Link>& links) {
  for (const Hdf5Header::Link& link : links)
    add_object(link.name, todo.object, {nullptr, link.address, todo.depth + 1, std::nullopt});
}

void Hdf5Reader::read_symbols(uint64_t address, const Bytes& names, const Todo& todo,
                              std::string* last) {
  ByteCursor c(claim(address, 8 + 2ull * leaf_k_ * 40, "a symbol node"));
  c.expect("SNOD", "a symbol node");
  c.expect_u8(1, "a symbol node's version");
  c.skip(1, "a symbol node");
  const uint16_t used = c.u16("a symbol node");
  if (used > 2 * leaf_k_) c.fail("a symbol node with too many entries");
  for (int i = 0; i < used; ++i) read_entry(&c, last, &names, todo.object, todo.depth + 1);
}

// The local heap that holds the names of a group's links.
Bytes Hdf5Reader::read_names(uint64_t address) {
  ByteCursor c(claim(address, 32, "a local heap"));
  c.expect("HEAP", "a local heap");
  c.expect_u8(0, "a local heap's version");
  c.skip(3, "a local heap");
  const uint64_t size = c.u64("a local heap");
  c.skip(8, "a local heap");
  return claim(c.u64("a local heap"), size, "the names of a group");
}

std::string Hdf5Reader::read_name(const Bytes& names, uint64_t offset) {
  constexpr uint64_t kLongest = 1 << 16;
  if (offset >= names.size()) names.fail("a link's name outside its heap");
  // Names that overlap could make one heap cost more than it is long.
  const uint64_t most = std::min({names.size() - offset, names.size() - name_bytes_, kLongest});
  const auto rest = names.at(offset, most, "a link's name").span();
  const auto length =
      static_cast<uint64_t>(std::find(rest.begin(), rest.end(), std::byte{0}) - rest.begin());
  if (length == most) names.fail("a link's name without end", offset);
  name_bytes_ += length + 1;
  const std::string name = names.at(offset, length, "a link's name").text();
  check_hdf5_name(name, names);
  if (name.find('/') != name.npos)
    names.fail(cat("a link's name with a slash: ", quoted(name)), offset);
  return name;
}

void read_hdf5_objects(Hdf5Storage* storage) { Hdf5Reader(storage).run(); }

}  // namespace cornu::formats
