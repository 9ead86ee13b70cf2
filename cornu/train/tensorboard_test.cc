#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "cornu/base/crc32c.h"
#include "cornu/train/callbacks_test_util.h"
#include "cornu/train/tensorboard_writer.h"

namespace cornu::train {
namespace {

namespace fs = std::filesystem;

template <class T>
T little_endian(const std::string& bytes, size_t at) {
  if (at + sizeof(T) > bytes.size()) throw std::out_of_range("truncated");
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return static_cast<T>(value);
}

uint32_t unmasked(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return rotated << 15 | rotated >> 17;
}

// The records of a file, with both checksums checked.
std::vector<std::string> records_of(const std::string& bytes) {
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    const auto size = static_cast<size_t>(little_endian<uint64_t>(bytes, at));
    EXPECT_EQ(unmasked(little_endian<uint32_t>(bytes, at + 8)), base::crc32c(bytes.substr(at, 8)));
    const std::string data = bytes.substr(at + 12, size);
    EXPECT_EQ(unmasked(little_endian<uint32_t>(bytes, at + 12 + size)), base::crc32c(data));
    records.push_back(data);
    at += size + 16;
  }
  return records;
}

// The fields of a protocol buffer message: numbers as their 64 bits, everything else as bytes.
struct Message {
  std::map<int, uint64_t> numbers;
  std::map<int, std::string> bytes;

  explicit Message(const std::string& data) {
    size_t at = 0;
    const auto varint = [&] {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = little_endian<uint8_t>(data, at++);
        value |= uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < data.size()) {
      const uint64_t tag = varint();
      const int field = static_cast<int>(tag >> 3);
      if ((tag & 7) == 0) {
        numbers[field] = varint();
      } else if ((tag & 7) == 1) {
        numbers[field] = little_endian<uint64_t>(data, at);
        at += 8;
      } else {
        EXPECT_EQ(tag & 7, 2u);
        const uint64_t size = varint();
        bytes[field] = data.substr(at, size);
        at += size;
      }
    }
  }
  Message inner(int field) const { return Message(bytes.at(field)); }
};

struct Event {
  std::string version, tag, plugin;
  double wall_time = 0;
  int64_t step = 0;
  int64_t data_class = 0, type = 0;
  std::string shape, floats, doubles;
};

std::vector<Event> events_of(const std::string& path) {
  std::vector<Event> events;
  for (const std::string& record : records_of(read_text(path))) {
    const Message message(record);
    Event& event = events.emplace_back();
    event.wall_time = std::bit_cast<double>(message.numbers.at(1));
    if (message.bytes.count(3)) event.version = message.bytes.at(3);
    if (!message.bytes.count(5)) continue;
    event.step = static_cast<int64_t>(message.numbers.at(2));
    const Message value = message.inner(5).inner(1), tensor = value.inner(8),
                  metadata = value.inner(9);
    event.tag = value.bytes.at(1);
    event.plugin = metadata.inner(1).bytes.at(1);
    event.data_class = static_cast<int64_t>(metadata.numbers.at(4));
    event.type = static_cast<int64_t>(tensor.numbers.at(1));
    event.shape = tensor.bytes.at(2);
    if (tensor.bytes.count(5)) event.floats = tensor.bytes.at(5);
    if (tensor.bytes.count(6)) event.doubles = tensor.bytes.at(6);
  }
  return events;
}

// "tag@step=value" of all scalars of all files in a folder.
std::vector<std::string> scalars_in(const std::string& folder) {
  std::vector<std::string> out;
  if (!fs::exists(folder)) return out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    for (const Event& event : events_of(entry.path().string())) {
      if (event.plugin != "scalars") continue;
      EXPECT_EQ(event.type, 1);
      EXPECT_EQ(event.data_class, 1);
      EXPECT_EQ(event.shape, "");
      EXPECT_EQ(event.floats.size(), 4u);
      const auto value = std::bit_cast<float>(little_endian<uint32_t>(event.floats, 0));
      std::ostringstream text;
      text << event.tag << "@" << event.step << "=" << value;
      out.push_back(text.str());
    }
  }
  return out;
}

std::string only_file_in(const std::string& folder) {
  std::string path;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    path = entry.path().string();
    ++count;
  }
  EXPECT_EQ(count, 1);
  return path;
}

