#include "cornu/compile/buffers.h"

#include <algorithm>
#include <optional>

#include "cornu/compile/memory_plan.h"

namespace cornu::compile {
namespace {

using graph::Graph;
using graph::NodeId;

size_t index(NodeId id) { return static_cast<size_t>(id); }

int64_t channels_of(const Shape& shape) { return kernels::pitch_or_length(0, shape); }
int64_t cells_of(const Shape& shape) {
  return shape.size() / std::max<int64_t>(channels_of(shape), 1);
}

// Pieces of a buffer are compared with each other, and the segments of a concatenation looked at
// one by one: chains of thousands of steps take several buffers.
constexpr size_t kMostPieces = 96;

// What the graph says of a tensor that is computed, all its reshapes included.
struct Facts {
  struct Reader {
    int64_t step;
    size_t operand;
  };
  std::vector<Reader> readers;
  bool computed = false, output = false;
  bool takes_pitch = false;  // who writes and all who read it do
  int64_t last = -1;         // the last step that reads it
  // The same, or what reads a concatenation that it is a part of.
  int64_t end = -1;
};

class Reading {
 public:
  Reading(const Graph& g, const std::vector<Choice>& choices, bool share)
      : g_(g),
        choices_(choices),
        segmented_(g.nodes.size()),
        parts_(g.nodes.size()),
        facts_(g.nodes.size()) {
    const auto count = static_cast<int64_t>(g.nodes.size());
    for (size_t i = 0; i < g.nodes.size(); ++i) {
      const bool alias = std::holds_alternative<ops::Reshape>(g.nodes[i].op);
      root_.push_back(alias ? root(g.nodes[i].in[0]) : static_cast<NodeId>(i));
    }
    for (NodeId id : g.outputs) of(root(id)).output = true;
    if (share) find_segmented();
    for (size_t i = 0; i < g.nodes.size(); ++i) {
      facts_[i].computed = has_step(static_cast<NodeId>(i));
      if (!facts_[i].computed) continue;
      for (size_t k = 0; k < g.nodes[i].in.size(); ++k) {
        const NodeId operand = root(g.nodes[i].in[k]);
        const auto step = static_cast<int64_t>(i);
        if (!segmented_[index(operand)])
          of(operand).readers.push_back({step, k});
        else
          for (NodeId part : segments(operand)) of(root(part)).readers.push_back({step, kSegment});
      }
    }
    for (size_t i = g.nodes.size(); i-- > 0;) {
      Facts& f = facts_[i];
      for (const Facts::Reader& r : f.readers) {
        f.last = std::max(f.last, r.step);
        f.end = std::max({f.end, r.step, joins(r.step) ? of(static_cast<NodeId>(r.step)).end : -1});
      }
      if (f.output) f.last = f.end = count;
      f.takes_pitch = f.computed && can_have_pitch(static_cast<NodeId>(i));
    }
  }

  // What a concatenation is read as that is not made; else nothing.
  const std::vector<NodeId>& segments(NodeId id) const { return parts_[index(root(id))]; }
  NodeId root(NodeId id) const { return root_[index(id)]; }
  const Facts& of(NodeId root) const { return facts_[index(root)]; }
  const Graph& graph() const { return g_; }
  const Shape& shape(NodeId id) const { return g_[id].shape; }
  const Choice& choice(int64_t step) const { return choices_[static_cast<size_t>(step)]; }

  // A concatenation of several along the last axis?
  bool joins(int64_t step) const {
    const graph::Node& node = g_.nodes[static_cast<size_t>(step)];
    const auto* concat = std::get_if<ops::Concat>(&node.op);
    return concat && choice(step).kernel && node.in.size() > 1 && node.shape.size() > 0 &&
           concat->axis == node.shape.rank() - 1;
  }
  // May the step's result lie where this operand does, as far as the step is concerned?
  bool may_replace(int64_t step, size_t operand) const {
    const graph::Node& node = g_.nodes[static_cast<size_t>(step)];
    const Choice& c = choice(step);
    return operand != kSegment && c.kernel && c.kernel->in_place && node.shape.size() > 0 &&
           g_[node.in[operand]].shape == node.shape;
  }
  // Is it needed after all concatenations it is a part of, so that it keeps their buffer from being
  // used again? Not if the last one to need it can write to its place.
  bool outlives_concats(NodeId part) const {
    int64_t end = -1;
    for (const Facts::Reader& r : of(part).readers)
      if (joins(r.step)) end = std::max(end, of(static_cast<NodeId>(r.step)).end);
    int64_t later = 0;
    bool replaced = false;
    for (const Facts::Reader& r : of(part).readers)
      if (!joins(r.step) && r.step > end) {
        ++later;
        replaced = may_replace(r.step, r.operand);
      }
    return later > 1 || (later == 1 && !replaced);
  }

