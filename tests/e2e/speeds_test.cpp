// One tape at three speeds through real processes: what the market said must not depend on the
// speed, what was decided must not either, and every order that does differ must have a cause that
// the journals show.
//
// Host time may enter at four places only, and these are the only explanations accepted: staleness
// (ages and lives of intents and orders), cooldown (it starts at a fill), fill price (the quote at
// approval or the first quote after the paper venue's latency is another one), gap (ticks were
// dropped, counted and told).
#include <gtest/gtest.h>

#include <iostream>
#include <optional>
#include <sstream>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"
#include "tools/replay/capture_run.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

// A lively part of the tape: the demo's parameters find six breakouts in it.
constexpr int kTapeFrom = 26'619;  // line
constexpr int kTapeSeconds = 56;

// ---- One run

// An order and what became of it. `place` counts the ticks that risk had seen: a position on the
// tape.
struct Sent {
  Order order{};
  Tick quote{};  // the newest one that risk knew when it approved
  std::vector<Report> fills;
  std::size_t fill_place = 0;   // of the first fill
  std::optional<Report> ended;  // reject, cancel or expiry
};

// One intent to enter: refused with a reason, or an order, and the exits that followed it.
struct Trip {
  bool approved = false;
  Reason refused = Reason::None;
  bool exposed = false;  // something was held or worked when the intent arrived
  Sent entry;
  std::vector<Sent> exits;
};

struct Film {
  std::vector<Tick> seat;
  std::vector<Tick> risk;
  std::vector<Intent> intents;
  std::map<std::uint32_t, Trip> trips;  // by the intent's counter
  std::uint64_t messages = 0;
  std::uint64_t refused_messages = 0;
  std::string conf;  // what the run was configured with
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& dir) {
    for (const Order& order : records_of<Order>(read_journal(dir, "gateway"), Edge::RiskGateway))
      if (order.kind != OrderKind::Cancel) orders_.push_back(order);
    for (const Report& report : records_of<Report>(read_journal(dir, "seat0"), Edge::RiskSeat0))
      if (report.kind == ReportKind::Accepted || report.kind == ReportKind::Reject)
        answers_.emplace(report.id.counter(), report);  // the first is risk's answer
    journal_ = read_journal(dir, "risk");
  }

  std::map<std::uint32_t, Trip> trips() {
    for (const JournalEntry& entry : journal_) {
      take_orders(entry.now);
      if (entry.edge == Edge::FeedRisk) on(from_payload<Tick>(entry.payload));
      if (entry.edge == Edge::SeatRisk0) on(from_payload<Intent>(entry.payload));
      if (entry.edge == Edge::GatewayRisk) on(from_payload<Report>(entry.payload));
    }
    take_orders(HostTime::never());
    return std::move(trips_);
  }

 private:
  // Orders approved before `now` were decided with what has been read so far.
  void take_orders(HostTime now) {
    for (; next_ < orders_.size() && orders_[next_].approved_at < now; ++next_) {
      const Order& order = orders_[next_];
      const Sent sent{order, quote_, {}, 0, {}};
      if (order.kind == OrderKind::Entry) {
        current_ = order.id.counter();
        trips_[current_].entry = sent;
        working_[order.id.raw] = {current_, -1};
      } else {
        trips_[current_].exits.push_back(sent);
        working_[order.id.raw] = {current_, static_cast<int>(trips_[current_].exits.size()) - 1};
      }
    }
  }
  void on(const Tick& tick) {
    ++place_;
    if (tick.kind == TickKind::Quote) quote_ = tick;
  }
  void on(const Intent& intent) {
    Trip& trip = trips_[intent.id.counter()];
    trip.exposed = held_ != 0 || !working_.empty();
    const auto answer = answers_.find(intent.id.counter());
    if (answer == answers_.end()) return;
    trip.approved = answer->second.kind == ReportKind::Accepted;
    trip.refused = answer->second.reason;
  }
  void on(const Report& report) {
    const auto place = working_.find(report.id.raw);
    if (place == working_.end()) return;
    Trip& trip = trips_[place->second.first];
    Sent& sent = place->second.second < 0
                     ? trip.entry
                     : trip.exits[static_cast<std::size_t>(place->second.second)];
    if (report.kind == ReportKind::Fill) {
      if (sent.fills.empty()) sent.fill_place = place_;
      sent.fills.push_back(report);
      held_ += report.side == Side::Buy ? report.qty.raw : -report.qty.raw;
      if (report.cum_qty == sent.order.qty) working_.erase(place);
    } else if (report.kind != ReportKind::Ack && report.kind != ReportKind::InDoubt) {
      sent.ended = report;
      working_.erase(place);
    }
  }

  std::vector<JournalEntry> journal_;
  std::vector<Order> orders_;
  std::map<std::uint32_t, Report> answers_;
  std::map<std::uint32_t, Trip> trips_;
  std::map<std::uint64_t, std::pair<std::uint32_t, int>>
      working_;  // id -> trip, exit (-1: the entry)
  std::size_t next_ = 0;
  std::size_t place_ = 0;
  std::uint32_t current_ = 0;
  std::int64_t held_ = 0;
  Tick quote_{};
};

