#include "cornu/kernels/kernel_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "cornu/base/text.h"
#include "cornu/kernels/activation.h"
#include "cornu/kernels/cpu.h"
#include "cornu/ops/evaluate.h"
#include "cornu/ops/unary.h"

namespace cornu::kernels {
namespace {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

std::vector<Floats> make_inputs(const Check& check) {
  std::mt19937 random(12345);
  std::vector<Floats> all;
  for (size_t i = 0; i < check.in.size(); ++i) {
    Floats numbers(static_cast<size_t>(check.in[i].size()));
    std::uniform_int_distribution<int> integer(-4, 4), key(0, 0xffff);
    std::uniform_real_distribution<float> real(-1, 1), positive(0.1f, 2);
    for (float& v : numbers)
      v = check.numbers == Check::Numbers::kIntegers ? static_cast<float>(integer(random))
          : check.numbers == Check::Numbers::kReals  ? real(random)
          : check.numbers == Check::Numbers::kKey    ? static_cast<float>(key(random))
                                                     : positive(random);
    all.push_back(std::move(numbers));
  }
  if (check.special)
    for (size_t i = 0; i < all[0].size(); i += 7) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      const float values[] = {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity};
      all[0][i] = values[i / 7 % 3];
    }
  return all;
}

template <class T>
std::vector<T> reference(const ops::Op& op, const Check& check, const std::vector<Floats>& in,
                         const Shape& out_shape, bool magnitudes = false) {
  std::vector<std::vector<T>> numbers;
  for (const Floats& x : in) {
    numbers.emplace_back(x.begin(), x.end());
    if (magnitudes)
      for (T& v : numbers.back()) v = std::fabs(v);
  }
  std::vector<ops::View<const T>> views;
  for (size_t i = 0; i < in.size(); ++i) views.push_back({&check.in[i], numbers[i].data()});
  std::vector<T> out(static_cast<size_t>(out_shape.size()));
  ops::evaluate<T>(op, views, {&out_shape, out.data()}, {0, ops::row_count(out_shape)});
  return out;
}

// The op without its activation, and the activation.
std::pair<ops::Op, std::optional<ops::Unary>> split(ops::Op op) {
  std::optional<ops::Unary> activation;
  if (auto* conv = std::get_if<ops::Conv>(&op)) std::swap(activation, conv->activation);
  if (auto* conv = std::get_if<ops::ConvTranspose>(&op)) std::swap(activation, conv->activation);
  if (auto* norm = std::get_if<ops::BatchNorm>(&op)) std::swap(activation, norm->activation);
  return {std::move(op), activation};
}

struct Expected {
  Doubles value, bound;
};

// Ops whose kernels may sum in another order than the reference loops; others give equal numbers.
bool sums(const ops::Op& op) {
  if (const auto* reduce = std::get_if<ops::Reduce>(&op))
    return reduce->kind == ops::Reduce::Kind::kSum || reduce->kind == ops::Reduce::Kind::kMean;
  return std::holds_alternative<ops::Conv>(op) || std::holds_alternative<ops::ConvTranspose>(op) ||
         std::holds_alternative<ops::ConvFilterGrad>(op) || std::holds_alternative<ops::MatMul>(op);
}
// Of these the magnitudes tell nothing; the numbers of the tests are about 1.
bool rounds(const ops::Op& op) {
  return std::holds_alternative<ops::BatchNorm>(op) || std::holds_alternative<ops::Moments>(op) ||
         std::holds_alternative<ops::BatchNormSums>(op) ||
         std::holds_alternative<ops::BatchNormGrad>(op) ||
         std::holds_alternative<ops::Softmax>(op) || std::holds_alternative<ops::SoftmaxGrad>(op) ||
         std::holds_alternative<ops::Resize>(op) || std::holds_alternative<ops::ResizeGrad>(op);
}
bool is_curve(const ops::Op& op) {
  const auto* unary = std::get_if<ops::Unary>(&op);
  return unary && activation_fn(*unary);
}
bool rounds_otherwise(const ops::Op& op) { return sums(op) || rounds(op) || is_curve(op); }

// How far off the float result of one cell may be: a few roundings, of the sum of the magnitudes
// for a convolution, of the numbers the tests use for a normalisation.
double rounding(const ops::Op& op, double value, double magnitudes) {
  if (!std::isfinite(value)) return 0;
  if (is_curve(op)) return 8 * kEpsilon * std::max(std::fabs(value), 1.0);
  return 4 * kEpsilon * std::max(std::fabs(value), sums(op) ? magnitudes : 16.0);
}

// Reference results in double, and the roundings carried through the activation.
Expected expect(const Check& check, const std::vector<Floats>& in, const Shape& out) {
  const auto [linear, activation] = split(check.op);
  Expected e{reference<double>(linear, check, in, out), {}};
  const Doubles magnitudes = reference<double>(linear, check, in, out, true);
  double squares = 0;
  for (double v : e.value) squares += std::isfinite(v) ? v * v : 0;
  const double loss =
      check.loss * std::sqrt(squares / static_cast<double>(std::max<size_t>(e.value.size(), 1)));
  for (size_t i = 0; i < e.value.size(); ++i) {
    double& y = e.value[i];
    double bound = loss + rounding(linear, y, std::isfinite(magnitudes[i]) ? magnitudes[i] : 0);
    if (activation) {
      const double at = ops::apply<double>(*activation, y);
      const double low = ops::apply<double>(*activation, y - bound);
      const double high = ops::apply<double>(*activation, y + bound);
      bound = 1.2 * bound + std::max(std::fabs(low - at), std::fabs(high - at)) +
              8 * kEpsilon * (1 + std::fabs(at));
      y = at;
    }
    e.bound.push_back(bound);
  }
  return e;
}

bool close(float got, double want, double bound) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want)) return static_cast<double>(got) == want;
  return std::fabs(got - want) <= bound;
}

