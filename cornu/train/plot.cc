#include "cornu/train/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "cornu/base/text.h"
#include "cornu/train/number_text.h"

namespace cornu {
namespace {

using base::cat;

constexpr double kWidth = 800, kHeight = 420;
constexpr double kLeft = 70, kRight = 22, kBottom = 52;  // around the frame of a panel
constexpr double kHeader = 74;                           // title and panel title
constexpr double kLegendLine = 20, kSwatch = 26, kLegendGap = 18;
constexpr double kCharacter = 7;  // of the legend's font, generously
constexpr size_t kLongestName = 40;
constexpr const char* kColours[] = {"#1f77b4", "#d55e00", "#009e73", "#cc79a7",
                                    "#8c6d1f", "#56b4e9", "#7b4fa3", "#555555"};

struct Point {
  double epoch, value;
};
struct Curve {
  std::string name;
  bool validation = false;
  const char* colour = nullptr;
  std::vector<Point> points;
};
struct Panel {
  std::string title;
  std::vector<Curve> curves;
};

// Neither NaN nor so large that differences overflow.
bool drawable(double value) { return std::fabs(value) < 1e300; }

// Round numbers that enclose a range, and how to write them.
struct Ticks {
  double low = 0, high = 1, step = 1;
  int count() const { return static_cast<int>(std::lround((high - low) / step)) + 1; }
  // Multiples of the step, so that zero is zero.
  double at(int i) const { return (std::round(low / step) + i) * step; }
  std::string label(double value) const {
    if (value == 0) return "0";
    const double size = std::max(std::fabs(low), std::fabs(high));
    if (size >= 1e6 || step < 1e-5) return train::scientific(value, 1);
    const auto decimals = static_cast<int>(std::max(0.0, -std::floor(std::log10(step) + 1e-9)));
    return train::fixed(value, decimals);
  }
};

// The step is 1, 2 or 5 times a power of ten.
double round_step(double at_least) {
  const double power = std::pow(10, std::floor(std::log10(at_least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= at_least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

Ticks value_ticks(const std::vector<Curve>& curves) {
  double low = INFINITY, high = -INFINITY;
  for (const Curve& curve : curves) {
    for (const Point& p : curve.points) {
      if (!drawable(p.value)) continue;
      low = std::min(low, p.value);
      high = std::max(high, p.value);
    }
  }
  if (low > high) return {};
  // A range that doubles can tell apart.
  const double least = std::max(1e-6 * std::max(std::fabs(low), std::fabs(high)), 1e-30);
  if (high - low < least) {
    const double half = low == 0 ? 0.5 : std::fabs(low) / 10;
    low -= half;
    high += half;
  }
  Ticks ticks;
  ticks.step = round_step((high - low) / 5);
  ticks.low = std::floor(low / ticks.step + 1e-9) * ticks.step;
  ticks.high = std::ceil(high / ticks.step - 1e-9) * ticks.step;
  return ticks;
}

// Values of a validation that was not made in every epoch are spread over the epochs.
std::vector<Point> points_of(const std::vector<double>& values,
                             const std::vector<int64_t>& epochs) {
  std::vector<Point> points;
  const size_t every = values.empty() ? 1 : std::max<size_t>(1, epochs.size() / values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t at = i * every + every - 1;
    const int64_t epoch = at < epochs.size() ? epochs[at] : static_cast<int64_t>(at);
    points.push_back({static_cast<double>(epoch + 1), values[i]});
  }
  return points;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {  // XML has no control characters
      out += c;
    }
  }
  return out;
}

// What of a name fits beside its curve.
std::string shortened(const std::string& name) {
  size_t length = 0;
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  };
  for (size_t i = 0; i < name.size(); ++i) {
    if (begins_character(name[i]) && ++length > kLongestName) return name.substr(0, i) + "…";
  }
  return name;
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string number(double value) { return train::fixed(value, 1); }

std::string line(double x1, double y1, double x2, double y2, const std::string& attributes) {
  return cat("<line x1=\"", number(x1), "\" y1=\"", number(y1), "\" x2=\"", number(x2), "\" y2=\"",
             number(y2), "\" ", attributes, "/>\n");
}
std::string text(double x, double y, const std::string& attributes, const std::string& words) {
  return cat("<text x=\"", number(x), "\" y=\"", number(y), "\" ", attributes, ">", escaped(words),
             "</text>\n");
}
std::string stroke(const Curve& curve) {
  return cat("stroke=\"", curve.colour, "\" stroke-width=\"2\"",
             curve.validation ? " stroke-dasharray=\"6 4\"" : "");
}

// Where the entries of a legend go, line by line, within a width.
struct LegendEntry {
  double x;
  int line;
};
std::vector<LegendEntry> arrange_legend(const Panel& panel, double width) {
  std::vector<LegendEntry> entries;
  double x = 0;
  int at_line = 0;
  for (const Curve& curve : panel.curves) {
    const double size =
        kSwatch + 6 + kCharacter * static_cast<double>(characters(shortened(curve.name)));
    if (x > 0 && x + size > width) {
      x = 0;
      ++at_line;
    }
    entries.push_back({x, at_line});
    x += size + kLegendGap;
  }
  return entries;
}

// One panel: its frame is the rectangle from (left, top) to (right, bottom).
class PanelPlot {
 public:
  PanelPlot(const Panel& panel, double left, double top, double right, double bottom)
      : panel_(panel), left_(left), top_(top), right_(right), bottom_(bottom) {
    y_ = value_ticks(panel.curves);
    first_ = INFINITY;
    last_ = -INFINITY;
    for (const Curve& curve : panel.curves) {
      for (const Point& p : curve.points) {
        first_ = std::min(first_, p.epoch);
        last_ = std::max(last_, p.epoch);
      }
    }
  }

  std::string svg(double title_y) const {
    return text((left_ + right_) / 2, title_y, "text-anchor=\"middle\" font-size=\"14\"",
                panel_.title) +
           legend(title_y) + value_axis() + epoch_axis() + curves();
  }

 private:
  double x_of(double epoch) const {
    if (last_ <= first_) return (left_ + right_) / 2;
    return left_ + 8 + (epoch - first_) / (last_ - first_) * (right_ - left_ - 16);
  }
  double y_of(double value) const {
    return bottom_ - (value - y_.low) / (y_.high - y_.low) * (bottom_ - top_);
  }

  std::string legend(double title_y) const {
    const std::vector<LegendEntry> entries = arrange_legend(panel_, right_ - left_);
    std::string out;
    for (size_t i = 0; i < entries.size(); ++i) {
      const Curve& curve = panel_.curves[i];
      const double x = left_ + entries[i].x, y = title_y + 22 + kLegendLine * entries[i].line;
      out += line(x, y - 4, x + kSwatch, y - 4, stroke(curve));
      out += text(x + kSwatch + 6, y, "font-size=\"12\"", shortened(curve.name));
    }
    return out;
  }

  std::string value_axis() const {
    std::string out;
    for (int i = 0; i < y_.count(); ++i) {
      const double y = y_of(y_.at(i));
      out += line(left_, y, right_, y, "stroke=\"#e4e4e4\"");
      out += text(left_ - 8, y + 4, "text-anchor=\"end\" font-size=\"12\"", y_.label(y_.at(i)));
    }
    return out + line(left_, top_, left_, bottom_, "stroke=\"#888888\"") +
           line(left_, bottom_, right_, bottom_, "stroke=\"#888888\"");
  }

  std::string epoch_axis() const {
    std::string out;
    // At most eight labels.
    const double step = std::max(1.0, round_step(std::max(1.0, (last_ - first_) / 8)));
    for (double epoch = std::ceil(first_ / step) * step; epoch <= last_; epoch += step) {
      const double x = x_of(epoch);
      out += line(x, bottom_, x, bottom_ + 5, "stroke=\"#888888\"");
      out +=
          text(x, bottom_ + 20, "text-anchor=\"middle\" font-size=\"12\"", train::fixed(epoch, 0));
    }
    return out + text((left_ + right_) / 2, bottom_ + 40, "text-anchor=\"middle\" font-size=\"12\"",
                      "epoch");
  }

  std::string curves() const {
    std::string out;
    for (const Curve& curve : panel_.curves) {
      const bool dots = curve.points.size() <= 40;
      std::string path, marks;
      bool drawing = false;
      for (size_t i = 0; i < curve.points.size(); ++i) {
        const Point& p = curve.points[i];
        if (!drawable(p.value)) {
          drawing = false;
          continue;
        }
        const std::string x = number(x_of(p.epoch)), y = number(y_of(p.value));
        path += cat(drawing ? "L" : "M", x, " ", y, " ");
        drawing = true;
        if (dots) {
          marks += cat("<circle cx=\"", x, "\" cy=\"", y, "\" r=\"2.5\" fill=\"",
                       curve.validation ? "#ffffff" : curve.colour, "\" stroke=\"", curve.colour,
                       "\"/>\n");
        }
      }
      if (path.empty()) continue;
      path.pop_back();
      out += cat("<path d=\"", path, "\" fill=\"none\" stroke-linejoin=\"round\" ", stroke(curve),
                 "/>\n", marks);
    }
    return out;
  }

  const Panel& panel_;
  double left_, top_, right_, bottom_;
  Ticks y_;
  double first_, last_;  // epochs
};

bool is_loss(const std::string& name) { return name == "loss" || name.ends_with("_loss"); }

std::vector<Panel> panels_of(const History& history) {
  Panel losses = {"Loss", {}}, metrics = {"Metrics", {}};
  for (const auto& [name, values] : history.history) {
    if (name == "learning_rate") continue;
    Curve curve;
    curve.name = name;
    curve.validation = name.starts_with("val_");
    curve.points = points_of(values, history.epoch);
    Panel& panel = is_loss(name) ? losses : metrics;
    // A training value and its validation have one colour.
    const std::string plain = curve.validation ? name.substr(4) : name;
    size_t colours = 0;
    for (const Curve& other : panel.curves) {
      if (other.name == plain) curve.colour = other.colour;
      if (!other.validation) ++colours;
    }
    if (!curve.colour) curve.colour = kColours[colours % std::size(kColours)];
    panel.curves.push_back(std::move(curve));
  }
  std::vector<Panel> panels;
  for (Panel* panel : {&losses, &metrics}) {
    if (!panel->curves.empty()) panels.push_back(std::move(*panel));
  }
  return panels;
}

}  // namespace

std::string plot_history_svg(const History& history, const PlotOptions& o) {
  const std::vector<Panel> panels = panels_of(history);
  const double panel_width = kWidth / static_cast<double>(std::max<size_t>(1, panels.size()));
  int legend_lines = 1;
  for (const Panel& panel : panels) {
    const auto entries = arrange_legend(panel, panel_width - kLeft - kRight);
    legend_lines = std::max(legend_lines, entries.back().line + 1);
  }
  const double top = kHeader + kLegendLine * legend_lines;
  const double height = kHeight + kLegendLine * (legend_lines - 1);
  std::string out =
      cat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", number(kWidth), "\" height=\"",
          number(height), "\" viewBox=\"0 0 ", number(kWidth), " ", number(height),
          "\" font-family=\"sans-serif\" fill=\"#222222\">\n<rect width=\"100%\" height=\"100%\" "
          "fill=\"#ffffff\"/>\n");
  out += text(kWidth / 2, 30, "text-anchor=\"middle\" font-size=\"18\"", o.title);
  if (panels.empty()) {
    out += text(kWidth / 2, height / 2, "text-anchor=\"middle\" font-size=\"14\"", "no epochs");
  }
  for (size_t i = 0; i < panels.size(); ++i) {
    const double x = panel_width * static_cast<double>(i);
    out += PanelPlot(panels[i], x + kLeft, top, x + panel_width - kRight, height - kBottom).svg(60);
  }
  return out + "</svg>\n";
}

}  // namespace cornu
