#include "bench/turn/turn.hpp"

#include <fmt/format.h>

#include "bench/machine/fitness.hpp"
#include "bench/machine/pair.hpp"
#include "bench/machine/samples.hpp"
#include "bench/turn/cycles.hpp"
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

struct Stopwatch {
  HostTime begin = bench_clock().now();
  [[nodiscard]] double ns() const noexcept {
    return static_cast<double>((bench_clock().now() - begin).ns);
  }
};

using Parts = std::array<double, kTurnParts.size()>;

struct Cycle {
  double order_ns = 0;  // 0: this one made none
  double quiet_ns = 0;  // of one tick
  double order_stamps = 0;
  double quiet_stamps = 0;
};

template <bool Stamped>
Cycle time_cycle(Cycles<Stamped>& cycles) {
  OneThread<Stamped>& world = cycles.world();
  Cycle cycle;
  const std::uint64_t before = world.log_end();
  std::uint64_t stamps = world.stamps();
  const Stopwatch order;
  cycles.pass();
  cycle.order_ns = order.ns();
  cycle.order_stamps = static_cast<double>(world.stamps() - stamps);
  if (world.log_end() == before) cycle.order_ns = 0;
  cycles.pass_until(cycles.quiet_from());
  const auto ticks = static_cast<double>(cycles.length() - cycles.quiet_from());
  const std::uint64_t sent = world.log_end();
  stamps = world.stamps();
  const Stopwatch quiet;
  cycles.pass_until(cycles.length());
  cycle.quiet_ns = quiet.ns() / ticks;
  cycle.quiet_stamps = static_cast<double>(world.stamps() - stamps) / ticks;
  if (world.log_end() != sent) throw Error("a quiet tick made an order");
  cycles.finish();
  return cycle;
}

Parts time_pass(Cycles<false>& cycles) noexcept {
  OneThread<false>& world = cycles.world();
  Parts parts{};
  const Tick& tick = cycles.take();
  const Stopwatch publish;
  world.publish(tick);
  parts[0] = publish.ns();
  for (std::size_t i = 0; i < world.kStages.size(); ++i) {
    const Stopwatch watch;
    world.turn(world.kStages[i]);
    parts[i + 1] = watch.ns();
  }
  world.advance(cycles.kBetween);
  return parts;
}

// What each part of a pass took, in the order tick and in the first quiet one.
std::pair<Parts, Parts> time_parts(Cycles<false>& cycles) {
  const Parts order = time_pass(cycles);
  cycles.pass_until(cycles.quiet_from());
  const Parts quiet = time_pass(cycles);
  cycles.finish();
  return {order, quiet};
}

// What the watch itself reads of nothing.
double watch_cost() {
  std::vector<double> samples;
  for (int i = 0; i < 10'000; ++i) samples.push_back(Stopwatch{}.ns());
  return median(samples);
}
double stamp_cost() {
  constexpr int kMany = 1'000;
  std::vector<double> samples;
  for (int i = 0; i < 200; ++i) {
    const Stopwatch watch;
    for (int k = 0; k < kMany; ++k) {
      HostTime now = bench_clock().now();
      asm volatile("" : "+m"(now));
    }
    samples.push_back(watch.ns() / kMany);
  }
  return median(samples);
}

struct Series {
  std::vector<double> ns, stamped, stamps;
  std::array<std::vector<double>, kTurnParts.size()> parts;

  void add(const Parts& part, double watch) {
    for (std::size_t k = 0; k < parts.size(); ++k) parts[k].push_back(part[k] - watch);
  }
  [[nodiscard]] TurnFigure figure(const char* name) const {
    TurnFigure figure{.name = name,
                      .ns = median(ns),
                      .low = quantile(ns, 0.25),
                      .high = quantile(ns, 0.75),
                      .stamps = median(stamps),
                      .stamped_ns = median(stamped),
                      .parts = {},
                      .samples = ns};
    for (std::size_t k = 0; k < parts.size(); ++k) figure.parts[k] = median(parts[k]);
    return figure;
  }
};

}  // namespace

