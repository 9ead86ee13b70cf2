#pragma once

#include <cstdint>
#include <string>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::base {

// What reading one file may cost. A reader charges a cost before it allocates or works, so that a
// small file cannot ask for much memory or time.
class Budget {
 public:
  struct Limits {
    uint64_t bytes;    // memory
    uint64_t objects;  // members, groups, datasets, attributes, names...
  };
  Budget(std::string label, Limits limits)
      : label_(std::move(label)), left_(limits), all_(limits) {}

  // Throws FormatError naming the limit.
  void charge_bytes(uint64_t n, const char* what) {
    charge(&left_.bytes, n, all_.bytes, what, "bytes");
  }
  void charge_objects(uint64_t n, const char* what) {
    charge(&left_.objects, n, all_.objects, what, "objects");
  }

 private:
  void charge(uint64_t* left, uint64_t n, uint64_t all, const char* what, const char* unit) {
    if (n > *left)
      throw FormatError(cat(label_, ": ", what, " pass the limit of ", all, " ", unit));
    *left -= n;
  }

  std::string label_;
  Limits left_;
  Limits all_;
};

}  // namespace cornu::base
