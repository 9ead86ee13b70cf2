#include "cornu/kernels/lattices.h"

#include <algorithm>

namespace cornu::kernels {
namespace {

bool fits(const Phase& phase) {
  return std::all_of(phase.axis.begin(), phase.axis.end(), [](const Axis& a) {
    return a.taps == 1 || (a.taps > 1 && a.tap_step % a.in_step == 0);
  });
}

LatticeAxis lattice_axis(const Axis& a) {
  LatticeAxis l;
  l.in = a.in;
  l.first = a.in_first;
  l.spacing = a.taps == 1 ? a.in_step : a.tap_step;
  l.residues = l.spacing / a.in_step;
  l.residue_step = a.in_step;
  return l;
}

// May the phase read the lattice's cells?
bool shares(const Lattice& lattice, const Phase& phase) {
  for (size_t a = 0; a < Phase::kAxes; ++a) {
    const LatticeAxis own = lattice_axis(phase.axis[a]), &l = lattice.axis[a];
    if (own.spacing != l.spacing || own.residues != l.residues ||
        (own.first - l.first) % l.spacing != 0 ||
        phase.axis[a].taps != lattice.members[0].phase.axis[a].taps)
      return false;
  }
  return true;
}

}  // namespace

std::vector<Lattice> lattices_of(const Geometry& geometry) {
  std::vector<Lattice> all;
  for (const Phase& phase : geometry.phases) {
    if (!fits(phase)) return {};
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Lattice& l) { return shares(l, phase); });
    Lattice& lattice = found == all.end() ? all.emplace_back() : *found;
    for (size_t a = 0; a < Phase::kAxes; ++a) {
      const LatticeAxis own = lattice_axis(phase.axis[a]);
      LatticeAxis& l = lattice.axis[a];
      if (lattice.members.empty()) l = own;
      l.first = std::min(l.first, own.first);
    }
    lattice.members.push_back({phase, {}});
  }
  for (Lattice& lattice : all)
    for (Member& m : lattice.members)
      for (size_t a = 0; a < Phase::kAxes; ++a)
        m.shift[a] = (m.phase.axis[a].in_first - lattice.axis[a].first) / lattice.axis[a].spacing;
  return all;
}

void transform(Lattice& lattice, Winograd rows, Winograd columns) {
  lattice.axis[1].winograd = rows;
  lattice.axis[2].winograd = columns;
  for (size_t a = 0; a < Phase::kAxes; ++a) {
    LatticeAxis& l = lattice.axis[a];
    l.in_turns = a > 0;
    l.tiles = 0;
    for (const Member& m : lattice.members) {
      const int64_t positions = (m.phase.axis[a].count + l.residues - 1) / l.residues + m.shift[a];
      l.tiles = std::max(l.tiles, (positions + l.winograd.results - 1) / l.winograd.results);
    }
  }
}

}  // namespace cornu::kernels
