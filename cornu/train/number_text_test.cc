#include "cornu/train/number_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "cornu/base/error.h"

namespace cornu::train {
namespace {

TEST(NumberText, FixedAndScientific) {
  EXPECT_EQ(fixed(0.62671, 4), "0.6267");
  EXPECT_EQ(fixed(2.5, 0), "2");  // to even, as C does
  EXPECT_EQ(fixed(-0.00001, 4), "-0.0000");
  EXPECT_EQ(fixed(1e300, 1).size(), 303u);
  EXPECT_EQ(scientific(0.00001, 4), "1.0000e-05");
  EXPECT_EQ(scientific(-1e300, 2), "-1.00e+300");
  EXPECT_EQ(fixed(-std::numeric_limits<double>::infinity(), 4), "-inf");
  EXPECT_EQ(scientific(-std::numeric_limits<double>::quiet_NaN(), 4), "nan");
}

// Each answer is what Python prints.
TEST(NumberText, FormatsFieldsAsPython) {
  const std::vector<Field> fields = {
      {"epoch", 7, true}, {"loss", 1234.5678, false}, {"down", -0.5, false}, {"one", 1, false}};
  const auto format = [&](const std::string& text) { return format_fields(text, fields); };
  EXPECT_EQ(format("plain"), "plain");
  EXPECT_EQ(format("{epoch:02d}-{loss:.2f}.keras"), "07-1234.57.keras");
  EXPECT_EQ(format("{epoch} {loss} {down} {one}"), "7 1234.5678 -0.5 1.0");
  EXPECT_EQ(format("{{{epoch}}}"), "{7}");
  EXPECT_EQ(format("{epoch:5d}|{epoch:<5}|{epoch:^5}|{epoch:*>5}"), "    7|7    |  7  |****7");
  EXPECT_EQ(format("{down:+.1f} {one:+.1f} {one: .1f} {down:07.2f}"), "-0.5 +1.0  1.0 -000.50");
  EXPECT_EQ(format("{loss:,.1f} {loss:e} {loss:.3E} {loss:g} {loss:.3g}"),
            "1,234.6 1.234568e+03 1.235E+03 1234.57 1.23e+03");
  EXPECT_EQ(format("{down:.1%} {one:.3} {loss:.6} {epoch:.2f} {epoch:x^3}"),
            "-50.0% 1.0 1234.57 7.00 x7x");
}

TEST(NumberText, RefusesWhatPythonRefuses) {
  const std::vector<Field> fields = {{"epoch", 7, true}, {"loss", 0.5, false}};
  for (const char* text : {"{mae}", "{epoch", "epoch}", "{loss:d}", "{epoch:.2d}", "{loss:.f}",
                           "{loss:q}", "{loss:.2ff}", "{}", "{loss:999999999f}", "{epoch.real}"}) {
    EXPECT_THROW(format_fields(text, fields), ValueError) << text;
  }
}

}  // namespace
}  // namespace cornu::train
