#pragma once

// The phases of a convolution grouped by the input cells that they read, as Winograd's transforms
// take them: a transform of the input serves all phases that read the same cells.

#include <array>
#include <cstdint>
#include <vector>

#include "cornu/kernels/phases.h"
#include "cornu/kernels/winograd.h"

namespace cornu::kernels {

// An axis whose neighbouring taps lie `spacing` cells apart falls apart into `residues` of its own,
// each without gaps; the positions of a residue are cut in tiles of winograd.results. Tile t of
// residue q begins at cell first + q * residue_step + t * winograd.results * spacing.
struct LatticeAxis {
  int64_t in = 1;
  int64_t first = 0, spacing = 1;
  int64_t residues = 1, residue_step = 0;
  int64_t tiles = 0;  // of each residue
  bool in_turns = false;
  Winograd winograd;

  int64_t all_tiles() const { return residues * tiles; }
  int64_t residue_of(int64_t tile) const { return in_turns ? tile % residues : tile / tiles; }
  int64_t place_of(int64_t tile) const { return in_turns ? tile / residues : tile % tiles; }
  // Input cell of a point of a tile, counted through the residues; may be outside.
  int64_t cell(int64_t tile, int64_t point) const {
    return first + residue_of(tile) * residue_step +
           (place_of(tile) * winograd.results + point) * spacing;
  }
};

struct Member {
  Phase phase;
  // How many positions later than the lattice an axis of the phase begins.
  std::array<int64_t, Phase::kAxes> shift{};
};

struct Lattice {
  std::array<LatticeAxis, Phase::kAxes> axis;
  std::vector<Member> members;

  int64_t positions() const {  // of the transformed tile
    return int64_t{axis[1].winograd.points} * axis[2].winograd.points;
  }
  int64_t tiles() const { return axis[1].all_tiles() * axis[2].all_tiles(); }
  // The result of an axis of a member at this place of a tile, as an index into the output, or -1.
  int64_t output(const Member& member, size_t a, int64_t tile, int64_t place) const {
    const LatticeAxis& l = axis[a];
    const Axis& phase = member.phase.axis[a];
    const int64_t at = l.place_of(tile) * l.winograd.results + place - member.shift[a];
    const int64_t o = at * l.residues + l.residue_of(tile);
    return at < 0 || o >= phase.count ? -1 : o * phase.out_step + phase.out_first;
  }
};

// Without transforms as yet. Empty where a phase does not fit: no taps, or strides over its taps.
std::vector<Lattice> lattices_of(const Geometry& geometry);

// Gives the last two axes their transforms, of at least the taps of the members, and all axes their
// tiles, those of the last two in turns.
void transform(Lattice& lattice, Winograd rows, Winograd columns);

}  // namespace cornu::kernels