 private:
  static constexpr size_t kSegment = SIZE_MAX;  // as a reader's operand: it reads a segment

  Facts& of(NodeId root) { return facts_[index(root)]; }
  bool has_step(NodeId id) const { return choice(id).needs_code && !segmented_[index(id)]; }

  // The parts of each concatenation that is not made, those of them that are not made either taken
  // apart.
  void find_parts() {
    for (size_t i = 0; i < g_.nodes.size(); ++i) {
      std::vector<NodeId>& parts = parts_[i];
      parts.clear();
      if (!segmented_[i]) continue;
      for (NodeId in : g_.nodes[i].in) {
        const std::vector<NodeId>& inner = segments(in);
        if (inner.empty())
          parts.push_back(in);
        else
          parts.insert(parts.end(), inner.begin(), inner.end());
      }
      segmented_[i] = parts.size() <= kMostPieces;
      if (!segmented_[i]) parts.clear();
    }
  }

  // Concatenations that nobody needs, once those are left out that somebody does need.
  void find_segmented() {
    std::vector<std::vector<Facts::Reader>> readers(g_.nodes.size());
    for (size_t i = 0; i < g_.nodes.size(); ++i)
      for (size_t k = 0; choices_[i].needs_code && k < g_.nodes[i].in.size(); ++k)
        readers[index(root(g_.nodes[i].in[k]))].push_back({static_cast<int64_t>(i), k});
    for (size_t i = 0; i < g_.nodes.size(); ++i)
      segmented_[i] = joins(static_cast<int64_t>(i)) && !facts_[i].output && !readers[i].empty();
    for (bool changed = true; changed;) {
      changed = false;
      find_parts();
      for (size_t i = g_.nodes.size(); i-- > 0;) {  // readers come before what they read
        if (!segmented_[i]) continue;
        std::vector<int64_t> segments;
        for (NodeId part : parts_[i]) segments.push_back(channels_of(shape(part)));
        segmented_[i] = std::all_of(readers[i].begin(), readers[i].end(), [&](const auto& r) {
          return reads_segments(static_cast<NodeId>(i), r, segments);
        });
        changed |= !segmented_[i];
      }
    }
  }
  bool reads_segments(NodeId concat, const Facts::Reader& r,
                      const std::vector<int64_t>& segments) const {
    const Shape& seen = shape(g_[static_cast<NodeId>(r.step)].in[r.operand]);
    if (seen.rank() == 0 || seen[-1] != shape(concat)[-1]) return false;
    if (joins(r.step)) return segmented_[static_cast<size_t>(r.step)];
    const Choice& c = choice(r.step);
    return r.operand == 0 && c.kernel && c.kernel->takes_segments &&
           c.kernel->takes_segments(c.problem, segments);
  }

  bool kernel_takes_pitch(int64_t step, size_t operand) const {
    const Choice& c = choice(step);
    return operand != kSegment && c.kernel && c.kernel->takes_pitch &&
           c.kernel->takes_pitch(c.problem, operand);
  }
  bool can_have_pitch(NodeId id) const {
    const Facts& f = of(id);
    if (f.output || shape(id).size() == 0 || shape(id).rank() == 0) return false;
    if (!kernel_takes_pitch(id, g_[id].in.size())) return false;
    return std::all_of(f.readers.begin(), f.readers.end(), [&](const Facts::Reader& r) {
      // Reading from a wider buffer again and again, as convolutions do, costs more than a copy.
      const kernels::Kernel* reader = choice(r.step).kernel;
      if (!joins(r.step) && !(reader && reader->in_place)) return false;
      if (!kernel_takes_pitch(r.step, r.operand)) return false;
      const Shape& seen = shape(g_[static_cast<NodeId>(r.step)].in[r.operand]);
      return seen.rank() > 0 && seen[-1] == shape(id)[-1];
    });
  }

