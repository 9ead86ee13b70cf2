#pragma once

// The output channels of a convolution in panels of one to four vectors, as the inner kernels take
// them. A panel lies within one group.

#include <algorithm>
#include <cstdint>

#include "cornu/kernels/gemm.h"

namespace cornu::kernels {

struct Panels {
  static constexpr int64_t kMaxWidth = Gemm::kMaxVectors * 16;  // vectors of 512 bits

  int vectors = 0;
  int64_t lanes = 0, width = 0;  // channels per vector, per panel
  int64_t groups = 1, group_out = 0, per_group = 0;

  Panels() = default;
  // Two vectors, unless one holds all channels of a group, or `vectors_each`.
  Panels(const Gemm& gemm, int64_t of_groups, int64_t out_per_group, int vectors_each = 2)
      : vectors(out_per_group <= gemm.lanes ? 1 : vectors_each),
        lanes(gemm.lanes),
        width(int64_t{vectors} * gemm.lanes),
        groups(of_groups),
        group_out(out_per_group),
        per_group((out_per_group + width - 1) / width) {}

  int64_t count() const { return groups * per_group; }
  int64_t size() const { return count() * width; }  // of a number per channel, packed
  // Of panel p: its group, its first channel in the group and in all, its channels.
  int64_t group(int64_t p) const { return p / per_group; }
  int64_t column(int64_t p) const { return p % per_group * width; }
  int64_t first(int64_t p) const { return group(p) * group_out + column(p); }
  int64_t columns(int64_t p) const { return std::min(width, group_out - column(p)); }
  // The vectors that hold its channels: fewer may do for a group's last panel.
  int vectors_of(int64_t p) const { return static_cast<int>((columns(p) + lanes - 1) / lanes); }
  int64_t width_of(int64_t p) const { return lanes * vectors_of(p); }

  // A number per channel, zeros in channels that do not exist.
  void pack(const float* from, float* to) const {
    for (int64_t p = 0; p < count(); ++p, to += width) {
      std::copy_n(from + first(p), columns(p), to);
      std::fill(to + columns(p), to + width, 0.0f);
    }
  }
};

}  // namespace cornu::kernels
