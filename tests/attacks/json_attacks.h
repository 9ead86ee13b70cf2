#pragma once

#include "tests/attacks/attack.h"

namespace cornu::testing_attacks {

// Text that is no JSON, or more than anyone needs: as the configuration in an archive. Where it is
// sound JSON, it is no model.
inline Attacks json_texts() {
  constexpr int64_t kMiB = 1 << 20;
  Attacks all;
  const auto add = [&](const std::string& name, const char* word,
                       std::function<std::string()> text) {
    all.push_back({cat("json_", name, ".keras"), "FormatError", word,
                   [text = std::move(text)] { return archive_of_text(text()); }});
  };
  const auto put = [&](const std::string& name, const char* word, const std::string& text) {
    add(name, word, [text] { return text; });
  };
  for (const auto& [kind, open] : {std::pair{"lists", "["}, {"objects", "{\"a\":"}})
    for (const int64_t depth : {257, 100'000, 1'000'000})
      add(cat("depth_", kind, "_", depth), "levels deep",
          [open = open, depth] { return repeated(open, depth); });
  put("depth_256", "class_name", repeated("[", 256) + repeated("]", 256));
  add("digits_9000000", "range", [] { return std::string(9'000'000, '9'); });
  add("digits_behind_point", "class_name", [] { return "0." + std::string(9'000'000, '9'); });
  add("digits_of_exponent", "range", [] { return "1e" + std::string(9'000'000, '9'); });
  add("digits_zeros", "after the end", [] { return std::string(9'000'000, '0'); });
  add("digits_67108864", "bytes", [] { return std::string(64 * kMiB, '7'); });
  add("size_16MiB", "bytes", [] { return "\"" + std::string(16 * kMiB, 'x') + "\""; });
  add("spaces", "ends where a value should be", [] { return std::string(8 * kMiB, ' '); });
  add("string_long", "a string of more than",
      [] { return "\"" + std::string(2 * kMiB, 'x') + "\""; });
  add("values", "values", [] { return "[0" + repeated(",0", 5'000'000) + "]"; });
  add("keys", "values", [] { return "{\"a\":0" + repeated(",\"a\":0", 1'000'000) + "}"; });
  add("empty_lists", "values", [] { return "[[]" + repeated(",[]", 3'000'000) + "]"; });
  add("strings", "values", [] { return "[\"\"" + repeated(",\"\"", 3'000'000) + "]"; });
  put("number_1e999", "range", "1e999");
  put("number_minus", "expected a digit", "-");
  put("number_hex", "after the end", "0x10");
  put("number_zero_first", "after the end", "0123");
  put("number_plus", "expected a value", "+1");
  put("number_point", "expected a value", ".5");
  put("number_no_fraction", "expected a digit", "1.");
  put("number_no_exponent", "expected a digit", "1e");
  put("nan", "class_name", "NaN");
  put("nan_lower", "expected a value", "nan");
  put("infinity", "class_name", "-Infinity");
  put("true_upper", "expected a value", "True");
  put("none", "expected a value", "None");
  put("key_twice", "must be a string",
      "{\"class_name\": \"Sequential\", \"class_name\": 7, \"config\": {\"layers\": []}}");
  put("key_number", "a key in double quotes", "{1: 2}");
  put("key_none", "a key in double quotes", "{,}");
  put("quote_single", "a key in double quotes", "{'a': 1}");
  put("comma_last", "expected a value", "[1,]");
  put("comma_none", "expected ',' or ']'", "[1 2]");
  put("colon_none", "expected ':'", "{\"a\" 1}");
  put("comment", "expected a value", "// [1]\n[]");
  put("two", "after the end", "{}{}");
  put("tail_nul", "after the end", std::string("{}\0", 3));
  put("closed_twice", "after the end", "[]]");
  put("closed_wrongly", "expected", "[1}");
  put("unclosed", "expected ',' or ']'", "[1");
  put("unclosed_string", "ends inside a string", "\"abc");
  put("unclosed_escape", "unknown escape", "\"abc\\");
  put("surrogate_high", "surrogate", "\"\\ud800\"");
  put("surrogate_low", "surrogate", "\"\\udc00\"");
  put("surrogate_two_highs", "surrogate", "\"\\ud800\\ud800\"");
  put("surrogate_then_letter", "surrogate", "\"\\ud800\\u0041\"");
  put("escape_unknown", "unknown escape", "\"\\x41\"");
  put("escape_short", "four hexadecimal digits", "\"\\u12\"");
  put("control", "control character", "\"a\nb\"");
  put("nul", "control character", std::string("\"a\0b\"", 5));
  put("utf8_broken", "UTF-8", "\"\xff\"");
  put("utf8_cut", "UTF-8", "\"\xe2\x82\"");
  put("utf8_overlong", "UTF-8", "\"\xc0\xaf\"");
  put("utf8_surrogate", "UTF-8", "\"\xed\xa0\x80\"");
  put("utf8_beyond", "UTF-8", "\"\xf5\x80\x80\x80\"");
  put("mark", "expected a value", "\xef\xbb\xbf{}");
  put("utf16", "expected a value", std::string("\xff\xfe{\0}\0", 6));
  return all;
}

}  // namespace cornu::testing_attacks
