#include <algorithm>
#include <unordered_set>

#include "cornu/base/budget.h"
#include "cornu/base/text.h"
#include "cornu/formats/hdf5_storage.h"

namespace cornu::formats {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

namespace {
bool by_name(const Hdf5Attribute& a, const Hdf5Attribute& b) { return a.name < b.name; }
}  // namespace

// Walks the file from its superblock. Nothing recurses: what is still to be read waits in lists.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(Hdf5Storage* storage)
      : storage_(*storage),
        file_(storage->file),
        budget_(file_.label(), {.bytes = 0, .objects = 4096 + file_.size() / 128}) {}

  void run();

 private:
  // Where a group's names and links are.
  struct Table {
    uint64_t tree = 0, heap = 0;
    bool operator==(const Table&) const = default;
  };
  struct Todo {
    Hdf5Object* object;
    uint64_t header;
    int depth;
    std::optional<Table> cached;  // what the link says the object's table is
  };
  struct Message {
    uint16_t type;
    Bytes body;
  };
  // What an object header says.
  struct Header {
    std::optional<Table> table;
    std::optional<Shape> shape;
    std::optional<Hdf5Type> type;
    std::optional<Hdf5Layout> layout;
    bool filtered = false;
  };

  void read_superblock();
  void read_entry(ByteCursor* c, std::string* last, const Bytes* names, Hdf5Object* parent,
                  int depth);
  void read_object(const Todo& todo);
  Header read_header(const Todo& todo);
  void read_message(const Message& message, Hdf5Object* object, Header* header,
                    std::vector<Bytes>* blocks);
  void set_dataset(Hdf5Object* object, const Header& header);
  void read_group(const Todo& todo, const Table& table);
  Bytes read_names(uint64_t address);
  void read_symbols(uint64_t address, const Bytes& names, const Todo& todo, std::string* last);
  std::string read_name(const Bytes& names, uint64_t offset);
  Bytes claim(uint64_t offset, uint64_t size, const char* what);
  void check_overlaps();

  static constexpr int kDeepest = 32;
  Hdf5Storage& storage_;
  const Bytes file_;
  base::Budget budget_;
  uint16_t leaf_k_ = 0, internal_k_ = 0;
  std::vector<Todo> todo_;
  std::unordered_set<uint64_t> headers_;
  struct Claim {
    uint64_t offset, size;
  };
  std::vector<Claim> claims_;
  uint64_t claimed_ = 0;
  uint64_t name_bytes_ = 0;  // of one group's links
};

void Hdf5Reader::run() {
  read_superblock();
  while (!todo_.empty()) {
    const Todo todo = todo_.back();
    todo_.pop_back();
    read_object(todo);
  }
  check_overlaps();
}

// Every structure is read through here once. Together they cannot be longer than the file, so that
// overlapping structures can neither multiply work nor memory.
Bytes Hdf5Reader::claim(uint64_t offset, uint64_t size, const char* what) {
  const Bytes bytes = file_.at(offset, size, what);
  if (size > file_.size() - claimed_) bytes.fail(cat(what, " overlaps other parts of the file"));
  claimed_ += size;
  if (size > 0) claims_.push_back({offset, size});
  return bytes;
}

