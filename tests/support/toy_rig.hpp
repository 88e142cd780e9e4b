// Everything around a toy stage: the far ends of its rings, its supervisor's heartbeat, its
// recorder, and the oracle that says what must have come out.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/driver.hpp"
#include "core/instance.hpp"
#include "tests/support/toy_config.hpp"
#include "tests/support/toy_stage.hpp"

namespace sluice::test {

inline Tick toy_tick(std::int64_t value) noexcept {
  Tick tick{};
  tick.kind = TickKind::Quote;
  tick.value = {value, value + 1, value * 3, 0};
  return tick;
}
inline Intent toy_intent(std::int64_t value) noexcept {
  Intent intent{};
  intent.id = OrderId::make(1, 1, static_cast<std::uint32_t>(value));
  intent.side = Side::Buy;
  intent.action = Action::Enter;
  intent.quantity = value;
  return intent;
}
inline Report toy_report(std::int64_t value) noexcept {
  Report report{};
  report.kind = ReportKind::Fill;
  report.qty = {value};
  return report;
}

// The stage as the pure function it is: a journal in, its outputs out, without driver, rings or
// pages.
template <class Stage = EchoStage>
struct Oracle {
  Stage stage;
  JournalDecoder decoder;
  std::uint64_t position = 0;
  std::map<Edge, std::vector<Payload>> inputs;
  std::map<Edge, std::vector<Payload>> outputs;
  std::vector<Control> controls;
  std::vector<HostTime> times;

  explicit Oracle(std::initializer_list<Edge> edges = {Edge::RiskGateway, risk_seat(0)}) {
    for (const Edge edge : edges) out_.open(edge);
  }

  bool feed(const JournalSlot& raw) {
    JournalEntry entry;
    const auto status = decoder.decode(raw, position++, entry);
    if (status == JournalDecoder::Status::Filler) return true;
    if (status == JournalDecoder::Status::Corrupt) return false;
    inputs[entry.edge].push_back(entry.payload);
    times.push_back(entry.now);
    if (record_of(entry.edge) == RecordKind::Control)
      controls.push_back(from_payload<Control>(entry.payload));
    out_.begin_input();
    Effects muted;
    Context ctx{entry.now, out_, muted};
    switch (record_of(entry.edge)) {
      case RecordKind::Tick: give<Tick>(entry, ctx); break;
      case RecordKind::Intent: give<Intent>(entry, ctx); break;
      case RecordKind::Order: give<Order>(entry, ctx); break;
      case RecordKind::Report: give<Report>(entry, ctx); break;
      case RecordKind::Event: give<Event>(entry, ctx); break;
      case RecordKind::Control: give<Control>(entry, ctx); break;
      case RecordKind::PaperEntry: break;
    }
    for (std::size_t i = 0; i < out_.lanes(); ++i)
      for (std::uint32_t k = 0; k < out_.lane(i).count; ++k)
        outputs[out_.lane(i).edge].push_back(out_.lane(i).records[k]);
    out_.clear();
    return true;
  }

  [[nodiscard]] std::size_t count(ControlKind kind) const {
    return static_cast<std::size_t>(std::count_if(
        controls.begin(), controls.end(), [&](const Control& c) { return c.kind == kind; }));
  }

 private:
  template <class R>
  void give(const JournalEntry& entry, Context& ctx) {
    if constexpr (TakenBy<R, Stage>) stage.on(from_payload<R>(entry.payload), ctx);
  }
  Outputs out_;
};

inline constexpr std::uint64_t kToyCheckpointEvery = 12;

// The world of the toy stage, which plays risk: inputs FeedRisk, SeatRisk0, GatewayRisk; outputs
// RiskGateway, RiskSeat0.
class ToyWorld {
 public:
  explicit ToyWorld(Objects& objects)
      : objects_(objects),
        ticks_(objects.edge(Edge::FeedRisk), 0),
        intents_(objects.edge(seat_risk(0)), 0),
        reports_(objects.edge(Edge::GatewayRisk), 0),
        orders_(objects.edge(Edge::RiskGateway), 0),
        answers_(objects.edge(risk_seat(0)), 0) {}

