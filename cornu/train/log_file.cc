#include "cornu/train/log_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::train {

void make_folder(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw IoError(
        base::cat("cannot make the folder ", base::quoted(folder), ": ", error.message()));
  }
}

LogFile::LogFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "abe")) {
  if (!file_) fail();
}

int64_t LogFile::size() const {
  struct stat info = {};
  if (::fstat(fileno(file_.get()), &info) != 0) fail();
  return info.st_size;
}

void LogFile::cut(int64_t size) {
  if (this->size() > size && ::ftruncate(fileno(file_.get()), size) != 0) fail();
}

void LogFile::write(std::string_view data) {
  const bool written = std::fwrite(data.data(), 1, data.size(), file_.get()) == data.size();
  if (!written || std::fflush(file_.get()) != 0) fail();
}

void LogFile::close() { file_.reset(); }

void LogFile::fail() const {
  throw IoError(base::cat("cannot write ", base::quoted(path_), ": ",
                          std::generic_category().message(errno)));
}

}  // namespace cornu::train
