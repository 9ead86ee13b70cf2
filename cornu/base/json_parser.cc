#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

#include "cornu/base/bytes.h"
#include "cornu/base/error.h"
#include "cornu/base/json_document.h"
#include "cornu/base/text.h"
#include "cornu/base/utf8.h"

namespace cornu::base {
namespace {

constexpr size_t kLongestString = 1 << 20;

class Parser {
 public:
  // `file` holds the text; null when there is none to give back.
  Parser(std::string_view text, const Bytes* file, JsonDocument* document, const JsonLimits& limits)
      : text_(text),
        file_(file),
        document_(*document),
        limits_(limits),
        most_values_(limits.free_values + text.size() / 64) {
    // Growing would have the old and the new in memory at once. Room that is not used costs none.
    document_.text.reserve(text.size());
    const uint64_t most_nodes = std::min<uint64_t>(most_values_, text.size() / 2 + 1) + 1;
    document_.nodes.reserve(most_nodes);
    pending_.reserve(most_nodes);
  }

  JsonNode parse();

 private:
  // An array or object whose end is not reached; its nodes are pending_[first...].
  struct Open {
    size_t first;
    bool object;
  };

  [[noreturn]] void fail(const std::string& what) const;
  std::pair<size_t, size_t> place() const;
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool accept(char c);
  bool accept(std::string_view word);
  void skip_space();
  void release();
  void add(const JsonNode& node);
  void begin_value();
  bool end_value();
  void open_container(bool object);
  void close_container();
  void read_key();
  JsonNode read_string();
  void read_escape(std::string* out);
  uint32_t read_hex4();
  void read_number();
  void skip_digits();
  JsonNode number_node(std::string_view digits, bool integer) const;

