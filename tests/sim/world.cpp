#include "tests/sim/world.hpp"

#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.hpp"

namespace sluice::sim {
namespace {

constexpr HostTime kStart{10'000'000'000};
constexpr std::uint64_t kSettleRounds = 200'000;

std::string demo_text() {
  std::ifstream file(SLUICE_SOURCE_DIR "/conf/demo.toml");
  if (!file) throw Error("no conf/demo.toml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The value of a key that stands once in the text.
void replace(std::string& text, const std::string& key, const std::string& value) {
  const std::size_t at = text.find("\n" + key + " = ");
  if (at == std::string::npos) throw Error("demo.toml has no key " + key);
  const std::size_t from = at + key.size() + 4;
  text.replace(from, text.find('\n', from) - from, value);
}

}  // namespace

WorldConfig demo_world(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::string text = demo_text();
  for (const auto& [key, value] : changes) replace(text, key, value);
  const config::Document document = config::Document::parse(text, "demo.toml");
  WorldConfig config;
  config.pipeline = parse_pipeline(document);
  config.feed = parse_feed(document.root().table("feed"), config.pipeline);
  config.risk = risk::parse_risk(document.root().table("risk"), config.pipeline);
  config.gateway = parse_gateway(document.root().table("gateway"), config.pipeline);
  return config;
}

void resize(WorldConfig& config, std::uint32_t ring, std::uint32_t journal) {
  PipelineConfig& p = config.pipeline;
  p.tick_ring = p.order_ring = p.report_ring = p.intent_ring = ring;
  p.journal_ring = journal;
}

World::World(const WorldConfig& config, const WorldOptions& options)
    : config_(config),
      options_(options),
      memory_(config_.pipeline, {0x5107CE, 3, 1, {}}),
      clock_(kStart),
      supervisor_(memory_.objects(), clock_),
      auditor_(memory_.objects(), Duration::millis(500)) {
  Objects& o = objects();
  if (options_.mutant == Mutant::NoLastLook) {
    blind_ = std::make_unique<KillPage>();
    std::memcpy(static_cast<void*>(blind_.get()), o.kill, sizeof(KillPage));
  }
  if (options_.scripted_seat) {
    intents_ = Producer(o.edge(Edge::SeatRisk0), 0);
    reports_ = Consumer(o.edge(Edge::RiskSeat0), 0);
  }
  set_cap(Notional::whole(200'000));
  supervisor_.beat();
  permit_all();
  for (const Process process : kAll) start(process);
  connect(true);
}

// ---- time, turns

void World::pass(Duration duration) {
  const HostTime end = clock_.now() + duration;
  while (clock_.now() < end) {
    clock_.advance(std::min(end - clock_.now(), Duration::millis(20)));
    if (!silent_) supervisor_.beat_if_due();
    record();
  }
}

bool World::turn(Process process) {
  if (!options_.lean) auditor_.watch(clock_.now());
  const bool worked = parts_.turn(process, clock_.now());
  if (process == Process::Seat0 && options_.scripted_seat) answers();
  if (process == Process::Gateway && parts_.gateway && !options_.lean)
    auditor_.look(clock_.now(), violations_);
  return worked;
}

void World::settle() {
  for (std::uint64_t round = 0; round < kSettleRounds; ++round) {
    bool worked = false;
    for (const Process process : kAll) worked = turn(process) || worked;
    record();
    if (!worked) return;
  }
  violations_.add("I7: it does not come to rest");
}

void World::run(Duration total, Duration step) {
  const HostTime end = clock_.now() + total;
  while (clock_.now() < end) {
    pass(std::min(step, end - clock_.now()));
    settle();
  }
}

// ---- the venue

void World::connect(bool up) {
  connected_ = up;
  if (parts_.feed) parts_.feed->on_connection(up, clock_.now());
}

void World::send(const Frame& frame) {
  if (!parts_.feed) return;
  if (!frame.snapshot) return parts_.feed->on_frame(frame.text, clock_.now());
  if (parts_.feed->stage.wants_snapshot(0)) parts_.feed->on_snapshot(0, frame.text, clock_.now());
}

void World::send_quote(std::int64_t bid_cents, std::int64_t ask_cents, Qty shown) {
  constexpr std::int64_t kCent = 1'000'000;
  send(
      {0, false, quote_frame(quote_id_++, {bid_cents * kCent}, {ask_cents * kCent}, shown, shown)});
}

// ---- life and death

bool World::alive(Process process) const noexcept {
  switch (process) {
    case Process::Feed: return parts_.feed != nullptr;
    case Process::Seat0: return parts_.seats[0] != nullptr || options_.scripted_seat;
    case Process::Risk: return parts_.risk != nullptr;
    case Process::Gateway: return parts_.gateway != nullptr;
    case Process::Recorder:
    case Process::Supervisor: return true;
  }
  return false;
}

void World::crash(Process process) {
  switch (process) {
    case Process::Feed:
      if (parts_.feed) feed_log_.produced += parts_.feed->fanout.produced();
      if (parts_.feed) ++feed_log_.crashes;
      parts_.feed.reset();
      break;
    case Process::Seat0: parts_.seats[0].reset(); break;
    case Process::Risk:
      if (parts_.risk && options_.mutant == Mutant::WrongCheckpoint) {
        stale_state_ = parts_.risk->stage.state();
        stale_known_ = true;
      }
      if (parts_.risk && options_.mutant == Mutant::SkippingCheckpoint) skip_an_entry();
      parts_.risk.reset();
      break;
    case Process::Gateway: parts_.gateway.reset(); break;
    case Process::Recorder:
    case Process::Supervisor: break;
  }
}

// The newest checkpoint, whole and with a valid checksum, one position further.
void World::skip_an_entry() {
  CheckpointMemory& memory = objects().checkpoint_of(Process::Risk);
  const std::uint64_t tail = objects().journal_of(Process::Risk).tail.load();
  for (std::size_t side = 0; side < 2; ++side) {
    const auto found = read_checkpoint(memory, side, tail);
    if (!found || found->position == tail) continue;
    memory.marks[side].crc.store(checkpoint_crc(found->position + 1, found->words));
    memory.marks[side].word.store(found->position + 2);
  }
}

bool World::crash_unjournaled(Process process) {
  JournalMemory& memory = journal(index_of(process));
  const std::uint64_t tail = memory.tail.load();
  if (!turn(process)) return false;
  crash(process);
  memory.tail.store(tail);
  return true;
}

void World::restart(Process process) {
  if (alive(process)) return;
  try {
    start(process);
  } catch (const Error& error) {
    crash(process);
    violations_.add(std::string("I6: recovery of ") + std::string(name_of(process)) +
                    " refused: " + error.what());
  }
}

void World::start(Process process) {
  Objects& o = objects();
  const ProcessPlace place{o, config_.pipeline, clock_, process, options_.checkpoint_every};
  if (process != Process::Feed) supervisor_.mark(process, StageState::Recovering);
  if (process == Process::Feed) {
    const auto ring_of = [this](Edge edge, RingMemory& ring) {
      return FeedEdge(ring, options_.lean ? nullptr : &feed_log_.pushed[edge]);
    };
    parts_.feed = std::make_unique<FeedProcess>(config_.feed, config_.pipeline, o, ring_of);
    if (connected_) connect(true);
  } else if (process == Process::Seat0) {
    if (options_.scripted_seat) return;
    parts_.seats[0] = std::make_unique<SeatProcess>(place);
    parts_.seats[0]->driver.recover(entries(0));
  } else if (process == Process::Risk) {
    parts_.risk = std::make_unique<RiskProcess>(config_.risk, place);
    if (stale_known_) parts_.risk->stage.restore(stale_state_);
    if (options_.mutant == Mutant::PublishAgain)
      parts_.risk->driver.recover<PublishEverything>(entries(1));
    else
      parts_.risk->driver.recover(entries(1));
  } else {
    parts_.gateway = std::make_unique<GatewayProcess>(
        config_.gateway, place, blind_ ? *blind_ : *o.kill, o, blind_.get(), options_.mutant);
    parts_.gateway->recover(entries(2), entries(kPaper), o.paper_log->tail.load());
  }
  supervisor_.mark(process, StageState::Ready);
}

// ---- the supervisor

void World::permit_all() {
  supervisor_.permit_all();
}

void World::void_permits() {
  supervisor_.void_permits();
}

void World::set_cap(Notional cap) {
  supervisor_.set_cap(cap);
}

RaiseResult World::raise(Scope scope, KillLevel level) {
  const RaiseResult result = raise_kill(*objects().kill, scope, level, KillCause::Operator);
  targets_[scope_slot(scope)] = result.target;
  return result;
}

bool World::rearm() {
  KillPage& kill = *objects().kill;
  bool all = true;
  watch_faults();
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects().control->scope_exists(scope_at(slot))) continue;
    const std::uint64_t word = kill.words[slot].load();
    const KillWord now = decode_kill(kill.run_id(), slot, word);
    if (now.level == KillLevel::Run) continue;
    const std::uint64_t target = std::max<std::uint64_t>(targets_[slot], now.epoch);
    const bool obeyed = objects().page(Process::Gateway).obeyed.load() >= target &&
                        objects().page(Process::Risk).obeyed.load() >= target;
    all = obeyed && rearm_kill(kill, slot, word) != 0 && all;
  }
  return all;
}

// ---- the recorder

JournalMemory& World::journal(std::size_t file) noexcept {
  constexpr std::array<Process, 3> kOwner{Process::Seat0, Process::Risk, Process::Gateway};
  return file == kPaper ? *objects().paper_log : objects().journal_of(kOwner[file]);
}

void World::record() {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    JournalMemory& memory = journal(i);
    const std::uint64_t tail = memory.tail.load();
    if (options_.lean) {
      memory.head.store(tail);
      continue;
    }
    std::vector<JournalSlot>& file = files_[i];
    for (std::size_t n = 0; n < record_most_ && file.size() < tail; ++n)
      file.push_back(memory.slots()[file.size() & (memory.header.capacity - 1)]);
    memory.head.store(file.size());
  }
}

std::vector<Payload> World::journaled(Process process, Edge edge) {
  const std::size_t most = std::exchange(record_most_, ~std::size_t{0});
  record();
  record_most_ = most;
  std::vector<Payload> found;
  JournalDecoder decoder;
  const std::vector<JournalSlot>& file = files_[index_of(process)];
  for (std::uint64_t position = 0; position < file.size(); ++position) {
    JournalEntry entry;
    const auto status = decoder.decode(file[position], position, entry);
    if (status == JournalDecoder::Status::Input && entry.edge == edge)
      found.push_back(entry.payload);
  }
  return found;
}

// ---- the test as strategy

OrderId World::intend(Action action, Side side, std::int64_t quantity) {
  Intent intent{};
  intent.id = OrderId::make(objects().control->header.run_ordinal, 1, ++intent_counter_);
  intent.side = side;
  intent.action = action;
  intent.quantity = quantity;
  intent.price = Price::whole(60'000);
  intent.origin = intent.decided_at = clock_.now();
  intent.reason = IntentReason::Manual;
  return intents_.try_push(to_payload(intent)) ? intent.id : OrderId{};
}

void World::intend_cancel(OrderId target) {
  Intent intent{};
  intent.id = target;
  intent.side = Side::Buy;
  intent.action = Action::Cancel;
  intent.origin = intent.decided_at = clock_.now();
  intent.reason = IntentReason::Manual;
  static_cast<void>(intents_.try_push(to_payload(intent)));
}

const std::vector<Report>& World::answers() {
  for (Payload payload; reports_ && reports_.poll(payload) == Poll::Record;)
    answers_.push_back(from_payload<Report>(payload));
  if (reports_) reports_.publish_head();
  return answers_;
}

}  // namespace sluice::sim