void Hdf5Reader::check_overlaps() {
  std::sort(claims_.begin(), claims_.end(),
            [](const Claim& a, const Claim& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < claims_.size(); ++i)
    if (claims_[i].offset - claims_[i - 1].offset < claims_[i - 1].size)
      file_.fail("two parts of the file overlap", claims_[i].offset);
}

void Hdf5Reader::read_superblock() {
  constexpr uint64_t kSize = 96;
  ByteCursor c(claim(0, kSize, "the superblock"));
  c.skip(8, "the signature");
  const uint8_t version = c.u8("the superblock's version");
  if (version != 0)
    c.fail(cat("a superblock of version ", int{version},
               " (a file written with libver='latest'); only version 0 is read"));
  c.skip(4, "versions");
  c.expect_u8(8, "the size of offsets");
  c.expect_u8(8, "the size of lengths");
  c.skip(1, "padding");
  leaf_k_ = c.u16("the group leaf K");
  internal_k_ = c.u16("the group internal K");
  if (leaf_k_ == 0 || internal_k_ == 0) c.fail("a group K of 0");
  c.skip(4, "flags");
  if (c.u64("the base address") != 0) c.fail("a base address other than 0");
  c.skip(8, "the free space address");
  c.skip(8, "the end-of-file address");
  if (c.u64("the driver address") != kHdf5Undefined)
    c.fail("a file of several parts (a driver block)");
  read_entry(&c, nullptr, nullptr, nullptr, 0);
}

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
  budget_.charge_objects(1, "groups, datasets and attributes");
  Hdf5Object& object = storage_.objects.emplace_back();
  object.storage_ = &storage_;
  object.parent_ = parent;
  if (parent) {
    object.name_ = read_name(*names, name_offset);
    if (!last->empty() && object.name_ <= *last)
      c->fail(cat("the names of a group are not in order: ", quoted(object.name_)));
    *last = object.name_;
    parent->links_.push_back({object.name_, &object});
  }
  if (!headers_.insert(header).second)
    c->fail(cat("the object ", object.path(), " is linked twice"));
  todo.object = &object;
  todo_.push_back(todo);
}

void Hdf5Reader::read_object(const Todo& todo) {
  const Header header = read_header(todo);
  if (todo.cached && header.table != todo.cached)
    file_.fail(cat("the link to ", todo.object->path(), " disagrees with its header"), todo.header);
  if (header.table) {
    if (header.layout || header.type || header.shape)
      file_.fail(cat(todo.object->path(), " is both group and dataset"), todo.header);
    read_group(todo, *header.table);
  } else if (header.layout && header.type && header.shape) {
    set_dataset(todo.object, header);
  } else {
    file_.fail(cat(todo.object->path(), " is neither group nor dataset"), todo.header);
  }
}

Hdf5Reader::Header Hdf5Reader::read_header(const Todo& todo) {
  constexpr uint64_t kPrefix = 16, kMessagePrefix = 8;
  ByteCursor c(file_.at(todo.header, kPrefix, "an object header"));
  const uint8_t version = c.u8("an object header");
  if (version == 'O')
    c.fail("an object header of version 2 (a file written with libver='latest') is not read");
  if (version != 1) c.fail("expected an object header");
  c.skip(1, "an object header");
  const uint16_t expected = c.u16("the number of messages");
  if (c.u32("the reference count") != 1)
    c.fail(cat(todo.object->path(), " is linked more than once"));
  const uint64_t size = c.u32("an object header's size");
  std::vector<Bytes> blocks{
      claim(todo.header, kPrefix + size, "an object header").at(kPrefix, size, "an object header")};
  Header header;
  uint32_t count = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    ByteCursor block(blocks[i]);
    while (block.remaining() >= kMessagePrefix) {
      const uint16_t type = block.u16("a message");
      const uint16_t body = block.u16("a message");
      const uint8_t flags = block.u8("a message");
      block.skip(3, "a message");
      if (body % 8 != 0) block.fail("a message whose size is no multiple of 8");
      if (flags & 2) block.fail("shared messages are not read");
      if (++count > expected) block.fail("more messages in an object header than it says");
      read_message({type, block.take(body, "a message")}, todo.object, &header, &blocks);
    }
  }
  if (count != expected) c.fail("fewer messages in an object header than it says");
  auto& attributes = todo.object->attributes_;
  std::sort(attributes.begin(), attributes.end(), by_name);
  const auto twice = std::adjacent_find(attributes.begin(), attributes.end(),
                                        [](auto& a, auto& b) { return a.name == b.name; });
  if (twice != attributes.end()) c.fail(cat("two attributes are named ", quoted(twice->name)));
  return header;
}

