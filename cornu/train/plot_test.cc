#include "cornu/train/plot.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>

namespace cornu {
namespace {

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++n;
  return n;
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  std::vector<std::string> out;
  const std::regex regex(pattern);
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end; ++i) {
    out.push_back((*i)[1]);
  }
  return out;
}

// Every element is closed, and every number is one.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z]+)([^<>]*?)(/?)>");
  for (std::sregex_iterator i(svg.begin(), svg.end(), tag), end; i != end; ++i) {
    if ((*i)[1] == "/") {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*i)[2]);
      open.pop_back();
    } else if ((*i)[4] != "/") {
      open.push_back((*i)[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  for (const std::string& value : matches(svg, " (?:x|y|x1|y1|x2|y2|cx|cy|d)=\"([^\"]*)\"")) {
    EXPECT_TRUE(std::regex_match(value, std::regex("[ML0-9. -]+"))) << value;
  }
  for (const std::string& x : matches(svg, " (?:x|x1|x2|cx)=\"([^\"]*)\"")) {
    EXPECT_GE(std::stod(x), 0);
    EXPECT_LE(std::stod(x), 800);
  }
}

TEST(PlotHistory, DrawsLossesAndMetrics) {
  History h;
  for (int epoch = 0; epoch < 5; ++epoch) {
    h.add(epoch, {{"accuracy", 0.5 + 0.05 * epoch},
                  {"loss", 1.0 / (epoch + 1)},
                  {"val_accuracy", 0.4},
                  {"val_loss", 0.5},
                  {"learning_rate", 0.001}});
  }
  const std::string svg = plot_history_svg(h, {.title = "Digits & <more>"});
  expect_well_formed(svg);
  EXPECT_EQ(svg.substr(0, 71),
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800.0\" height=\"420.0\" vi");
  EXPECT_EQ(matches(svg, "font-size=\"(?:14|18)\">([^<]*)<"),
            (std::vector<std::string>{"Digits &amp; &lt;more&gt;", "Loss", "Metrics"}));
  EXPECT_EQ(count(svg, "<path"), 4);
  EXPECT_EQ(count(svg, "stroke-dasharray"), 4);  // two curves and two entries of the legends
  EXPECT_EQ(count(svg, "learning_rate"), 0);
  for (const char* name : {">accuracy<", ">loss<", ">val_accuracy<", ">val_loss<"}) {
    EXPECT_EQ(count(svg, name), 1) << name;
  }
  EXPECT_EQ(count(svg, "font-size=\"12\">5<"), 2) << "epochs count from 1";
}

TEST(PlotHistory, LeavesGaps) {
  History h;
  const double values[] = {
      3,  2, std::numeric_limits<double>::quiet_NaN(), 1, std::numeric_limits<double>::infinity(),
      0.5};
  for (int epoch = 0; epoch < 6; ++epoch) h.add(epoch, {{"loss", values[epoch]}});
  const std::string svg = plot_history_svg(h);
  expect_well_formed(svg);
  const std::vector<std::string> paths = matches(svg, "<path d=\"([^\"]*)\"");
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(count(paths[0], "M"), 3);
  EXPECT_EQ(count(paths[0], "L"), 1);
}

TEST(PlotHistory, PlacesRareValidations) {
  History h;
  for (int epoch = 0; epoch < 6; ++epoch) {
    Logs logs = {{"loss", 1.0 - 0.1 * epoch}};
    if (epoch % 2 == 1) logs.set("val_loss", 0.9);
    h.add(epoch, logs);
  }
  const std::string svg = plot_history_svg(h);
  const std::vector<std::string> x = matches(svg, "<circle cx=\"([^\"]*)\"");
  ASSERT_EQ(x.size(), 9u);
  EXPECT_EQ(x[6], x[1]);
  EXPECT_EQ(x[7], x[3]);
  EXPECT_EQ(x[8], x[5]);
}

TEST(PlotHistory, TakesAnything) {
  expect_well_formed(plot_history_svg(History()));
  EXPECT_EQ(count(plot_history_svg(History()), "no epochs"), 1);
  for (const double value : {0.0, -1.0, 1e-320, 9e299, -9e299, 1.7e308, 1e-9, 123456789.0,
                             std::numeric_limits<double>::quiet_NaN()}) {
    History h;
    h.add(0, {{"loss", value}});
    expect_well_formed(plot_history_svg(h));
    h.add(1, {{"loss", value == 0 ? 0 : -value}});
    expect_well_formed(plot_history_svg(h));
    h.add(2, {{"loss", value * (1 + 1e-15)}});
    expect_well_formed(plot_history_svg(h));
  }
  History h;
  Logs logs;
  for (int i = 0; i < 30; ++i) logs.set(std::string(60, 'x') + std::to_string(i), i);
  h.add(0, logs);
  const std::string svg = plot_history_svg(h);
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, std::string(40, 'x') + "…"), 30);
}

}  // namespace
}  // namespace cornu
