#include "cornu/formats/hdf5.h"

#include <algorithm>
#include <map>

#include "cornu/base/text.h"
#include "cornu/formats/hdf5_storage.h"

namespace cornu::formats {
namespace {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

// A fixed string without its padding.
std::string unpadded(std::string s, Hdf5Type::Padding padding) {
  if (padding == Hdf5Type::Padding::kNulTerminated) return s.substr(0, s.find('\0'));
  // NULs that fill a string up are no part of it, whatever it says to be padded with.
  const std::string_view pads = padding == Hdf5Type::Padding::kSpaces ? std::string_view(" \0", 2)
                                                                      : std::string_view("\0", 1);
  s.resize(s.find_last_not_of(pads) + 1);  // npos + 1 == 0
  return s;
}

}  // namespace

bool is_hdf5(const Bytes& bytes) {
  return bytes.size() >= kSignature.size() &&
         bytes.at(0, kSignature.size(), "the signature").text() == kSignature;
}

Hdf5File::Hdf5File(Bytes file) : storage_(std::make_unique<Hdf5Storage>()) {
  ByteCursor c(file);
  c.expect(kSignature, "the signature of an HDF5 file");
  const uint64_t end = hdf5_end_of_file(file);
  if (end > file.size())
    file.fail(cat("the file is cut short: it should have ", end, " bytes and has ", file.size()));
  storage_->file = file.at(0, end, "the file");
  read_hdf5_objects(storage_.get());
}

Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;

Hdf5File Hdf5File::merged(std::vector<Hdf5File> files) {
  Hdf5File all;
  all.storage_ = std::make_unique<Hdf5Storage>();
  std::deque<Hdf5Object>& objects = all.storage_->objects;
  struct Todo {
    Hdf5Object* group;
    std::vector<const Hdf5Object*> from;
  };
  std::vector<Todo> todo;
  const auto add = [&](Hdf5Object* parent, std::vector<const Hdf5Object*> from) {
    const auto named = std::find_if(from.begin(), from.end(),
                                    [](const Hdf5Object* o) { return !o->attributes_.empty(); });
    Hdf5Object& object = objects.emplace_back(named == from.end() ? *from[0] : **named);
    object.parent_ = parent;
    object.links_.clear();
    for (const Hdf5Object* each : from)
      if (from.size() > 1 && each->is_dataset()) each->fail("another file has this too");
    if (parent) parent->links_.push_back({object.name_, &object});
    if (object.is_group()) todo.push_back({&object, std::move(from)});
  };
  std::vector<const Hdf5Object*> roots;
  for (const Hdf5File& file : files) roots.push_back(&file.root());
  add(nullptr, std::move(roots));
  while (!todo.empty()) {
    const Todo next = std::move(todo.back());
    todo.pop_back();
    std::map<std::string, std::vector<const Hdf5Object*>> by_name;
    for (const Hdf5Object* group : next.from)
      for (const Hdf5Object::Link& link : group->links()) by_name[link.name].push_back(link.object);
    for (auto& [name, objects_of] : by_name) add(next.group, std::move(objects_of));
  }
  all.storage_->parts = std::move(files);
  return all;
}

const Hdf5Object& Hdf5File::root() const { return storage_->objects.front(); }

void Hdf5Object::fail(const std::string& what) const {
  storage_->file.fail(cat(path(), ": ", what), data_.offset());
}

std::string Hdf5Object::path() const {
  std::string path;
  for (const Hdf5Object* o = this; o->parent_; o = o->parent_) path.insert(0, "/" + o->name_);
  return path.empty() ? "/" : path;
}

const Hdf5Object* Hdf5Object::find(std::string_view path) const {
  const Hdf5Object* object = this;
  for (size_t start = 0; object && start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    const auto& links = object->links_;
    const auto found =
        std::lower_bound(links.begin(), links.end(), name,
                         [](const Link& l, std::string_view n) { return l.name < n; });
    object = found != links.end() && found->name == name ? found->object : nullptr;
    start = end + 1;
  }
  return object;
}

const Hdf5Attribute* Hdf5Object::attribute(std::string_view name) const {
  const auto found =
      std::lower_bound(attributes_.begin(), attributes_.end(), name,
                       [](const Hdf5Attribute& a, std::string_view n) { return a.name < n; });
  return found == attributes_.end() || found->name != name ? nullptr : &*found;
}

// Many elements may point to one long string of the heap; together they may not take more than the
// file does, beside what a list of some 10,000 names takes.
base::Budget Hdf5Object::string_budget() const {
  const base::Bytes& file = storage_->file;
  return {file.label(), {.bytes = file.size() + (1 << 20), .objects = 0}};
}

// Each element's text.
std::vector<std::string> Hdf5Object::strings(const Hdf5Attribute& a, base::Budget* budget) const {
  const bool fixed = a.type.kind == Hdf5Type::Kind::kFixedString;
  if (!fixed && a.type.kind != Hdf5Type::Kind::kVariableString)
    fail(cat("the attribute ", quoted(a.name), " holds no text"));
  std::vector<std::string> out;
  for (uint64_t at = 0; at < a.data.size(); at += a.type.size) {
    const Bytes element = a.data.at(at, a.type.size, "an attribute's element");
    const Bytes text = fixed ? element : storage_->heap_string(element);
    budget->charge_bytes(text.size() + sizeof(std::string), "the strings of an attribute");
    out.push_back(unpadded(text.text(), fixed ? a.type.padding : Hdf5Type::Padding::kNuls));
  }
  return out;
}

std::string Hdf5Object::string_attribute(std::string_view name) const {
  const Hdf5Attribute* a = attribute(name);
  if (!a) fail(cat("has no attribute ", quoted(name)));
  base::Budget budget = string_budget();
  std::vector<std::string> all = strings(*a, &budget);
  if (all.size() != 1) fail(cat("the attribute ", quoted(name), " is not one string"));
  return std::move(all[0]);
}

Bytes Hdf5Object::text_attribute(std::string_view name) const {
  const Hdf5Attribute* a = attribute(name);
  if (a && a->type.kind == Hdf5Type::Kind::kVariableString && a->data.size() == a->type.size)
    return storage_->heap_string(a->data);
  const std::string text = string_attribute(name);
  const auto bytes = std::as_bytes(std::span(text));
  return Bytes::own({bytes.begin(), bytes.end()}, storage_->file.label());
}

std::optional<std::vector<std::string>> Hdf5Object::string_list_attribute(
    std::string_view name) const {
  base::Budget budget = string_budget();
  const auto list = [&](const Hdf5Attribute& a) {
    return a.data.empty() ? std::vector<std::string>() : strings(a, &budget);
  };
  if (const Hdf5Attribute* a = attribute(name)) return list(*a);
  std::optional<std::vector<std::string>> all;
  for (int i = 0; const Hdf5Attribute* a = attribute(cat(name, i)); ++i) {
    const std::vector<std::string> part = list(*a);
    if (!all) all.emplace();
    all->insert(all->end(), part.begin(), part.end());
  }
  return all;
}

NumberType Hdf5Object::number_type() const {
  if (!is_dataset_) fail("is a group, not a dataset");
  if (unreadable_) fail(cat(unreadable_, " cannot be read"));
  if (type_.kind == Hdf5Type::Kind::kOpaque) {
    // How Keras 3 keeps bfloat16.
    if (type_.size == bytes_of(NumberType::kBfloat16) && has_attribute("dtype") &&
        string_attribute("dtype") == name_of(NumberType::kBfloat16))
      return NumberType::kBfloat16;
    fail("opaque data cannot be read");
  }
  if (type_.kind != Hdf5Type::Kind::kNumber) fail("text where numbers should be");
  return type_.number;
}

void Hdf5Object::read(std::span<float> to) const {
  const NumberType type = number_type();
  if (is_chunked_) data_.span();  // all chunks are unpacked once, not again for each piece
  read_floats(type, data_, to, type_.order);
}

Tensor Hdf5Object::tensor() const {
  number_type();  // before memory is taken
  Tensor t = Tensor::uninitialized(shape_);
  read(t.values());
  return t;
}

const Hdf5Heap& Hdf5Storage::heap(uint64_t address) const {
  const auto found = heaps_.find(address);
  if (found != heaps_.end()) return found->second;
  const uint64_t size = file.at(address, 16, "a global heap").u64(8, "a global heap");
  ByteCursor c(file.at(address, size, "a global heap"));
  // Overlapping collections could make a file cost more than it is long.
  if (size > file.size() - heap_bytes_) c.fail("a global heap overlaps other parts of the file");
  heap_bytes_ += size;
  c.expect("GCOL", "a global heap");
  c.expect_u8(1, "a global heap's version");
  c.skip(11, "a global heap");
  Hdf5Heap heap;
  while (c.remaining() >= 16) {
    const uint64_t left = c.remaining();
    const uint16_t index = c.u16("a heap object");
    c.skip(6, "a heap object");
    const uint64_t bytes = c.u64("a heap object");
    if (index == 0) {  // the rest is free, and says so
      if (bytes != left) c.fail("free room in a global heap that does not reach its end");
      break;
    }
    heap.items.push_back({index, c.take(bytes, "a heap object")});
    c.align(8, "a heap object");
  }
  const auto by_index = [](const Hdf5Heap::Item& a, const Hdf5Heap::Item& b) {
    return a.index < b.index;
  };
  std::sort(heap.items.begin(), heap.items.end(), by_index);
  if (std::adjacent_find(heap.items.begin(), heap.items.end(), [](const auto& a, const auto& b) {
        return a.index == b.index;
      }) != heap.items.end())
    c.fail("a global heap with two objects of one number");
  return heaps_.emplace(address, std::move(heap)).first->second;
}

Bytes Hdf5Storage::heap_string(const Bytes& element) const {
  const uint32_t length = element.u32(0, "a string's length");
  const uint64_t address = element.u64(4, "a string's address");
  const uint32_t index = element.u32(12, "a string's index");
  if (length == 0) return element.at(0, 0, "an empty string");
  const std::vector<Hdf5Heap::Item>& items = heap(address).items;
  const auto found =
      std::lower_bound(items.begin(), items.end(), index,
                       [](const Hdf5Heap::Item& item, uint32_t i) { return item.index < i; });
  if (found == items.end() || found->index != index)
    element.fail(cat("a string that the global heap does not hold (object ", index, ")"));
  const Bytes text = found->data.at(0, length, "a string in the global heap");
  // HDF5's own library hands them out as C's strings.
  const auto chars = text.span();
  const auto end = std::find(chars.begin(), chars.end(), std::byte{0});
  return text.at(0, static_cast<uint64_t>(end - chars.begin()), "a string in the global heap");
}

}  // namespace cornu::formats
