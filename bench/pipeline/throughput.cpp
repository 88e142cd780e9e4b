// sluice-bench throughput and ramp: how many ticks per second the real processes take, without a
// drop, and inside the SLA.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/session.hpp"
#include "core/process.hpp"
#include "tools/demo_run/text.hpp"
#include "tools/supervisor/audit.hpp"

namespace sluice::bench {
namespace {

// ---- throughput

double per_second(std::uint64_t count, const Measured& m) {
  return static_cast<double>(count) / m.seconds;
}

Exit throughput(const Session& session) {
  const Sla sla = load_sla(session.sla);
  const Measured m = measure(session, "throughput", 0, session.seconds);
  const std::vector<SlaRow> rows{
      {"ticks per second", sla.rate_min, static_cast<std::int64_t>(m.rate), true}};
  fmt::print(
      "{} ticks per second, {:.0f} orders per second, as fast as every ring took them\n\n{}"
      "latencies are those of full rings: the SLA judges them at a rate\n{}",
      demo::thousands(static_cast<std::uint64_t>(m.rate)), per_second(m.spans.sent, m), table_of(m),
      verdict_of(rows, m.setting.unfit.empty()));
  write_file(session.json, json_of(m, rows));
  write_file(session.svg, svg_of(fmt::format("{:.0f} ticks per second, rings full", m.rate),
                                 setting_lines(m.setting), curves_of(m.spans)));
  return exit_of(session, m.setting, all_met(rows));
}

// ---- ramp

struct Ramp {
  std::int64_t from = 1'000;
  std::int64_t to = 2'000'000;
  double factor = 2;
};

struct Step {
  Measured measured;
  std::vector<SlaRow> rows;
  bool held = false;
};

std::uint64_t dropped(const Sent& sent) noexcept {
  return sent.dropped_seat + sent.dropped_risk + sent.dropped_gateway;
}

Step take_step(const Session& session, const Sla& sla, std::int64_t rate) {
  constexpr double kBehind = 0.98;  // of the rate: a source that cannot keep it has found the end
  Step step{measure(session, "ramp", rate, session.seconds), {}, false};
  step.rows = judge_latency(sla, step.measured.hops);
  step.held = all_met(step.rows) && dropped(step.measured.sent) == 0 &&
              step.measured.rate >= kBehind * static_cast<double>(rate);
  const HopFigures& whole = step.measured.hops[static_cast<std::size_t>(Hop::TickToSent)];
  fmt::print("{:>12} {:>12.0f} {:>10} {:>10} {:>10} {:>10} {:>9}  {}\n",
             demo::thousands(static_cast<std::uint64_t>(rate)), step.measured.rate,
             nanoseconds(whole.at[0]), nanoseconds(whole.at[2]), nanoseconds(whole.at[3]),
             nanoseconds(whole.max), dropped(step.measured.sent), step.held ? "held" : "missed");
  std::fflush(stdout);
  return step;
}

std::string ramp_json(const std::vector<Step>& steps, std::int64_t highest) {
  std::string text = fmt::format("{{\n  {},\n  \"highest_rate\": {},\n  \"steps\": [\n",
                                 setting_json(steps.back().measured.setting), highest);
  for (const Step& step : steps)
    text += json_of(step.measured, step.rows) + (&step == &steps.back() ? "" : ",");
  return text + "]}\n";
}

// A rate is missed when it is missed twice: a shared machine has bad moments.
Exit ramp(const Session& session, const Ramp& plan) {
  const Sla sla = load_sla(session.sla);
  fmt::print("{:>12} {:>12} {:>10} {:>10} {:>10} {:>10} {:>9}\n", "ticks/s", "really",
             "tick_to_sent p50", "p99", "p99.9", "max", "drops");
  std::vector<Step> steps;
  std::int64_t highest = 0;
  for (double rate = static_cast<double>(plan.from); rate <= static_cast<double>(plan.to);
       rate *= plan.factor) {
    const auto now = static_cast<std::int64_t>(rate);
    steps.push_back(take_step(session, sla, now));
    if (!steps.back().held) steps.push_back(take_step(session, sla, now));
    if (!steps.back().held) break;
    highest = now;
  }
  const Step& last = steps.back();
  const bool qualified = last.measured.setting.unfit.empty();
  if (!last.held) fmt::print("{}", verdict_of(last.rows, qualified));
  for (const std::string& line : setting_lines(last.measured.setting)) fmt::print("{}\n", line);
  fmt::print("highest rate inside the SLA{}: {} ticks per second; the SLA wants {}\n",
             qualified ? "" : " (UNQUALIFIED)",
             demo::thousands(static_cast<std::uint64_t>(highest)),
             demo::thousands(static_cast<std::uint64_t>(sla.rate_min)));
  write_file(session.json, ramp_json(steps, highest));
  write_file(session.svg,
             svg_of(fmt::format("Tick to order at {:.0f} ticks per second, the last step",
                                last.measured.rate),
                    setting_lines(last.measured.setting), curves_of(last.measured.spans)));
  return exit_of(session, last.measured.setting, highest >= sla.rate_min);
}

}  // namespace

Command add_throughput(CLI::App& app) {
  const auto session = std::make_shared<Session>();
  session->seconds = 10;
  CLI::App* line = app.add_subcommand(
      "throughput", "The real processes, as fast as every ring takes ticks: none is dropped.");
  add_session_flags(*line, *session);
  add_seconds_flags(*line, *session);
  return {line, [session] {
            bind_session(*session);
            if (session->rig.origin == Origin::Venue)
              throw Error(Exit::Usage,
                          "throughput needs --source synthetic: a venue does not wait");
            return throughput(*session);
          }};
}

Command add_ramp(CLI::App& app) {
  const auto session = std::make_shared<Session>();
  const auto plan = std::make_shared<Ramp>();
  session->seconds = 5;
  CLI::App* line = app.add_subcommand(
      "ramp", "The highest rate at which the real processes keep the SLA's latencies.");
  add_session_flags(*line, *session);
  add_seconds_flags(*line, *session);
  line->add_option("--from", plan->from, "first rate, ticks per second")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  line->add_option("--to", plan->to, "last rate")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  line->add_option("--factor", plan->factor, "from one rate to the next")
      ->check(CLI::Range(1.01, 100.0))
      ->capture_default_str();
  return {line, [session, plan] {
            bind_session(*session);
            if (session->rig.origin == Origin::Venue)
              throw Error(Exit::Usage, "ramp needs --source synthetic: a venue has its own rate");
            if (plan->from > plan->to)
              throw Error(Exit::Usage,
                          fmt::format("--from {} is above --to {}", plan->from, plan->to));
            return ramp(*session, *plan);
          }};
}

}  // namespace sluice::bench
