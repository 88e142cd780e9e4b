// Whether a driver may take one more input: room in its journal, in this turn's outputs and on
// every edge; and what its stage is told of an edge that ran full or has room again. A part of
// core/driver.hpp, which includes it.
#pragma once

#include "core/driver.hpp"

namespace sluice {

// Nothing about the edges has to be told. An input causes at most one output per edge, so what
// every edge has beyond its need is a number of inputs for which nobody needs to look again.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::edges_as_told() noexcept {
  std::uint64_t spare = ~std::uint64_t{0};
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    OutputLane& lane = lanes_[i];
    const std::uint64_t need = pending(i) + (lane.full ? lane.back : lane.need);
    const std::uint64_t credit = lane.producer.credit(need);
    if ((credit >= need) == lane.full) return false;
    spare = std::min(spare, lane.full ? 0 : credit - need);
  }
  spare_inputs_ = spare;
  return true;
}

// True if one more input may be taken: the stage knows the state of every edge, no batch is
// exhausted, and the journal has `journal_entries` entries of room.
template <class Stage, class Session, class ClockType>
inline bool Driver<Stage, Session, ClockType>::room_for_input(
    std::uint64_t journal_entries) noexcept {
  // Before telling edges as well as after: every EdgeRoom may cause one output per lane.
  if (journal_.room() < journal_entries || !outputs_.batch_left()) return false;
  if (spare_inputs_ > 0) [[likely]] {
    --spare_inputs_;
    return true;
  }
  if (edges_as_told()) return true;
  return tell_edges() && outputs_.batch_left() && journal_.room() >= journal_entries;
}

// Tells the stage of every edge that ran full, then of one that has room again (which may make it
// emit, so the first test is repeated). False: no journal room to say so.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::tell_edges() noexcept {
  for (;;) {
    OutputLane* cleared = nullptr;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      OutputLane& lane = lanes_[i];
      const std::uint64_t need = pending(i) + (lane.full ? lane.back : lane.need);
      const bool enough = lane.producer.credit(need) >= need;
      if (enough && lane.full) cleared = &lane;
      if (enough || lane.full) continue;
      if (journal_.room() < 2) return false;
      take_control(ControlKind::EdgeFull, static_cast<std::uint32_t>(lane.edge), 0);
    }
    if (cleared == nullptr) return true;
    if (journal_.room() < 2) return false;
    take_control(ControlKind::EdgeRoom, static_cast<std::uint32_t>(cleared->edge), 0);
  }
}

}  // namespace sluice