// Memory between guard zones.
class Guarded {
 public:
  explicit Guarded(int64_t size, float before = kGuard) : size_(static_cast<size_t>(size)) {
    memory_ = Tensor::full(Shape{size + 2 * kZone}, kGuard);
    at_ = memory_.data() + kZone;
    std::fill_n(at_, size, before);
  }
  float* data() { return at_; }
  bool intact() const {
    for (int64_t i = 0; i < kZone; ++i)
      if (at_[-1 - i] != kGuard || at_[static_cast<int64_t>(size_) + i] != kGuard) return false;
    return true;
  }
  Floats numbers() const { return Floats(at_, at_ + size_); }

 private:
  static constexpr int64_t kZone = 64;
  static constexpr float kGuard = -7.25e30f;
  size_t size_;
  Tensor memory_;
  float* at_;
};

Floats run(const Prepared& prepared, const std::vector<Floats>& in, const Shape& out_shape,
           int threads, float before = -7.25e30f) {
  base::ThreadPool pool(threads);
  Guarded out(out_shape.size(), before), scratch(prepared.scratch_floats);
  std::vector<const float*> pointers;
  for (size_t i = 0; i < in.size(); ++i)
    pointers.push_back(i < prepared.packed.size() && prepared.packed[i] ? nullptr : in[i].data());
  prepared.run({prepared.state.get(), pointers, out.data(), scratch.data(), &pool});
  EXPECT_TRUE(out.intact()) << "written beside the result";
  EXPECT_TRUE(scratch.intact()) << "written beside the scratch memory";
  return out.numbers();
}

constexpr float kGap = std::numeric_limits<float>::quiet_NaN();

// The numbers with gaps between the cells, and the other way round. Gaps must keep their NaN.
Floats spread(const Floats& numbers, const Shape& shape, int64_t pitch) {
  const int64_t length = pitch_or_length(0, shape), cells = shape.size() / length;
  Floats wide(static_cast<size_t>(cells * pitch), kGap);
  for (int64_t i = 0; i < cells; ++i)
    std::copy_n(numbers.begin() + i * length, length, wide.begin() + i * pitch);
  return wide;
}
Floats gather(const Floats& wide, const Shape& shape, int64_t pitch) {
  const int64_t length = pitch_or_length(0, shape);
  Floats numbers;
  for (int64_t i = 0; i < std::ssize(wide); ++i) {
    if (i % pitch < length)
      numbers.push_back(wide[static_cast<size_t>(i)]);
    else
      EXPECT_TRUE(std::isnan(wide[static_cast<size_t>(i)])) << "written between the cells";
  }
  return numbers;
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// The same bits but for NaN: which one of two a sum hands on depends on the instruction.
bool same_numbers(const Floats& a, const Floats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float p, float q) {
    return std::bit_cast<uint32_t>(p) == std::bit_cast<uint32_t>(q) ||
           (std::isnan(p) && std::isnan(q));
  });
}

// The kernel of that name, where it accepts; "": the one that is chosen.
const Kernel* find_kernel(const std::string& name, const Problem& problem) {
  for (const Kernel& kernel : table())
    if (name.empty() ? kernel.wins(problem) : kernel.name == name && kernel.accepts(problem))
      return &kernel;
  return nullptr;
}

