#include "cornu/kernels/rows.h"

#include <algorithm>

namespace cornu::kernels {
namespace {

bool inside(int64_t i, int64_t n) { return static_cast<uint64_t>(i) < static_cast<uint64_t>(n); }

// Whether the taps along the last axis form one run of memory for every cell.
bool one_run(const Geometry& g, const Axis& axis, const Cells& cells) {
  if (g.groups != 1 || g.in_pitch != g.in_channels()) return false;
  if (axis.tap_step != 1 || axis.taps == 1) return false;
  for (int m = 0; m < cells.count; ++m)
    if (cells.in[2][m] < 0 || cells.in[2][m] + axis.taps > axis.in) return false;
  return true;
}

}  // namespace

Walker::Walker(const Geometry& geometry, const Phase& phase, const float* x, int64_t cell)
    : phase_(phase) {
  image_size_ = geometry.in_pitch;
  out_size_ = 1;
  for (const Axis& axis : phase.axis) {
    image_size_ *= axis.in;
    out_size_ *= axis.out;
  }
  for (size_t a = Phase::kAxes; a-- > 0;) {
    at_[a] = cell % phase.axis[a].count;
    cell /= phase.axis[a].count;
  }
  image_ = x + cell * image_size_;
  out_image_ = cell * out_size_;
}

void Walker::take(int count, Cells& cells) {
  cells.count = count;
  for (int m = 0; m < count; ++m) {
    cells.image[m] = image_;
    int64_t out = 0;
    for (size_t a = 0; a < Phase::kAxes; ++a) {
      const Axis& axis = phase_.axis[a];
      cells.in[a][m] = at_[a] * axis.in_step + axis.in_first;
      out = out * axis.out + at_[a] * axis.out_step + axis.out_first;
    }
    cells.out[m] = out_image_ + out;
    size_t a = Phase::kAxes;
    while (a > 0 && ++at_[a - 1] == phase_.axis[a - 1].count) at_[--a] = 0;
    if (a == 0) {
      image_ += image_size_;
      out_image_ += out_size_;
    }
  }
}

Line line_of(const Geometry& geometry, const Phase& phase, int64_t line) {
  const auto& [a0, a1, a2] = phase.axis;
  const int64_t o1 = line % a1.count, o0 = line / a1.count % a0.count;
  const int64_t image = line / a1.count / a0.count;
  const int64_t i0 = o0 * a0.in_step + a0.in_first, i1 = o1 * a1.in_step + a1.in_first;
  const bool inside = i0 >= 0 && i0 + (a0.taps - 1) * a0.tap_step < a0.in && i1 >= 0 &&
                      i1 + (a1.taps - 1) * a1.tap_step < a1.in;
  const int64_t out =
      (image * a0.out + o0 * a0.out_step + a0.out_first) * a1.out + o1 * a1.out_step + a1.out_first;
  return {inside, (((image * a0.in + i0) * a1.in + i1) * a2.in + a2.in_first) * geometry.in_pitch,
          (out * a2.out + a2.out_first) * geometry.out_pitch};
}

Place place_of(const Geometry& geometry, const Phase& phase, const Line& line, Range cells) {
  const Axis& axis = phase.axis[2];
  const int64_t first = cells.begin * axis.in_step + axis.in_first;
  const int64_t last =
      (cells.end - 1) * axis.in_step + axis.in_first + (axis.taps - 1) * axis.tap_step;
  return {line.inside && first >= 0 && last < axis.in && cells.end <= axis.count,
          line.in + cells.begin * axis.in_step * geometry.in_pitch,
          line.out + cells.begin * axis.out_step * geometry.out_pitch};
}

Runs fill_rows(const Geometry& geometry, const Phase& phase, const Cells& cells, const float* zero,
               int64_t begin, int64_t end, const float** rows, int32_t* first) {
  const auto& [a0, a1, a2] = phase.axis;
  const int64_t channels = geometry.in_channels();
  const bool whole = begin == 0 && end == phase.taps();
  const bool merged = whole && one_run(geometry, a2, cells);
  Runs done{0, merged ? a2.taps * channels : channels / geometry.groups};
  const auto add = [&](int64_t tap, bool any) {
    if (!any) return;  // the next run takes its place
    first[done.runs++] = static_cast<int32_t>(tap * geometry.group_in);
    rows += cells.count;
  };
  for (int64_t tap = begin; tap < end;) {
    const int64_t line_first = tap / a2.taps * a2.taps;
    const int64_t line_end = std::min(end, line_first + a2.taps);
    const int64_t t0 = tap / a2.taps / a1.taps, t1 = tap / a2.taps % a1.taps;
    const float* line[kMaxRows];
    bool any_line = false;
    for (int m = 0; m < cells.count; ++m) {
      const int64_t i0 = cells.in[0][m] + t0 * a0.tap_step, i1 = cells.in[1][m] + t1 * a1.tap_step;
      const bool in = inside(i0, a0.in) && inside(i1, a1.in);
      line[m] = in ? cells.image[m] + (i0 * a1.in + i1) * a2.in * geometry.in_pitch : nullptr;
      any_line |= in;
    }
    if (merged) {
      for (int m = 0; m < cells.count; ++m)
        rows[m] = line[m] ? line[m] + cells.in[2][m] * geometry.in_pitch : zero;
      add(tap, any_line);
    } else if (any_line) {
      for (int64_t t = tap; t < line_end; ++t) {
        bool any = false;
        for (int m = 0; m < cells.count; ++m) {
          const int64_t i2 = cells.in[2][m] + (t - line_first) * a2.tap_step;
          const bool in = line[m] && inside(i2, a2.in);
          rows[m] = in ? line[m] + i2 * geometry.in_pitch : zero;
          any |= in;
        }
        add(t, any);
      }
    }
    tap = line_end;
  }
  return done;
}

int64_t zero_length(const Geometry& geometry) {
  int64_t length = geometry.in_channels();
  for (const Phase& phase : geometry.phases)
    length = std::max(length, phase.axis[2].taps * geometry.in_channels());
  return length;
}

int64_t staged_size(const Geometry& geometry, const Phase& phase) {
  // More numbers side by side make tables as they are worth their while.
  constexpr int64_t kFew = 64;
  const auto& [a0, a1, a2] = phase.axis;
  if (geometry.groups != 1 || geometry.in_pitch != geometry.in_channels() || a2.count == 0 ||
      a2.tap_step * a2.taps * geometry.group_in > kFew)
    return 0;
  const auto bordered = [](const Axis& a) {
    return a.in_first < 0 || a.in_first + staged_cells(a, a.count) > a.in;
  };
  const int64_t size = a0.taps * a1.taps * staged_cells(a2, a2.count) * geometry.group_in;
  return size <= kStaged && (bordered(a0) || bordered(a1) || bordered(a2)) ? size : 0;
}

void stage(const Geometry& geometry, const Phase& phase, int64_t line, Range results,
           const float* x, float* to, int64_t to_stride) {
  const auto& [a0, a1, a2] = phase.axis;
  const int64_t channels = geometry.group_in, pitch = geometry.in_pitch;
  const int64_t cells = staged_cells(a2, results.end - results.begin);
  const int64_t o1 = line % a1.count, o0 = line / a1.count % a0.count;
  const int64_t image = line / a1.count / a0.count;
  // Of the cells from `first` on: those inside x.
  const int64_t first = results.begin * a2.in_step + a2.in_first;
  const int64_t begin = std::clamp<int64_t>(-first, 0, cells);
  const int64_t end = std::clamp<int64_t>(a2.in - first, begin, cells);
  for (int64_t t0 = 0; t0 < a0.taps; ++t0)
    for (int64_t t1 = 0; t1 < a1.taps; ++t1, to += to_stride) {
      const int64_t i0 = o0 * a0.in_step + a0.in_first + t0 * a0.tap_step;
      const int64_t i1 = o1 * a1.in_step + a1.in_first + t1 * a1.tap_step;
      if (!inside(i0, a0.in) || !inside(i1, a1.in) || begin == end) {
        std::fill_n(to, cells * channels, 0.0f);
        continue;
      }
      const float* from = x + (((image * a0.in + i0) * a1.in + i1) * a2.in + first + begin) * pitch;
      std::fill_n(to, begin * channels, 0.0f);
      if (pitch == channels)
        std::copy_n(from, (end - begin) * channels, to + begin * channels);
      else
        for (int64_t i = begin; i < end; ++i, from += pitch)
          std::copy_n(from, channels, to + i * channels);
      std::fill_n(to + end * channels, (cells - end) * channels, 0.0f);
    }
}

Phase staged_line(const Phase& phase) {
  const auto& [a0, a1, a2] = phase.axis;
  Phase line = phase;
  line.axis[0] = {.in = a0.taps, .taps = a0.taps};
  line.axis[1] = {.in = a1.taps, .taps = a1.taps};
  line.axis[2].in = staged_cells(a2, a2.count);
  line.axis[2].in_first = line.axis[2].out_first = 0;
  return line;
}

}  // namespace cornu::kernels