void Hdf5Reader::read_message(const Message& message, Hdf5Object* object, Header* header,
                              std::vector<Bytes>* blocks) {
  const Bytes& body = message.body;
  const auto set = [&](auto* field, auto value, const char* what) {
    if (*field) body.fail(cat("an object with two ", what));
    *field = std::move(value);
  };
  const auto refuse = [&](const char* what) {
    body.fail(cat(object->path(), ": ", what, " are not read"));
  };
  switch (message.type) {
    case 0x00:  // nothing: free space
    case 0x04:
    case 0x05:  // fill values
    case 0x0d:  // comment
    case 0x0e:
    case 0x12:  // modification times
      return;
    case 0x01:
      return set(&header->shape, parse_hdf5_space(body), "shapes");
    case 0x03:
      return set(&header->type, parse_hdf5_type(body), "data types");
    case 0x08:
      return set(&header->layout, parse_hdf5_layout(body), "data layouts");
    case 0x0b:
      header->filtered = true;
      return;
    case 0x0c:
      budget_.charge_objects(1, "groups, datasets and attributes");
      object->attributes_.push_back(parse_hdf5_attribute(body));
      return;
    case 0x10:
      blocks->push_back(claim(body.u64(0, "a continuation"), body.u64(8, "a continuation"),
                              "a continuation of an object header"));
      return;
    case 0x11:
      return set(&header->table,
                 Table{body.u64(0, "a symbol table"), body.u64(8, "a symbol table")},
                 "symbol tables");
    case 0x02:
    case 0x06:
    case 0x0a:
      return refuse("groups of the new style (soft, hard or external links)");
    case 0x07:
      return refuse("external data files");
    case 0x0f:
      return refuse("tables of shared messages");
    case 0x15:
      return refuse("densely stored attributes");
    default:
      body.fail(cat("an object header message of the unknown type ", message.type));
  }
}

void Hdf5Reader::set_dataset(Hdf5Object* object, const Header& header) {
  const Hdf5Layout& layout = *header.layout;
  object->is_dataset_ = true;
  object->shape_ = *header.shape;
  object->type_ = *header.type;
  object->unreadable_ = object->type_.unreadable;
  if (header.filtered) object->unreadable_ = "filtered (compressed) data";
  if (layout.unreadable) object->unreadable_ = layout.unreadable;
  if (layout.unreadable) return;
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

// Names and links lie in the leaves of a B-tree, in the order of the names.
void Hdf5Reader::read_group(const Todo& todo, const Table& table) {
  if (todo.depth >= kDeepest)
    file_.fail(cat("groups nested more than ", kDeepest, " deep"), todo.header);
  constexpr int kAnyLevel = 256;
  const uint64_t node_size = 24 + 2ull * internal_k_ * 16 + 8;
  const Bytes names = read_names(table.heap);
  name_bytes_ = 0;
  std::string last;
  struct Node {
    uint64_t address;
    int above;  // level of the node that points here; below 0 are the symbol nodes
  };
  std::vector<Node> nodes{{table.tree, kAnyLevel}};  // still to be read, the next one last
  while (!nodes.empty()) {
    const Node node = nodes.back();
    nodes.pop_back();
    if (node.above == 0) {
      read_symbols(node.address, names, todo, &last);
      continue;
    }
    ByteCursor c(claim(node.address, node_size, "a B-tree node"));
    c.expect("TREE", "a B-tree node");
    c.expect_u8(0, "a B-tree node's type");
    const int level = c.u8("a B-tree node's level");
    if (node.above != kAnyLevel && level != node.above - 1)
      c.fail("a B-tree node of the wrong level");
    const uint16_t used = c.u16("a B-tree node");
    if (used > 2 * internal_k_) c.fail("a B-tree node with too many children");
    c.skip(24, "a B-tree node");  // siblings, first key
    const size_t first = nodes.size();
    for (int i = 0; i < used; ++i) {
      nodes.push_back({c.u64("a B-tree child"), level});
      c.skip(8, "a B-tree key");
    }
    std::reverse(nodes.begin() + static_cast<std::ptrdiff_t>(first), nodes.end());
  }
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
