#include "cornu/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cornu {
namespace {

template <class E>
void expect_error(const char* text) {
  try {
    throw E(text);
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), text);
    EXPECT_NE(dynamic_cast<const std::runtime_error*>(&e), nullptr);
  }
}

TEST(Error, EverythingThrownIsAnError) {
  expect_error<ValueError>("value");
  expect_error<TypeError>("type");
  expect_error<StateError>("state");
  expect_error<FormatError>("format");
  expect_error<IoError>("io");
  expect_error<OutOfMemory>("memory");
  expect_error<InternalError>("internal");
}

TEST(Error, KindsAreApart) {
  EXPECT_FALSE((std::is_base_of_v<ValueError, FormatError>));
  EXPECT_FALSE((std::is_base_of_v<ValueError, InternalError>));
}

TEST(Error, CheckNamesConditionAndPlaceInTheLibrary) {
  int evaluated = 0;
  EXPECT_NO_THROW(CORNU_CHECK(++evaluated == 1));
  EXPECT_EQ(evaluated, 1);
  const int line = __LINE__ + 2;
  try {
    CORNU_CHECK(1 + 1 == 3);
    FAIL();
  } catch (const InternalError& e) {
    EXPECT_EQ(e.what(), "internal error: 1 + 1 == 3 does not hold at cornu/base/error_test.cc:" +
                            std::to_string(line));
  }
}

}  // namespace
}  // namespace cornu
