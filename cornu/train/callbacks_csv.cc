#include <algorithm>

#include "cornu/base/text.h"
#include "cornu/train/callbacks.h"
#include "cornu/train/callbacks_monitor.h"
#include "cornu/train/log_file.h"

namespace cornu {
namespace {

using base::Json;

// Rows as Python's csv module writes them: CRLF, quotes only where a field needs them.
class CSVLogger final : public Callback {
 public:
  explicit CSVLogger(CSVLoggerOptions o) : o_(std::move(o)) {
    train::require(!o_.filename.empty(), "CSVLogger", "filename", "the name of a file", "''");
    const char c = o_.separator.size() == 1 ? o_.separator[0] : '\n';
    train::require(c != '\n' && c != '\r' && c != '"', "CSVLogger", "separator",
                   "one character that is no quote and no line break", base::quoted(o_.separator));
  }

  bool only_writes_files() const override { return true; }

  // A name that cannot be written is better known now than after an epoch. What was there goes only
  // when there is something to write: an interrupted run goes on with it.
  void on_train_begin(Logs&) override {
    file_ = train::LogFile(o_.filename);
    keys_.clear();
    begun_ = false;
  }

  void on_epoch_end(int64_t epoch, Logs& logs) override {
    if (!begun_) begin(logs);
    std::vector<std::string> row = {base::to_text(epoch)};
    for (const std::string& key : keys_) {
      const double* value = logs.find(key);
      row.push_back(value ? base::to_text(*value) : "NA");
    }
    write(row);
  }

  void on_train_end(Logs&) override {
    if (!file_.open()) return;
    if (!begun_ && !o_.append) file_.cut(0);
    file_.close();
  }

  Json state() const override {
    return Json::object({{"keys", Json::list(keys_)},
                         {"begun", begun_},
                         {"size", file_.open() ? file_.size() : 0}});
  }
  void set_state(const Json& state) override {
    keys_.clear();
    for (Json key : state.at("keys").elements()) keys_.emplace_back(key.as_string());
    begun_ = state.at("begun").as_bool();
    // Epochs that will be run again are written again.
    if (begun_ && file_.open()) file_.cut(state.at("size").as_int());
  }

 private:
  void begin(const Logs& logs) {
    if (!o_.append) file_.cut(0);
    for (const auto& item : logs) keys_.push_back(item.first);
    std::sort(keys_.begin(), keys_.end());
    // Values of a validation may come in later epochs.
    const bool validated = std::any_of(
        keys_.begin(), keys_.end(), [](const std::string& key) { return key.starts_with("val_"); });
    const size_t count = keys_.size();
    for (size_t i = 0; i < count && !validated; ++i) keys_.push_back("val_" + keys_[i]);
    begun_ = true;
    if (file_.size() > 0) return;
    std::vector<std::string> header = {"epoch"};
    header.insert(header.end(), keys_.begin(), keys_.end());
    write(header);
  }

  void write(const std::vector<std::string>& fields) {
    std::string line;
    for (const std::string& field : fields) {
      if (!line.empty()) line += o_.separator;
      if (field.find_first_of("\"\r\n" + o_.separator) == field.npos) {
        line += field;
        continue;
      }
      line += '"';
      for (const char c : field) line.append(c == '"' ? 2 : 1, c);
      line += '"';
    }
    file_.write(line + "\r\n");
  }

  CSVLoggerOptions o_;
  train::LogFile file_;
  std::vector<std::string> keys_;
  bool begun_ = false;
};

}  // namespace

CallbackPtr callbacks::CSVLogger(CSVLoggerOptions o) {
  return std::make_shared<cornu::CSVLogger>(std::move(o));
}

}  // namespace cornu
