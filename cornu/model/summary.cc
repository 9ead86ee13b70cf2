#include "cornu/model/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <unordered_map>

#include "cornu/base/text.h"
#include "cornu/model/network.h"

namespace cornu::model {

using base::cat;

std::vector<int> column_widths(int line_length, const std::vector<double>& ends) {
  const int columns = static_cast<int>(ends.size());
  std::vector<int> widths;
  int sum = 0, before = 0;
  for (double end : ends) {
    const int at = static_cast<int>(end * line_length);
    widths.push_back(at - before + 2);
    sum += widths.back();
    before = at;
  }
  // Too wide for the frame: each column gives its share, rounded half to even, from the left.
  int excess = sum - (line_length - (columns + 1));
  for (int i = 0; i < columns; ++i) {
    const int share = static_cast<int>(std::nearbyint(double(excess) / (columns - i)));
    widths[static_cast<size_t>(i)] -= share;
    excess -= share;
  }
  return widths;
}

namespace {

std::string with_commas(int64_t n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string readable_bytes(int64_t count) {
  double size = 4.0 * static_cast<double>(count);
  const char* unit = "B";
  for (const char* larger : {"KB", "MB", "GB", "TB", "PB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = larger;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.2f %s", size, unit);
  return text;
}

// ---- cells
// ------------------------------------------------------------------------------------------

size_t columns_of(std::string_view s) {
  size_t n = 0;
  for (char c : s) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

// The first `n` columns of a UTF-8 text, in bytes.
size_t bytes_of(std::string_view s, size_t n) {
  size_t at = 0;
  while (at < s.size() && (n > 0 || (static_cast<unsigned char>(s[at]) & 0xC0) == 0x80)) {
    n -= (static_cast<unsigned char>(s[at]) & 0xC0) != 0x80;
    ++at;
  }
  return at;
}

// Breaks at blanks; a word too long for a line has one of its own and ends in an ellipsis.
std::vector<std::string> wrap(const std::string& cell, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  size_t at = 0;
  const auto flush = [&] {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    lines.push_back(line);
    line.clear();
  };
  while (at < cell.size()) {
    size_t end = cell.find_first_of(" \n", at);
    end = end == std::string::npos ? cell.size() : end;
    std::string word = cell.substr(at, end - at);
    if (!line.empty() && columns_of(line) + columns_of(word) > width) flush();
    if (columns_of(word) > width) word = word.substr(0, bytes_of(word, width - 1)) + "…";
    line += word;
    if (end < cell.size() && cell[end] == '\n') flush();
    if (end < cell.size() && cell[end] == ' ' && columns_of(line) < width) line += ' ';
    at = end + 1;
  }
  if (!line.empty() || lines.empty()) flush();
  return lines;
}

// ---- the table
// --------------------------------------------------------------------------------------

using Row = std::vector<std::string>;
constexpr size_t kParamColumn = 2;          // aligned right
constexpr char kTrainable[] = "Trainable";  // the header of the column that is centred

struct Table {
  std::vector<int> widths;
  Row header;
  std::vector<Row> rows;
};

std::string rule(const std::vector<int>& widths, const char* left, const char* line,
                 const char* between, const char* right) {
  std::string text = left;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) text += between;
    for (int k = 0; k < widths[i]; ++k) text += line;
  }
  return text + right + "\n";
}

// A header's short cells stand at the bottom, others at the top.
std::string row_text(const Table& table, const Row& row, const char* bar, bool header = false) {
  const std::vector<int>& widths = table.widths;
  std::vector<std::vector<std::string>> cells;
  size_t height = 1;
  for (size_t i = 0; i < row.size(); ++i) {
    cells.push_back(wrap(row[i], static_cast<size_t>(std::max(1, widths[i] - 2))));
    height = std::max(height, cells.back().size());
  }
  std::string text;
  for (size_t l = 0; l < height; ++l) {
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t above = header ? height - cells[i].size() : 0;
      const std::string line = l >= above && l - above < cells[i].size() ? cells[i][l - above] : "";
      const auto room = static_cast<size_t>(std::max(1, widths[i] - 2));
      const size_t blanks = room - std::min(room, columns_of(line));
      const size_t before = i == kParamColumn               ? blanks
                            : table.header[i] == kTrainable ? blanks / 2
                                                            : 0;
      text += cat(bar, " ", std::string(before, ' '), line, std::string(blanks - before, ' '), " ");
    }
    text += cat(bar, "\n");
  }
  return text;
}

std::string table_text(const Table& table) {
  const std::vector<int>& widths = table.widths;
  std::string text = rule(widths, "┏", "━", "┳", "┓") + row_text(table, table.header, "┃", true) +
                     rule(widths, "┡", "━", "╇", "┩");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    if (i > 0) text += rule(widths, "├", "─", "┼", "┤");
    text += row_text(table, table.rows[i], "│");
  }
  return text + rule(widths, "└", "─", "┴", "┘");
}

// ---- what stands in it
// ------------------------------------------------------------------------------

// One layer feeding the next: a Sequential, or a Functional in a row, which may have outputs on the
// way.
bool is_chain(const Network& network) {
  const auto* sequential = dynamic_cast<const Sequential*>(&network);
  if (sequential) return true;
  std::set<const LayerImpl*> called;
  const Call* before = nullptr;
  for (const auto& call : network.steps()) {
    if (!called.insert(call->layer.get()).second) return false;
    if (before && (call->inputs.size() != 1 || call->inputs[0].call().get() != before))
      return false;
    before = call.get();
  }
  return true;
}

// The calls of each layer that belong to a network, in order.
class CallTable {
 public:
  explicit CallTable(const Network& network) {
    for (const auto& call : network.steps()) {
      std::vector<const Call*>& calls = calls_[call->layer.get()];
      node_[call.get()] = calls.size();
      calls.push_back(call.get());
    }
  }
  const std::vector<const Call*>& of(const Layer& layer) { return calls_[layer.impl().get()]; }
  size_t node(const Call* call) const {
    const auto it = node_.find(call);
    return it == node_.end() ? 0 : it->second;
  }