// The same numbers come out where every operand that may have a pitch has one.
void check_pitches(const Kernel& kernel, Problem problem, std::vector<Floats> in,
                   const Floats& expected) {
  if (!kernel.takes_pitch || problem.out.size() == 0) return;
  for (size_t i = 0; i < in.size(); ++i) {
    Operand& x = problem.in[i];
    if (x.constant || !kernel.takes_pitch(problem, i)) continue;
    x.pitch = x.shape[-1] + 3 + 2 * static_cast<int64_t>(i);
    in[i] = spread(in[i], x.shape, x.pitch);
  }
  const int64_t cells = problem.out.size() / pitch_or_length(0, problem.out);
  if (kernel.takes_pitch(problem, in.size())) problem.out_pitch = problem.out[-1] + 5;
  const Prepared prepared = kernel.prepare(problem);
  const int64_t pitch = out_pitch(problem);
  for (int threads : {1, 3}) {
    const Floats wide = run(prepared, in, Shape{cells * pitch}, threads, kGap);
    EXPECT_TRUE(same_numbers(gather(wide, problem.out, pitch), expected)) << "pitches";
  }
}

// The same numbers come out where operand 0 is in segments.
void check_segments(const Kernel& kernel, Problem problem, const std::vector<Floats>& in,
                    const Floats& expected) {
  if (!kernel.takes_segments || problem.out.size() == 0 || problem.in[0].constant) return;
  const Shape& shape = problem.in[0].shape;
  const int64_t channels = shape[-1], cells = shape.size() / channels;
  for (const Shape& parts : {Shape{channels}, Shape{channels / 2, channels - channels / 2},
                             Shape{channels - 16, 16}, Shape{16, channels - 32, 16}}) {
    std::vector<int64_t> segments(parts.begin(), parts.end());
    if (*std::min_element(segments.begin(), segments.end()) <= 0 ||
        !kernel.takes_segments(problem, segments))
      continue;
    problem.in[0].segments = segments;
    std::vector<Floats> operands = in;
    operands.resize(in.size() + segments.size() - 1);
    int64_t channel = 0;
    for (size_t s = 0; s < segments.size(); channel += segments[s++]) {
      Floats part;
      for (int64_t i = 0; i < cells; ++i) {
        const auto begin = in[0].begin() + i * channels + channel;
        part.insert(part.end(), begin, begin + segments[s]);
      }
      operands[s == 0 ? 0 : in.size() + s - 1] = std::move(part);
    }
    const Prepared prepared = kernel.prepare(problem);
    for (int threads : {1, 3})
      EXPECT_TRUE(same_bits(run(prepared, operands, problem.out, threads), expected))
          << segments.size() << " segments";
  }
}

// The same numbers come out where the result takes an operand's place.
void check_in_place(const Kernel& kernel, Problem problem, const std::vector<Floats>& in,
                    const Floats& expected) {
  if (!kernel.in_place || problem.out.size() == 0) return;
  for (size_t k = 0; k < in.size(); ++k) {
    if (problem.in[k].constant || problem.in[k].shape != problem.out) continue;
    Problem own = problem;
    const bool gaps = kernel.takes_pitch && kernel.takes_pitch(problem, k);
    if (gaps) own.out_pitch = own.in[k].pitch = own.out[-1] + 5;
    const int64_t pitch = out_pitch(own);
    Floats memory = spread(in[k], own.out, pitch);
    const Prepared prepared = kernel.prepare(own);
    std::vector<const float*> pointers;
    for (const Floats& x : in) pointers.push_back(x.data());
    pointers[k] = memory.data();
    base::ThreadPool pool(2);
    Floats scratch(static_cast<size_t>(prepared.scratch_floats) + 16);
    const auto misaligned = reinterpret_cast<uintptr_t>(scratch.data()) % 64 / sizeof(float);
    prepared.run({prepared.state.get(), pointers, memory.data(),
                  scratch.data() + (misaligned ? 16 - misaligned : 0), &pool});
    EXPECT_TRUE(same_bits(gather(memory, own.out, pitch), expected)) << "in place of operand " << k;
  }
}

Problem problem_of(const ops::Op& op, const std::vector<Shape>& in, bool strict = false) {
  Problem problem{&op, {}, ops::infer_shape(op, in), strict};
  for (const Shape& shape : in) problem.in.push_back({shape});
  return problem;
}

