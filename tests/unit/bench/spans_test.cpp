// Spans from journals made by hand, with known stamps; what must be refused; and what coordinated
// omission would hide.
#include "bench/pipeline/spans.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "bench/pipeline/schedule.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "tests/support/names.hpp"

namespace sluice::bench {
namespace {

constexpr HostTime kStart{5'000'000'000};

HostTime after(std::int64_t ns) {
  return kStart + Duration{ns};
}

// One journal, as a driver appends it and a recorder files it.
class Film {
 public:
  Film() : memory_(make()), writer_(*memory_, 0, {}) {}
  ~Film() { std::free(memory_); }
  Film(const Film&) = delete;
  Film& operator=(const Film&) = delete;

  template <class R>
  void put(Edge edge, const R& record, HostTime now) {
    writer_.append(edge, to_payload(record), now);
  }
  void file(const std::filesystem::path& dir, const std::string& name) const {
    JournalFileHeader identity{};
    identity.run_id = 7;
    identity.run_ordinal = 1;
    identity.mode = Mode::Paper;
    JournalFileWriter file(dir, name, identity, 1 << 30);
    ASSERT_EQ(file.write(memory_->slots(), writer_.next()), 0);
  }

 private:
  static constexpr std::uint64_t kEntries = 4'096;
  static JournalMemory* make() {
    auto* memory =
        static_cast<JournalMemory*>(std::aligned_alloc(kLinePair, JournalMemory::bytes(kEntries)));
    std::memset(static_cast<void*>(memory), 0, JournalMemory::bytes(kEntries));
    memory->header.capacity = kEntries;
    return memory;
  }
  JournalMemory* memory_;
  JournalWriter writer_;
};

Tick trade(HostTime rx) {
  Tick tick{};
  tick.kind = TickKind::Trade;
  tick.rx_time = rx;
  return tick;
}
Tick gap(std::int64_t missed) {
  Tick tick{};
  tick.kind = TickKind::Status;
  tick.value = {static_cast<std::int64_t>(StatusCode::Gap), missed, 0, 0};
  return tick;
}

constexpr OrderId kEntry{0x0001'0100'0000'0100}, kExit{0x0001'0000'0000'0100};

// Three ticks; the second makes an intent, an order and a fill, the third an exit.
struct HandMade {
  test::TempDir dir;
  Film seat, risk, gateway, paper;

  HandMade() {
    for (const std::int64_t at : {1'000, 2'000, 3'000}) {
      seat.put(feed_seat(0), trade(after(at)), after(at + 100));
      risk.put(Edge::FeedRisk, trade(after(at)), after(at + 150));
      gateway.put(Edge::FeedGateway, trade(after(at)), after(at + 160));
    }
  }
  void intent() {
    Intent intent{};
    intent.id = kEntry;
    intent.origin = after(2'000);
    intent.decided_at = after(2'100);
    risk.put(seat_risk(0), intent, after(4'000));
  }
  void order(OrderId id, OrderKind kind, std::int64_t origin, std::int64_t approved) {
    Order order{};
    order.id = id;
    order.kind = kind;
    order.origin = after(origin);
    order.approved_at = after(approved);
    gateway.put(Edge::RiskGateway, order, after(approved + 300));
  }
  void verdict(OrderId id, EventKind kind, std::int64_t now) {
    Event event{};
    event.id = id;
    event.kind = kind;
    gateway.put(Edge::Event, event, after(now));
  }
  void placed(OrderId id, std::int64_t at) {
    PaperEntry entry{};
    entry.id = id;
    entry.what = PaperWhat::Placed;
    entry.at = after(at);
    paper.put(Edge::PaperLog, entry, after(at));
  }
  void whole() {
    intent();
    order(kEntry, OrderKind::Entry, 2'000, 4'000);
    order(kExit, OrderKind::TakeProfit, 3'000, 5'000);
    verdict(kEntry, EventKind::Sent, 6'000);
    verdict(kExit, EventKind::Sent, 7'000);
    placed(kEntry, 4'500);
    placed(kExit, 5'600);
  }
  Spans read(HostTime from = {}) {
    seat.file(dir.path(), "seat0");
    risk.file(dir.path(), "risk");
    gateway.file(dir.path(), "gateway");
    paper.file(dir.path(), "paper");
    return read_spans(dir.path(), from);
  }
  std::string refusal() {
    try {
      read();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  }
};

using Ns = std::vector<std::int64_t>;

TEST(Spans, EveryHopIsTheDifferenceOfItsStamps) {
  HandMade made;
  made.whole();
  const Spans spans = made.read();
  EXPECT_EQ(spans.of(Hop::TickToSeat), (Ns{100, 100, 100}));
  EXPECT_EQ(spans.of(Hop::TickToIntent), (Ns{100}));
  EXPECT_EQ(spans.of(Hop::IntentToOrder), (Ns{1'900}));
  EXPECT_EQ(spans.of(Hop::OrderToGateway), (Ns{300}));
  EXPECT_EQ(spans.of(Hop::OrderToSent), (Ns{500}));
  EXPECT_EQ(spans.of(Hop::TickToSent), (Ns{2'500}));
  EXPECT_EQ(spans.of(Hop::TickToExit), (Ns{2'600}));
  EXPECT_EQ(spans.sent, 2u);
  EXPECT_EQ(spans.entries, 1u);
  EXPECT_EQ(spans.exits, 1u);
  reconcile(spans, {.ticks = 3});
}

TEST(Spans, TheWarmUpIsLeftOutButCounted) {
  HandMade made;
  made.whole();
  const Spans spans = made.read(after(2'500));
  EXPECT_EQ(spans.of(Hop::TickToSeat).size(), 1u);
  EXPECT_TRUE(spans.of(Hop::TickToSent).empty());
  EXPECT_EQ(spans.of(Hop::TickToExit).size(), 1u);
  EXPECT_EQ(spans.seat.live, 3u);
}

TEST(Spans, ALostTickIsFound) {
  HandMade made;
  made.whole();
  const Spans spans = made.read();
  EXPECT_THROW(reconcile(spans, {.ticks = 4}), Error);
  EXPECT_THROW(reconcile(spans, {.ticks = 2}), Error) << "one too many is no better";
}

TEST(Spans, AGapAccountsForExactlyWhatWasDropped) {
  HandMade made;
  made.whole();
  made.seat.put(feed_seat(0), gap(5), after(9'000));
  Tick newest = trade(after(8'000));
  newest.flags = kAfterGap;
  made.seat.put(feed_seat(0), newest, after(9'000));
  const Spans spans = made.read();
  EXPECT_EQ(spans.of(Hop::TickToSeat).size(), 3u) << "what is told behind a gap is no latency";
  EXPECT_EQ(spans.seat.missed, 5u);
  EXPECT_EQ(spans.seat.after_gap, 1u);
  // Risk and the gateway have three live ticks and no gap, so only the seat can be right.
  EXPECT_THROW(reconcile(spans, {.ticks = 8, .dropped_seat = 5}), Error);
  Spans alike = spans;
  alike.risk = alike.gateway = spans.seat;
  reconcile(alike, {.ticks = 8, .dropped_seat = 5, .dropped_risk = 5, .dropped_gateway = 5});
  EXPECT_THROW(
      reconcile(alike, {.ticks = 8, .dropped_seat = 4, .dropped_risk = 5, .dropped_gateway = 5}),
      Error);
}

TEST(Spans, AnIntentWithoutAnAnswerIsRefused) {
  HandMade made;
  made.intent();
  EXPECT_NE(made.refusal().find("neither an order nor a refusal"), std::string::npos);
}

TEST(Spans, ARefusedIntentIsCountedByItsReason) {
  HandMade made;
  made.intent();
  Report report{};
  report.id = kEntry;
  report.kind = ReportKind::Reject;
  report.reason = Reason::OpenOrders;
  made.seat.put(risk_seat(0), report, after(9'000));
  const Spans spans = made.read();
  EXPECT_EQ(spans.rejects.at("risk:open_orders"), 1u);
}

TEST(Spans, AnOrderWithoutAVerdictIsRefused) {
  HandMade made;
  made.intent();
  made.order(kEntry, OrderKind::Entry, 2'000, 4'000);
  EXPECT_NE(made.refusal().find("no verdict"), std::string::npos);
}

TEST(Spans, AVerdictTheVenueDoesNotKnowIsRefused) {
  HandMade made;
  made.intent();
  made.order(kEntry, OrderKind::Entry, 2'000, 4'000);
  made.verdict(kEntry, EventKind::Sent, 6'000);
  EXPECT_NE(made.refusal().find("the venue's log has 0 orders, the gateway sent 1"),
            std::string::npos);
}

TEST(Spans, ADamagedOrMissingJournalIsRefused) {
  HandMade made;
  made.whole();
  made.read();
  const auto file = made.dir.path() / "risk.00000000000000.journal";
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(static_cast<std::streamoff>(sizeof(JournalFileHeader) + 2 * 64 + 20));
    damage.put('\x7f');
  }
  EXPECT_THROW(read_spans(made.dir.path(), {}), Error);
  std::filesystem::remove(file);
  EXPECT_THROW(read_spans(made.dir.path(), {}), Error);
}

TEST(Spans, QuantilesAreSamplesByNearestRank) {
  Ns sorted;
  for (std::int64_t i = 1; i <= 1'000; ++i) sorted.push_back(i);
  EXPECT_EQ(exact_quantile(sorted, 0.5), 500);
  EXPECT_EQ(exact_quantile(sorted, 0.99), 990);
  EXPECT_EQ(exact_quantile(sorted, 0.999), 999);
  EXPECT_EQ(exact_quantile(sorted, 1), 1'000);
  EXPECT_EQ(exact_quantile(sorted, 0), 1);
  EXPECT_EQ(exact_quantile({}, 0.5), 0);
}

// ---- coordinated omission

// What such a source would stamp.
struct StampSending {
  static HostTime of(HostTime, HostTime now) noexcept { return now; }
};

// A thousand ticks at 1 kHz, each taken a microsecond after it left; the source stands still for
// 300 ms in the middle.
template <class Stamp>
Spans with_a_stall() {
  constexpr std::uint64_t kTicks = 1'000;
  HandMade made;
  Film seat;
  Schedule<Stamp> schedule(kStart, 1'000);
  HostTime now = kStart;
  while (schedule.next() < kTicks) {
    const bool stall = schedule.next() == kTicks / 2;
    now = now + (stall ? Duration::millis(300) : Duration::micros(10));
    schedule.pump(now, kTicks, [&](std::uint64_t, HostTime stamp) {
      seat.put(feed_seat(0), trade(stamp), now + Duration::micros(1));
    });
  }
  made.whole();
  test::TempDir dir;
  seat.file(dir.path(), "seat0");
  made.risk.file(dir.path(), "risk");
  made.gateway.file(dir.path(), "gateway");
  made.paper.file(dir.path(), "paper");
  EXPECT_GE(schedule.late_max(), Duration::millis(290));
  return read_spans(dir.path(), {});
}

TEST(CoordinatedOmission, AStallOfTheSourceIsLatencyOfTheTicksThatWereDue) {
  const Ns due = with_a_stall<StampDue>().of(Hop::TickToSeat);
  ASSERT_EQ(due.size(), 1'000u);
  EXPECT_GT(exact_quantile(due, 0.9), Duration::millis(150).ns)
      << "300 of 1000 waited up to 300 ms";
  EXPECT_GT(due.back(), Duration::millis(290).ns);
}

TEST(CoordinatedOmission, AMutantThatStampsTheSendingIsSeen) {
  const Ns sent = with_a_stall<StampSending>().of(Hop::TickToSeat);
  ASSERT_EQ(sent.size(), 1'000u);
  EXPECT_LT(sent.back(), Duration::millis(1).ns) << "it would hide the stall altogether";
}

}  // namespace
}  // namespace sluice::bench