  const Graph& g_;
  const std::vector<Choice>& choices_;
  std::vector<NodeId> root_;
  std::vector<bool> segmented_;
  std::vector<std::vector<NodeId>> parts_;
  std::vector<Facts> facts_;
};

// Numbers that one step writes to some channels of a group, and how long they are needed there.
struct Piece {
  NodeId source = -1;  // what they are
  bool copy = false;   // by a concatenation
  int64_t channel = 0, channels = 0;
  int64_t first = 0, last = 0;
  NodeId replaces = -1;  // the operand whose place the step writes to while it reads it
};

// Tensors that lie in one buffer, at fixed distances.
struct Group {
  int64_t cells = 0;
  std::vector<size_t> pieces;
  std::vector<NodeId> tensors;
};

class Assignment {
 public:
  Assignment(const Reading& reading, bool copy_what_outlives)
      : r_(&reading), copy_what_outlives_(copy_what_outlives) {
    const size_t count = reading.graph().nodes.size();
    spots_.resize(count);
    pieces_of_.resize(count);
    in_place_.resize(count);
  }

  // Steps are added in order.
  void add(NodeId id, bool share) {
    if (share && r_->joins(id) && add_concat(id)) return;
    add_alone(id);
  }

  // Puts the result of an elementwise step where an operand is that ends there.
  void replace_operand(NodeId id) {
    const graph::Node& node = r_->graph()[id];
    std::vector<std::pair<int64_t, NodeId>> candidates;
    for (size_t k = 0; k < node.in.size(); ++k) {
      const NodeId operand = r_->root(node.in[k]);
      if (!r_->of(operand).computed || r_->of(operand).last != id || !r_->may_replace(id, k) ||
          !others_lie_apart(id, operand))
        continue;
      const int64_t cost = cost_of_joining(operand, id);
      if (cost <= 0) candidates.emplace_back(cost, operand);
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [cost, operand] : candidates) {
      Piece& own = pieces_[pieces_of_[index(id)].front()];
      own.replaces = operand;
      if (join(operand, 0, id)) return;
      own.replaces = -1;
    }
  }

  Buffers finish() const {
    Buffers result;
    result.in_place = in_place_;
    std::vector<int64_t> number(groups_.size(), -1), low(groups_.size(), 0);
    for (size_t i = 0; i < groups_.size(); ++i) {
      const Group& group = groups_[i];
      if (group.tensors.empty()) continue;
      number[i] = std::ssize(result.buffers);
      const Extent extent = extent_of(group);
      low[i] = extent.low;
      const Life life = life_of(group);
      Buffer b{group.cells, extent.high - extent.low, life.first, life.last, -1};
      for (NodeId id : group.tensors)
        if (r_->of(id).output) b.output = id;
      result.buffers.push_back(b);
    }
    for (size_t i = 0; i < spots_.size(); ++i) {
      const NodeId root = r_->root(static_cast<NodeId>(i));
      Spot at = spots_[index(root)];
      if (at.buffer >= 0) {
        const auto group = static_cast<size_t>(at.buffer);
        const int64_t buffer = number[group];
        const int64_t width = result.buffers[static_cast<size_t>(buffer)].width;
        at = {buffer, at.channel - low[group], width == channels(root) ? 0 : width};
      }
      result.spots.push_back(at);
      result.segments.push_back(r_->segments(static_cast<NodeId>(i)));
    }
    return result;
  }

 private:
  struct Extent {
    int64_t low, high;
  };
  struct Life {
    int64_t first, last;
  };

  Group& group_of(NodeId id) { return groups_[static_cast<size_t>(spots_[index(id)].buffer)]; }
  int64_t channels(NodeId id) const { return channels_of(r_->shape(id)); }

  Extent extent_of(const Group& group) const {
    Extent e{INT64_MAX, INT64_MIN};
    for (NodeId id : group.tensors) {
      const int64_t at = spots_[index(id)].channel;
      e = {std::min(e.low, at), std::max(e.high, at + channels(id))};
    }
    return e;
  }
  Life life_of(const Group& group) const {
    Life life{INT64_MAX, 0};
    for (size_t p : group.pieces)
      life = {std::min(life.first, pieces_[p].first), std::max(life.last, pieces_[p].last)};
    return life;
  }

  void add_group(NodeId id) {
    spots_[index(id)] = {std::ssize(groups_), 0};
    groups_.push_back({cells_of(r_->shape(id)), {}, {id}});
  }
  void add_piece(NodeId id, Piece piece) {
    pieces_of_[index(id)].push_back(pieces_.size());
    group_of(id).pieces.push_back(pieces_.size());
    pieces_.push_back(piece);
  }
  void add_alone(NodeId id) {
    add_group(id);
    const int64_t last = std::max<int64_t>(id, r_->of(id).last);
    add_piece(id, {id, false, 0, channels(id), id, last, -1});
  }

