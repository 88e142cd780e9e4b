#include "bench/turn/turn.hpp"

#include <fmt/format.h>

#include "bench/machine/fitness.hpp"
#include "bench/machine/pair.hpp"
#include "bench/machine/samples.hpp"
#include "bench/turn/one_thread.hpp"
#include "core/build.hpp"

namespace sluice::bench {

OneThreadConfig load_one_thread(const std::string& conf) {
  const config::Document document = config::Document::load(conf);
  OneThreadConfig config;
  config.pipeline = parse_pipeline(document);
  config.risk = risk::parse_risk(document.root().table("risk"), config.pipeline);
  config.gateway = parse_gateway(document.root().table("gateway"), config.pipeline);
  return config;
}

namespace {

constexpr std::size_t kBlock = 64;                    // ticks of a quiet block
constexpr std::size_t kOrders = 16;                   // order ticks of a block
constexpr Duration kBetween = Duration::micros(100);  // ticks: ten thousand a second
constexpr std::int64_t kCent = 1'000'000;

struct Stopwatch {
  HostTime begin = bench_clock().now();
  [[nodiscard]] double ns() const noexcept {
    return static_cast<double>((bench_clock().now() - begin).ns);
  }
};

// Ticks of a market that stands, and of one that breaks out of its high once a cycle.
class Market {
 public:
  Tick quote(std::int64_t ask, HostTime now) noexcept {
    Tick tick = make(TickKind::Quote, now);
    tick.value = {ask - kCent, ask, 1'000'000'000, 1'000'000'000};
    return tick;
  }
  Tick trade(std::int64_t price, HostTime now) noexcept {
    Tick tick = make(TickKind::Trade, now);
    tick.value = {price, 1'000'000, 0, 0};
    return tick;
  }
  [[nodiscard]] std::int64_t high() const noexcept { return high_; }
  void rise() noexcept { high_ += kCent; }
  void pass(Duration by) noexcept { time_ += by.ns; }

 private:
  Tick make(TickKind kind, HostTime now) const noexcept {
    Tick tick{};
    tick.kind = kind;
    tick.venue_time = {time_};
    tick.rx_time = now;
    return tick;
  }
  std::int64_t high_ = 6'000'000'000'000;
  std::int64_t time_ = 1'700'000'000'000'000'000;
};

// What the parts of a pass took; the watch's own cost is in each.
using Parts = std::array<double, 4>;

template <bool Stamped>
class Runner {
 public:
  explicit Runner(const OneThreadConfig& config) : world_(config) { warm_up(); }

  // Nanoseconds of one tick that makes no order: three quotes, a trade below the high.
  double quiet_block() {
    for (int i = 0; i < 4; ++i) {  // what is open comes to rest
      world_.publish(market_.quote(market_.high(), world_.now()));
      world_.settle();
      world_.advance(Duration::millis(1));
    }
    std::array<Tick, kBlock> ticks;
    for (std::size_t i = 0; i < kBlock; ++i)
      ticks[i] = i % 4 == 3 ? market_.trade(market_.high() - 2 * kCent, world_.now())
                            : market_.quote(market_.high(), world_.now());
    const std::uint64_t before = world_.log_end();
    const Stopwatch watch;
    for (Tick& tick : ticks) {
      tick.rx_time = world_.now();
      world_.publish(tick);
      world_.pass();
      world_.advance(kBetween);
    }
    const double ns = watch.ns();
    world_.settle();
    if (world_.log_end() != before) throw Error("a quiet tick made an order");
    return ns / kBlock;
  }

  // One tick that makes an order, up to the order's being sent; brings the market there and lets
  // everything come to rest. 0: this one made none (a limit was reached).
  double order_tick() {
    approach();
    const Tick tick = market_.trade(market_.high(), world_.now());
    const std::uint64_t before = world_.log_end();
    const Stopwatch watch;
    world_.publish(tick);
    world_.pass();
    const double ns = watch.ns();
    const bool sent = world_.log_end() != before;
    world_.settle();
    return sent ? ns : 0;
  }

