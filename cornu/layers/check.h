#pragma once

// The checks that many layers make (layers.md parts 2, 4.1 and 4.11), each with one wording.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cornu/layers/arguments.h"
#include "cornu/nn/where.h"
#include "cornu/tensor/shape.h"

namespace cornu::layers {

using nn::Where;

// "(3, -1)", and "3" for one number.
std::string tuple_text(std::span<const int64_t> v);

// The largest argument and the largest dimension: products of two of them still fit an int64_t.
inline constexpr int64_t kMaxSize = 2147483647;

// Every entry > 0, or >= 0 with zero_allowed, and <= kMaxSize; ValueError naming the argument and
// the bad entries.
void check_positive(const Where& where, const char* argument, std::span<const int64_t> v,
                    bool zero_allowed = false);
inline void check_positive(const Where& where, const char* argument, int64_t v) {
  check_positive(where, argument, std::span<const int64_t>(&v, 1));
}
void check_borders(const Where& where, const char* argument, std::span<const Pair> v);  // all >= 0

// The word in lower case when it is one of `allowed`; ValueError otherwise. Case-insensitive.
std::string check_word(const Where& where, const char* argument,
                       const std::optional<std::string>& word,
                       std::initializer_list<const char*> allowed);
// The same for data_format, where None is what keras.json says.
std::string check_data_format(const Where& where, const std::optional<std::string>& word);

// The input of a layer: its rank must be `rank`, and no dimension above kMaxSize.
void check_rank(const Where& where, const Shape& in, int64_t rank);
void check_min_rank(const Where& where, const Shape& in, int64_t rank);  // or more
// A computed length; ValueError above kMaxSize.
int64_t check_length(const Where& where, const Shape& in, int64_t length);

// An axis whose size the weights were made for: `expected` unless it is None.
void check_axis(const Where& where, const Shape& in, int64_t axis, int64_t expected);
// The size of an axis that weights are to be made for; ValueError for None.
int64_t known_axis(const Where& where, const Shape& in, int64_t axis);
// An axis that may count from the end, as 0 … rank - 1; ValueError where there is none.
int64_t check_axis_exists(const Where& where, const Shape& in, int64_t axis);

// The same for a list of axes that must all differ; sorted.
std::vector<int64_t> check_axes(const Where& where, const Shape& in,
                                const std::vector<int64_t>& axes);

// A number that is not NaN or infinite; the second: and is not negative either.
void check_finite(const Where& where, const char* argument, double v);
void check_not_negative(const Where& where, const char* argument, double v);

// ---- lengths of one axis, Dim::kUnknown in and out ----
// `padding` is "valid", "same" or "causal". Throws ValueError where the result would be empty.
struct WindowAxis {
  int64_t kernel, stride, dilation;
};
int64_t window_length(const Where& where, const Shape& in, int64_t n, const WindowAxis& axis,
                      const std::string& padding);
// The zeros that "same" and "causal" add for a known length (4.2, 4.3).
Pair window_padding(int64_t n, const WindowAxis& axis, const std::string& padding);

}  // namespace cornu::layers