TurnResult run_turn(const TurnPlan& plan) {
  const OneThreadConfig config = load_one_thread(plan.conf);
  Cycles<false> plain(config, plan.order_every);
  Cycles<true> stamped(config, plan.order_every);
  const double watch = watch_cost();
  Series quiet, order;
  for (std::size_t i = 0; i < plan.cycles; ++i) {
    const auto bare = time_cycle(plain);
    const auto paid = time_cycle(stamped);
    quiet.ns.push_back(bare.quiet_ns);
    quiet.stamps.push_back(bare.quiet_stamps);
    quiet.stamped.push_back(paid.quiet_ns);
    if (bare.order_ns > 0) order.ns.push_back(bare.order_ns - watch);
    if (bare.order_ns > 0) order.stamps.push_back(bare.order_stamps);
    if (paid.order_ns > 0) order.stamped.push_back(paid.order_ns - watch);
  }
  for (std::size_t i = 0; i < plan.cycles; ++i) {
    const auto [of_order, of_quiet] = time_parts(plain);
    order.add(of_order, watch);
    quiet.add(of_quiet, watch);
  }
  return {quiet.figure("quiet tick"), order.figure("order tick"), stamp_cost()};
}

void exercise_turn(const TurnPlan& plan) {
  Cycles<false> cycles(load_one_thread(plan.conf), plan.order_every);
  for (std::size_t i = 0; i < plan.cycles; ++i) cycles.run();
}

std::string turn_table(const TurnPlan& plan, const TurnResult& result) {
  std::string text = fmt::format("{:<12} {:>9} {:>15} {:>8} {:>12}\n", "ns per tick", "median",
                                 "quartiles", "stamps", "with stamps");
  for (const TurnFigure* f : {&result.quiet, &result.order})
    text += fmt::format("{:<12} {:>9.1f} {:>7.1f}-{:<7.1f} {:>8.1f} {:>12.1f}\n", f->name, f->ns,
                        f->low, f->high, f->stamps, f->stamped_ns);
  text += fmt::format("\n{:<12} {:>9} {:>9}\n", "of it", "quiet", "order");
  for (std::size_t k = 0; k < kTurnParts.size(); ++k)
    text += fmt::format("{:<12} {:>9.1f} {:>9.1f}\n", kTurnParts[k], result.quiet.parts[k],
                        result.order.parts[k]);
  return text + fmt::format("\none stamp {:.1f} ns; {} cycles of {} ticks, {}, build {}\n{}\n",
                            result.stamp_ns, plan.cycles, plan.order_every, plan.conf, build_id(),
                            fitness({}));
}

std::string turn_json(const TurnPlan& plan, const TurnResult& result) {
  const auto figure = [](const TurnFigure& f) {
    return fmt::format(
        "{{\"name\": \"{}\", \"ns\": {:.2f}, \"quartiles\": [{:.2f}, {:.2f}], \"stamps\": {:.2f}, "
        "\"stamped_ns\": {:.2f}, \"parts\": [{:.2f}], \"samples\": [{:.2f}]}}",
        f.name, f.ns, f.low, f.high, f.stamps, f.stamped_ns, fmt::join(f.parts, ", "),
        fmt::join(f.samples, ", "));
  };
  return fmt::format(
      "{{\"figures\": [{}, {}], \"parts\": [\"{}\"], \"stamp_ns\": {:.2f}, \"cycles\": {}, "
      "\"order_every\": {}, \"build\": \"{}\", \"qualified\": {}}}\n",
      figure(result.quiet), figure(result.order), fmt::join(kTurnParts, "\", \""), result.stamp_ns,
      plan.cycles, plan.order_every, build_id(), unfit({}).empty());
}

}  // namespace sluice::bench
