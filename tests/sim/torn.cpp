// A crash in the middle of a turn. The driver stores in a fixed order:
//
//   paper entries of the poll | journal tail | kill raises | outputs, lane by lane | paper entries
//   of the commands and quotes | input heads | obeyed serial | checkpoint
//
// So the memory of a turn that was cut off is that of the whole turn with everything behind the cut
// taken back. (Cuts inside one record are tests/stress' business: they stop a process at single
// instructions.)
#include <cstring>

#include "tests/sim/world.hpp"

namespace sluice::sim {
namespace {

// The words that a turn of one process may store, before it.
class Before {
 public:
  Before(Objects& objects, Process process, JournalMemory& journal)
      : objects_(objects),
        process_(process),
        journal_(journal),
        tail_(journal.tail.load()),
        paper_(objects.paper_log->tail.load()),
        serial_(objects.kill->serial.load()),
        obeyed_(objects.page(process).obeyed.load()) {
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      kills_[slot] = objects.kill->words[slot].load();
    for (std::size_t side = 0; side < 2; ++side) marks_[side] = mark(side).load();
    for (const EdgeInfo& edge : kTopology) {
      RingMemory& ring = objects.edge(edge.edge);
      if (edge.to == process) heads_.emplace_back(&ring, ring.head.load());
      if (edge.from == process) outputs_.push_back(copy_of(ring));
    }
  }

  // Keeps `stores` of what the turn stored after its tail; none at all, not even the tail, if
  // `unborn`. With `heads_first` the turn has published its input heads before everything else.
  void cut(std::uint64_t polled, bool unborn, bool heads_first, test::Random& random) {
    const std::uint64_t sent = objects_.paper_log->tail.load() - polled;
    std::uint64_t all = sent;
    for (const Output& out : outputs_) all += published(*out.ring) - out.next;
    std::uint64_t keep = unborn ? 0 : random.below(all + 1);
    for (const Output& out : outputs_) {
      const std::uint64_t made = published(*out.ring) - out.next;
      const std::uint64_t kept = std::min(keep, made);
      take_back(out, kept, made);
      keep -= kept;
    }
    if (process_ == Process::Gateway) objects_.paper_log->tail.store(polled + std::min(keep, sent));
    if (!heads_first)
      for (const auto& [ring, head] : heads_) ring->head.store(head);
    objects_.page(process_).obeyed.store(obeyed_);
    // One that was being written is in pieces.
    for (std::size_t side = 0; side < 2; ++side)
      if (mark(side).load() != marks_[side]) mark(side).store(0);
    if (!unborn) return;
    journal_.tail.store(tail_);
    if (process_ == Process::Gateway)
      objects_.paper_log->tail.store(paper_ + random.below(polled - paper_ + 1));
    objects_.kill->serial.store(serial_);
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      objects_.kill->words[slot].store(kills_[slot]);
  }

 private:
  struct Output {
    RingMemory* ring;
    std::uint64_t next;
    std::vector<std::array<std::uint64_t, 1 + kPayloadWords>> slots;
  };

  std::atomic<std::uint64_t>& mark(std::size_t side) {
    return objects_.checkpoint_of(process_).marks[side].word;
  }
  static Output copy_of(RingMemory& ring) {
    Output out{&ring, published(ring), {}};
    out.slots.resize(ring.header.capacity);
    std::memcpy(out.slots.data(), static_cast<const void*>(ring.slots()),
                ring.header.capacity * sizeof(Slot));
    return out;
  }
  static void take_back(const Output& out, std::uint64_t kept, std::uint64_t made) {
    for (std::uint64_t k = kept; k < made; ++k) {
      const std::uint64_t at = (out.next + k) & (out.ring->header.capacity - 1);
      Slot& slot = out.ring->slots()[at];
      // The first one may have been caught half-way: its word is cleared.
      slot.word.store(k == kept ? 0 : out.slots[at][0]);
      for (std::size_t i = 0; i < kPayloadWords; ++i) slot.payload[i].store(out.slots[at][1 + i]);
    }
  }

  Objects& objects_;
  Process process_;
  JournalMemory& journal_;
  std::uint64_t tail_;
  std::uint64_t paper_;
  std::uint64_t serial_;
  std::uint64_t obeyed_;
  std::array<std::uint64_t, kScopes> kills_{};
  std::array<std::uint64_t, 2> marks_{};
  std::vector<std::pair<RingMemory*, std::uint64_t>> heads_;
  std::vector<Output> outputs_;
};

}  // namespace

bool World::crash_torn(Process process, test::Random& random) {
  auditor_.watch(clock_.now());
  Before before(objects(), process, journal(index_of(process)));
  bool worked = false;
  std::uint64_t polled = objects().paper_log->tail.load();
  if (process == Process::Seat0) worked = parts_.seats[0]->driver.turn();
  if (process == Process::Risk) worked = parts_.risk->driver.turn();
  if (process == Process::Gateway) {
    worked = parts_.gateway->driver.turn();
    polled = std::max(polled, parts_.gateway->session.polled());
  }
  if (worked) {
    before.cut(polled, random.one_in(4), options_.mutant == Mutant::HeadBeforeJournal, random);
    crash(process);
  }
  if (process == Process::Gateway) auditor_.look(clock_.now(), violations_);
  return worked;
}

}  // namespace sluice::sim
