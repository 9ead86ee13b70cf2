#include "cornu/nn/keras_json.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>

#include "cornu/base/error.h"
#include "cornu/base/file.h"
#include "cornu/base/json.h"
#include "cornu/nn/field_reader.h"

namespace cornu {
namespace {

using base::cat;
using base::Json;

struct Settings {
  std::string image_data_format = "channels_last";
  double epsilon = 1e-7;
};

std::mutex mutex;
std::optional<Settings> settings;  // nothing until the file has been read

// Empty where the environment names no folder.
std::string file_path() {
  const auto folder = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (const std::string keras_home = folder("KERAS_HOME"); !keras_home.empty())
    return keras_home + "/keras.json";
  if (const std::string home = folder("HOME"); !home.empty()) return home + "/.keras/keras.json";
  return "";
}

// An empty object for a file that is not there or is not JSON.
Json read_json(const std::string& path) {
  constexpr uint64_t kLargest = 1 << 20;
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return Json::object();
  const base::Bytes bytes = base::read_file(path);
  if (bytes.size() > kLargest)
    throw ValueError(cat(path, ": a configuration file of more than ", kLargest,
                         " bytes. Received: ", bytes.size(), " bytes"));
  try {
    return base::parse_json(bytes, path);
  } catch (const FormatError&) {
    return Json::object();
  }
}

Settings read_settings() {
  const std::string path = file_path();
  const Json file = read_json(path);
  if (!file.is_object())
    throw ValueError(cat(path, ": must hold an object. Received: ", nn::shown(file)));
  const auto bad = [&](const char* key, const char* needed, const Json& got) {
    throw ValueError(
        cat(path, ": `", key, "` must be ", needed, ". Received: ", key, "=", nn::shown(got)));
  };
  Settings s;
  if (const auto v = file.find("image_data_format")) {
    if (v->is_string()) s.image_data_format = std::string(v->as_string());
    if (!v->is_string() ||
        (s.image_data_format != "channels_last" && s.image_data_format != "channels_first"))
      bad("image_data_format", "'channels_last' or 'channels_first'", *v);
  }
  if (const auto v = file.find("epsilon")) {
    // As in Keras, 1 is none: it must be written as a float.
    if (v->is_int() || !v->is_finite() || v->as_double() < 0)
      bad("epsilon", "a float, finite and zero or positive", *v);
    s.epsilon = v->as_double();
  }
  if (const auto v = file.find("floatx"))
    if (!v->is_string() || v->as_string() != "float32")
      bad("floatx", "'float32', the only precision there is", *v);
  return s;
}

// With the mutex held.
Settings& current() {
  if (!settings) settings = read_settings();
  return *settings;
}

}  // namespace

std::string image_data_format() {
  const std::lock_guard lock(mutex);
  return current().image_data_format;
}

void set_image_data_format(const std::string& format) {
  const std::string word = base::lower(format);
  if (word != "channels_last" && word != "channels_first")
    throw ValueError(
        cat("set_image_data_format: the format must be 'channels_last' or "
            "'channels_first'. Received: ",
            base::quoted(format)));
  const std::lock_guard lock(mutex);
  current().image_data_format = word;
}

double epsilon() {
  const std::lock_guard lock(mutex);
  return current().epsilon;
}

void set_epsilon(double value) {
  if (!(value >= 0 && std::isfinite(value)))
    throw ValueError(
        cat("set_epsilon: epsilon must be finite and zero or positive. Received: ", value));
  const std::lock_guard lock(mutex);
  current().epsilon = value;
}

std::string floatx() { return "float32"; }

void set_floatx(const std::string& name) {
  if (name != "float32")
    throw ValueError(cat("set_floatx: 'float32' is the only precision there is. Received: ",
                         base::quoted(name)));
}

namespace nn {

void reset_keras_json() {
  const std::lock_guard lock(mutex);
  settings.reset();
}

}  // namespace nn
}  // namespace cornu