using Texts = std::vector<std::string>;

TEST(TfRecord, FramesItsData) {
  // Length, its masked checksum, data, masked checksum.
  const std::string record = tf_record("abc");
  ASSERT_EQ(record.size(), 19u);
  EXPECT_EQ(little_endian<uint64_t>(record, 0), 3u);
  EXPECT_EQ(record.substr(12, 3), "abc");
  EXPECT_EQ(records_of(record), (Texts{"abc"}));
}

TEST(ProtoMessage, EncodesAsSpecified) {
  ProtoMessage inner;
  inner.add_int(1, 150);
  EXPECT_EQ(inner.bytes(), "\x08\x96\x01");  // the example of the format's documentation
  ProtoMessage outer;
  outer.add_message(3, inner);
  outer.add_bytes(2, "testing");
  EXPECT_EQ(outer.bytes(), "\x1a\x03\x08\x96\x01\x12\x07testing");
  ProtoMessage number;
  number.add_double(1, 1);
  EXPECT_EQ(number.bytes(), std::string("\x09\0\0\0\0\0\0\xf0\x3f", 9));
  ProtoMessage negative;
  negative.add_int(2, -1);
  EXPECT_EQ(negative.bytes(), "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(TensorBoard, WritesTheEpochs) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 2;
  fit.validates = true;
  fit.epoch_logs = [](int64_t epoch) {
    return Logs{{"accuracy", 0.5}, {"loss", 2.0 - double(epoch)}, {"val_loss", 3}};
  };
  fit.run({callbacks::TensorBoard({.log_dir = folder / "logs"})});
  EXPECT_EQ(scalars_in(folder / "logs/train"),
            (Texts{"epoch_accuracy@0=0.5", "epoch_loss@0=2", "epoch_learning_rate@0=0.05",
                   "epoch_accuracy@1=0.5", "epoch_loss@1=1", "epoch_learning_rate@1=0.05"}));
  EXPECT_EQ(scalars_in(folder / "logs/validation"),
            (Texts{"evaluation_loss_vs_iterations@0=0.5", "epoch_loss@0=3",
                   "evaluation_loss_vs_iterations@0=0.5", "epoch_loss@1=3"}));
  const std::string path = only_file_in(folder / "logs/train");
  EXPECT_TRUE(fs::path(path).filename().string().starts_with("events.out.tfevents.")) << path;
  const std::vector<Event> events = events_of(path);
  EXPECT_EQ(events.at(0).version, "brain.Event:2");
  for (const Event& event : events)
    EXPECT_LT(std::fabs(event.wall_time - double(time(nullptr))), 600);
}

TEST(TensorBoard, WritesBatches) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 2;
  fit.steps = 3;
  fit.batch_logs = [](int64_t epoch, int64_t batch) {
    return Logs{{"loss", double(10 * epoch + batch)}};
  };
  fit.epoch_logs = [](int64_t) { return Logs(); };
  const auto batches = [&](Frequency frequency) {
    TensorBoardOptions o;
    o.log_dir = folder / std::to_string(frequency.batches());
    o.update_freq = frequency;
    fit.run({callbacks::TensorBoard(o)});
    Texts out;
    for (const std::string& text : scalars_in(o.log_dir + "/train")) {
      if (text.starts_with("batch")) out.push_back(text);
    }
    return out;
  };
  EXPECT_EQ(batches("batch"), (Texts{"batch_loss@1=0", "batch_loss@2=1", "batch_loss@3=2",
                                     "batch_loss@4=10", "batch_loss@5=11", "batch_loss@6=12"}));
  EXPECT_EQ(batches(2), (Texts{"batch_loss@2=1", "batch_loss@4=10", "batch_loss@6=12"}));
}

