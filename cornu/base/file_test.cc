#include "cornu/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::base {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cornu_file_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void put(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_))
      found.push_back(entry.path().filename().string());
    return found;
  }

  std::string folder_;
};

template <class E, class F>
std::string refusal(F&& f) {
  try {
    f();
    return "accepted";
  } catch (const E& e) {
    return e.what();
  }
}

std::string content(const std::string& path) { return read_file(path).text(); }

TEST_F(FileTest, ReadsAFile) {
  put("a", "hello");
  put("empty", "");
  const Bytes a = read_file(path("a"));
  EXPECT_EQ(a.text(), "hello");
  EXPECT_EQ(a.label(), path("a"));
  EXPECT_EQ(read_file(path("empty")).size(), 0u);
  EXPECT_EQ(read_file(path("empty")).text(), "");
  fs::create_symlink(path("a"), path("link"));
  EXPECT_EQ(content(path("link")), "hello");
}

TEST_F(FileTest, ReadsPiecesOfALargeFile) {
  std::string text(1'000'003, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + (i >> 9));
  put("large", text);
  const Bytes all = read_file(path("large"));
  for (uint64_t at : {0u, 65535u, 65536u, 500'000u, 999'999u}) {
    const uint64_t size = std::min<uint64_t>(200'000, all.size() - at);
    const Bytes part = all.at(at, size, "part");
    EXPECT_EQ(part.text(), text.substr(at, size)) << at;
    part.release();
    EXPECT_EQ(part.text(), text.substr(at, size)) << at;
  }
  std::vector<std::byte> out(all.size());
  all.copy_to(out);
  EXPECT_EQ(std::memcmp(out.data(), text.data(), text.size()), 0);
  EXPECT_EQ(all.text(), text);
}

TEST_F(FileTest, NoticesAFileThatShrinks) {
  put("a", std::string(300'000, 'x'));
  const Bytes a = read_file(path("a"));
  EXPECT_EQ(a.u8(0, "x"), 'x');
  fs::resize_file(path("a"), 100'000);
  EXPECT_THAT(refusal<IoError>([&] { a.text(); }), HasSubstr("shorter"));
}

TEST_F(FileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_THAT(refusal<IoError>([&] { read_file(path("none")); }),
              testing::AllOf(HasSubstr("none'"), HasSubstr("No such file")));
  EXPECT_THAT(refusal<IoError>([&] { read_file(folder_); }), HasSubstr("directory"));
  EXPECT_THAT(refusal<IoError>([&] { read_file("/dev/zero"); }), HasSubstr("device"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal<IoError>([&] { read_file(path("pipe")); }), HasSubstr("pipe"));
  EXPECT_THROW(read_file(std::string("/etc/passwd\0x", 13)), IoError);
  fs::create_symlink(path("loop"), path("loop"));
  EXPECT_THROW(read_file(path("loop")), IoError);
}

TEST_F(FileTest, ReadsInItsFolderOnly) {
  put("shard", "data");
  fs::create_directory(path("inner"));
  EXPECT_EQ(read_in_folder(folder_, "shard").text(), "data");
  EXPECT_THAT(refusal<FormatError>([&] { read_in_folder(path("inner"), "../shard"); }),
              HasSubstr("plain"));
  fs::create_symlink(path("shard"), path("inner/link"));
  EXPECT_THAT(refusal<IoError>([&] { read_in_folder(path("inner"), "link"); }),
              HasSubstr("links are not followed"));
  EXPECT_THROW(read_in_folder(folder_, "inner"), IoError);
  EXPECT_THROW(read_in_folder(folder_, "none"), IoError);
  EXPECT_THROW(read_in_folder(path("none"), "shard"), IoError);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_in_folder(folder_, "pipe"), IoError);
}

TEST(FileNames, ArePlainOrNot) {
  for (std::string_view name :
       {"a", "group1-shard1of7", "model.weights.h5", "...", "a b", "é", "-"})
    EXPECT_TRUE(is_plain_name(name)) << name;
  for (std::string_view name :
       {"", ".", "..", "/a", "a/b", "../a", "a\\b", "C:a", "a\nb", "\x7f", "\xff"})
    EXPECT_FALSE(is_plain_name(name)) << name;
  EXPECT_FALSE(is_plain_name(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_plain_name(std::string(256, 'a')));
}

TEST(FileNames, Folders) {
  EXPECT_EQ(folder_of("a"), ".");
  EXPECT_EQ(folder_of("/a"), "/");
  EXPECT_EQ(folder_of("x/y/a"), "x/y");
}

TEST_F(FileTest, WritesWhole) {
  const std::string text(100'000, 'y');
  write_file_atomic(path("a"), std::as_bytes(std::span(text)));
  EXPECT_EQ(content(path("a")), text);
  fs::permissions(path("a"), fs::perms(0640));
  write_file_atomic(path("a"), "");
  EXPECT_EQ(content(path("a")), "");
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms(0640));
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, WritesTheLongestNames) {
  const std::string longest(255, 'n');
  write_file_atomic(path(longest), std::as_bytes(std::span("x", 1)));
  EXPECT_EQ(content(path(longest)), "x");
  EXPECT_THROW(write_file_atomic(path(longest + "n"), ""), IoError);
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(FileTest, WithoutCommitNothingChanges) {
  put("a", "old");
  {
    AtomicFile file(path("a"));
    file.write("new");
    EXPECT_EQ(content(path("a")), "old");
  }
  EXPECT_EQ(content(path("a")), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

// The disk is full in the middle of a file: here, the process may write no more than 4096 bytes.
TEST_F(FileTest, AFailedWriteKeepsTheOldFile) {
  put("a", "old");
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string text(10'000, 'z');
  const std::string message =
      refusal<IoError>([&] { write_file_atomic(path("a"), std::as_bytes(std::span(text))); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("File too large"));
  EXPECT_EQ(content(path("a")), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, RemovesWhatKilledWritersLeft) {
  const std::string longest(255, 'n'), kept_of_longest = longest.substr(0, 200);
  for (const std::string& name : {std::string("a"), kept_of_longest}) {
    put(name + ".1-1.tmp", "x");
    put(name + ".123456-78.tmp", "");
  }
  // Other files, and other files' unfinished ones.
  const std::vector<std::string> others = {"a.1-1.tmpx", "a.1-.tmp",  "a.-1.tmp",  "a.1.tmp",
                                           "a.x1-1.tmp", "b.1-1.tmp", "ba.1-1.tmp"};
  for (const std::string& name : others) put(name, "x");
  fs::create_directory(path("a.2-2.tmp"));
  write_file_atomic(path("a"), "new");
  write_file_atomic(path(longest), "new");
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), {"a", "a.2-2.tmp", longest});
  EXPECT_THAT(names(), testing::UnorderedElementsAreArray(expected));
  remove_unfinished(path("b"));
  EXPECT_FALSE(file_exists(path("b.1-1.tmp")));
  remove_unfinished(path("none/a"));
}

TEST_F(FileTest, LeavesAloneWhatIsBeingWritten) {
  const auto names_of_temporaries = [&] {
    std::vector<std::string> found;
    for (const std::string& name : names())
      if (name.ends_with(".tmp")) found.push_back(name);
    return found;
  };
  AtomicFile first(path("a"));
  first.write("first");
  ASSERT_EQ(names_of_temporaries().size(), 1u);
  // Another machine may write the same path, in a process of the same number.
  const std::string name = names_of_temporaries()[0];
  const size_t dash = name.rfind('-');
  const int64_t count = std::stoll(name.substr(dash + 1));
  const std::string next = cat(name.substr(0, dash + 1), count + 1, ".tmp");
  put(next, "other");
  const int other = ::open(path(next).c_str(), O_WRONLY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  write_file_atomic(path("a"), "second");
  EXPECT_EQ(content(path("a")), "second");
  EXPECT_EQ(content(path(next)), "other");
  ::close(other);
  first.commit();
  EXPECT_EQ(content(path("a")), "first");
  remove_unfinished(path("a"));
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, RefusesToReplaceWhatIsNoRegularFile) {
  fs::create_directory(path("d"));
  EXPECT_THROW(write_file_atomic(path("d"), ""), IoError);
  EXPECT_THAT(refusal<IoError>([&] { write_file_atomic("/dev/null", ""); }),
              HasSubstr("not a regular file"));
  EXPECT_THROW(write_file_atomic(path("none/a"), ""), IoError);
  EXPECT_THROW(write_file_atomic("", ""), IoError);
  EXPECT_EQ(names(), std::vector<std::string>{"d"});
}

}  // namespace
}  // namespace cornu::base
