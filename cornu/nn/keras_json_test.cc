#include "cornu/nn/keras_json.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/layer_test.h"

namespace cornu {
namespace {

namespace fs = std::filesystem;

// One environment variable, put back at the end.
class Environment {
 public:
  Environment(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~Environment() { set(old_); }
  void set(const std::optional<std::string>& value) {
    if (value)
      setenv(name_, value->c_str(), 1);
    else
      unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class KerasJson : public ::testing::Test {
 protected:
  KerasJson()
      : folder_(fs::temp_directory_path() / base::cat("keras_json_test_", getpid())),
        keras_home_("KERAS_HOME", folder_.string()),
        home_("HOME", (folder_ / "home").string()) {
    fs::create_directories(folder_ / "home" / ".keras");
    nn::reset_keras_json();
  }
  ~KerasJson() override {
    fs::remove_all(folder_);
    nn::reset_keras_json();
  }
  void write(const std::string& text) { write_to(folder_ / "keras.json", text); }
  void write_to(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
    nn::reset_keras_json();
  }
  std::string path() const { return (folder_ / "keras.json").string(); }

  fs::path folder_;
  Environment keras_home_, home_;
};

TEST_F(KerasJson, DefaultsWithoutAFile) {
  EXPECT_EQ(image_data_format(), "channels_last");
  EXPECT_EQ(epsilon(), 1e-7);
  EXPECT_EQ(floatx(), "float32");
  EXPECT_FALSE(fs::exists(path()));  // never written
  keras_home_.set(std::nullopt);
  home_.set(std::nullopt);
  nn::reset_keras_json();
  EXPECT_EQ(image_data_format(), "channels_last");
}

TEST_F(KerasJson, ReadsWhatKerasWrites) {
  write(R"({
    "floatx": "float32",
    "epsilon": 1e-05,
    "backend": "tensorflow",
    "image_data_format": "channels_first"
})");
  EXPECT_EQ(image_data_format(), "channels_first");
  EXPECT_EQ(epsilon(), 1e-5);
  EXPECT_EQ(floatx(), "float32");
}

TEST_F(KerasJson, KerasHomeComesBeforeHome) {
  write_to(folder_ / "home" / ".keras" / "keras.json", R"({"epsilon": 0.5})");
  EXPECT_EQ(epsilon(), 1e-7);
  for (const std::optional<std::string>& unset : {std::optional<std::string>(), {""}}) {
    keras_home_.set(unset);
    nn::reset_keras_json();
    EXPECT_EQ(epsilon(), 0.5);
  }
}

TEST_F(KerasJson, IsReadOnceWhenFirstAskedFor) {
  write(R"({"epsilon": 0.5})");
  EXPECT_EQ(epsilon(), 0.5);
  std::ofstream(path()) << R"({"epsilon": 0.25, "image_data_format": "channels_first"})";
  EXPECT_EQ(epsilon(), 0.5);
  EXPECT_EQ(image_data_format(), "channels_last");
  nn::reset_keras_json();
  EXPECT_EQ(epsilon(), 0.25);
}

TEST_F(KerasJson, InvalidJsonIsEmpty) {
  for (const char* text : {"", "{", "{\"epsilon\": 0.5", "{'epsilon': 0.5}", "\xff"}) {
    write(text);
    EXPECT_EQ(epsilon(), 1e-7) << text;
    EXPECT_EQ(image_data_format(), "channels_last") << text;
  }
}

TEST_F(KerasJson, BadValues) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"image_data_format": "channels"})",
       ": `image_data_format` must be 'channels_last' or 'channels_first'. Received: "
       "image_data_format=\"channels\""},
      {R"({"image_data_format": "CHANNELS_LAST"})", "image_data_format=\"CHANNELS_LAST\""},
      {R"({"image_data_format": null})", "image_data_format=null"},
      {R"({"epsilon": 1})",
       ": `epsilon` must be a float, finite and zero or positive. Received: epsilon=1"},
      {R"({"epsilon": -1e-7})", "Received: epsilon=-1e-07"},
      {R"({"epsilon": NaN})", "Received: epsilon=NaN"},
      {R"({"epsilon": "1e-7"})", "Received: epsilon=\"1e-7\""},
      {R"({"floatx": "float16"})",
       ": `floatx` must be 'float32', the only precision there is. Received: floatx=\"float16\""},
      {R"({"floatx": 32})", "Received: floatx=32"},
      {"[1]", ": must hold an object. Received: [1]"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    write(text);
    EXPECT_ERROR(ValueError, epsilon(), path());
    EXPECT_ERROR(ValueError, epsilon(), message);  // again, as long as it is so
    EXPECT_ERROR(ValueError, image_data_format(), message);
  }
  write(std::string((1 << 20) + 1, ' '));
  EXPECT_ERROR(ValueError, epsilon(), path() + ": a configuration file of more than 1048576 bytes");
  fs::remove(path());
  fs::create_directory(path());
  nn::reset_keras_json();
  EXPECT_THROW(epsilon(), IoError);
  fs::remove(path());
  EXPECT_EQ(epsilon(), 1e-7);
}

TEST_F(KerasJson, UnknownKeysAndBackendsAreIgnored) {
  write(R"({"backend": "theano", "image_dim_ordering": "th", "nnx_enabled": false})");
  EXPECT_EQ(image_data_format(), "channels_last");
}

TEST_F(KerasJson, Setters) {
  write(R"({"epsilon": 0.5})");
  set_image_data_format("Channels_First");
  EXPECT_EQ(image_data_format(), "channels_first");
  EXPECT_EQ(epsilon(), 0.5);
  set_epsilon(0);
  EXPECT_EQ(epsilon(), 0);
  set_floatx("float32");
  EXPECT_ERROR(ValueError, set_image_data_format("NHWC"),
               "set_image_data_format: the format must be 'channels_last' or 'channels_first'. "
               "Received: 'NHWC'");
  EXPECT_ERROR(ValueError, set_epsilon(-1),
               "set_epsilon: epsilon must be finite and zero or positive. Received: -1.0");
  EXPECT_ERROR(ValueError, set_epsilon(std::nan("")), "Received: nan");
  EXPECT_ERROR(ValueError, set_floatx("float64"),
               "set_floatx: 'float32' is the only precision there is. Received: 'float64'");
  EXPECT_EQ(image_data_format(), "channels_first");
}

TEST_F(KerasJson, ThreadsMayAskFirstTogether) {
  write(R"({"epsilon": 0.5})");
  std::vector<double> seen(8, 0.0);
  std::vector<std::thread> threads;
  for (double& s : seen) threads.emplace_back([&s] { s = epsilon(); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(seen, std::vector<double>(8, 0.5));
}

}  // namespace
}  // namespace cornu