  // False, with nothing changed, where no part can lie in its place.
  bool add_concat(NodeId id) {
    const graph::Node& node = r_->graph()[id];
    if (node.in.size() > kMostPieces) return false;
    Assignment trial = *this;
    trial.add_group(id);
    // First those that can lie in their places, then copies of the others around them.
    std::vector<bool> in_place(node.in.size());
    int64_t at = 0;
    for (size_t k = 0; k < node.in.size(); at += channels_of(r_->shape(node.in[k++])))
      in_place[k] = trial.place_part(id, r_->root(node.in[k]), at, r_->shape(node.in[k]));
    if (std::find(in_place.begin(), in_place.end(), true) == in_place.end()) return false;
    at = 0;
    for (size_t k = 0; k < node.in.size(); at += channels_of(r_->shape(node.in[k++])))
      if (!in_place[k])
        in_place[k] = trial.copy_part(id, r_->root(node.in[k]), at, r_->shape(node.in[k]));
    if (!trial.fits(trial.group_of(id))) return false;
    trial.in_place_[index(id)] = std::move(in_place);
    *this = std::move(trial);
    return true;
  }

  bool place_part(NodeId concat, NodeId part, int64_t at, const Shape& shape) {
    if (!r_->of(part).computed || channels(part) != shape[-1]) return false;
    if (copy_what_outlives_ && r_->outlives_concats(part)) return false;
    return join(concat, at, part, std::max<int64_t>(concat, r_->of(concat).last));
  }

  // True where another concatenation has copied the part to this place.
  bool copy_part(NodeId concat, NodeId part, int64_t at, const Shape& shape) {
    const int64_t last = std::max<int64_t>(concat, r_->of(concat).last);
    const int64_t channel = spots_[index(concat)].channel + at;
    for (size_t p : group_of(concat).pieces) {
      Piece& piece = pieces_[p];
      if (!piece.copy || piece.source != part || piece.channel != channel ||
          piece.channels != shape[-1])
        continue;
      const int64_t before = piece.last;
      piece.last = std::max(piece.last, last);
      if (fits(group_of(concat))) {
        pieces_of_[index(concat)].push_back(p);
        return true;
      }
      piece.last = before;
    }
    add_piece(concat, {part, true, channel, shape[-1], concat, last, -1});
    return false;
  }

  // Puts tensor b, with all that lies in its group, `at` channels after a's first, and where a is
  // made of b, keeps b until `last`. False, with nothing changed, where it cannot lie there.
  bool join(NodeId a, int64_t at, NodeId b, int64_t last = -1) {
    const int64_t to = spots_[index(a)].buffer, from = spots_[index(b)].buffer;
    Group &group = groups_[static_cast<size_t>(to)], &other = groups_[static_cast<size_t>(from)];
    const int64_t shift = spots_[index(a)].channel + at - spots_[index(b)].channel;
    if (to == from ? shift != 0 : group.cells != other.cells) return false;
    if (to != from && group.pieces.size() + other.pieces.size() > kMostPieces) return false;
    const Group before[] = {group, other};
    const std::vector<size_t> own = pieces_of_[index(b)];
    std::vector<int64_t> lasts;
    for (size_t p : own) {
      lasts.push_back(pieces_[p].last);
      pieces_[p].last = std::max(pieces_[p].last, last);
    }
    if (to != from) {
      move(other, to, shift);
      group.pieces.insert(group.pieces.end(), other.pieces.begin(), other.pieces.end());
      group.tensors.insert(group.tensors.end(), other.tensors.begin(), other.tensors.end());
      other = {};
    }
    if (fits(group)) {
      if (last >= 0)
        pieces_of_[index(a)].insert(pieces_of_[index(a)].end(), own.begin(), own.end());
      return true;
    }
    for (size_t i = 0; i < own.size(); ++i) pieces_[own[i]].last = lasts[i];
    if (to != from) {
      group = before[0];
      other = before[1];
      move(other, from, -shift);
    }
    return false;
  }
  void move(const Group& group, int64_t to, int64_t shift) {
    for (size_t p : group.pieces) pieces_[p].channel += shift;
    for (NodeId id : group.tensors) spots_[index(id)] = {to, spots_[index(id)].channel + shift};
  }