bool drained(Box& box, Edge edge) {
  const RingMemory& ring = box.objects().edge(edge);
  return ring.head.load() == published(ring);
}

Film play(const std::string& speed, const std::string& tick_ring = "8192") {
  Film film;
  Box box({.speed = speed,
           .venue_flags = {"--once", "--linger", "1", "--from", std::to_string(kTapeFrom),
                           "--seconds", std::to_string(kTapeSeconds)},
           .conf = {{"ticks", tick_ring}}});
  box.start_supervisor();
  EXPECT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  EXPECT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  EXPECT_TRUE(box.wait_venue_end(std::chrono::seconds(kTapeSeconds + 30)))
      << box.log("sluice-venue");
  EXPECT_TRUE(eventually([&] { return box.counter(Process::Feed, "disconnects_total") > 0; }));
  // Open orders are not waited for: an exit that the last quote cannot fill is renewed for ever.
  const auto busy = [&box] {
    std::string edges;
    for (const Edge edge : {Edge::FeedRisk, Edge::FeedSeat0, Edge::SeatRisk0, Edge::RiskSeat0,
                            Edge::RiskGateway, Edge::GatewayRisk})
      if (!drained(box, edge)) edges += object_of(edge) + " ";
    return edges;
  };
  EXPECT_TRUE(eventually([&] { return busy().empty(); }))
      << busy() << "not drained at speed " << speed << ", ring " << tick_ring << "\n"
      << box.ctl({"status"}).out << box.ctl({"orders"}).out;
  film.messages = box.counter(Process::Feed, "messages_total");
  for (const char* error :
       {"too_large", "malformed", "missing_field", "wrong_type", "bad_number", "bad_time",
        "bad_sequence", "unknown_symbol", "unknown_event", "too_many_levels"})
    film.refused_messages +=
        box.counter(Process::Feed, "decode_errors_total{error=\"" + std::string(error) + "\"}");
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  film.seat = records_of<Tick>(read_journal(box.run_dir(), "seat0"), Edge::FeedSeat0);
  film.risk = records_of<Tick>(read_journal(box.run_dir(), "risk"), Edge::FeedRisk);
  film.intents = records_of<Intent>(read_journal(box.run_dir(), "risk"), Edge::SeatRisk0);
  film.trips = Reader(box.run_dir()).trips();
  film.conf = text_of_file(box.conf());
  return film;
}

// ---- Ticks

bool is_status(const Tick& tick, StatusCode code) {
  return tick.kind == TickKind::Status && tick.status() == code;
}

// All but rx_time. Stale and Fresh are left out: they are statements about the host's clock.
std::vector<Tick> without_host_time(const std::vector<Tick>& ticks) {
  std::vector<Tick> kept;
  for (Tick tick : ticks) {
    if (is_status(tick, StatusCode::Stale) || is_status(tick, StatusCode::Fresh)) continue;
    tick.rx_time = {};
    kept.push_back(tick);
  }
  return kept;
}

std::string text_of(const Tick& t) {
  std::ostringstream text;
  text << "{instrument " << t.instrument << " kind " << static_cast<int>(t.kind) << " flags "
       << static_cast<int>(t.flags) << " venue_time " << t.venue_time.ns;
  for (const std::int64_t value : t.value) text << " " << value;
  text << "}";
  return text.str();
}

