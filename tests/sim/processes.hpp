// What a simulation hands into the processes of tools/replay/pipeline.hpp: a feed ring that
// remembers, a session that may be broken on purpose, and where committed entries lie.
#pragma once

#include <map>
#include <vector>

#include "tools/replay/pipeline.hpp"

namespace sluice::sim {

// What the feed has put into each ring since the run began, over all its lives.
struct FeedLog {
  std::map<Edge, std::vector<Payload>> pushed;
  std::uint64_t produced = 0;  // by lives that have ended
  std::uint64_t crashes = 0;
};

// A feed ring that remembers what went in; `log` null = it does not.
class FeedEdge {
 public:
  FeedEdge(RingMemory& ring, std::vector<Payload>* log)
      : producer_(ring, published(ring)), log_(log) {}
  [[nodiscard]] std::uint64_t credit() noexcept { return producer_.credit(); }
  bool try_push(const Payload& payload) noexcept {
    if (!producer_.try_push(payload)) return false;
    if (log_ != nullptr) log_->push_back(payload);
    return true;
  }

 private:
  Producer producer_;
  std::vector<Payload>* log_;
};

inline constexpr std::array<Edge, 3> kFeedEdges{Edge::FeedRisk, Edge::FeedGateway, Edge::FeedSeat0};

// Committed entries: the recorder's file, then the ring above it.
struct EntrySource {
  const std::vector<JournalSlot>& file;
  const JournalMemory& ring;
  bool operator()(JournalSlot& out, std::uint64_t position) const {
    if (position < file.size()) {
      out = file[position];
      return true;
    }
    if (position < ring.head.load() || position >= ring.tail.load()) return false;
    out = ring.slots()[position & (ring.header.capacity - 1)];
    return true;
  }
};

// What is broken on purpose, to show that the referee sees it.
enum class Mutant : std::uint8_t {
  None = 0,
  NoLastLook = 1,          // the session sends what it is given
  UnjournaledTurn = 2,     // a crash loses the journal of the last turn but not its outputs
  WrongCheckpoint = 3,     // risk replays its journal on top of a state that is not the first one
  SkippingCheckpoint = 4,  // risk's checkpoint claims one entry more than its state has seen
  HeadBeforeJournal = 5,   // input heads are published before the tail of the journal
  PublishAgain = 6,        // recovery of risk publishes again what is published already
  LevelOnly = 7            // the last look compares the level, not the epoch of the kill words
};

// Mutant PublishAgain.
struct PublishEverything {
  static constexpr bool fresh(std::uint64_t, std::uint64_t) noexcept { return true; }
};

// The gateway's session, or one whose last look is made to believe. NoLastLook: every approval
// looks like one of now, to a last look that sees the kill page as it was at the start. LevelOnly:
// every approval carries the epochs of the kill words of now; all else is as it is.
class SimSession {
 public:
  SimSession(ReconcilingSession& inner, const Objects& objects, const KillPage* blind,
             Mutant mutant) noexcept
      : inner_(inner),
        control_(*objects.control),
        log_(*objects.paper_log),
        kill_(blind != nullptr ? *blind : *objects.kill),
        mutant_(mutant) {}

  void execute(const Order& command, HostTime now, std::uint32_t conditions) noexcept {
    if (mutant_ != Mutant::NoLastLook && mutant_ != Mutant::LevelOnly)
      return inner_.execute(command, now, conditions);
    Order forged = command;
    forged.kill_epoch = 0;
    const auto scopes = order_scopes(0, command.strategy, command.instrument);
    for (const std::size_t slot : scopes) forged.kill_epoch += kill_.read(slot).epoch;
    if (mutant_ == Mutant::LevelOnly) return inner_.execute(forged, now, conditions);
    forged.approved_at = now;
    forged.limits_epoch = 0;
    for (const std::size_t slot : scopes)
      forged.limits_epoch += control_.permit(slot, control_.beat().lease_epoch).epoch;
    inner_.execute(forged, now, 0);
  }
  void on_tick(const Tick& tick, HostTime now) noexcept { inner_.on_tick(tick, now); }
  void poll(HostTime now) noexcept {
    inner_.poll(now);
    polled_ = log_.tail.load();
  }
  // End of the paper log when the last turn began to take input: what follows was sent after its
  // journal.
  [[nodiscard]] std::uint64_t polled() const noexcept { return polled_; }
  [[nodiscard]] bool has_event() const noexcept { return inner_.has_event(); }
  Event next_event() noexcept { return inner_.next_event(); }
  [[nodiscard]] bool drained() const noexcept { return inner_.drained(); }

 private:
  ReconcilingSession& inner_;
  const ControlPage& control_;
  const JournalMemory& log_;
  const KillPage& kill_;
  Mutant mutant_;
  std::uint64_t polled_ = 0;
};

using replay::ProcessPlace;
using FeedProcess = replay::FeedProcess<FeedEdge>;
using SeatProcess = replay::SeatProcess;
using RiskProcess = replay::RiskProcess;
using GatewayProcess = replay::GatewayProcess<SimSession>;
using Processes = replay::Processes<FeedEdge, SimSession>;

}  // namespace sluice::sim
