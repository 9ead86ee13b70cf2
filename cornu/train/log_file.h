#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace cornu::train {

// Makes a folder and those above it; nothing for an empty name. Throws IoError.
void make_folder(const std::string& folder);

// A file that grows while training runs. What is written reaches the system at once, so that
// other programs can follow it. Throws IoError that names the path.
class LogFile {
 public:
  LogFile() = default;
  // Makes the file if need be, and keeps what it holds.
  explicit LogFile(const std::string& path);

  bool open() const { return file_ != nullptr; }
  const std::string& path() const { return path_; }
  int64_t size() const;
  // Forgets what comes after `size` bytes, if there is anything.
  void cut(int64_t size);
  void write(std::string_view data);
  void close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail() const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace cornu::train
