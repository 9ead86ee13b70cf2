#include "cornu/train/tensorboard_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "cornu/base/crc32c.h"
#include "cornu/base/error.h"
#include "cornu/base/text.h"

namespace cornu::train {
namespace {

template <class T>
void append_little_endian(T value, std::string* out) {
  for (size_t i = 0; i < sizeof(T); ++i) *out += static_cast<char>(value >> (8 * i) & 0xff);
}

uint32_t masked_crc(std::string_view data) {
  const uint32_t crc = base::crc32c(data);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// tensorflow.TensorProto of DT_FLOAT or DT_DOUBLE.
constexpr int kDataType = 1, kTensorShape = 2, kFloats = 5, kDoubles = 6;
constexpr int64_t kFloatType = 1, kDoubleType = 2;

ProtoMessage shape_of(std::initializer_list<int64_t> sizes) {
  ProtoMessage shape;
  for (const int64_t size : sizes) {
    ProtoMessage dimension;
    dimension.add_int(1, size);
    shape.add_message(2, dimension);
  }
  return shape;
}

}  // namespace

void ProtoMessage::add_tag(int field, int wire_type) {
  add_varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
}

void ProtoMessage::add_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}

void ProtoMessage::add_int(int field, int64_t value) {
  add_tag(field, 0);
  add_varint(static_cast<uint64_t>(value));
}

void ProtoMessage::add_double(int field, double value) {
  add_tag(field, 1);
  append_little_endian(std::bit_cast<uint64_t>(value), &bytes_);
}

void ProtoMessage::add_bytes(int field, std::string_view value) {
  add_tag(field, 2);
  add_varint(value.size());
  bytes_ += value;
}

std::string tf_record(std::string_view data) {
  std::string record;
  append_little_endian(static_cast<uint64_t>(data.size()), &record);
  append_little_endian(masked_crc(record), &record);
  record += data;
  append_little_endian(masked_crc(data), &record);
  return record;
}

// The count tells files of one second apart.
std::string new_event_file_name() {
  static std::atomic<int64_t> count{0};
  std::array<char, 256> host = {};
  if (::gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "localhost");
  const auto seconds = static_cast<int64_t>(wall_seconds());
  return base::cat("events.out.tfevents.", seconds, ".", host.data(), ".", ::getpid(), ".", count++,
                   ".v2");
}

EventWriter::EventWriter(const std::string& path, int64_t size) {
  make_folder(std::filesystem::path(path).parent_path().string());
  file_ = LogFile(path);
  file_.cut(size);
  if (file_.size() == 0) write_version();
}

// tensorflow.Event: wall_time 1, step 2, file_version 3, summary 5.
void EventWriter::write_version() {
  ProtoMessage event;
  event.add_double(1, wall_seconds());
  event.add_bytes(3, "brain.Event:2");
  file_.write(tf_record(event.bytes()));
}

// tensorflow.Summary.Value: tag 1, tensor 8, metadata 9; SummaryMetadata: plugin_data 1, data_class
// 4 (1 scalar, 2 tensor).
void EventWriter::write_value(const std::string& tag, const char* plugin, int data_class,
                              const ProtoMessage& tensor, int64_t step) {
  ProtoMessage plugin_data, metadata, value, summary, event;
  plugin_data.add_bytes(1, plugin);
  metadata.add_message(1, plugin_data);
  metadata.add_int(4, data_class);
  value.add_bytes(1, tag);
  value.add_message(8, tensor);
  value.add_message(9, metadata);
  summary.add_message(1, value);
  event.add_double(1, wall_seconds());
  event.add_int(2, step);
  event.add_message(5, summary);
  file_.write(tf_record(event.bytes()));
}

void EventWriter::scalar(const std::string& tag, double value, int64_t step) {
  std::string packed;
  append_little_endian(std::bit_cast<uint32_t>(static_cast<float>(value)), &packed);
  ProtoMessage tensor;
  tensor.add_int(kDataType, kFloatType);
  tensor.add_message(kTensorShape, {});
  tensor.add_bytes(kFloats, packed);
  write_value(tag, "scalars", 1, tensor, step);
}

// Rows of left edge, right edge and count. What is not finite is left out.
void EventWriter::histogram(const std::string& tag, std::span<const float> values, int64_t step) {
  constexpr int kRanges = 30;
  double low = 0, high = 0;
  bool any = false;
  for (const float v : values) {
    if (!std::isfinite(v)) continue;
    low = any ? std::min<double>(low, v) : v;
    high = any ? std::max<double>(high, v) : v;
    any = true;
  }
  const double width = (high - low) / kRanges;
  std::array<int64_t, kRanges> counts = {};
  for (const float v : values) {
    if (!std::isfinite(v)) continue;
    // Where all values are equal, the last range has them.
    const double range = width > 0 ? std::floor((v - low) / width) : kRanges;
    ++counts[static_cast<size_t>(std::min<double>(range, kRanges - 1))];
  }
  std::string packed;
  for (int i = 0; i < kRanges; ++i) {
    for (const double number : {low + i * width, i + 1 < kRanges ? low + (i + 1) * width : high,
                                static_cast<double>(counts[static_cast<size_t>(i)])}) {
      append_little_endian(std::bit_cast<uint64_t>(number), &packed);
    }
  }
  ProtoMessage tensor;
  tensor.add_int(kDataType, kDoubleType);
  tensor.add_message(kTensorShape, shape_of({kRanges, 3}));
  tensor.add_bytes(kDoubles, packed);
  write_value(tag, "histograms", 2, tensor, step);
}

}  // namespace cornu::train
