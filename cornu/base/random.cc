#include "cornu/base/random.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>
#include <optional>
#include <random>

namespace cornu {
namespace base {
namespace {

// Natural logarithm of a positive normal number: a libm's own differs from system to system.
// log m = 2 atanh((m - 1) / (m + 1)) for m in [sqrt 1/2, sqrt 2), to about 1e-16.
double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact
  if (m < std::numbers::sqrt2 / 2) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double series = 0;
  for (int k = 21; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * std::numbers::ln2 + 2 * s * series;
}

double polynomial(const std::array<double, 8>& c, double x) {
  double sum = 0;
  for (size_t i = c.size(); i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// AS 241: rational functions for the centre and for the tails down to exp(-25).
constexpr std::array<double, 8> kCentre = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                           1.9715909503065514427e3, 1.3731693765509461125e4,
                                           4.5921953931549871457e4, 6.7265770927008700853e4,
                                           3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr std::array<double, 8> kCentreBelow = {1.0,
                                                4.2313330701600911252e1,
                                                6.8718700749205790830e2,
                                                5.3941960214247511077e3,
                                                2.1213794301586595867e4,
                                                3.9307895800092710610e4,
                                                2.8729085735721942674e4,
                                                5.2264952788528545610e3};
constexpr std::array<double, 8> kTail = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                         5.76949722146069140550e0,  3.64784832476320460504e0,
                                         1.27045825245236838258e0,  2.41780725177450611770e-1,
                                         2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array<double, 8> kTailBelow = {1.0,
                                              2.05319162663775882187e0,
                                              1.67638483018380384940e0,
                                              6.89767334985100004550e-1,
                                              1.48103976427480074590e-1,
                                              1.51986665636164571966e-2,
                                              5.47593808499534494600e-4,
                                              1.05075007164441684324e-9};

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return counter;
}

double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kCentre, r) / polynomial(kCentreBelow, r);
  }
  const double r = std::sqrt(-portable_log(std::min(p, 1 - p))) - 1.6;
  const double x = polynomial(kTail, r) / polynomial(kTailBelow, r);
  return q < 0 ? -x : x;
}

double normal(uint32_t word) { return normal_quantile(unit(word)); }

double truncated_normal(uint32_t word) {
  constexpr double kBelow = 0.022750131948179207;  // of a standard normal, what lies below -2
  return normal_quantile(kBelow + (1 - 2 * kBelow) * unit(word));
}

namespace {

std::mutex seed_mutex;
std::optional<Philox> seed_stream;
uint64_t seeds_drawn = 0;

}  // namespace

uint64_t next_seed() {
  const std::lock_guard lock(seed_mutex);
  if (seed_stream) return seed_stream->bits64(seeds_drawn++);
  std::random_device device;
  return device() | static_cast<uint64_t>(device()) << 32;
}

}  // namespace base

void set_random_seed(uint64_t seed) {
  const std::lock_guard lock(base::seed_mutex);
  // A stream of its own, so that an initializer with the same number as its seed shares nothing.
  base::seed_stream.emplace(seed, ~uint64_t{0});
  base::seeds_drawn = 0;
}

}  // namespace cornu