// Follows `ticks` along `truth`. A Gap must say exactly how many were left out, so that the next
// live tick is found where it belongs; a record flagged kAfterGap must be one of those that were.
// Returns the number of ticks that gaps stand for.
std::int64_t follow(const std::vector<Tick>& truth, const std::vector<Tick>& ticks,
                    const std::string& what) {
  std::size_t at = 0;
  std::int64_t dropped = 0;
  std::vector<Tick> told;  // states to be found before `at` once the next live tick has come
  const auto settle = [&] {
    for (Tick state : told) {
      state.flags = static_cast<std::uint8_t>(state.flags & ~kAfterGap);
      bool found = false;
      for (std::size_t i = at; i-- > 0 && !found;)
        found = to_payload(truth[i]) == to_payload(state);
      EXPECT_TRUE(found) << what << ": told after a gap, never on the tape: " << text_of(state);
    }
    told.clear();
  };
  for (const Tick& tick : ticks) {
    if (is_status(tick, StatusCode::Gap)) {
      dropped += tick.count();
      at += static_cast<std::size_t>(tick.count());
      continue;
    }
    if ((tick.flags & kAfterGap) != 0) {
      told.push_back(tick);
      continue;
    }
    if (at >= truth.size() || to_payload(truth[at]) != to_payload(tick)) {
      ADD_FAILURE() << what << ": tick " << at << " of " << truth.size() << " is " << text_of(tick)
                    << ", not " << (at < truth.size() ? text_of(truth[at]) : "the end")
                    << ", after " << dropped << " dropped";
      return dropped;
    }
    ++at;
    settle();
  }
  EXPECT_EQ(at, truth.size()) << what << ": ticks are missing that no gap counts";
  at = std::min(at, truth.size());
  settle();
  return dropped;
}

// ---- Orders

enum class Why { Staleness, Cooldown, FillPrice, Gap, Unexplained };
constexpr std::array<const char*, 5> kWhyNames{"staleness", "cooldown", "fill price", "gap",
                                               "UNEXPLAINED"};

struct Difference {
  std::uint32_t intent;
  std::string what;
  Why why;
};

Why why_refused(Reason reason, const Trip& refused, const Trip& other) {
  const auto one_of = [reason](std::initializer_list<Reason> reasons) {
    return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
  };
  if (one_of({Reason::IntentTooOld, Reason::StaleTick, Reason::TooOld, Reason::Stale}))
    return Why::Staleness;
  if (reason == Reason::Cooldown) return Why::Cooldown;
  if (one_of({Reason::NoQuote, Reason::FeedDown})) return Why::Gap;
  // One run still had something on, the other did not: its fill came at another quote.
  if (one_of({Reason::SameSide, Reason::OpenOrders, Reason::BadIntent}) && refused.exposed &&
      !other.exposed)
    return Why::FillPrice;
  return Why::Unexplained;
}

bool same_quote(const Tick& a, const Tick& b) {
  return a.value == b.value && a.venue_time == b.venue_time;
}

// No fill is worse than its limit.
bool within_limit(const Sent& sent) {
  for (const Report& fill : sent.fills)
    if (sent.order.side == Side::Buy ? fill.price > sent.order.price
                                     : fill.price < sent.order.price)
      return false;
  return true;
}

bool same_fills(const Sent& a, const Sent& b) {
  if (a.fills.size() != b.fills.size() || a.fill_place != b.fill_place) return false;
  for (std::size_t i = 0; i < a.fills.size(); ++i)
    if (a.fills[i].price != b.fills[i].price || a.fills[i].qty != b.fills[i].qty) return false;
  return true;
}

// Two runs of one order. `moved`: something that it depends on has been explained as different
// before.
void compare_sent(std::uint32_t intent, const std::string& name, const Sent& a, const Sent& b,
                  bool moved, std::vector<Difference>& out) {
  const bool other_quote = !same_quote(a.quote, b.quote);
  if (a.order.kind != b.order.kind)
    out.push_back({intent, name + " kind", moved ? Why::FillPrice : Why::Unexplained});
  if (a.order.price != b.order.price)
    out.push_back({intent,
                   name + " price " + std::to_string(a.order.price.raw) + " / " +
                       std::to_string(b.order.price.raw),
                   other_quote ? Why::FillPrice : Why::Unexplained});
  if (a.order.qty != b.order.qty)
    out.push_back({intent,
                   name + " quantity " + std::to_string(a.order.qty.raw) + " / " +
                       std::to_string(b.order.qty.raw),
                   moved || other_quote ? Why::FillPrice : Why::Unexplained});
  if (a.fills.empty() != b.fills.empty()) {
    const auto& ended = a.fills.empty() ? a.ended : b.ended;
    const Reason reason = ended ? ended->reason : Reason::None;
    const bool life =
        ended && (ended->kind == ReportKind::Cancelled || ended->kind == ReportKind::Expired);
    const bool late = reason == Reason::TooOld || reason == Reason::Stale;
    out.push_back(
        {intent,
         name + " filled in one run only, reason " + std::to_string(static_cast<int>(reason)),
         life || late ? Why::Staleness : Why::Unexplained});
  } else if (!same_fills(a, b)) {
    out.push_back({intent, name + " fills",
                   within_limit(a) && within_limit(b) ? Why::FillPrice : Why::Unexplained});
  }
}

