// How a driver comes back: replay the journal, suppress what is published, publish the rest; and
// the checkpoints that make it quick. A part of core/driver.hpp, which includes it; all but
// checkpoint_if_due, consumed and tell_recovered is setup.
#pragma once

#include <algorithm>
#include <cstring>

#include "core/driver.hpp"

namespace sluice {

template <class Stage, class Session, class ClockType>
template <class Republish, class NextEntry>
void Driver<Stage, Session, ClockType>::recover(NextEntry&& next) {
  std::vector<std::vector<Payload>> unpublished(lanes_.size());
  for (OutputLane& lane : lanes_) lane.producer = Producer(*lane.ring, published(*lane.ring));
  replay<Republish>(next, unpublished);
  republish(unpublished);
  for (Input& input : inputs_) {
    input.consumer = Consumer(*input.ring, next_in_[static_cast<std::size_t>(input.edge)]);
    input.consumer.publish_head();
  }
  std::sort(inputs_.begin(), inputs_.end(), [](const Input& a, const Input& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.edge < b.edge;
  });
  now_ = owed_at_ = clock_.now();
  if (journal_.next() == 0) {
    start_journal();
    flush();
  } else {
    recovered_untold_ = true;  // told in the first turn with journal room, before any input
  }
}

template <class Stage, class Session, class ClockType>
template <class Republish, class NextEntry>
void Driver<Stage, Session, ClockType>::replay(NextEntry& next,
                                               std::vector<std::vector<Payload>>& unpublished) {
  const std::uint64_t tail = from_.journal->tail.load(std::memory_order_acquire);
  JournalDecoder decoder;
  effects_.mute(true);
  checkpointed_ = restore_checkpoint(next, tail, decoder);
  for (std::uint64_t position = checkpointed_; position < tail; ++position) {
    if (position % 1'024 == 0) obey_while_replaying();
    JournalSlot raw{};
    JournalEntry entry;
    if (!next(raw, position))
      throw Error("journal of " + std::string(name_of(from_.process)) + ": entry " +
                  std::to_string(position) + " of " + std::to_string(tail) +
                  " is neither in the file nor in the ring");
    const auto status = decoder.decode(raw, position, entry);
    if (status == JournalDecoder::Status::Corrupt)
      throw Error("journal of " + std::string(name_of(from_.process)) + ": entry " +
                  std::to_string(position) +
                  " fails its checksum; it is kept, trading stays stopped");
    if (status == JournalDecoder::Status::Filler) continue;
    ++next_in_[static_cast<std::size_t>(entry.edge)];
    dispatch(entry.edge, entry.payload, entry.now);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const Outputs::Lane& lane = outputs_.lane(i + 1);
      for (std::uint32_t k = 0; k < lane.count; ++k)
        if (Republish::fresh(lanes_[i].generated++, lanes_[i].producer.next()))
          unpublished[i].push_back(lane.records[k]);
    }
    outputs_.clear();
  }
  effects_.mute(false);
  journal_ = JournalWriter(*from_.journal, tail, decoder.now());
}

// Returns the position to replay from: of the newest checkpoint in shared memory, else of the
// newest that is filed, if the source of entries knows of files; else 0.
template <class Stage, class Session, class ClockType>
template <class NextEntry>
std::uint64_t Driver<Stage, Session, ClockType>::restore_checkpoint(NextEntry& next,
                                                                    std::uint64_t tail,
                                                                    JournalDecoder& decoder) {
  if constexpr (Checkpointed<Stage>) {
    using Theirs = std::remove_cvref_t<decltype(stage_.state())>;
    static_assert(sizeof(State) % 8 == 0 && sizeof(Theirs) % 8 == 0);
    static_assert(sizeof(State) + sizeof(Theirs) <= kCheckpointBytes);
    if (from_.checkpoint == nullptr) return 0;
    forget_broken(*from_.checkpoint, tail);
    std::optional<Checkpoint> found = newest_checkpoint(*from_.checkpoint, tail);
    if constexpr (requires { next.checkpoint(tail); })
      if (!found) found = next.checkpoint(tail);
    if (!found || found->words.size() * 8 != sizeof(State) + sizeof(Theirs)) return 0;
    State mine;
    std::memcpy(static_cast<void*>(&mine), found->words.data(), sizeof mine);
    Theirs theirs;
    std::memcpy(static_cast<void*>(&theirs), found->words.data() + sizeof mine / 8, sizeof theirs);
    stage_.restore(theirs);
    next_in_ = mine.next_in;
    recoveries_ = mine.recoveries;
    last_event_sequence_ = static_cast<std::uint32_t>(mine.last_event_sequence);
    watch_.restore(mine.told);
    for (OutputLane& lane : lanes_) {
      lane.generated = mine.generated[static_cast<std::size_t>(lane.edge)];
      if (lane.generated > lane.producer.next())
        throw Error("ring " + std::string(name_of(from_.process)) + " edge " +
                    std::to_string(static_cast<int>(lane.edge)) + " holds " +
                    std::to_string(lane.producer.next()) + " records, the checkpoint knows of " +
                    std::to_string(lane.generated));
      outputs_.set_full(lane.edge, lane.full = mine.full[static_cast<std::size_t>(lane.edge)] != 0);
    }
    decoder = JournalDecoder(mine.now);
    return found->position;
  } else {
    return 0;
  }
}

// The journal is the cursor: so far the edge was read, before a crash and behind it.
template <class Stage, class Session, class ClockType>
std::uint64_t Driver<Stage, Session, ClockType>::consumed(Edge edge) const noexcept {
  return next_in_[static_cast<std::size_t>(edge)];
}

// Between two turns: everything journaled is committed, everything generated is published.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::checkpoint_if_due(bool idle) noexcept {
  if constexpr (Checkpointed<Stage>) {
    if (from_.checkpoint == nullptr || faulted_) return;
    const std::uint64_t since = journal_.next() - checkpointed_;
    if (since < (idle ? 1 : 2) * from_.checkpoint_every) return;
    State mine{};
    mine.now = journal_.now();
    mine.next_in = next_in_;
    mine.recoveries = recoveries_;
    mine.last_event_sequence = last_event_sequence_;
    mine.told = watch_.told();
    for (const OutputLane& lane : lanes_) {
      mine.generated[static_cast<std::size_t>(lane.edge)] = lane.generated;
      mine.full[static_cast<std::size_t>(lane.edge)] = lane.full ? 1 : 0;
    }
    checkpointed_ = journal_.next();
    CheckpointWriter writer(*from_.checkpoint, checkpointed_);
    writer.put(&mine, sizeof mine);
    writer.put(&stage_.state(), sizeof stage_.state());
    writer.finish();
  }
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::republish(
    const std::vector<std::vector<Payload>>& unpublished) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    OutputLane& lane = lanes_[i];
    if (lane.generated < lane.producer.next())
      throw Error("ring " + std::string(name_of(from_.process)) + " edge " +
                  std::to_string(static_cast<int>(lane.edge)) + " holds " +
                  std::to_string(lane.producer.next()) + " records, the journal explains only " +
                  std::to_string(lane.generated));
    // Their credit was tested before the inputs that caused them were journaled.
    for (const Payload& payload : unpublished[i]) lane.producer.push(payload);
  }
}