  // No two pieces are in each other's way, and who reads and writes can do so.
  bool fits(const Group& group) const {
    const Extent extent = extent_of(group);
    for (NodeId id : group.tensors)
      if (channels(id) != extent.high - extent.low && !r_->of(id).takes_pitch) return false;
    for (size_t i = 0; i < group.pieces.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (collide(group.pieces[i], group.pieces[k])) return false;
    return true;
  }
  bool collide(size_t i, size_t k) const {
    const Piece &a = pieces_[i], &b = pieces_[k];
    if (a.channel >= b.channel + b.channels || b.channel >= a.channel + a.channels) return false;
    if (a.last < b.first || b.last < a.first) return false;
    return !replaces(a, k) && !replaces(b, i);
  }
  bool replaces(const Piece& later, size_t earlier) const {
    if (later.replaces < 0 || pieces_[earlier].last != later.first) return false;
    const auto& pieces = pieces_of_[index(later.replaces)];
    return std::find(pieces.begin(), pieces.end(), earlier) != pieces.end();
  }

  // Operands that share numbers with this one elsewhere would be overwritten before they are read.
  bool others_lie_apart(NodeId step, NodeId operand) const {
    const auto& own = pieces_of_[index(operand)];
    for (NodeId in : r_->graph()[step].in) {
      const NodeId other = r_->root(in);
      if (other == operand) continue;
      for (size_t p : pieces_of_[index(other)])
        if (std::find(own.begin(), own.end(), p) != own.end()) return false;
    }
    return true;
  }

  // How much more memory, times steps, two groups take as one.
  int64_t cost_of_joining(NodeId a, NodeId b) {
    const Group &one = group_of(a), &other = group_of(b);
    if (&one == &other || one.cells != other.cells) return 1;
    const Extent x = extent_of(one), y = extent_of(other);
    const Life t = life_of(one), u = life_of(other);
    const int64_t shift = spots_[index(a)].channel - spots_[index(b)].channel;
    const int64_t width = std::max(x.high, y.high + shift) - std::min(x.low, y.low + shift);
    const bool users[] = {is_users(one), is_users(other)};
    const auto area = [](int64_t channels, const Life& life) {
      return channels * (life.last - life.first + 1);
    };
    return (users[0] || users[1]
                ? 0
                : area(width, {std::min(t.first, u.first), std::max(t.last, u.last)})) -
           (users[0] ? 0 : area(x.high - x.low, t)) - (users[1] ? 0 : area(y.high - y.low, u));
  }
  bool is_users(const Group& group) const {
    return std::any_of(group.tensors.begin(), group.tensors.end(),
                       [&](NodeId id) { return r_->of(id).output; });
  }

  const Reading* r_;
  bool copy_what_outlives_;
  std::vector<Group> groups_;
  std::vector<Piece> pieces_;
  std::vector<Spot> spots_;                     // of roots, in groups
  std::vector<std::vector<size_t>> pieces_of_;  // what a tensor is made of
  std::vector<std::vector<bool>> in_place_;
};

Buffers assign(const Reading& reading, bool share, bool copy_what_outlives) {
  Assignment a(reading, copy_what_outlives);
  const auto count = static_cast<NodeId>(reading.graph().nodes.size());
  for (NodeId id = 0; id < count; ++id)
    if (reading.of(id).computed) a.add(id, share);
  if (share)
    for (NodeId id = 0; id < count; ++id)
      if (reading.of(id).computed) a.replace_operand(id);
  return a.finish();
}

}  // namespace

bool Buffers::is_gone(NodeId concat) const {
  const std::vector<bool>& parts = in_place[index(concat)];
  return !segments[index(concat)].empty() ||
         (!parts.empty() && std::find(parts.begin(), parts.end(), false) == parts.end());
}

int64_t arena_of(const Buffers& buffers) {
  std::vector<Block> blocks;
  for (const Buffer& b : buffers.buffers)
    if (b.output < 0) blocks.push_back({b.size(), b.first, b.last});
  return place_blocks(blocks);
}

Buffers assign_buffers(const Graph& g, const std::vector<Choice>& choices, bool share) {
  const Reading reading(g, choices, share);
  Buffers buffers = assign(reading, share, false);
  if (!share) return buffers;
  Buffers copying = assign(reading, share, true);
  // A copy must be worth it.
  return arena_of(copying) < arena_of(buffers) / 20 * 19 ? std::move(copying) : std::move(buffers);
}

}  // namespace cornu::compile
