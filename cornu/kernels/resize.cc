#include <algorithm>
#include <array>

#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

constexpr int64_t kWorthSharing = 16 * 1024;  // numbers per task at least

// Fewer axes than three are axes of length 1 in front.
struct State {
  int64_t batch = 0, channels = 0;
  int64_t pitch = 0, out_pitch = 0;  // numbers from cell to cell
  std::array<int64_t, 3> in{1, 1, 1}, out{1, 1, 1};
  std::array<std::vector<int64_t>, 3> source;  // per output cell along an axis, the input cell
};

void run_resize(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  const int64_t lines = s.batch * s.out[0] * s.out[1], length = s.out[2] * s.out_pitch;
  split(*call.pool, lines, kWorthSharing / std::max<int64_t>(length, 1) + 1, [&](Range r) {
    int64_t before = -1;  // the input line of the output line before
    for (int64_t line = r.begin; line < r.end; ++line) {
      const int64_t i = s.source[0][static_cast<size_t>(line / s.out[1] % s.out[0])];
      const int64_t j = s.source[1][static_cast<size_t>(line % s.out[1])];
      const int64_t from = (line / (s.out[0] * s.out[1]) * s.in[0] + i) * s.in[1] + j;
      float* y = call.out + line * length;
      if (from == before && s.out_pitch == s.channels) {
        std::copy_n(y - length, length, y);
        continue;
      }
      before = from;
      const float* x = call.in[0] + from * s.in[2] * s.pitch;
      for (int64_t k : s.source[2]) {
        for (int64_t c = 0; c < s.channels; ++c) y[c] = x[k * s.pitch + c];
        y += s.out_pitch;
      }
    }
  });
}

bool accepts_resize(const Problem& p) {
  const auto* op = std::get_if<ops::Resize>(p.op);
  return op && op->mode == ops::Resize::Mode::kNearest && p.out.rank() <= 5;
}

Prepared prepare_resize(const Problem& p) {
  const Shape& x = p.in[0].shape;
  State s;
  s.batch = x[0];
  s.channels = x[-1];
  s.pitch = in_pitch(p, 0);
  s.out_pitch = out_pitch(p);
  const auto axes = static_cast<size_t>(x.rank() - 2);
  for (size_t i = 0; i < axes; ++i) {
    s.in[i + 3 - axes] = x[static_cast<int64_t>(i) + 1];
    s.out[i + 3 - axes] = p.out[static_cast<int64_t>(i) + 1];
  }
  for (size_t a = 0; a < 3; ++a)  // half-pixel centres, rounded down (layers.md 4.7)
    for (int64_t i = 0; i < s.out[a]; ++i)
      s.source[a].push_back((2 * i + 1) * s.in[a] / (2 * s.out[a]));
  return prepared_with(std::move(s), run_resize, p);
}

}  // namespace

const Kernel kResizeNearest{"resize nearest", accepts_resize, prepare_resize, nullptr,
                            takes_first_and_result};

}  // namespace cornu::kernels
