#include "bench/recovery/world.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

bool nothing(JournalSlot&, std::uint64_t) noexcept {
  return false;
}

// What a recorder that keeps up leaves of a journal.
void forget(JournalMemory& journal) noexcept {
  journal.give_back(journal.tail.load(std::memory_order_relaxed));
}

// The real source of entries, counted.
class Counted {
 public:
  Counted(const JournalMemory& journal, const std::filesystem::path& dir)
      : source_(journal, dir, std::string(name_of(Process::Risk))) {}
  bool operator()(JournalSlot& out, std::uint64_t position) {
    ++entries;
    return source_(out, position);
  }
  [[nodiscard]] std::optional<Checkpoint> checkpoint(std::uint64_t limit) const {
    return source_.checkpoint(limit);
  }
  std::uint64_t entries = 0;

 private:
  RecoverySource source_;
};

// Shared memory without checkpoints, for as long as this lives.
class Hidden {
 public:
  explicit Hidden(CheckpointMemory& memory) noexcept : memory_(memory) {
    for (std::size_t side = 0; side < words_.size(); ++side)
      words_[side] = memory_.marks[side].word.exchange(0);
  }
  ~Hidden() {
    for (std::size_t side = 0; side < words_.size(); ++side)
      memory_.marks[side].word.store(words_[side]);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  CheckpointMemory& memory_;
  std::array<std::uint64_t, 2> words_{};
};

}  // namespace

std::uint64_t uncommitted(const JournalMemory& journal) noexcept {
  const std::uint64_t tail = journal.tail.load(std::memory_order_relaxed);
  JournalDecoder decoder;
  JournalEntry entry;
  std::uint64_t count = 0;
  while (decoder.decode(journal.slots()[(tail + count) & (journal.header.capacity - 1)],
                        tail + count, entry) != JournalDecoder::Status::Corrupt)
    ++count;
  return count;
}

World::World(const replay::RunConfig& config, std::filesystem::path state_dir,
             std::uint64_t checkpoint_every)
    : config_(config),
      state_dir_(std::move(state_dir)),
      checkpoint_every_(checkpoint_every),
      memory_(config.pipeline, {0x5107CE, 1, config.hash, {}}),
      last_words_(sizeof(LastWords)),
      supervisor_(objects(), clock_),
      effects_(&objects().page(Process::Feed)),
      fanout_(config.pipeline.instruments.size(), effects_) {
  start();
}

void World::start() {
  supervisor_.set_cap(config_.cap);
  supervisor_.beat();
  supervisor_.permit_all();
  std::size_t next = 0;
  for (const Edge edge : {Edge::FeedRisk, Edge::FeedGateway, feed_seat(0)}) {
    Producer& ring = rings_[next++];
    ring = Producer(objects().edge(edge), 0);
    fanout_.attach(edge, ring);
  }
  seat_ = std::make_unique<replay::BasicSeat<MortalClock>>(place(Process::Seat0));
  seat_->driver.recover(&nothing);
  risk_ = std::make_unique<Successor::Risk>(config_.risk, place(Process::Risk, checkpoint_every_));
  risk_->driver.recover(&nothing);
  gateway_ = std::make_unique<Gateway>(config_.gateway, place(Process::Gateway), *objects().kill);
  gateway_->recover(&nothing, &nothing, 0);
  for (const Process process : {Process::Seat0, Process::Risk, Process::Gateway})
    supervisor_.mark(process, StageState::Ready);
}

void World::pass() noexcept {
  seat_->driver.turn();
  risk_->driver.turn();
  gateway_->driver.turn();
  forget(objects().journal_of(Process::Seat0));
  forget(objects().journal_of(Process::Gateway));
  forget(*objects().paper_log);
}

void World::advance(Duration by) noexcept {
  clock_.advance(by);
  supervisor_.beat_if_due();
}

void World::note(const Successor::Risk& risk, Knowledge& known) noexcept {
  known.state = risk.stage.state();
  known.consumed[static_cast<std::size_t>(Edge::Control)] = risk.driver.consumed(Edge::Control);
  for (const EdgeInfo& edge : kTopology) {
    if (!edge_used(edge, config_.pipeline)) continue;
    const auto at = static_cast<std::size_t>(edge.edge);
    if (edge.to == Process::Risk) known.consumed[at] = risk.driver.consumed(edge.edge);
    if (edge.from == Process::Risk) known.published[at] = published(objects().edge(edge.edge));
  }
}

void World::live_until_killed(int readings) noexcept {
  auto& words = *static_cast<LastWords*>(last_words_.data());
  clock_.doom(journal(), readings);
  for (int turns = 0; turns < 1'000; ++turns) {
    words.tail = journal().tail.load(std::memory_order_relaxed);
    note(*risk_, words.known);
    risk_->driver.turn();
  }
  ::_exit(0);
}

const LastWords& World::kill_risk(int readings) {
  const pid_t process = ::fork();
  if (process < 0) throw Error("fork: no process left");
  if (process == 0) live_until_killed(readings);
  risk_.reset();  // what it knows is what the process knew before its last turns
  int status = 0;
  ::waitpid(process, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    throw Error("risk did not die in the middle of a turn");
  const auto& words = *static_cast<const LastWords*>(last_words_.data());
  if (words.tail != journal().tail.load(std::memory_order_acquire))
    throw Error("risk died behind its commit: what it knew then is not known");
  return words;
}

Successor World::recover(From from) {
  std::optional<Hidden> hidden;
  if (from == From::Files) hidden.emplace(objects().checkpoint_of(Process::Risk));
  Successor next;
  const HostTime begin = bench_clock().now();
  next.risk = std::make_unique<Successor::Risk>(
      config_.risk, place(Process::Risk, from == From::Zero ? 0 : checkpoint_every_));
  Counted entries(journal(), state_dir_);
  next.risk->driver.recover(entries);
  next.took = bench_clock().now() - begin;
  next.entries = entries.entries;
  note(*next.risk, next.known);
  return next;
}

std::uint64_t World::since_checkpoint() noexcept {
  const CheckpointMemory& memory = objects().checkpoint_of(Process::Risk);
  std::uint64_t newest = 1;  // a mark is 1 + position
  for (const CheckpointMark& mark : memory.marks)
    newest = std::max(newest, mark.word.load(std::memory_order_relaxed));
  return journal().tail.load(std::memory_order_relaxed) + 1 - newest;
}

}  // namespace sluice::bench
