#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cornu/base/bytes.h"
#include "cornu/base/export.h"
#include "cornu/base/write_file.h"

namespace cornu::base {

// Opens a file for reading. Only regular files (a symbolic link the caller names may lead to one);
// directories, pipes and devices are refused, and none of them can make this wait. Throws IoError
// with the path and the reason.
//
// The file is not mapped: a mapped file that another program cuts short kills its reader by SIGBUS.
// It is read in blocks when its bytes are looked at, so memory holds only what is in use, and a
// file that shrinks meanwhile is an IoError.
CORNU_API Bytes read_file(const std::string& path);

// Opens the file `name` in `folder`. The name may come from inside a file: it must be plain (see
// is_plain_name, FormatError otherwise) and may be no link, neither a symbolic nor a hard one, so
// it cannot leave the folder.
CORNU_API Bytes read_in_folder(const std::string& folder, std::string_view name);

// The folder that holds `path`: "." for a bare name.
CORNU_API std::string folder_of(const std::string& path);

// A name that stays in its folder on any system: not empty, no '/', '\' or ':', no control bytes,
// valid UTF-8, at most 255 bytes, and neither "." nor "..".
CORNU_API bool is_plain_name(std::string_view name);

// Whether there is anything at that path, be it a broken link.
CORNU_API bool file_exists(const std::string& path);

// Removes what an AtomicFile of `path` left beside it when its process was killed. Those that are
// being written stay: their writers hold a lock (flock). Nothing that goes wrong is an error.
CORNU_API void remove_unfinished(const std::string& path);

// A file that appears whole or not at all: it is written beside `path` under another name, which
// commit() puts in place after everything has reached the disk. Without a commit, `path` keeps what
// it had; what killed writers of `path` left is removed first. Throws IoError. A link at `path` is
// replaced, anything else that is no regular file is refused.
class CORNU_API AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> data);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  int file_ = -1;
};

}  // namespace cornu::base