  std::string_view text_;
  const Bytes* file_;
  size_t at_ = 0;
  size_t released_ = 0;           // the text before this is gone
  size_t line_ = 1, column_ = 1;  // of released_
  JsonDocument& document_;
  const JsonLimits& limits_;
  std::vector<Open> open_;
  std::vector<JsonNode> pending_;
  const uint64_t most_values_;
  uint64_t values_ = 0;
  bool more_ = true;  // a value must come next
};

void Parser::fail(const std::string& what) const {
  const auto [line, column] = place();
  throw FormatError(cat(document_.label, ": line ", line, ", column ", column, ": ", what));
}

// Line and column of at_.
std::pair<size_t, size_t> Parser::place() const {
  const std::string_view since = text_.substr(released_, at_ - released_);
  const size_t lines = static_cast<size_t>(std::count(since.begin(), since.end(), '\n'));
  return {line_ + lines, lines == 0 ? column_ + since.size() : since.size() - since.rfind('\n')};
}

// Gives back the text that is read: its strings are in the document now.
void Parser::release() {
  constexpr size_t kPiece = 1 << 20;
  if (!file_ || at_ - released_ < kPiece) return;
  std::tie(line_, column_) = place();
  released_ = at_;
  file_->at(0, at_, "text that is read").release();
}

bool Parser::accept(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Parser::accept(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

void Parser::skip_space() {
  while (!at_end() && (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r')) ++at_;
}

void Parser::add(const JsonNode& node) {
  if (++values_ > most_values_) fail(cat("more than ", most_values_, " values"));
  pending_.push_back(node);
  release();
}

JsonNode Parser::parse() {
  skip_space();
  while (more_) {
    begin_value();
    while (!more_ && end_value()) {
    }
  }
  if (!at_end()) fail("text after the end of the value");
  return pending_.front();
}

// Reads a whole scalar, or the opening of an array or object.
void Parser::begin_value() {
  const char c = peek();
  if (c == '{' || c == '[') return open_container(c == '{');
  more_ = false;
  JsonNode node;
  if (c == '"') {
    node = read_string();
  } else if (accept("true") || accept("false")) {
    node.kind = Json::Kind::kBool;
    node.boolean = c == 't';
  } else if (accept("NaN")) {
    node.kind = Json::Kind::kFloat;
    node.number = std::numeric_limits<double>::quiet_NaN();
  } else if (accept("Infinity") || accept("-Infinity")) {
    node.kind = Json::Kind::kFloat;
    node.number = std::numeric_limits<double>::infinity() * (c == '-' ? -1 : 1);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    return read_number();
  } else if (!accept("null")) {
    fail(at_end() ? std::string("the text ends where a value should be")
                  : cat("expected a value, found ", quoted(text_.substr(at_, 1))));
  }
  add(node);
}

// After a value: a comma, or the end of what holds it. False when the whole text is read.
bool Parser::end_value() {
  skip_space();
  if (open_.empty()) return false;
  const bool object = open_.back().object;
  if (accept(',')) {
    more_ = true;
    skip_space();
    if (object) read_key();
  } else if (accept(object ? '}' : ']')) {
    close_container();
  } else {
    fail(cat("expected ',' or '", object ? '}' : ']', "'"));
  }
  return true;
}

void Parser::open_container(bool object) {
  if (open_.size() >= limits_.max_depth)
    fail(cat("nested more than ", limits_.max_depth, " levels deep"));
  ++at_;
  skip_space();
  open_.push_back({pending_.size(), object});
  if (accept(object ? '}' : ']')) {
    close_container();
    more_ = false;
  } else if (object) {
    read_key();
  }
}

void Parser::close_container() {
  const Open open = open_.back();
  open_.pop_back();
  const std::span<JsonNode> children = std::span(pending_).subspan(open.first);
  const JsonNode node =
      open.object ? document_.add_object(children) : document_.add_array(children);
  pending_.resize(open.first);
  add(node);
}

void Parser::read_key() {
  if (peek() != '"') fail("expected a key in double quotes");
  add(read_string());
  skip_space();
  if (!accept(':')) fail("expected ':' after the key");
  skip_space();
}

JsonNode Parser::read_string() {
  ++at_;
  std::string& out = document_.text;
  JsonNode node = document_.add_string({});
  for (;;) {
    const size_t plain = std::min(text_.find_first_of("\"\\", at_), text_.size());
    const std::string_view run = text_.substr(at_, plain - at_);
    const auto control =
        std::find_if(run.begin(), run.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; });
    const size_t good = std::min<size_t>(valid_utf8_prefix(run), control - run.begin());
    at_ += good;
    if (good < run.size())
      fail(control - run.begin() == static_cast<std::ptrdiff_t>(good)
               ? "a control character in a string must be escaped"
               : "invalid UTF-8 in a string");
    if (out.size() - node.at.first + run.size() > kLongestString)
      fail(cat("a string of more than ", kLongestString, " bytes"));
    out.append(run);
    if (at_end()) fail("the text ends inside a string");
    if (accept('"')) break;
    read_escape(&out);
  }
  node.count = static_cast<uint32_t>(out.size() - node.at.first);
  return node;
}

void Parser::read_escape(std::string* out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  const size_t letter = at_end() ? kLetters.npos : kLetters.find(peek());
  if (letter != kLetters.npos) {
    ++at_;
    *out += kMeanings[letter];
    return;
  }
  if (!accept('u')) fail("unknown escape in a string");
  uint32_t code = read_hex4();
  if (code >= 0xdc00 && code <= 0xdfff) fail("a low surrogate without a high one");
  if (code >= 0xd800 && code <= 0xdbff) {
    const uint32_t low = accept("\\u") ? read_hex4() : 0;
    if (low < 0xdc00 || low > 0xdfff) fail("a high surrogate without a low one");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(out, code);
}

uint32_t Parser::read_hex4() {
  const std::string_view digits = text_.substr(at_, 4);
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (error != std::errc() || end != digits.data() + 4) fail("\\u needs four hexadecimal digits");
  at_ += 4;
  return code;
}

void Parser::skip_digits() {
  const size_t start = at_;
  while (peek() >= '0' && peek() <= '9') ++at_;
  if (at_ == start) fail("expected a digit");
}

void Parser::read_number() {
  const size_t start = at_;
  accept('-');
  if (!accept('0')) skip_digits();
  bool integer = true;
  if (accept('.')) {
    integer = false;
    skip_digits();
  }
  if (accept('e') || accept('E')) {
    integer = false;
    if (!accept('+')) accept('-');
    skip_digits();
  }
  add(number_node(text_.substr(start, at_ - start), integer));
}

JsonNode Parser::number_node(std::string_view digits, bool integer) const {
  const char* begin = digits.data();
  const char* end = begin + digits.size();
  JsonNode node;
  node.kind = Json::Kind::kInt;
  if (integer && std::from_chars(begin, end, node.integer).ec == std::errc()) return node;
  // An integer beyond 64 bits is read as a float.
  node.kind = Json::Kind::kFloat;
  double number = 0;
  const auto result = std::from_chars(begin, end, number);
  if (result.ec != std::errc() || result.ptr != end)
    fail(cat("the number ", quoted(digits.substr(0, 40)), " is out of range"));
  node.number = number;
  return node;
}

}  // namespace

void check_json_size(uint64_t bytes, const std::string& label, const JsonLimits& limits) {
  const uint64_t most = std::min<uint64_t>(limits.max_bytes, std::numeric_limits<uint32_t>::max());
  if (bytes > most)
    throw FormatError(
        cat(label, ": the JSON text has ", bytes, " bytes, over the limit of ", most));
}

namespace {

Json parse(std::string_view text, const Bytes* file, std::string label, const JsonLimits& limits) {
  check_json_size(text.size(), label, limits);
  auto document = std::make_shared<JsonDocument>();
  document->label = std::move(label);
  const JsonNode root = Parser(text, file, document.get(), limits).parse();
  return JsonDocument::finish(std::move(document), root);
}

}  // namespace

Json parse_json(std::string_view text, std::string label, const JsonLimits& limits) {
  return parse(text, nullptr, std::move(label), limits);
}

Json parse_json(const Bytes& file, std::string label, const JsonLimits& limits) {
  check_json_size(file.size(), label, limits);  // before it is read
  const std::span<const std::byte> all = file.span();
  Json json = parse({reinterpret_cast<const char*>(all.data()), all.size()}, &file,
                    std::move(label), limits);
  file.release();
  return json;
}

}  // namespace cornu::base
