#pragma once

#include <stdexcept>
#include <string>

#include "cornu/base/export.h"

namespace cornu {

// Everything the library throws derives from Error. What is thrown follows Keras: ValueError for a
// bad argument or shape, TypeError for an argument of the wrong type, StateError for asking what is
// not there yet (Keras: AttributeError). A running program never throws.
class CORNU_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CORNU_API ValueError : public Error {
 public:
  using Error::Error;
};
class CORNU_API TypeError : public Error {
 public:
  using Error::Error;
};
class CORNU_API StateError : public Error {
 public:
  using Error::Error;
};
// A file that is not what it says, is damaged, or holds something this library does not read.
class CORNU_API FormatError : public Error {
 public:
  using Error::Error;
};
// A file that cannot be opened, read or written.
class CORNU_API IoError : public Error {
 public:
  using Error::Error;
};
class CORNU_API OutOfMemory : public Error {
 public:
  using Error::Error;
};
// A fault of this library, never of its input.
class CORNU_API InternalError : public Error {
 public:
  using Error::Error;
};

namespace base {
[[noreturn]] CORNU_API void check_failed(const char* condition, const char* file, int line);
}

}  // namespace cornu

// A condition that only a fault of this library can break.
#define CORNU_CHECK(condition) \
  ((condition) ? (void)0 : ::cornu::base::check_failed(#condition, __FILE__, __LINE__))