TEST(TensorBoard, WritesWeightsAndSpeed) {
  TemporaryFolder folder;
  FakeFit fit;
  fit.epochs = 3;
  fit.run({callbacks::TensorBoard({.log_dir = folder.path(),
                                   .histogram_freq = 2,
                                   .write_steps_per_second = true,
                                   .update_freq = 6})});
  const std::string all = [&] {
    std::string text;
    for (const std::string& s : scalars_in(folder / "train"))
      text += s.substr(0, s.find('=')) + " ";
    return text;
  }();
  EXPECT_EQ(all,
            "epoch_loss@0 epoch_learning_rate@0 epoch_steps_per_second@0 "
            "epoch_loss@1 epoch_learning_rate@1 epoch_steps_per_second@1 "
            "batch_steps_per_second@6 batch_loss@6 "
            "epoch_loss@2 epoch_learning_rate@2 epoch_steps_per_second@2 ");
  int histograms = 0;
  for (const Event& event : events_of(only_file_in(folder / "train"))) {
    if (event.plugin != "histograms") continue;
    EXPECT_EQ(event.step, 2 * histograms++);
    EXPECT_TRUE(event.tag.ends_with("/kernel/histogram")) << event.tag;
    EXPECT_EQ(event.type, 2);
    EXPECT_EQ(event.data_class, 2);
  }
  EXPECT_EQ(histograms, 2);
}

TEST(EventWriter, Histogram) {
  TemporaryFolder folder;
  EventWriter writer(folder / "new/events");
  std::vector<float> values = {-1, 2, 2, 0.05f, NAN, INFINITY};
  writer.histogram("w", values, 7);
  writer.histogram("same", std::vector<float>{3, 3}, 7);
  writer.histogram("none", {}, 7);
  const std::vector<Event> events = events_of(writer.path());
  const auto rows = [](const Event& event) {
    EXPECT_EQ(event.shape, "\x12\x02\x08\x1e\x12\x02\x08\x03");  // (30, 3)
    EXPECT_EQ(event.doubles.size(), 8u * 90);
    std::vector<double> out;
    for (size_t i = 0; i < 90; ++i) {
      out.push_back(std::bit_cast<double>(little_endian<uint64_t>(event.doubles, 8 * i)));
    }
    return out;
  };
  ASSERT_EQ(events.size(), 4u);
  const std::vector<double> w = rows(events[1]);
  double total = 0;
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(w[3 * i], -1 + 0.1 * double(i), 1e-12);
    EXPECT_NEAR(w[3 * i + 1], -0.9 + 0.1 * double(i), 1e-12);
    total += w[3 * i + 2];
  }
  EXPECT_EQ(total, 4);
  EXPECT_EQ(w[2], 1);
  EXPECT_EQ(w[3 * 10 + 2], 1);
  EXPECT_EQ(w[3 * 29 + 2], 2);
  EXPECT_EQ(rows(events[2])[3 * 29 + 2], 2);
  EXPECT_EQ(rows(events[2])[0], 3);
  for (const double number : rows(events[3])) EXPECT_EQ(number, 0);
}

TEST(TensorBoard, GoesOnInTheSameFiles) {
  const auto outcome = [](int64_t kill_after) {
    TemporaryFolder folder;
    const auto run = [&](int64_t kill) {
      FakeFit fit;
      fit.steps = 3;
      fit.kill_after = kill;
      fit.validates = true;
      fit.batch_logs = [](int64_t epoch, int64_t batch) {
        return Logs{{"loss", double(10 * epoch + batch)}};
      };
      fit.epoch_logs = [](int64_t epoch) { return Logs{{"loss", double(epoch)}, {"val_loss", 1}}; };
      fit.run({callbacks::TensorBoard({.log_dir = folder / "logs", .update_freq = "batch"}),
               callbacks::BackupAndRestore({.backup_dir = folder / "backup", .save_freq = 2})});
    };
    if (kill_after >= 0) {
      EXPECT_THROW(run(kill_after), Killed);
    }
    run(-1);
    // Before the first checkpoint there is nothing to go on with: that run starts a second file.
    if (kill_after < 0 || kill_after >= 2) only_file_in(folder / "logs/train");
    Texts all = scalars_in(folder / "logs/train");
    for (const std::string& text : scalars_in(folder / "logs/validation")) all.push_back(text);
    return all;
  };
  const Texts whole = outcome(-1);
  EXPECT_EQ(whole.size(), 4u * (3 + 2 + 2));
  for (int64_t kill = 2; kill < 12; ++kill) EXPECT_EQ(outcome(kill), whole) << kill;
}

}  // namespace
}  // namespace cornu::train
