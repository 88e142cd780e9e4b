// sluice-bench flow: whole flows, one at a time. A breakout makes an intent, an order, a fill and
// its report; then a profit is there to be taken: an exit, its fill and its report.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/machine/pair.hpp"
#include "bench/pipeline/flow_watch.hpp"
#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/session.hpp"
#include "bench/pipeline/synthetic_feed.hpp"
#include "core/process.hpp"
#include "tools/supervisor/audit.hpp"

namespace sluice::bench {
namespace {

constexpr Duration kPatience = Duration::seconds(2);   // for one flow
constexpr Duration kQuoteGap = Duration::micros(20);   // between quotes while a fill is awaited
constexpr Duration kWarmUp = Duration::millis(1'200);  // conf/bench.toml's window_s, and more
constexpr std::int64_t kBase = 6'000'000'000'000, kStep = 1'000'000, kProfit = 500'000'000;
constexpr std::int64_t kQty = 1'000'000'000, kEpoch = 1'700'000'000'000'000'000;

// The market of one flow at a time, made by this thread on the feed's CPU.
class FlowMarket {
 public:
  explicit FlowMarket(Rig& rig)
      : rig_(rig),
        wait_(static_cast<WaitStrategy>(rig.objects().page(Process::Seat0).wait.load())),
        feed_(rig.instance().name(), rig.placement().feed, wait_),
        waiter_(wait_, 0) {}

  void warm_up() {
    rig_.await(
        [&] {
          feed_.turn();
          const ControlPage& control = *rig_.objects().control;
          return control.permit(0, control.beat().lease_epoch).valid;
        },
        std::chrono::seconds(20));
    rig_.await_armed();
    watch_.emplace(rig_.objects());
    const HostTime until = feed_.clock().now() + kWarmUp;
    while (feed_.clock().now() < until) {
      trade(kBase - kStep);
      pause(Duration::micros(500));
    }
  }

  // Throws Error if the flow does not come to its end.
  Flow run(std::size_t number) {
    const std::int64_t high = kBase + static_cast<std::int64_t>(number + 1) * kStep;
    trade(high - 3 * kStep);  // arms the strategy again
    quote(high - kStep);
    pause(kQuoteGap);
    const HostTime begin = trade(high);
    watch_->begin(begin);
    while (!watch_->flow().complete()) {
      pause(kQuoteGap);
      const bool sound = watch_->poll();
      const bool late = feed_.clock().now() - begin > kPatience;
      if (!sound || late) fail(number, late);
      quote(watch_->flow().has(Mark::Report) ? high + kProfit : high - kStep);
    }
    return watch_->flow();
  }

 private:
  [[noreturn]] void fail(std::size_t number, bool late) {
    const std::size_t seen = std::min(watch_->flow().seen, kMarks - 1);
    throw Error(fmt::format("flow {} does not complete: {} in place of '{}'", number + 1,
                            late ? "nothing for 2 s" : "something else", kMarkNames[seen]));
  }

  HostTime send(Tick tick) noexcept {
    tick.rx_time = feed_.clock().now();
    tick.venue_time = {kEpoch + tick.rx_time.ns};
    feed_.publish(tick);
    return tick.rx_time;
  }
  HostTime trade(std::int64_t price) noexcept {
    Tick tick{};
    tick.kind = TickKind::Trade;
    tick.value = {price, kQty / 100, 0, 0};
    return send(tick);
  }
  void quote(std::int64_t bid) noexcept {
    Tick tick{};
    tick.kind = TickKind::Quote;
    tick.value = {bid, bid + kStep, kQty, kQty};
    send(tick);
  }
  void pause(Duration time) {
    const HostTime until = feed_.clock().now() + time;
    do {
      feed_.turn();
      waiter_.idle();
    } while (feed_.clock().now() < until);
    if (++pauses_ % 1'024 == 0) rig_.check();
  }

  Rig& rig_;
  WaitStrategy wait_;
  SyntheticFeed feed_;
  Waiter waiter_;
  std::optional<FlowWatch> watch_;
  std::uint64_t pauses_ = 0;
};

struct Phase {
  std::string name;
  std::vector<std::int64_t> sorted;
};

std::vector<Phase> phases_of(const std::vector<Flow>& flows) {
  std::vector<Phase> phases;
  for (std::size_t i = 1; i < kMarks; ++i)
    phases.push_back({fmt::format("{} to {}", kMarkNames[i - 1], kMarkNames[i]), {}});
  phases.push_back({"whole flow", {}});
  for (const Flow& flow : flows) {
    for (std::size_t i = 1; i < kMarks; ++i)
      phases[i - 1].sorted.push_back((flow.at[i] - flow.at[i - 1]).ns);
    phases.back().sorted.push_back((flow.at.back() - flow.at.front()).ns);
  }
  for (Phase& phase : phases) std::sort(phase.sorted.begin(), phase.sorted.end());
  return phases;
}

void print(const std::vector<Phase>& phases, const Setting& setting, std::size_t flows) {
  fmt::print("{:<26} {:>10} {:>10} {:>10} {:>10}\n", fmt::format("{} flows", flows), "p50", "p90",
             "p99", "max");
  for (const Phase& phase : phases)
    fmt::print("{:<26} {:>10} {:>10} {:>10} {:>10}\n", phase.name,
               nanoseconds(exact_quantile(phase.sorted, 0.5)),
               nanoseconds(exact_quantile(phase.sorted, 0.9)),
               nanoseconds(exact_quantile(phase.sorted, 0.99)), nanoseconds(phase.sorted.back()));
  fmt::print(
      "a fill takes the venue's paper_latency_us and the next quote; every flow completed\n");
  for (const std::string& line : setting_lines(setting)) fmt::print("{}\n", line);
}

std::string flow_json(const std::vector<Phase>& phases, const Setting& setting, std::size_t flows) {
  std::string text =
      fmt::format("{{\n  {},\n  \"flows\": {},\n  \"phases\": [", setting_json(setting), flows);
  for (const Phase& phase : phases)
    text += fmt::format(
        "{}\n    {{\"name\": {}, \"p50_ns\": {}, \"p90_ns\": {}, \"p99_ns\": {}, "
        "\"max_ns\": {}}}",
        &phase == &phases.front() ? "" : ",", json_text(phase.name),
        exact_quantile(phase.sorted, 0.5), exact_quantile(phase.sorted, 0.9),
        exact_quantile(phase.sorted, 0.99), phase.sorted.back());
  return text + "\n  ]\n}\n";
}

Exit flow(const Session& session, std::size_t iterations) {
  RigPlan plan = session.rig;
  plan.journal_bytes = journal_bytes(iterations * 100);
  Rig rig(plan);
  std::vector<Flow> flows;
  Setting setting;
  {
    const Pinned pinned(rig.placement().feed);
    FlowMarket market(rig);
    market.warm_up();
    while (flows.size() < iterations) flows.push_back(market.run(flows.size()));
    setting = setting_of("flow", "synthetic, one flow at a time", rig);
  }
  rig.stop();
  const std::vector<Phase> phases = phases_of(flows);
  print(phases, setting, flows.size());
  write_file(session.json, flow_json(phases, setting, flows.size()));
  std::vector<Curve> curves;
  for (const Phase& phase : phases) curves.push_back(curve_of(phase.name, phase.sorted));
  write_file(session.svg, svg_of("Whole flows, one at a time", setting_lines(setting), curves));
  return exit_of(session, setting, true);
}

}  // namespace

Command add_flow(CLI::App& app) {
  const auto session = std::make_shared<Session>();
  const auto iterations = std::make_shared<std::size_t>(1'000);
  CLI::App* line = app.add_subcommand(
      "flow", "Whole flows, one at a time: tick, intent, order, fill, report, exit.");
  add_session_flags(*line, *session);
  line->add_option("--iterations", *iterations, "flows")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  return {line, [session, iterations] {
            bind_session(*session);
            if (session->rig.origin == Origin::Venue)
              throw Error(Exit::Usage, "flow needs --source synthetic: it makes its own market");
            return flow(*session, *iterations);
          }};
}

}  // namespace sluice::bench
