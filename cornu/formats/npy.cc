#include "cornu/formats/npy.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include "cornu/base/bytes.h"
#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/text.h"
#include "cornu/formats/npy_parser.h"
#include "cornu/formats/numbers.h"
#include "cornu/formats/zip.h"
#include "cornu/formats/zip_writer.h"

namespace cornu {
namespace formats {
namespace {

using base::ByteCursor;
using base::Bytes;
using base::cat;
using base::quoted;

constexpr std::string_view kMagic = "\x93NUMPY";

struct Header {
  NumberType type = NumberType::kFloat32;
  ByteOrder order = ByteOrder::kLittle;
  bool fortran_order = false;
  Shape shape;
};

// The header is a Python dict literal with three keys:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string text, const Bytes& file) : text_(std::move(text)), file_(file) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = read_string();
      expect(':');
      if (key == "descr" && !descr_) {
        read_type();
      } else if (key == "fortran_order" && !order_) {
        read_order();
      } else if (key == "shape" && !shape_) {
        read_shape();
      } else {
        fail(cat("the unexpected key ", quoted(key)));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ < text_.size()) fail("text after the dict");
    if (!descr_ || !order_ || !shape_) fail("no 'descr', 'fortran_order' or 'shape'");
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    file_.fail(cat("the array's header holds ", what));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(std::string_view token) {
    skip_space();
    if (!std::string_view(text_).substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool accept(char token) { return accept(std::string_view(&token, 1)); }
  void expect(char token) {
    if (!accept(token)) fail(cat("no '", token, "' where one must be"));
  }

  std::string_view read_string() {
    skip_space();
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote, at_);
    if (end == text_.npos) fail("a string without end");
    const std::string_view s = std::string_view(text_).substr(at_, end - at_);
    at_ = end + 1;
    return s;
  }

  void read_type() {
    descr_ = true;
    skip_space();
    if (text_.substr(at_, 1) == "[") fail("a structured type, which is not read");
    const std::string_view descr = read_string();
    const std::string_view code = descr.substr(std::min<size_t>(1, descr.size()));
    static constexpr std::pair<std::string_view, NumberType> kCodes[] = {
        {"b1", NumberType::kBool},    {"i1", NumberType::kInt8},    {"u1", NumberType::kUint8},
        {"i2", NumberType::kInt16},   {"u2", NumberType::kUint16},  {"i4", NumberType::kInt32},
        {"u4", NumberType::kUint32},  {"i8", NumberType::kInt64},   {"u8", NumberType::kUint64},
        {"f2", NumberType::kFloat16}, {"f4", NumberType::kFloat32}, {"f8", NumberType::kFloat64},
    };
    for (const auto& [name, type] : kCodes) {
      if (code != name || std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
        continue;
      header_.type = type;
      if (descr[0] == '>') header_.order = ByteOrder::kBig;
      return;
    }
    fail(cat("the type ", quoted(descr), ", which is not read",
             code.starts_with('O') ? " (Python objects)" : ""));
  }

  void read_order() {
    order_ = true;
    header_.fortran_order = accept("True");
    if (!header_.fortran_order && !accept("False")) fail("a 'fortran_order' that is no boolean");
  }

  void read_shape() {
    shape_ = true;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t dim = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) fail("a shape that is not of sizes");
      at_ += static_cast<size_t>(end - begin);
      header_.shape.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string text_;
  const Bytes& file_;
  size_t at_ = 0;
  Header header_;
  bool descr_ = false, order_ = false, shape_ = false;
};

// Numbers that lie with the first axis fastest, put in row-major order.
Tensor from_fortran(const Tensor& stored, const Shape& shape) {
  Tensor out = Tensor::uninitialized(shape);
  std::vector<int64_t> strides, index(static_cast<size_t>(shape.rank()), 0);
  int64_t stride = 1;
  for (int64_t dim : shape) {
    strides.push_back(stride);
    stride *= dim;
  }
  float* to = out.data();
  int64_t from = 0;
  for (int64_t i = 0; i < out.size(); ++i) {
    to[i] = stored.data()[from];
    for (size_t axis = index.size(); axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < shape[static_cast<int64_t>(axis)]) break;
      from -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return out;
}

}  // namespace

Tensor parse_npy(const Bytes& file) {
  constexpr uint64_t kLongestHeader = 1 << 16;
  ByteCursor c(file);
  c.expect(kMagic, "the signature of an .npy file");
  const uint8_t version = c.u8("the version");
  c.expect_u8(0, "the minor version");
  if (version < 1 || version > 3) c.fail(cat("the unknown version ", int{version}));
  const uint64_t size = version == 1 ? c.u16("the header's size") : c.u32("the header's size");
  if (size > kLongestHeader) c.fail(cat("a header of ", size, " bytes"));
  const Header header = HeaderParser(c.take(size, "the header").text(), file).parse();
  const uint64_t bytes = array_bytes(header.shape, header.type, file.label(), "the array");
  if (bytes != c.remaining())
    c.fail(cat("an array of shape ", header.shape, " and type ", name_of(header.type), " takes ",
               bytes, " bytes, but the file holds ", c.remaining()));
  const Bytes data = c.take(bytes, "the array");
  Tensor tensor = Tensor::uninitialized(header.shape);
  read_floats(header.type, data, tensor.values(), header.order);
  return header.fortran_order && header.shape.rank() > 1 ? from_fortran(tensor, header.shape)
                                                         : tensor;
}

}  // namespace formats

Tensor load_npy(const std::string& path) { return formats::parse_npy(base::read_file(path)); }

namespace {

formats::Content npy_content(const Tensor& tensor) {
  // The data starts at a multiple of 64 bytes, as numpy has it.
  constexpr size_t kAlignment = 64, kPrefix = 10;
  std::string dict =
      base::cat("{'descr': '<f4', 'fortran_order': False, 'shape': ", tensor.shape(), ", }");
  const size_t end = kPrefix + dict.size() + 1;
  dict.append((kAlignment - end % kAlignment) % kAlignment, ' ');
  dict += '\n';
  formats::Content content(base::cat(formats::kMagic, '\x01', '\0',
                                     static_cast<char>(dict.size() & 0xff),
                                     static_cast<char>(dict.size() >> 8), dict));
  content.add(tensor);
  return content;
}

}  // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
  formats::write_file(npy_content(tensor), path);
}

void save_npz(const std::string& path, const std::vector<std::pair<std::string, Tensor>>& arrays) {
  std::vector<formats::ZipMember> members;
  std::set<std::string> names;
  for (const auto& [name, tensor] : arrays) {
    const char* why = formats::refused_member_name(name + ".npy");
    if (!why && !names.insert(name).second) why = "comes twice";
    if (why) throw ValueError(base::cat("save_npz: the name ", base::quoted(name), " ", why));
    members.push_back({name + ".npy", npy_content(tensor)});
  }
  formats::write_file(formats::write_zip(std::move(members)), path);
}

}  // namespace cornu
