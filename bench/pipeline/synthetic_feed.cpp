#include "bench/pipeline/synthetic_feed.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "feed/counters.hpp"

namespace sluice::bench {

SyntheticFeed::Attached::Attached(const std::string& instance) {
  if (const AttachError error = try_open(instance, *this); error != AttachError::None)
    throw Error("instance " + instance + ": " + std::string(name_of(error)));
  attach_page(Process::Feed, Access::ReadWrite);
}

SyntheticFeed::SyntheticFeed(const std::string& instance, int cpu, WaitStrategy wait)
    : attached_(instance),
      page_(attached_.objects().page(Process::Feed)),
      clock_(attached_.objects().control->calibration),
      effects_(&page_),
      fanout_(attached_.objects().control->instruments, effects_) {
  const ControlPage& control = *attached_.objects().control;
  claim(page_.lease, "the feed's place in " + instance);
  page_.build_id = control.build_id;
  page_.layout_hash.store(schema_hash());
  page_.config_hash.store(control.config_hash);
  page_.cpu.store(static_cast<std::uint64_t>(cpu + 1));
  page_.wait.store(static_cast<std::uint64_t>(wait));
  page_.statistics.name(kFeedCounterNames, kFeedHistogramNames);
  for (const Edge edge : kFanoutEdges) {
    const EdgeInfo& info = *edge_info(edge);
    const bool seat = is_seat(info.to);
    const auto number = static_cast<unsigned>(info.to) - static_cast<unsigned>(Process::Seat0);
    if (seat && (control.seats_taken >> number & 1u) == 0) continue;
    attached_.attach_ring(edge, Access::ReadWrite);
    RingMemory& ring = attached_.objects().edge(edge);
    fanout_.attach(edge, rings_.emplace_back(ring, published(ring)));
    edges_.push_back(edge);
  }
  turn();
  page_.state.store(static_cast<std::uint64_t>(StageState::Ready), std::memory_order_release);
}

bool SyntheticFeed::room(std::uint64_t ticks) noexcept {
  return std::all_of(rings_.begin(), rings_.end(),
                     [ticks](Producer& ring) { return ring.credit(ticks) >= ticks; });
}

void SyntheticFeed::turn() noexcept {
  fanout_.pump();
  const HostTime now = clock_.now();
  if (now - beat_at_ < Duration::millis(1)) return;
  beat_at_ = now;
  page_.heartbeat_us.store(clock_.liveness_us(), std::memory_order_relaxed);
}

void SyntheticFeed::leave() noexcept {
  if (left_) return;
  left_ = true;
  page_.state.store(static_cast<std::uint64_t>(StageState::Stopped), std::memory_order_release);
  release(page_.lease);
}

bool SyntheticFeed::behind() const noexcept {
  return std::any_of(edges_.begin(), edges_.end(),
                     [this](Edge edge) { return fanout_.behind(edge); });
}

}  // namespace sluice::bench
