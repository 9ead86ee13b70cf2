#include <algorithm>

#include "cornu/kernels/gemm.h"
#include "cornu/kernels/split.h"
#include "cornu/kernels/table.h"

namespace cornu::kernels {
namespace {

// Multiplications that are worth a task of their own.
constexpr int64_t kWorthSharing = 100'000;
// Tiles of rows that a panel of the right operand serves while it is in the first-level cache.
constexpr int64_t kTiles = 8;

struct State {
  int64_t batch = 0, m = 0, k = 0, n = 0;
  const Gemm* gemm = nullptr;
  int vectors = 0;    // per panel
  int64_t panel = 0;  // columns per panel
  Tensor start;       // zeros

  int64_t panels() const { return (n + panel - 1) / panel; }
  int64_t rows() const { return gemm->rows[vectors - 1]; }
  int64_t tiles() const { return (m + rows() - 1) / rows(); }  // of one batch entry
};

// The right operands as [batch][panels][k][panel], zeros in columns that do not exist.
void pack(const State& s, const Call& call) {
  const int64_t size = std::max<int64_t>(s.k * s.panel, 1);
  split(*call.pool, s.batch * s.panels(), kWorthSharing / size + 1, [&](Range r) {
    for (int64_t i = r.begin; i < r.end; ++i) {
      const int64_t column = i % s.panels() * s.panel, columns = std::min(s.panel, s.n - column);
      const float* from = call.in[1] + i / s.panels() * s.k * s.n + column;
      float* to = call.scratch + i * s.k * s.panel;
      for (int64_t k = 0; k < s.k; ++k, from += s.n, to += s.panel) {
        std::copy_n(from, columns, to);
        std::fill(to + columns, to + s.panel, 0.0f);
      }
    }
  });
}

// Tiles [begin, end) of one batch entry, at most kTiles.
void run_tiles(const State& s, const Call& call, int64_t entry, Range tiles) {
  const float* rows[Gemm::kMaxRows];
  float* outs[Gemm::kMaxRows];
  const int32_t first = 0;
  Tile tile;
  tile.rows = rows;
  tile.first = &first;
  tile.runs = 1;
  tile.length = s.k;
  tile.start = s.start.data();
  tile.out = outs;
  for (int64_t p = 0; p < s.panels(); ++p) {
    tile.weights = call.scratch + (entry * s.panels() + p) * s.k * s.panel;
    tile.columns = std::min(s.panel, s.n - p * s.panel);
    for (int64_t t = tiles.begin; t < tiles.end; ++t) {
      const Range range = part(s.m, t, s.tiles());
      for (int64_t i = range.begin; i < range.end; ++i) {
        rows[i - range.begin] = call.in[0] + (entry * s.m + i) * s.k;
        outs[i - range.begin] = call.out + (entry * s.m + i) * s.n + p * s.panel;
      }
      s.gemm->tile[s.vectors - 1][range.end - range.begin - 1](tile);
    }
  }
}

void run(const Call& call) noexcept {
  const auto& s = *static_cast<const State*>(call.state);
  pack(s, call);
  const int64_t work = std::max<int64_t>(s.rows() * s.k * s.n, 1);
  split(*call.pool, s.batch * s.tiles(), kWorthSharing / work + 1, [&](Range r) {
    for (int64_t at = r.begin; at < r.end;) {
      const int64_t entry = at / s.tiles(), tile = at % s.tiles();
      const int64_t count = std::min({kTiles, s.tiles() - tile, r.end - at});
      run_tiles(s, call, entry, {tile, tile + count});
      at += count;
    }
  });
}

bool accepts(const Problem& p) { return std::holds_alternative<ops::MatMul>(*p.op); }

Prepared prepare(const Problem& p) {
  State s{p.out[0], p.out[1], p.in[0].shape[2], p.out[2], &gemm(), 0, 0, {}};
  s.vectors = s.n <= s.gemm->lanes ? 1 : 2;
  s.panel = s.vectors * s.gemm->lanes;
  s.start = Tensor(Shape{s.panel});
  const int64_t scratch = s.batch * s.panels() * s.k * s.panel;
  Prepared prepared = prepared_with(std::move(s), run, p);
  prepared.scratch_floats = scratch;
  return prepared;
}

}  // namespace

const Kernel kMatMul{"matmul", accepts, prepare};

}  // namespace cornu::kernels