// The operands that are known when a problem is prepared.
std::vector<Tensor> make_constants(const Check& check, const std::vector<Floats>& in) {
  std::vector<Tensor> all(check.constant.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (check.constant[i]) all[i] = Tensor(check.in[i], in[i]);
  return all;
}
void set_constants(const Check& check, const std::vector<Tensor>& constants, Problem& problem) {
  for (size_t i = 0; i < constants.size(); ++i)
    if (check.constant[i]) problem.in[i].constant = &constants[i];
}

void check_target(const std::string& kernel, const Check& check, const std::vector<Floats>& in,
                  const Expected& expected, const Floats& exact) {
  Problem problem = problem_of(check.op, check.in, check.strict);
  const std::vector<Tensor> constants = make_constants(check, in);
  set_constants(check, constants, problem);
  const Kernel* chosen = find_kernel(kernel, problem);
  ASSERT_TRUE(chosen) << kernel << " does not take it";
  const Prepared prepared = chosen->prepare(problem);
  ASSERT_EQ(prepared.packed.size(), in.size());
  const Floats one = run(prepared, in, problem.out, 1);
  for (int threads : {2, 3, 4})
    EXPECT_TRUE(same_bits(one, run(prepared, in, problem.out, threads))) << threads << " threads";
  check_pitches(*chosen, problem, in, one);
  check_in_place(*chosen, problem, in, one);
  check_segments(*chosen, problem, in, one);
  ASSERT_EQ(one.size(), expected.value.size());
  for (size_t i = 0; i < one.size(); ++i) {
    const bool is_exact = check.numbers == Check::Numbers::kIntegers && check.loss == 0;
    const bool right = is_exact || !rounds_otherwise(check.op)
                           ? close(one[i], static_cast<double>(exact[i]), 0)
                           : close(one[i], expected.value[i], expected.bound[i]);
    ASSERT_TRUE(right) << "cell " << i << " of " << one.size() << ": " << one[i] << ", expected "
                       << expected.value[i] << " within " << expected.bound[i];
  }
}

// All of them, but with a sanitizer, which makes them slow, the best one and for the first and
// every fourth check after it the plainest: how memory and threads are used differs little in
// between.
std::vector<std::string> checked_targets() {
  std::vector<std::string> all = cpu_targets();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static int checks = 0;
  const bool plainest = checks++ % 4 == 0 && all.size() > 1;
  all = plainest ? std::vector{all.front(), all.back()} : std::vector{all.front()};
#endif
  return all;
}

}  // namespace

std::string kernel_for(const ops::Op& op, const std::vector<Shape>& in) {
  const Kernel* kernel = find_kernel("", problem_of(op, in));
  return kernel ? kernel->name : "";
}

std::vector<std::string> kernels_for(const Check& check) {
  const Problem problem = problem_of(check.op, check.in, check.strict);
  std::vector<std::string> names;
  for (const Kernel& kernel : table())
    if (kernel.accepts(problem)) names.emplace_back(kernel.name);
  return names;
}

void check_batch(const std::string& name, const Check& check) {
  const std::vector<Floats> in = make_inputs(check);
  std::vector<Shape> alone = check.in;
  alone[0][0] = 1;
  Problem problem = problem_of(check.op, check.in), single = problem_of(check.op, alone);
  const std::vector<Tensor> constants = make_constants(check, in);
  set_constants(check, constants, problem);
  set_constants(check, constants, single);
  const Kernel* kernel = find_kernel(name, problem);
  ASSERT_TRUE(kernel);
  ASSERT_EQ(kernel, find_kernel(name, single));
  const std::string before = cpu_target();
  for (const std::string& target : checked_targets()) {
    set_cpu_target(target);
    const Floats whole = run(kernel->prepare(problem), in, problem.out, 2);
    const Prepared prepared = kernel->prepare(single);
    for (int64_t n = 0; n < check.in[0][0]; ++n) {
      std::vector<Floats> entry = in;
      const int64_t x = alone[0].size(), y = single.out.size();
      entry[0].assign(in[0].begin() + n * x, in[0].begin() + (n + 1) * x);
      const Floats expected(whole.begin() + n * y, whole.begin() + (n + 1) * y);
      EXPECT_TRUE(same_bits(run(prepared, entry, single.out, 1), expected)) << target << ' ' << n;
    }
  }
  set_cpu_target(before);
}

void check_kernel(const std::string& kernel, const Check& check) {
  std::string shapes;
  for (const Shape& shape : check.in) shapes += base::cat(" ", shape);
  SCOPED_TRACE(kernel + ": " + ops::to_text(check.op) + " of" + shapes);
  const std::vector<Floats> in = make_inputs(check);
  const Shape out = ops::infer_shape(check.op, check.in);
  const Expected expected = expect(check, in, out);
  const Floats exact = reference<float>(check.op, check, in, out);
  const std::string before = cpu_target();
  for (const std::string& target : checked_targets()) {
    SCOPED_TRACE(target);
    set_cpu_target(target);
    check_target(kernel, check, in, expected, exact);
  }
  set_cpu_target(before);
}

}  // namespace cornu::kernels
