#include "tests/sim/chaos.hpp"

#include "core/segment_header.hpp"
#include "gateway/statistics.hpp"

namespace sluice::sim {
namespace {

constexpr std::int64_t kSpeed = 100;

WorldConfig config_of(const ChaosPlan& plan) {
  // A short memory and no patience, so that a second of market is a lifetime.
  WorldConfig config = demo_world({{"rate", "\"100\""},
                                   {"window_s", "1"},
                                   {"min_gap_s", "0"},
                                   {"cooldown_s", "0"},
                                   {"stop_loss", "\"0.0002\""},
                                   {"take_profit", "\"0.0003\""},
                                   {"max_tick_age_ms", "20000"}});
  resize(config, plan.ring, plan.journal);
  return config;
}

class Chaos {
 public:
  explicit Chaos(const ChaosPlan& plan)
      : plan_(plan),
        random_(plan.seed),
        market_(mix(plan.seed)),
        world_(config_of(plan), {.checkpoint_every = plan.checkpoint_every, .mutant = plan.mutant}),
        due_(world_.now()) {}

  ChaosResult run() {
    while (sent_ < plan_.events && !world_.violations().any()) step();
    recover_all();
    if (!world_.violations().any()) calm_down();
    if (!world_.violations().any()) world_.verify(true);
    return summary();
  }

 private:
  void step() {
    ++result_.steps;
    world_.pass(small_time());
    if (world_.now() >= due_) send();
    const Process next = World::kAll[random_.below(World::kAll.size())];
    const bool worked = world_.turn(next);
    if (plan_.fault_one_in != 0 && worked && next == Process::Risk && random_.one_in(3))
      meet_an_order();
    if (plan_.crash_one_in != 0 && random_.one_in(plan_.crash_one_in)) crash();
    if (plan_.fault_one_in != 0 && random_.one_in(plan_.fault_one_in)) fault();
    if (plan_.crash_one_in != 0 && worked && random_.one_in(plan_.crash_one_in / 4 + 1)) tear();
    for (std::size_t i = 0; i < World::kAll.size(); ++i)
      if (!world_.alive(World::kAll[i]) && random_.one_in(20)) restart(i);
    if (healing_at_ < result_.steps) heal();
  }

  // The worst moment: an order is in the ring, approved, and not yet at the last look.
  void meet_an_order() {
    const RingMemory& orders = world_.objects().edge(Edge::RiskGateway);
    if (published(orders) == orders.head.load()) return;
    if (world_.alive(Process::Gateway) &&
        random_.one_in(3)) {  // sent or not? the verdict dies with it
      if (!world_.crash_torn(Process::Gateway, random_)) return;
      ++result_.crashes[3];
      ++result_.torn;
      return;
    }
    if (!random_.one_in(4)) return;
    raise();
    arm_healing();
  }