  [[nodiscard]] DriverSources sources() const noexcept {
    return {objects_.control,
            objects_.kill,
            &objects_.page(Process::Risk),
            &journal(),
            nullptr,
            Process::Risk,
            checkpoints,
            kToyCheckpointEvery};
  }
  template <class AnyDriver>
  void connect(AnyDriver& driver) {
    driver.open_input(Edge::FeedRisk, objects_.edge(Edge::FeedRisk));
    driver.open_input(seat_risk(0), objects_.edge(seat_risk(0)));
    driver.open_input(Edge::GatewayRisk, objects_.edge(Edge::GatewayRisk));
    driver.open_output(Edge::RiskGateway, objects_.edge(Edge::RiskGateway));
    driver.open_output(risk_seat(0), objects_.edge(risk_seat(0)));
  }
  // Entry source of a recovery: the file (what the recorder took), then the ring above it.
  bool entry(JournalSlot& out, std::uint64_t position) const {
    if (position < archive.size()) {
      out = archive[position];
      return true;
    }
    out = journal().slots()[position & (journal().header.capacity - 1)];
    return true;
  }

  bool push_tick() { return push(ticks_, Edge::FeedRisk, to_payload(toy_tick(++values_))); }
  bool push_intent() { return push(intents_, seat_risk(0), to_payload(toy_intent(++values_))); }
  bool push_report() {
    return push(reports_, Edge::GatewayRisk, to_payload(toy_report(++values_)));
  }

  // Takes up to `most` outputs of each edge.
  std::size_t take(std::size_t most = ~std::size_t{0}) {
    return take(orders_, Edge::RiskGateway, most) + take(answers_, risk_seat(0), most);
  }
  // The recorder: files up to `most` committed entries.
  std::size_t record(std::size_t most = ~std::size_t{0}) {
    const std::uint64_t tail = journal().tail.load(std::memory_order_acquire);
    std::size_t n = 0;
    for (; n < most && archive.size() < tail; ++n)
      archive.push_back(journal().slots()[archive.size() & (journal().header.capacity - 1)]);
    journal().head.store(archive.size(), std::memory_order_release);
    return n;
  }
  void beat(std::uint64_t liveness_us, std::uint16_t lease_epoch = 1) {
    objects_.control->heartbeat.store(encode_heartbeat({lease_epoch, liveness_us}));
  }
  // Replays the filed journal; all that is committed must have been recorded before.
  [[nodiscard]] Oracle<> replay() const {
    Oracle<> oracle;
    for (const JournalSlot& raw : archive)
      if (!oracle.feed(raw)) break;
    return oracle;
  }

  [[nodiscard]] JournalMemory& journal() const noexcept {
    return objects_.journal_of(Process::Risk);
  }
  [[nodiscard]] Objects& objects() const noexcept { return objects_; }

  CheckpointMemory* checkpoints = nullptr;  // null: recovery replays from the first entry
  std::vector<JournalSlot> archive;
  std::map<Edge, std::vector<Payload>> pushed;
  std::map<Edge, std::vector<Payload>> received;
  bool corrupt = false;

 private:
  bool push(Producer& ring, Edge edge, const Payload& payload) {
    if (!ring.try_push(payload)) return false;
    pushed[edge].push_back(payload);
    return true;
  }
  std::size_t take(Consumer& ring, Edge edge, std::size_t most) {
    std::size_t n = 0;
    Payload payload;
    for (; n < most; ++n) {
      const Poll poll = ring.poll(payload);
      corrupt = corrupt || poll == Poll::Corrupt;
      if (poll != Poll::Record) break;
      received[edge].push_back(payload);
    }
    ring.publish_head();
    return n;
  }

  Objects& objects_;
  Producer ticks_;
  Producer intents_;
  Producer reports_;
  Consumer orders_;
  Consumer answers_;
  std::int64_t values_ = 0;
};

}  // namespace sluice::test
