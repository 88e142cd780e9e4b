// Stage and paper session together, killed at random: between journal and command, between command
// and verdict, between entry and event. What must hold whatever happens: no order is placed twice,
// and what risk was told adds up to what the venue's log says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

// A gateway process and what survives it: the stage's journal and the venue's log.
class Process {
 public:
  explicit Process(std::mt19937_64& random) : random_(random) {}

  template <class R>
  void in(const R& record) {
    stage->now = now;
    stage->in(record);
    if (chance(40)) return crash();  // the command never reached the session
    execute();
    if (chance(40)) return crash();  // nor did its verdict reach the journal
    drain();
  }
  void tick(const Tick& t) {
    paper.session->on_tick(t, now);
    if (chance(40)) return crash();
    drain();
  }
  void poll() {
    paper.session->poll(now);
    if (!reconciled_) reconciled_ = paper.session->reconcile(stage->stage().state());
    drain();
    for (int i = 0; stage->stage().wants_continue() && i < 2'000; ++i)
      in(control(ControlKind::Continue));
  }
  void crash() {
    if (!may_crash) return;
    ++crashes;
    auto reborn = std::make_unique<StageRig>();
    for (const auto& [record, at] : stage->inputs) {
      reborn->now = at;
      std::visit([&](const auto& r) { reborn->in(r); }, record);
    }
    EXPECT_TRUE(same_bytes(reborn->stage().state(), stage->stage().state()));
    EXPECT_TRUE(same_records(reborn->reports, stage->reports));
    stage = std::move(reborn);
    next_command_ = stage->commands.size();  // never re-executed
    paper.restart();
    paper.rebuild(stage->stage().state().last_sequence);
    reconciled_ = false;
    now = now + Duration::millis(1);
    stage->now = now;
    stage->in(control(ControlKind::Recovered, crashes));
    execute();
    drain();
  }

  HostTime now = at_us(1'000);
  bool may_crash = true;
  int crashes = 0;
  SessionRig paper;
  std::unique_ptr<StageRig> stage = std::make_unique<StageRig>();

 private:
  bool chance(std::uint64_t n) { return may_crash && random_() % n == 0; }
  void execute() {
    while (next_command_ < stage->commands.size())
      paper.session->execute(stage->commands[next_command_++], now, 0);
  }
  void drain() {
    while (paper.session->has_event()) {
      stage->now = now;
      stage->in(paper.session->next_event());
      execute();
      if (chance(60)) return crash();
    }
  }

  std::mt19937_64& random_;
  std::size_t next_command_ = 0;
  bool reconciled_ = false;
};

void check(const Process& p) {
  std::map<OrderId, Qty> filled;
  std::map<OrderId, int> placed;
  for (const PaperEntry& e : p.paper.log.entries) {
    if (e.what == PaperWhat::Placed) {
      EXPECT_EQ(++placed[e.id], 1);
    }
    if (e.what == PaperWhat::Filled) filled[e.id] += e.qty;
  }
  std::map<OrderId, Qty> told;
  std::map<OrderId, int> ends;
  for (const Report& r : p.stage->reports) {
    if (r.kind == ReportKind::Fill) {
      told[r.id] += r.qty;
      EXPECT_EQ(r.cum_qty, told[r.id]);
    }
    if (r.kind == ReportKind::Cancelled || r.kind == ReportKind::Expired ||
        r.kind == ReportKind::Reject)
      ++ends[r.id];
  }
  for (const auto& [id, qty] : filled) EXPECT_EQ(told[id], qty);
  for (const auto& [id, qty] : told) EXPECT_EQ(filled[id], qty);
  for (const auto& [id, n] : ends) EXPECT_EQ(n, 1) << "one end per order";
  EXPECT_EQ(count_mismatches(p.paper.session->book(), p.stage->stage().state()), 0u);
  EXPECT_EQ(p.stage->stage().state().session.errors, 0u) << "anomalies";
}

struct Seen {
  int crashes = 0;
  std::size_t fills = 0;
  std::size_t doubts = 0;
};

void run(std::uint64_t seed, Seen& seen) {
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  Process p(random);
  std::uint32_t counter = 0;
  p.poll();
  for (int step = 0; step < 250; ++step) {
    p.now = p.now + Duration::micros(static_cast<std::int64_t>(random() % 400));
    const auto pick = random() % 8;
    if (pick < 2) {
      p.in(entry(++counter, Qty{static_cast<std::int64_t>(1 + random() % 900'000'000)}, p.now));
    } else if (pick == 2 && counter > 0) {
      // Only of ids the stage has taken: an order refused by a crashed turn is never cancelled by
      // risk.
      p.in(cancel_of(OrderId::make(1, 1, static_cast<std::uint32_t>(1 + random() % counter))));
    } else if (pick == 3 && random() % 20 == 0) {
      p.in(level(ScopeKind::Global, 0, KillLevel::Cancel));
    } else if (pick < 6) {
      p.tick(quote(px(98), lots(5),
                   Price{px(98).raw + static_cast<std::int64_t>(random() % 4) * px(1).raw},
                   Qty{static_cast<std::int64_t>(random() % 400'000'000)}, p.now));
    } else {
      p.poll();
    }
  }
  p.may_crash = false;
  p.in(level(ScopeKind::Gateway, 0, KillLevel::Cancel));
  for (int i = 0; i < 8; ++i) {
    p.now = p.now + Duration::millis(1);
    p.poll();
  }
  EXPECT_EQ(p.stage->stage().state().open, 0u) << "the sweep ended everything";
  EXPECT_EQ(p.stage->stage().state().sweeping, 0);
  EXPECT_EQ(p.stage->stage().state().reconciled, 1);
  check(p);
  seen.crashes += p.crashes;
  for (const PaperEntry& e : p.paper.log.entries)
    seen.fills += e.what == PaperWhat::Filled ? 1u : 0u;
  for (const Report& r : p.stage->reports) seen.doubts += r.kind == ReportKind::InDoubt ? 1u : 0u;
}

TEST(GatewayCrashProperty, NothingTwiceNothingLost) {
  Seen seen;
  if (const char* seed = std::getenv("SLUICE_SEED"))
    return run(std::strtoull(seed, nullptr, 10), seen);
  for (std::uint64_t seed = 1; seed <= 150 && !HasFailure(); ++seed) run(seed, seen);
  // The test has tested something.
  EXPECT_GT(seen.crashes, 500);
  EXPECT_GT(seen.fills, 2'000u);
  EXPECT_GT(seen.doubts, 50u);
}

}  // namespace
}  // namespace sluice::test