std::vector<Difference> compare(const Film& a, const Film& b) {
  std::vector<Difference> out;
  bool traded_otherwise =
      false;  // profit and loss, and so every later size, may differ from here on
  for (const auto& [intent, mine] : a.trips) {
    const auto found = b.trips.find(intent);
    if (found == b.trips.end()) {
      out.push_back({intent, "only in one run", Why::Unexplained});
      continue;
    }
    const Trip& other = found->second;
    if (mine.approved != other.approved || mine.refused != other.refused) {
      const Why first = mine.approved ? Why::Unexplained : why_refused(mine.refused, mine, other);
      const Why second =
          other.approved ? Why::Unexplained : why_refused(other.refused, other, mine);
      out.push_back({intent,
                     "refused: " + std::to_string(static_cast<int>(mine.refused)) + " / " +
                         std::to_string(static_cast<int>(other.refused)),
                     first != Why::Unexplained ? first : second});
      traded_otherwise = traded_otherwise || mine.approved != other.approved;
      continue;
    }
    if (!mine.approved) continue;
    compare_sent(intent, "entry", mine.entry, other.entry, traded_otherwise, out);
    const bool entered_otherwise = !same_fills(mine.entry, other.entry);
    // What one exit did not fill is left to the next one.
    bool left_otherwise = entered_otherwise;
    for (std::size_t i = 0; i < std::min(mine.exits.size(), other.exits.size()); ++i)
      left_otherwise = left_otherwise || !same_fills(mine.exits[i], other.exits[i]);
    if (mine.exits.size() != other.exits.size())
      out.push_back({intent,
                     "number of exits " + std::to_string(mine.exits.size()) + " / " +
                         std::to_string(other.exits.size()),
                     left_otherwise ? Why::FillPrice : Why::Unexplained});
    for (std::size_t i = 0; i < std::min(mine.exits.size(), other.exits.size()); ++i) {
      compare_sent(intent, "exit " + std::to_string(i), mine.exits[i], other.exits[i],
                   entered_otherwise, out);
      traded_otherwise = traded_otherwise || !same_fills(mine.exits[i], other.exits[i]);
    }
    traded_otherwise = traded_otherwise || entered_otherwise;
  }
  for (const auto& [intent, trip] : b.trips)
    if (!a.trips.contains(intent))
      out.push_back({intent, "only in the other run", Why::Unexplained});
  return out;
}

std::size_t unexplained(const std::vector<Difference>& differences) {
  return static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(),
                    [](const Difference& d) { return d.why == Why::Unexplained; }));
}

// What of an intent does not depend on the speed: everything but host times and the run.
std::vector<Intent> without_host_time(const std::vector<Intent>& intents) {
  std::vector<Intent> kept = intents;
  for (Intent& intent : kept) {
    intent.id = OrderId::make(0, intent.id.origin(), intent.id.counter(), intent.id.slice());
    intent.origin = intent.decided_at = {};
  }
  return kept;
}

void expect_same_intents(const std::vector<Intent>& one, const std::vector<Intent>& other,
                         const char* where) {
  const std::vector<Intent> a = without_host_time(one);
  const std::vector<Intent> b = without_host_time(other);
  EXPECT_EQ(a.size(), b.size()) << "intents at 1x and " << where;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    EXPECT_EQ(to_payload(a[i]), to_payload(b[i]))
        << "intent " << i << " at 1x and " << where << ": prices " << a[i].price.raw << " and "
        << b[i].price.raw;
}

