#include "cornu/kernels/depthwise_window.h"

#include <algorithm>
#include <span>

namespace cornu::kernels {
namespace {

// Numbers of a window, about: with what is read and written beside it, it stays in the first-level
// cache.
constexpr int64_t kWindow = 5 * 1024;
// Vectors of a window: larger ones leave the second-level cache.
constexpr int64_t kMostWindow = 16 * 1024;
constexpr int64_t kMostTaps = int64_t{1} << 24;  // indices have 32 bits
constexpr int64_t kLeastCells = DepthTiles::kMostWidth;
constexpr int64_t kVectors = 2;
// Numbers read and written of a band of lines, which stays in the second-level cache while the
// vectors pass over it.
constexpr int64_t kBand = 192 * 1024;

// Chunks of x that are enough for some threads.
constexpr int64_t kChunks = 16;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

LanePlaces::LanePlaces(int64_t lanes, int64_t groups, int64_t group_in, int64_t group_out)
    : channels_(groups * group_in), group_in_(group_in) {
  const int64_t filters = groups * group_out;
  for (int64_t f = 0; f < filters; f += lanes) {
    plain_.push_back(group_in == 1 && group_out == 1 && f + lanes <= filters);
    for (int64_t i = 0; i < group_in; ++i) {
      first_.push_back(loads_.size());
      if (plain_.back()) {
        loads_.push_back({f, -1, 0});
        continue;
      }
      const auto channel_of = [&](int64_t lane, int64_t channel) {
        return std::min(f + lane, filters - 1) / group_out * group_in + channel;
      };
      for (int64_t lane = 0; lane < lanes;) {
        // The same vector for all channels of a group, where it holds them.
        const int64_t begin = channel_of(lane, group_in < lanes ? 0 : i);
        const int64_t channel = std::max<int64_t>(std::min(begin, channels_ - lanes), 0);
        loads_.push_back({channel, static_cast<int64_t>(tables_.size()), lane});
        for (int64_t l = 0; l < lanes; ++l)
          tables_.push_back(
              static_cast<int32_t>(std::clamp<int64_t>(channel_of(l, i) - channel, 0, lanes - 1)));
        while (lane < lanes && channel_of(lane, i) - channel < lanes) ++lane;
      }
    }
  }
  first_.push_back(loads_.size());
}

void LanePlaces::copy(const DepthTiles& tiles, Range vectors, const float* from,
                      int64_t from_stride, int64_t cells, float* to, int64_t to_stride,
                      int64_t ahead) const {
  LaneCopy copy{from, from_stride, cells, to, 1, to_stride};
  copy.ahead = ahead;
  const auto loads_of = [&](int64_t plane) {
    const auto at = static_cast<size_t>(plane);
    return std::span(loads_).subspan(first_[at], first_[at + 1] - first_[at]);
  };
  for (int64_t plane = vectors.begin * group_in_; plane < vectors.end * group_in_;) {
    const auto loads = loads_of(plane);
    const Load& first = loads[0];
    // Planes of one load each are made at once: of neighbouring vectors, or of the same one.
    const auto goes_along = [&](int64_t other) {
      const auto its = loads_of(other);
      return loads.size() == 1 && its.size() == 1 && channels_ >= tiles.lanes &&
             (first.table < 0 ? its[0].table < 0 : its[0].channel == first.channel);
    };
    copy.vectors = 1;
    while (plane + copy.vectors < vectors.end * group_in_ && goes_along(plane + copy.vectors))
      ++copy.vectors;
    for (const Load& load : loads) {
      copy.from = from + load.channel;
      copy.table = load.table < 0 ? nullptr : tables_.data() + load.table;
      copy.keep = load.keep;
      const auto fn = load.table < 0            ? tiles.copy
                      : channels_ < tiles.lanes ? tiles.gather
                      : load.keep == 0          ? tiles.permute
                                                : tiles.add_lanes;
      fn(copy);
    }
    plane += copy.vectors;
    copy.to += copy.vectors * to_stride;
  }
}

WindowShape::WindowShape(const Geometry& geometry, const Phase& phase, int64_t lane_count)
    : lanes(lane_count),
      group_in(geometry.group_in),
      slots(std::max<int64_t>(phase.axis[1].taps, 1)) {
  const Axis& axis = phase.axis[2];
  for (int64_t t = 0; t < axis.taps; ++t) {
    const int64_t remainder = t * axis.tap_step % axis.in_step;
    if (std::find(remainders.begin(), remainders.end(), remainder) == remainders.end())
      remainders.push_back(remainder);
  }
  const int64_t all = ceil_div(geometry.out_channels(), lanes);
  reach = (axis.taps - 1) * axis.tap_step / axis.in_step;
  for (vectors = std::min(kVectors, all); vectors > 0; --vectors) {
    for (int64_t chunks = 1;; ++chunks) {
      cells = ceil_div(axis.count, chunks);
      if (chunks > 1) cells = ceil_div(cells, kLeastCells) * kLeastCells;
      plane_cells = std::max(cells, kLeastCells) + reach;
      if (size(phase) <= kWindow || cells <= 2 * kLeastCells) break;
    }
    if (size(phase) <= kWindow || vectors == 1) break;
  }
  // Chunks of nearly equal length.
  const int64_t chunks = ceil_div(axis.count, std::max<int64_t>(cells, 1));
  if (chunks > 1) cells = ceil_div(ceil_div(axis.count, chunks), kLeastCells) * kLeastCells;
  plane_cells = std::max(cells, kLeastCells) + reach;
  for (int64_t t = 0; t < axis.taps; ++t) {
    const int64_t at = t * axis.tap_step;
    const auto which = std::find(remainders.begin(), remainders.end(), at % axis.in_step);
    tap_offset.push_back(((which - remainders.begin()) * plane_cells + at / axis.in_step) * lanes);
  }
}

void Window::start(int64_t image, int64_t plane, Range columns, Range vectors) {
  const auto& [a0, a1, a2] = phase_.axis;
  image_ = image;
  at0_ = plane * a0.in_step + a0.in_first;
  vectors_ = vectors;
  const int64_t places = a0.taps * shape_.slots;
  std::fill_n(held_, places, -1);
  const int64_t planes = places * (vectors.end - vectors.begin) * shape_.group_in;
  const int64_t length = columns.end - columns.begin + shape_.reach, lanes = shape_.lanes;
  for (size_t r = 0; r < shape_.remainders.size(); ++r) {
    // Cells first + j * in_step are inside x for j of [begin, end).
    const int64_t first = columns.begin * a2.in_step + a2.in_first + shape_.remainders[r];
    const int64_t begin = first < 0 ? std::min(ceil_div(-first, a2.in_step), length) : 0;
    const int64_t inside = first < a2.in ? ceil_div(a2.in - first, a2.in_step) : 0;
    const int64_t end = std::clamp(inside, begin, length);
    inside_[r] = {begin, end, (first + begin * a2.in_step) * g_.in_pitch};
    if (begin == 0 && end == length) continue;
    float* to = memory_ + static_cast<int64_t>(r) * shape_.plane_cells * lanes;
    for (int64_t i = 0; i < planes; ++i, to += shape_.plane()) {
      std::fill_n(to, begin * lanes, 0.0f);
      std::fill_n(to + end * lanes, (length - end) * lanes, 0.0f);
    }
  }
}

void Window::read(int64_t o, DepthLines& lines) {
  const auto& [a0, a1, a2] = phase_.axis;
  const int64_t line_size = (vectors_.end - vectors_.begin) * vector_stride();
  const int64_t taps = a2.taps * shape_.lanes;
  // Neighbours in the order of for_lines find what they share in the same slots.
  const int64_t turn = a1.in_step == 1 ? o / a1.tap_step : o * a1.in_step;
  lines.count = 0;
  for (int64_t t0 = 0; t0 < a0.taps; ++t0) {
    const int64_t i0 = at0_ + t0 * a0.tap_step;
    if (i0 < 0 || i0 >= a0.in) continue;
    int64_t slot = turn % shape_.slots;
    for (int64_t t1 = 0; t1 < a1.taps; ++t1, slot = slot + 1 < shape_.slots ? slot + 1 : 0) {
      const int64_t i1 = o * a1.in_step + a1.in_first + t1 * a1.tap_step;
      if (i1 < 0 || i1 >= a1.in) continue;
      const int64_t line = (image_ * a0.in + i0) * a1.in + i1;
      const int64_t place = t0 * shape_.slots + slot, row = t0 * a1.taps + t1;
      if (held_[place] != line) {
        copy_line(line, memory_ + place * line_size);
        held_[place] = line;
      }
      for (int64_t i = 0; i < shape_.group_in; ++i) {
        const auto weights = static_cast<int32_t>((row * shape_.group_in + i) * taps);
        lines.line[lines.count++] = {place * line_size + i * shape_.plane(), {weights, -1}};
      }
    }
  }
}

void Window::copy_line(int64_t line, float* to) const {
  const Axis& axis = phase_.axis[2];
  const float* from = x_ + line * axis.in * g_.in_pitch;
  for (size_t r = 0; r < shape_.remainders.size(); ++r, to += shape_.plane_cells * shape_.lanes) {
    const Inside& inside = inside_[r];
    if (inside.begin < inside.end)
      places_.copy(tiles_, vectors_, from + inside.at, axis.in_step * g_.in_pitch,
                   inside.end - inside.begin, to + inside.begin * shape_.lanes, shape_.plane(),
                   ahead_);
  }
}

Chunks::Chunk Chunks::unit(int64_t index) const {
  const int64_t column = index % column_chunks() * cells;
  index /= column_chunks();
  const int64_t line = index % bands() * band;
  index /= bands();
  return {index / planes,
          index % planes,
          {line, std::min(line + band, lines)},
          {column, std::min(column + cells, columns)}};
}

Chunks chunks_of(const Geometry& g, const Phase& phase, const WindowShape& shape) {
  const auto& [a0, a1, a2] = phase.axis;
  Chunks c{g.batch, a0.count, a1.count, a2.count, ceil_div(g.out_channels(), shape.lanes)};
  c.cells = std::max<int64_t>(shape.cells, 1);
  c.block = shape.vectors;
  const int64_t line =
      a1.in_step * a2.in * g.in_channels() + a2.count * a2.out_step * g.out_channels();
  const int64_t bands = ceil_div(a1.count * line, kBand);
  const int64_t least = 4 * (a1.taps - 1) * a1.tap_step / a1.in_step + 1;
  c.band = std::clamp<int64_t>(ceil_div(a1.count, std::max<int64_t>(bands, 1)),
                               std::min(least, a1.count), std::max<int64_t>(a1.count, 1));
  c.band = std::max<int64_t>(c.band, 1);
  return c;
}

bool takes_windows(const Geometry& g) {
  if (g.groups == 1 || g.out_channels() == 0) return false;
  if (g.kernel[0] * g.kernel[1] * g.group_in > DepthLines::kMost) return false;
  return std::all_of(g.phases.begin(), g.phases.end(), [&](const Phase& phase) {
    const WindowShape shape(g, phase, 1);
    return shape.remainders.size() <= WindowShape::kMostRemainders &&
           phase.axis[0].taps * shape.slots * g.group_in * std::ssize(shape.remainders) *
                   (2 * kLeastCells + shape.reach) <=
               kMostWindow &&
           phase.taps() * g.group_in <= kMostTaps;
  });
}

double window_gain(const Geometry& g, int64_t lanes) {
  return g.group_in == 1 || g.group_out < lanes ? 2 : 0.5;
}

bool reads_x(const Geometry& g, const Phase& phase, const DepthTiles& tiles) {
  const Axis& axis = phase.axis[2];
  return g.group_in == 1 && g.group_out == 1 && g.groups >= tiles.lanes &&
         axis.count >= DepthTiles::kCells && (axis.tap_step == 1 || axis.taps == 1) &&
         axis.in_step <= 2 && axis.taps < 8 && tiles.of_x[axis.in_step - 1][axis.taps] &&
         phase.axis[1].taps > 0;
}

Chunks chunks_of_x(const Geometry& g, const Phase& phase, int64_t lanes, int64_t lines) {
  const auto& [a0, a1, a2] = phase.axis;
  Chunks c{g.batch, a0.count, a1.count, a2.count, ceil_div(g.out_channels(), lanes)};
  c.band = lines;
  c.cells = std::min<int64_t>(a2.count, 36 * DepthTiles::kCells);
  // The last vector may reach into the one before, so they stay together.
  const bool whole = g.out_channels() % lanes == 0;
  const int64_t blocks = whole ? ceil_div(kChunks, std::max<int64_t>(c.units(), 1)) : 1;
  c.block = ceil_div(c.vectors, blocks);
  return c;
}

void lines_of_x(const Geometry& g, const Phase& phase, const Chunks::Chunk& chunk, Range rows,
                int64_t lanes, DepthLines& lines) {
  const auto& [a0, a1, a2] = phase.axis;
  const int64_t column = chunk.columns.begin * a2.in_step + a2.in_first;
  const auto first = [&](int64_t o) { return o * a1.in_step + a1.in_first; };
  // The tap of line i for results o, or -1.
  const auto tap = [&](int64_t i, int64_t o) -> int64_t {
    const int64_t at = i - first(o);
    return o < rows.end && at >= 0 && at % a1.tap_step == 0 && at / a1.tap_step < a1.taps
               ? at / a1.tap_step
               : -1;
  };
  lines.count = 0;
  for (int64_t t0 = 0; t0 < a0.taps; ++t0) {
    const int64_t i0 = chunk.plane * a0.in_step + a0.in_first + t0 * a0.tap_step;
    if (i0 < 0 || i0 >= a0.in) continue;
    const int64_t end = first(rows.end - 1) + (a1.taps - 1) * a1.tap_step + 1;
    for (int64_t i1 = std::max<int64_t>(first(rows.begin), 0); i1 < std::min(end, a1.in); ++i1) {
      const int64_t taps[] = {tap(i1, rows.begin), tap(i1, rows.begin + 1)};
      if (taps[0] < 0 && taps[1] < 0) continue;
      const auto weights = [&](int64_t t1) {
        return static_cast<int32_t>(t1 < 0 ? -1 : (t0 * a1.taps + t1) * a2.taps * lanes);
      };
      const int64_t line = (chunk.image * a0.in + i0) * a1.in + i1;
      lines.line[lines.count++] = {(line * a2.in + column) * g.in_pitch,
                                   {weights(taps[0]), weights(taps[1])}};
    }
  }
}

void use_last_axis(Geometry& geometry) {
  for (int turn = 1; turn < Phase::kAxes; ++turn) {
    for (const Phase& phase : geometry.phases) {
      const Axis& last = phase.axis[2];
      if (last.in != 1 || last.out != 1 || geometry.kernel[2] != 1) return;
    }
    for (Phase& phase : geometry.phases)
      std::rotate(phase.axis.begin(), phase.axis.end() - 1, phase.axis.end());
    std::rotate(geometry.kernel.begin(), geometry.kernel.end() - 1, geometry.kernel.end());
  }
}

}  // namespace cornu::kernels
