#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace cornu::testing {

// A level for each factor.
using Choice = std::vector<size_t>;

// Choices such that every two levels of two different factors meet in at least one of them: faults
// that need a certain pair of arguments show. Few of them, though not the fewest: each choice
// starts from a pair not met yet, then gives each other factor the level with the most new pairs.
// levels[i] >= 1 is the number of levels of factor i. The same for the same seed.
class Pairwise {
 public:
  Pairwise(std::vector<size_t> levels, uint64_t seed) : levels_(std::move(levels)), rng_(seed) {
    size_t all = 0;
    for (size_t n : levels_) {
      start_.push_back(all);
      all += n;
    }
    met_.assign(all, std::vector<bool>(all, false));
  }

  std::vector<Choice> choices() {
    std::vector<Choice> all;
    for (size_t a = 0; a < levels_.size(); ++a)
      for (size_t b = a + 1; b < levels_.size(); ++b)
        for (size_t i = 0; i < levels_[a]; ++i)
          for (size_t j = 0; j < levels_[b]; ++j)
            if (!met_[start_[a] + i][start_[b] + j]) all.push_back(next({a, i}, {b, j}));
    if (levels_.size() == 1)
      for (size_t i = 0; i < levels_[0]; ++i) all.push_back({i});
    return all;
  }

 private:
  using Level = std::pair<size_t, size_t>;  // factor, level

  Choice next(Level first, Level second) {
    Choice choice(levels_.size());
    choice[first.first] = first.second;
    choice[second.first] = second.second;
    std::vector<size_t> chosen = {first.first, second.first}, rest;
    for (size_t f = 0; f < levels_.size(); ++f)
      if (f != first.first && f != second.first) rest.push_back(f);
    std::shuffle(rest.begin(), rest.end(), rng_);
    for (size_t f : rest) {
      choice[f] = best_level(f, choice, chosen);
      chosen.push_back(f);
    }
    for (size_t a : chosen)
      for (size_t b : chosen) met_[start_[a] + choice[a]][start_[b] + choice[b]] = true;
    return choice;
  }

  // Ties are broken at random, so that other seeds give other choices.
  size_t best_level(size_t factor, const Choice& choice, const std::vector<size_t>& chosen) {
    size_t best = 0;
    int64_t most = -1;
    const size_t from = rng_() % levels_[factor];
    for (size_t k = 0; k < levels_[factor]; ++k) {
      const size_t level = (from + k) % levels_[factor];
      int64_t fresh = 0;
      for (size_t f : chosen) fresh += !met_[start_[factor] + level][start_[f] + choice[f]];
      if (fresh > most) {
        most = fresh;
        best = level;
      }
    }
    return best;
  }

  std::vector<size_t> levels_, start_;
  std::vector<std::vector<bool>> met_;
  std::mt19937_64 rng_;
};

}  // namespace cornu::testing
