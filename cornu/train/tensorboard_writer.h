#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cornu/train/log_file.h"

namespace cornu::train {

// A protocol buffer message that is being written, field by field, in the order of the calls.
class ProtoMessage {
 public:
  void add_int(int field, int64_t value);
  void add_double(int field, double value);
  void add_bytes(int field, std::string_view value);
  void add_message(int field, const ProtoMessage& value) { add_bytes(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void add_tag(int field, int wire_type);
  void add_varint(uint64_t value);
  std::string bytes_;
};

// One record of a TFRecord file: length, data and a masked CRC-32C of each.
std::string tf_record(std::string_view data);

// A name of TensorFlow's form, which no other file has.
std::string new_event_file_name();

// An event file, as TensorBoard reads them: https://www.tensorflow.org/tensorboard. Values are
// written as tf.summary of TensorFlow 2 writes them. Throws IoError.
class EventWriter {
 public:
  // Goes on with a file of which only the first `size` bytes count, or begins a new one; makes its
  // folder if need be.
  explicit EventWriter(const std::string& path, int64_t size = 0);

  void scalar(const std::string& tag, double value, int64_t step);
  // How the values are spread over 30 ranges of equal width.
  void histogram(const std::string& tag, std::span<const float> values, int64_t step);

  const std::string& path() const { return file_.path(); }
  int64_t size() const { return file_.size(); }

 private:
  void write_version();
  void write_value(const std::string& tag, const char* plugin, int data_class,
                   const ProtoMessage& tensor, int64_t step);
  LogFile file_;
};

}  // namespace cornu::train
