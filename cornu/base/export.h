#pragma once

// The library is built with hidden visibility; what a user may link against says so.
#define CORNU_API __attribute__((visibility("default")))
