#pragma once

// Argument types that take what a Keras user would write: `3`, `{3, 5}`, `{{1, 2}, {3, 4}}`, None.
// They keep what was given and check nothing but its form: a layer checks its arguments when it is
// made, so that the error can name it.

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cornu/base/none.h"

namespace cornu {

// Neither a bool nor a floating number is one (layers.md D33).
template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

struct Int {
  int64_t value = 0;
  constexpr Int() = default;
  template <WholeNumber T>
  constexpr Int(T v) : value(static_cast<int64_t>(v)) {}
  constexpr operator int64_t() const { return value; }
};

// "int or tuple of N ints".
template <size_t N>
struct Ints {
  std::array<int64_t, N> v{};
  constexpr Ints(Int all) { v.fill(all); }
  template <WholeNumber T>
  constexpr Ints(T all) : Ints(Int(all)) {}
  constexpr Ints(Int a, Int b) requires(N == 2) : v{a, b} {}
  constexpr Ints(Int a, Int b, Int c) requires(N == 3) : v{a, b, c} {}
  constexpr int64_t operator[](size_t i) const { return v[i]; }
  std::vector<int64_t> vector() const { return {v.begin(), v.end()}; }
  friend constexpr bool operator==(const Ints&, const Ints&) = default;
};

// The same, or None.
template <size_t N>
struct OptionalInts {
  std::optional<Ints<N>> value;
  constexpr OptionalInts() = default;
  constexpr OptionalInts(std::nullopt_t) {}
  constexpr OptionalInts(Ints<N> given) : value(given) {}
  template <WholeNumber T>
  constexpr OptionalInts(T all) : value(Ints<N>(all)) {}
  constexpr OptionalInts(Int a, Int b) requires(N == 2) : value(Ints<N>(a, b)) {}
  constexpr OptionalInts(Int a, Int b, Int c) requires(N == 3) : value(Ints<N>(a, b, c)) {}
};

// "(before, after)"; one number stands for both.
struct Pair {
  int64_t before = 0, after = 0;
  constexpr Pair() = default;
  template <WholeNumber T>
  constexpr Pair(T both) : before(Int(both)), after(Int(both)) {}
  constexpr Pair(Int b, Int a) : before(b), after(a) {}
  friend constexpr bool operator==(const Pair&, const Pair&) = default;
};

// "int, or N ints (the same before and after), or N (before, after) pairs", which may mix:
// {{1, 2}, 3}. For N = 1, {1, 2} is (before, after).
template <size_t N>
struct Borders {
  std::array<Pair, N> v{};
  template <WholeNumber T>
  constexpr Borders(T all) {
    v.fill(Pair(all));
  }
  constexpr Borders(Int before, Int after) requires(N == 1) : v{Pair(before, after)} {}
  constexpr Borders(Pair a) requires(N == 1) : v{a} {}
  constexpr Borders(Pair a, Pair b) requires(N == 2) : v{a, b} {}
  constexpr Borders(Pair a, Pair b, Pair c) requires(N == 3) : v{a, b, c} {}
  // A struct with names of its own for the sides, such as Pads1D.
  template <class T>
  requires requires(const T& named) {
    { named.pairs() } -> std::same_as<std::array<Pair, N>>;
  }
  constexpr Borders(const T& named) : v(named.pairs()) {}
  constexpr const Pair& operator[](size_t i) const { return v[i]; }
  friend constexpr bool operator==(const Borders&, const Borders&) = default;
};

// "number, or a list of numbers", which is kept apart: Keras writes back the form it was given.
// Empty for None.
template <class T>
struct OneOrMore {
  std::vector<T> v;
  bool list = false;
  OneOrMore() = default;
  OneOrMore(std::nullopt_t) {}
  template <class U>
  requires(std::integral<U> || (std::floating_point<U> && std::floating_point<T>)) OneOrMore(U one)
  requires(!std::same_as<U, bool>) : v{static_cast<T>(one)} {}
  OneOrMore(std::initializer_list<T> several) : v(several), list(true) {}
  explicit OneOrMore(std::vector<T> several) : v(std::move(several)), list(true) {}
  bool empty() const { return v.empty() && !list; }
};

}  // namespace cornu