// The same part of the tape through `sluice-replay run`, with the configuration of that run.
std::vector<Intent> decided_offline(const Film& film) {
  const std::filesystem::path conf =
      std::filesystem::temp_directory_path() / ("sluice-speeds-" + std::to_string(::getpid()));
  std::ofstream(conf) << film.conf;
  const replay::RunResult result = replay::run_capture(
      {.capture = capture(), .conf = conf, .from = kTapeFrom, .to = 0, .seconds = kTapeSeconds});
  std::filesystem::remove(conf);
  EXPECT_EQ(result.messages, film.messages);
  return result.intents;
}

// The judge is worth something only if it objects to what has no cause.
void expect_judge_objects(const Film& film) {
  EXPECT_TRUE(compare(film, film).empty());
  for (const auto& [intent, trip] : film.trips) {
    if (!trip.approved || trip.entry.fills.empty()) continue;
    Film forged = film;
    forged.trips[intent].entry.order.price += Price::whole(1);
    EXPECT_EQ(unexplained(compare(film, forged)), 1u) << "another limit at the same quote";
    forged = film;
    forged.trips[intent].entry.fills[0].price = trip.entry.order.price + Price::whole(1);
    EXPECT_GT(unexplained(compare(film, forged)), 0u) << "a fill beyond its limit";
    forged = film;
    forged.trips[intent].approved = false;
    forged.trips[intent].refused = Reason::SameSide;
    EXPECT_EQ(unexplained(compare(film, forged)), 1u)
        << "a refusal for a position that is not there";
    forged = film;
    forged.trips.erase(intent);
    EXPECT_EQ(unexplained(compare(film, forged)), 1u) << "an intent that vanished";
    return;
  }
  ADD_FAILURE() << "no entry was filled: the judge cannot be tried";
}

TEST(Speeds, TheTapeSaysAndDecidesTheSameAtEverySpeed) {
  const Film slow = play("1");
  const Film fast = play("12");
  const Film max = play("max");
  const Film lossy = play("max", "2");  // rings far too small: ticks are dropped, counted and told

  const std::size_t on_tape =
      messages_on_tape(kTapeFrom, kTapeSeconds, {"trade", "bookTicker", "depth@100ms"});
  for (const Film* film : {&slow, &fast, &max, &lossy}) {
    EXPECT_EQ(film->messages, on_tape) << "messages decoded against lines of the capture";
    EXPECT_EQ(film->refused_messages, 0u);
  }
  const std::vector<Tick> truth = without_host_time(slow.seat);
  ASSERT_GT(truth.size(), 1'000u);
  EXPECT_EQ(follow(truth, without_host_time(slow.seat), "seat0 at 1x"), 0);
  EXPECT_EQ(follow(truth, without_host_time(slow.risk), "risk at 1x"), 0);
  EXPECT_EQ(follow(truth, without_host_time(fast.seat), "seat0 at 12x"), 0);
  EXPECT_EQ(follow(truth, without_host_time(fast.risk), "risk at 12x"), 0);
  follow(truth, without_host_time(max.seat), "seat0 at maximum speed");
  follow(truth, without_host_time(max.risk), "risk at maximum speed");
  const std::int64_t dropped = follow(truth, without_host_time(lossy.seat), "seat0, small rings") +
                               follow(truth, without_host_time(lossy.risk), "risk, small rings");
  EXPECT_GT(dropped, 0) << "the gaps were not tried";

  EXPECT_GT(slow.intents.size(), 5u);
  expect_same_intents(slow.intents, fast.intents, "at 12x");
  expect_same_intents(slow.intents, decided_offline(slow), "through sluice-replay run");
  const std::vector<Difference> differences = compare(slow, fast);
  for (const Difference& d : differences) {
    std::cout << "intent " << d.intent << ": " << d.what << ": "
              << kWhyNames[static_cast<std::size_t>(d.why)] << "\n";
    EXPECT_NE(d.why, Why::Unexplained) << "intent " << d.intent << " at 1x / 12x: " << d.what;
  }
  expect_judge_objects(slow);
  std::cout << truth.size() << " ticks, " << slow.intents.size() << " intents, "
            << differences.size() << " explained differences; " << max.intents.size()
            << " intents at maximum speed; " << dropped << " ticks dropped by small rings\n";
}

}  // namespace
}  // namespace sluice::e2e