  // The median of a block: each is timed alone, since the market has to be brought there again.
  double order_block() {
    std::vector<double> samples;
    while (samples.size() < kOrders)
      if (const double ns = order_tick(); ns > 0) samples.push_back(ns);
    return median(samples);
  }

  Parts quiet_parts() noexcept {
    const Parts parts = timed(market_.quote(market_.high(), world_.now()));
    world_.settle();
    world_.advance(kBetween);
    return parts;
  }
  Parts order_parts() noexcept {
    approach();
    const Parts parts = timed(market_.trade(market_.high(), world_.now()));
    world_.settle();
    return parts;
  }
  [[nodiscard]] std::uint64_t stamps() const noexcept { return world_.stamps(); }

  // Clock reads of the drivers per quiet tick and per order tick.
  double quiet_stamps() noexcept {
    const std::uint64_t before = world_.stamps();
    for (std::size_t i = 0; i < kBlock; ++i) {
      const HostTime now = world_.now();
      world_.publish(market_.quote(market_.high(), now));
      world_.pass();
    }
    const double all = static_cast<double>(world_.stamps() - before) / kBlock;
    world_.settle();
    return all - 1;  // ours
  }
  double order_stamps() noexcept {
    approach();
    const Tick tick = market_.trade(market_.high(), world_.now());
    const std::uint64_t before = world_.stamps();
    world_.publish(tick);
    world_.pass();
    const auto all = static_cast<double>(world_.stamps() - before);
    world_.settle();
    return all;
  }

 private:
  void step(const Tick& tick) noexcept {
    world_.publish(tick);
    world_.settle();
    pass_time(Duration::millis(1));
  }
  void pass_time(Duration by) noexcept {
    world_.advance(by);
    market_.pass(Duration::millis(300));
  }
  // Falls back, so that the next trade at the high breaks out; what is open is filled or closed.
  void approach() noexcept {
    market_.rise();
    step(market_.quote(market_.high(), world_.now()));
    step(market_.trade(market_.high() - 2 * kCent, world_.now()));
    step(market_.quote(market_.high(), world_.now()));
  }
  void warm_up() {
    constexpr int kCycles = 2'000;
    int made = 0;
    for (int i = 0; i < kCycles; ++i) made += order_tick() > 0 ? 1 : 0;
    if (made < kCycles / 2)
      throw Error(
          fmt::format("only {} of {} breakouts made an order: the configuration refuses "
                      "the others",
                      made, kCycles));
  }
  Parts timed(const Tick& tick) noexcept {
    Parts parts{};
    const Stopwatch publish;
    world_.publish(tick);
    parts[0] = publish.ns();
    for (std::size_t i = 0; i < world_.kStages.size(); ++i) {
      const Stopwatch watch;
      world_.turn(world_.kStages[i]);
      parts[i + 1] = watch.ns();
    }
    return parts;
  }