// Nothing is sent while a journal is replayed, and the pages are read anew before anything is:
// whatever is raised meanwhile is obeyed. Without this a kill would fence the gate in the middle of
// its recovery.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::obey_while_replaying() noexcept {
  const std::uint64_t serial = from_.kill->serial.load();
  from_.page->obeyed_at_ns.store(static_cast<std::uint64_t>(clock_.now().ns),
                                 std::memory_order_relaxed);
  from_.page->obeyed.store(serial, std::memory_order_release);
  from_.page->heartbeat_us.store(clock_.liveness_us(), std::memory_order_relaxed);
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::start_journal() noexcept {
  Control start{};
  start.kind = ControlKind::RunStart;
  start.scope = ScopeKind::Global;
  start.after = from_.control->header.run_ordinal;
  start.epoch = from_.control->header.run_id;
  take(Edge::Control, start);
  for (const Input& input : inputs_)
    take_control(ControlKind::EdgeBase, static_cast<std::uint32_t>(input.edge), 0);
}

template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::tell_recovered() noexcept {
  if (!room_for_input(2)) return false;
  stamp();
  take_control(ControlKind::Recovered, 0, static_cast<std::int64_t>(recoveries_ + 1));
  from_.page->recoveries.store(recoveries_, std::memory_order_relaxed);
  recovered_untold_ = false;
  return true;
}

}  // namespace sluice
