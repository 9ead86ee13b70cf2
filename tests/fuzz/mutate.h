#pragma once

// How inputs are changed where bytes at random would be lost to a wrong checksum or length: see the
// fuzz_*.cc for what each format needs.

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#ifdef CORNU_FUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
#endif

namespace cornu::fuzz {

// An input that is to be changed, and what chance says.
class Mutation {
 public:
  Mutation(std::string_view input, size_t max_size, unsigned seed)
      : text(input), max_size_(max_size), random_(seed) {}

  std::string text;

  // One of `count` numbers from 0.
  size_t draw(size_t count) { return count == 0 ? 0 : random_() % count; }
  // libFuzzer's own changes, of a part of the input.
  void bytes(std::string* part) {
#ifdef CORNU_FUZZER
    const size_t others = text.size() - std::min(part->size(), text.size());
    const size_t most = std::max(max_size_ - std::min(others, max_size_), part->size()) + 1;
    const size_t size = part->size();
    part->resize(most);
    part->resize(::LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(part->data()), size, most));
#else
    part->append(1, static_cast<char>(draw(256)));
#endif
  }
  // Changes a JSON text as bytes, or as values.
  void json(std::string* part);

 private:
  [[maybe_unused]] size_t max_size_;
  std::minstd_rand random_;
};

// Where the values of a text that may be JSON begin and end.
inline std::vector<std::pair<size_t, size_t>> values_of(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> values;
  std::vector<size_t> open;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    size_t end = at + 1;
    if (c == '[' || c == '{') {
      open.push_back(at);
    } else if ((c == ']' || c == '}') && !open.empty()) {
      values.emplace_back(open.back(), end);
      open.pop_back();
    } else if (c == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      values.emplace_back(at, end);
    } else if (std::strchr(" \t\r\n,:]}", c) == nullptr || c == '\0') {
      while (end < text.size() && !std::strchr(" \t\r\n,:[]{}\"", text[end])) ++end;
      values.emplace_back(at, end);
    }
    at = end;
  }
  return values;
}

inline void Mutation::json(std::string* part) {
  static constexpr const char* kOthers[] = {"0",
                                            "1",
                                            "-1",
                                            "2",
                                            "3",
                                            "7",
                                            "2147483647",
                                            "2147483648",
                                            "-9223372036854775808",
                                            "0.5",
                                            "1e300",
                                            "NaN",
                                            "null",
                                            "true",
                                            "false",
                                            "[]",
                                            "{}",
                                            "[1, 1]",
                                            "[2, 2]",
                                            "[3, 3]",
                                            "[null, 4]",
                                            "[null, 8, 8, 2]",
                                            "\"same\"",
                                            "\"causal\"",
                                            "\"channels_first\"",
                                            "\"relu\"",
                                            "\"\""};
  const auto values = values_of(*part);
  if (values.empty() || draw(3) == 0) return bytes(part);
  const auto [begin, end] = values[draw(values.size())];
  const auto [from, to] = values[draw(values.size())];
  const std::string other =
      draw(2) == 0 ? kOthers[draw(std::size(kOthers))] : part->substr(from, to - from);
  switch (draw(4)) {
    case 0: {  // is left out, with the comma behind it
      const size_t comma = part->find_first_not_of(" \n", end);
      const bool has = comma != part->npos && (*part)[comma] == ',';
      part->erase(begin, (has ? comma + 1 : end) - begin);
      return;
    }
    case 1:  // one more before it
      part->insert(begin, other + ", ");
      return;
    default:  // another one in its place
      part->replace(begin, end - begin, other);
  }
}

// `change` is to put something else into a mutation's text.
template <class F>
size_t mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed, F&& change) {
  Mutation mutation({reinterpret_cast<const char*>(data), size}, max_size, seed);
  change(mutation);
  const size_t length = std::min(mutation.text.size(), max_size);
  std::memcpy(data, mutation.text.data(), length);
  return length;
}

}  // namespace cornu::fuzz

// A target's way to change inputs, a function of a Mutation&.
#ifdef CORNU_FUZZER
#define CORNU_FUZZ_MUTATOR(change)                                                       \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, \
                                            unsigned seed) {                             \
    return cornu::fuzz::mutate(data, size, max_size, seed, change);                      \
  }
#else
#define CORNU_FUZZ_MUTATOR(change) [[maybe_unused]] static const auto mutator = change;
#endif
