#include "cornu/train/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::train {
namespace {

// The magnitude of a value; the sign is put before it apart.
std::string magnitude(double value, std::chars_format format, int precision) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return "inf";
  std::array<char, 512> buffer;  // a double has at most 309 digits before the point
  precision = std::min(precision, 128);
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                          std::fabs(value), format, precision);
  CORNU_CHECK(error == std::errc());
  return {buffer.data(), end};
}

bool negative(double value) { return std::signbit(value) && !std::isnan(value); }

std::string text_of(double value, std::chars_format format, int precision) {
  std::string text = magnitude(value, format, precision);
  if (negative(value)) text.insert(0, 1, '-');
  return text;
}

// One replacement field's spec, taken apart.
struct Spec {
  char fill = ' ';
  char align = '>';
  char sign = '-';
  bool comma = false;
  int width = 0;
  int precision = -1;  // none
  char type = 0;       // none
};

class SpecParser {
 public:
  explicit SpecParser(const std::string& text) : text_(text) {}

  Spec parse() {
    Spec spec;
    if (is_align(peek(1))) {
      spec.fill = take();
      spec.align = take();
    } else if (is_align(peek(0))) {
      spec.align = take();
    }
    if (peek(0) == '+' || peek(0) == '-' || peek(0) == ' ') spec.sign = take();
    if (peek(0) == '0') {
      take();
      if (spec.fill == ' ') spec.fill = '0', spec.align = '=';
    }
    spec.width = number(0);
    if (peek(0) == ',') spec.comma = take() == ',';
    if (peek(0) == '.') {
      take();
      spec.precision = number(-1);
      if (spec.precision < 0) throw ValueError("Format specifier missing precision");
    }
    if (at_ < text_.size()) spec.type = take();
    if (at_ < text_.size())
      throw ValueError(base::cat("Invalid format specifier ", base::quoted(text_)));
    return spec;
  }

 private:
  static bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }
  char peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  char take() { return text_[at_++]; }
  int number(int absent) {
    int value = absent;
    while (peek(0) >= '0' && peek(0) <= '9') {
      value = std::max(value, 0) * 10 + (take() - '0');
      if (value > 100)
        throw ValueError(base::cat("Format specifier ", base::quoted(text_), " is too large"));
    }
    return value;
  }

  const std::string& text_;
  size_t at_ = 0;
};

// What Python shows as a float looks like one.
std::string with_point(std::string digits) {
  if (digits.find_first_of(".en") == digits.npos) digits += ".0";
  return digits;
}

// The digits of the magnitude. std::chars_format::general is C's "%g".
std::string digits_of(const Field& field, const Spec& spec) {
  const double value = field.value;
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  switch (spec.type) {
    case 0:
      if (field.whole) return base::cat(static_cast<int64_t>(std::fabs(value)));
      if (spec.precision < 0) return base::to_text(std::fabs(value));
      return with_point(magnitude(value, std::chars_format::general, std::max(precision, 1)));
    case 'd':
      if (!field.whole) {
        throw ValueError("Unknown format code 'd' for object of type 'float'");
      }
      if (spec.precision >= 0)
        throw ValueError("Precision not allowed in integer format specifier");
      return base::cat(static_cast<int64_t>(std::fabs(value)));
    case 'e':
    case 'E':
      return magnitude(value, std::chars_format::scientific, precision);
    case 'f':
    case 'F':
      return magnitude(value, std::chars_format::fixed, precision);
    case 'g':
    case 'G':
      return magnitude(value, std::chars_format::general, std::max(precision, 1));
    case '%':
      return magnitude(100 * value, std::chars_format::fixed, precision) + "%";
    default:
      throw ValueError(base::cat("Unknown format code ", base::quoted(std::string(1, spec.type)),
                                 " for object of type '", field.whole ? "int" : "float", "'"));
  }
}

std::string with_commas(std::string digits) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (size_t i = whole; i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string format_field(const Field& field, const std::string& text) {
  const Spec spec = SpecParser(text).parse();
  std::string digits = digits_of(field, spec);
  if (spec.type == 'E' || spec.type == 'F' || spec.type == 'G') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  if (spec.comma) digits = with_commas(digits);
  std::string sign;
  if (negative(field.value)) {
    sign = "-";
  } else if (spec.sign != '-') {
    sign = spec.sign;
  }
  const size_t used = sign.size() + digits.size(), width = static_cast<size_t>(spec.width);
  const size_t missing = width > used ? width - used : 0;
  const size_t before = spec.align == '<' ? 0 : spec.align == '^' ? missing / 2 : missing;
  const std::string padding(before, spec.fill);
  const std::string number = spec.align == '=' ? sign + padding + digits : padding + sign + digits;
  return number + std::string(missing - before, spec.fill);
}

}  // namespace

std::string fixed(double value, int precision) {
  return text_of(value, std::chars_format::fixed, precision);
}
std::string scientific(double value, int precision) {
  return text_of(value, std::chars_format::scientific, precision);
}

std::string format_fields(const std::string& text, const std::vector<Field>& fields) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      out += c;
    } else if (i + 1 < text.size() && text[i + 1] == c) {
      out += c;
      ++i;
    } else if (c == '}') {
      throw ValueError("Single '}' encountered in format string");
    } else {
      const size_t end = text.find('}', i);
      if (end == text.npos) throw ValueError("expected '}' before end of string");
      const std::string inside = text.substr(i + 1, end - i - 1);
      const size_t colon = std::min(inside.find(':'), inside.size());
      const std::string name = inside.substr(0, colon);
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [&](const Field& f) { return f.name == name; });
      if (field == fields.end()) throw ValueError("Missing field " + base::quoted(name));
      out += format_field(*field, colon < inside.size() ? inside.substr(colon + 1) : "");
      i = end;
    }
  }
  return out;
}

}  // namespace cornu::train