  OneThread<Stamped> world_;
  Market market_;
};

double watch_cost() {
  std::vector<double> samples;
  for (int i = 0; i < 10'000; ++i) samples.push_back(Stopwatch{}.ns());
  return median(samples);
}
double stamp_cost() {
  constexpr int kMany = 1'000;
  std::vector<double> samples;
  const Clock& clock = bench_clock();
  for (int i = 0; i < 200; ++i) {
    const Stopwatch watch;
    for (int k = 0; k < kMany; ++k) {
      HostTime now = clock.now();
      asm volatile("" : "+m"(now));
    }
    samples.push_back(watch.ns() / kMany);
  }
  return median(samples);
}

TurnFigure figure(const char* name, std::vector<double> samples, double stamps,
                  std::vector<double> stamped) {
  return {name,
          median(samples),
          quantile(samples, 0.25),
          quantile(samples, 0.75),
          stamps,
          median(stamped),
          samples};
}

template <class Measure>
Parts parts_of(std::size_t rounds, double watch, Measure&& measure) {
  std::array<std::vector<double>, 4> samples;
  for (std::size_t i = 0; i < rounds; ++i) {
    const Parts parts = measure();
    for (std::size_t k = 0; k < parts.size(); ++k) samples[k].push_back(parts[k] - watch);
  }
  Parts medians{};
  for (std::size_t k = 0; k < medians.size(); ++k) medians[k] = median(samples[k]);
  return medians;
}

}  // namespace

TurnResult run_turn(const TurnPlan& plan) {
  const OneThreadConfig config = load_one_thread(plan.conf);
  Runner<false> plain(config);
  Runner<true> stamped(config);
  const double watch = watch_cost();
  std::vector<double> quiet, quiet_stamped, order, order_stamped;
  const auto stretched = [&](double ns) { return ns * (1 + plan.slower_percent / 100); };
  for (std::size_t i = 0; i < plan.blocks; ++i) {
    quiet.push_back(stretched(plain.quiet_block()));
    order.push_back(stretched(plain.order_block() - watch));
    quiet_stamped.push_back(stretched(stamped.quiet_block()));
    order_stamped.push_back(stretched(stamped.order_block() - watch));
  }
  TurnResult result;
  result.stamp_ns = stamp_cost();
  result.figures.push_back(
      figure("quiet tick", std::move(quiet), plain.quiet_stamps(), std::move(quiet_stamped)));
  result.figures.push_back(
      figure("order tick", std::move(order), plain.order_stamps(), std::move(order_stamped)));
  const Parts quiet_parts = parts_of(plan.blocks, watch, [&] { return plain.quiet_parts(); });
  const Parts order_parts = parts_of(plan.blocks, watch, [&] { return plain.order_parts(); });
  constexpr std::array kNames{"publish", "seat", "risk", "gateway"};
  for (std::size_t k = 0; k < kNames.size(); ++k)
    result.parts.push_back({kNames[k], quiet_parts[k], order_parts[k]});
  return result;
}

void exercise_turn(const TurnPlan& plan, const std::string& figure) {
  Runner<false> runner(load_one_thread(plan.conf));
  for (std::size_t i = 0; i < plan.blocks; ++i)
    static_cast<void>(figure == "order" ? runner.order_block() : runner.quiet_block());
}

std::string turn_table(const TurnPlan& plan, const TurnResult& result) {
  std::string text = fmt::format("{:<12} {:>9} {:>15} {:>8} {:>12}\n", "ns per tick", "median",
                                 "quartiles", "stamps", "with stamps");
  for (const TurnFigure& f : result.figures)
    text += fmt::format("{:<12} {:>9.1f} {:>7.1f}-{:<7.1f} {:>8.1f} {:>12.1f}\n", f.name, f.ns,
                        f.low, f.high, f.stamps, f.stamped_ns);
  text += fmt::format("\n{:<12} {:>9} {:>15}\n", "of it", "quiet", "order");
  for (const TurnPart& part : result.parts)
    text += fmt::format("{:<12} {:>9.1f} {:>15.1f}\n", part.name, part.quiet_ns, part.order_ns);
  return text + fmt::format("\none stamp {:.1f} ns; {} blocks, {}, build {}\n{}\n", result.stamp_ns,
                            plan.blocks, plan.conf, build_id(), fitness({}));
}

std::string turn_json(const TurnPlan& plan, const TurnResult& result) {
  std::string figures, parts;
  for (const TurnFigure& f : result.figures)
    figures += fmt::format(
        "{}{{\"name\": \"{}\", \"ns\": {:.2f}, \"quartiles\": [{:.2f}, {:.2f}], \"stamps\": "
        "{:.2f}, "
        "\"stamped_ns\": {:.2f}, \"samples\": [{:.2f}]}}",
        figures.empty() ? "" : ", ", f.name, f.ns, f.low, f.high, f.stamps, f.stamped_ns,
        fmt::join(f.samples, ", "));
  for (const TurnPart& part : result.parts)
    parts += fmt::format("{}{{\"name\": \"{}\", \"quiet_ns\": {:.2f}, \"order_ns\": {:.2f}}}",
                         parts.empty() ? "" : ", ", part.name, part.quiet_ns, part.order_ns);
  return fmt::format(
      "{{\"figures\": [{}], \"parts\": [{}], \"stamp_ns\": {:.2f}, \"blocks\": {}, \"build\": "
      "\"{}\", \"qualified\": {}}}\n",
      figures, parts, result.stamp_ns, plan.blocks, build_id(), unfit({}).empty());
}

}  // namespace sluice::bench
