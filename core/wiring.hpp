// Opens the edges of a process on its driver, straight from the topology table.
#pragma once

#include "core/pipeline.hpp"
#include "core/topology.hpp"

namespace sluice {

// Edges of a seat exist only where the configuration fills the seat.
inline bool edge_used(const EdgeInfo& edge, const PipelineConfig& pipeline) noexcept {
  const auto taken = [&](Process p) {
    return !is_seat(p) ||
           pipeline.seat_taken(static_cast<SeatIndex>(static_cast<unsigned>(p) - 16u));
  };
  return taken(edge.from) && taken(edge.to);
}

// `ring_of(Edge) -> RingMemory&` maps or finds the ring.
template <class Driver, class RingOf>
void wire(Driver& driver, Process process, const PipelineConfig& pipeline, RingOf&& ring_of) {
  for (const EdgeInfo& edge : kTopology) {
    if (!edge_used(edge, pipeline)) continue;
    if (edge.to == process) driver.open_input(edge.edge, ring_of(edge.edge));
    if (edge.from == process) driver.open_output(edge.edge, ring_of(edge.edge));
  }
}

}  // namespace sluice