  // 0.2 to 50 us; now and then a pause, rarely one that looks like a suspension.
  [[nodiscard]] Duration small_time() {
    if (random_.one_in(5'000))
      return Duration::millis(static_cast<std::int64_t>(random_.below(400)));
    if (random_.one_in(300))
      return Duration::micros(static_cast<std::int64_t>(random_.below(4'000)));
    return {200 + static_cast<std::int64_t>(random_.below(49'800))};
  }

  void send() {
    const Frame frame = market_.next();
    world_.send(frame);
    ++sent_;
    due_ = world_.now() + Duration{(frame.at_ns - last_ns_) / kSpeed};
    last_ns_ = frame.at_ns;
  }

  void crash() {
    const std::size_t which = random_.below(World::kAll.size());
    const Process process = World::kAll[which];
    if (!world_.alive(process)) return;
    if (plan_.mutant == Mutant::UnjournaledTurn && process != Process::Feed) {
      if (!world_.crash_unjournaled(process)) return;
    } else {
      world_.crash(process);
    }
    ++result_.crashes[which];
    if (random_.one_in(2)) world_.void_permits();  // a supervisor that has noticed
  }

  // In the middle of a turn of whoever has something to do.
  void tear() {
    for (std::size_t i = 1; i < World::kAll.size(); ++i) {
      if (!world_.alive(World::kAll[i]) || !world_.crash_torn(World::kAll[i], random_)) continue;
      ++result_.crashes[i];
      ++result_.torn;
      return;
    }
  }

  void restart(std::size_t which) {
    world_.restart(World::kAll[which]);
    if (random_.one_in(2)) world_.permit_all();
  }

  void fault() {
    switch (random_.below(7)) {
      case 0:
      case 1: raise(); break;
      case 2: world_.silence(true); break;
      case 3: world_.void_permits(); break;
      case 4: world_.record_at_most(random_.one_in(2) ? 0 : 1 + random_.below(3)); break;
      case 5:
        world_.set_cap(Notional::whole(static_cast<std::int64_t>(random_.below(200'001))));
        break;
      default:
        world_.pass(Duration::millis(static_cast<std::int64_t>(random_.below(3'000))));
        break;
    }
    arm_healing();
  }
  void arm_healing() {
    if (healing_at_ == kNever) healing_at_ = result_.steps + 50 + random_.below(600);
  }

  void raise() {
    constexpr std::array<Scope, 4> kWhere{Scope{ScopeKind::Global, 0}, Scope{ScopeKind::Gateway, 0},
                                          Scope{ScopeKind::Strategy, 0},
                                          Scope{ScopeKind::Instrument, 0}};
    constexpr std::array<KillLevel, 3> kLevels{KillLevel::ReduceOnly, KillLevel::Halt,
                                               KillLevel::Cancel};
    world_.raise(kWhere[random_.below(kWhere.size())], kLevels[random_.below(kLevels.size())]);
    ++result_.raises;
  }

  void heal() {
    world_.silence(false);
    world_.record_at_most(~std::size_t{0});
    world_.permit_all();
    if (random_.one_in(2)) world_.set_cap(Notional::whole(200'000));
    healing_at_ = world_.rearm() ? kNever : result_.steps + 20;
  }

  void recover_all() {
    world_.silence(false);
    world_.record_at_most(~std::size_t{0});
    for (std::size_t i = 0; i < World::kAll.size(); ++i) world_.restart(World::kAll[i]);
    if (world_.violations().any()) return;
    world_.set_cap(Notional::whole(200'000));
    world_.permit_all();
    for (int i = 0; i < 1'000 && !world_.rearm(); ++i)
      world_.run(Duration::micros(200), Duration::micros(100));
  }

  // Quotes without trades: nothing new begins, what is open ends or rests.
  void calm_down() {
    for (int i = 0; i < 300; ++i) {
      world_.send(market_.calm());
      world_.run(Duration::millis(4), Duration::millis(1));
    }
    if (!world_.rearm()) world_.violations().add("I7: the kill could not be lowered");
    world_.run(Duration::millis(20), Duration::micros(200));
  }

  ChaosResult summary() {
    result_.violations = world_.violations();
    const PaperAuditor& paper = world_.paper();
    result_.entries = paper.placed(OrderClass::Entry);
    result_.exits = paper.placed(OrderClass::ProtectiveExit);
    result_.fills = paper.count(PaperWhat::Filled);
    if (world_.alive(Process::Feed))
      for (const Edge edge : kFeedEdges) result_.dropped += world_.feed().fanout.dropped(edge);
    const auto counted = [&](GatewayCounter counter) {
      return world_.objects()
          .page(Process::Gateway)
          .statistics.counter(static_cast<std::size_t>(counter));
    };
    result_.queries = counted(GatewayCounter::Queries);
    result_.stale = counted(GatewayCounter::RejectStale);
    result_.too_late =
        counted(GatewayCounter::RejectLastLookLevel) + counted(GatewayCounter::RejectTooOld) +
        counted(GatewayCounter::RejectLastLookPermit) + counted(GatewayCounter::RejectLastLookCap);
    result_.sweeps = counted(GatewayCounter::SweepsDone);
    for (const PaperEntry& entry : paper.entries())
      for (const std::uint64_t word : to_payload(entry))
        result_.digest = mix(result_.digest ^ word);
    return result_;
  }

  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  ChaosPlan plan_;
  test::Random random_;
  RandomMarket market_;
  World world_;
  HostTime due_;
  std::int64_t last_ns_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t healing_at_ = kNever;  // step
  ChaosResult result_;
};

}  // namespace

ChaosResult run_chaos(const ChaosPlan& plan) {
  return Chaos(plan).run();
}

}  // namespace sluice::sim
