#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "cornu/base/bytes.h"
#include "cornu/base/error.h"

namespace cornu::fuzz {

// A property that every input must keep. Breaking it is a crash that the fuzzer reports.
inline void require(bool condition) {
  if (!condition) std::abort();
}

inline base::Bytes bytes_of(const uint8_t* data, size_t size) {
  return base::Bytes::view(std::as_bytes(std::span(data, size)), "input");
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Hostile bytes may be refused in one way only.
template <class F>
void allow_refusal(F&& f) {
  try {
    f();
  } catch (const FormatError& e) {
    require(std::string_view(e.what()).size() < 4096);
  }
}

}  // namespace cornu::fuzz