 private:
  std::unordered_map<const LayerImpl*, std::vector<const Call*>> calls_;
  std::unordered_map<const Call*, size_t> node_;
};

std::string shape_cell(CallTable* table, const Layer& layer) {
  if (!table || table->of(layer).empty()) return "?";
  std::string text;
  const std::vector<Shape>& shapes = table->of(layer).back()->outputs;
  for (const Shape& shape : shapes) text += cat(text.empty() ? "" : ", ", shape);
  return shapes.size() == 1 ? text : cat("[", text, "]");
}

std::string params_cell(const Layer& layer) {
  if (!layer.built()) return "0 (unbuilt)";
  return with_commas(layer.count_params());
}

std::string connected_cell(CallTable* table, const Layer& layer) {
  std::string text;
  if (!table) return "-";
  for (const Call* call : table->of(layer))
    for (const Symbol& s : call->inputs)
      text += cat(text.empty() ? "" : ", ", s.call()->layer->name(), "[",
                  table->node(s.call().get()), "][", s.index(), "]");
  return text.empty() ? "-" : text;
}

struct Columns {
  bool connected, trainable;
};

// `level` counts the models around this one. As in Keras, what is connected inside of those that
// are nested is not said.
void add_rows(const Network& network, const SummaryOptions& options, const Columns& columns,
              size_t level, std::vector<Row>& rows) {
  const std::string indent = level == 0 ? "" : std::string(3 * level, ' ') + "└ ";
  const auto* sequential = dynamic_cast<const Sequential*>(&network);
  std::optional<CallTable> known;
  if (!sequential || sequential->has_shapes()) known.emplace(network);
  CallTable* table = known ? &*known : nullptr;
  for (const Layer& layer : network.layers()) {
    Row row = {cat(indent, layer.name(), " (", layer.class_name(), ")"), shape_cell(table, layer),
               params_cell(layer)};
    if (columns.connected) row.push_back(connected_cell(level == 0 ? table : nullptr, layer));
    if (columns.trainable) {
      const bool has_weights = layer.built() && layer.count_params() > 0;
      row.push_back(has_weights ? (layer.trainable() ? "Y" : "N") : "-");
    }
    rows.push_back(std::move(row));
    const auto* inner = dynamic_cast<const Network*>(layer.impl().get());
    if (options.expand_nested && inner) add_rows(*inner, options, columns, level + 1, rows);
  }
}

// The numbers that its optimizer keeps: the slots, the count of steps and the learning rate.
int64_t optimizer_params(const Network& network) {
  if (network.training) return network.training->optimizer_params();
  if (!network.loaded_training || !network.loaded_training->optimizer) return 0;
  const OptimizerState& state = *network.loaded_training->optimizer;
  int64_t params = state.learning_rate ? 2 : 1;
  for (const OptimizerState::Slot& slot : state.slots) params += slot.value.size();
  return params;
}

std::string totals(const Network& network) {
  int64_t trainable = 0, frozen = 0;
  for (const Weight& w : network.weights())
    (w.trainable ? trainable : frozen) += w.variable->shape().size();
  const auto line = [](const char* what, int64_t n) {
    return cat(" ", what, " params: ", with_commas(n), " (", readable_bytes(n), ")\n");
  };
  const int64_t optimizer = optimizer_params(network);
  std::string text = line("Total", trainable + frozen + optimizer) + line("Trainable", trainable) +
                     line("Non-trainable", frozen);
  if (optimizer > 0) text += line("Optimizer", optimizer);
  if (const int64_t bytes = network.training ? network.training->step_bytes() : 0; bytes > 0)
    text += cat(" Memory of a training step: ", readable_bytes((bytes + 3) / 4), "\n");
  return text;
}

}  // namespace

std::string summary(const Network& network, const SummaryOptions& options) {
  const bool chain = is_chain(network);
  Row header = {"Layer (type)", "Output Shape", "Param #"};
  std::vector<double> ends =
      chain ? std::vector<double>{0.45, 0.80, 1.0} : std::vector<double>{0.30, 0.56, 0.74, 1.0};
  if (!chain) header.push_back("Connected to");
  int length = chain ? 88 : 108;
  if (options.show_trainable) {
    header.push_back(kTrainable);
    for (double& end : ends) end *= 0.9;
    ends.push_back(1.0);
    length += 12;
  }
  if (options.max_line_length > 0) length = std::min(length, options.max_line_length);
  if (options.line_length > 0) length = options.line_length;
  const std::vector<int> widths = column_widths(std::max(length, 40), ends);

  Table table{widths, header, {}};
  add_rows(network, options, {!chain, options.show_trainable}, 0, table.rows);
  return cat("Model: \"", network.name(), "\"\n", table_text(table), totals(network));
}

}  // namespace cornu::model
