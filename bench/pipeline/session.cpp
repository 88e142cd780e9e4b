#include "bench/pipeline/session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/machine/fitness.hpp"
#include "bench/pipeline/market.hpp"
#include "core/build.hpp"
#include "feed/counters.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kLoadPatience = 30s;  // beyond the length of the load
std::chrono::milliseconds millis(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

std::string source_of(const Session& session) {
  return session.rig.origin == Origin::Venue ? "venue at speed " + session.rig.speed : "synthetic";
}

// From the pages of a feed that has left: what a source of our own would say.
Sent sent_by_feed(Rig& rig) {
  const Statistics& feed = rig.objects().page(Process::Feed).statistics;
  const auto count = [&](FeedCounter counter) {
    return feed.counter(static_cast<std::size_t>(counter));
  };
  Sent sent;
  sent.ticks = count(FeedCounter::TicksQuote) + count(FeedCounter::TicksTrade) +
               count(FeedCounter::TicksStatus);
  sent.dropped_seat = count(dropped_counter(feed_seat(0)));
  sent.dropped_risk = count(dropped_counter(Edge::FeedRisk));
  sent.dropped_gateway = count(dropped_counter(Edge::FeedGateway));
  return sent;
}

Sent run_venue(Rig& rig, double seconds) {
  rig.await_armed();
  const HostTime first = rig.clock().now();
  rig.await([] { return false; }, millis(seconds));
  const HostTime last = rig.clock().now();
  rig.stop_feed();
  rig.settle();
  Sent sent = sent_by_feed(rig);
  sent.first_due = first;
  sent.last_sent = last;
  return sent;
}

Sent run_synthetic(Rig& rig, const Load& load, double seconds) {
  Source source(rig);
  rig.await_armed();
  source.begin(load);
  const bool closed = load.rate == 0;
  const bool done =
      rig.await([&] { return !source.running(); },
                millis(seconds) + (closed ? 0ms : std::chrono::milliseconds(kLoadPatience)));
  source.halt();
  if (!done && !closed)
    throw Error(
        fmt::format("the source is {} ticks of {} far after {} s: it does not keep up with "
                    "a rate of {}",
                    source.sent().ticks, load.ticks, seconds + 30, load.rate));
  rig.settle();
  return source.sent();
}

}  // namespace

const std::vector<std::string>& wait_names() {
  static const std::vector<std::string> names{"auto", "spin", "yield", "nap"};  // by WaitStrategy
  return names;
}

WaitStrategy wait_named(const std::string& name) {
  const auto& names = wait_names();
  return static_cast<WaitStrategy>(std::find(names.begin(), names.end(), name) - names.begin());
}

void add_session_flags(CLI::App& line, Session& s) {
  line.add_option("--conf", s.rig.conf, "configuration of the measured run")->capture_default_str();
  line.add_option("--sla", s.sla, "limits that the run is judged by")->capture_default_str();
  line.add_option("--json", s.json, "writes the results to this file as well");
  line.add_option("--svg", s.svg, "writes a picture of the distributions to this file");
  line.add_option("--source", s.origin, "where ticks come from")
      ->check(CLI::IsMember({"synthetic", "venue"}))
      ->capture_default_str();
  line.add_option("--capture", s.rig.capture, "with --source venue: what the venue plays");
  line.add_option("--speed", s.rig.speed, "with --source venue: market seconds per second")
      ->capture_default_str();
  line.add_option("--cpus", s.cpus, "of the stages: 0,1 or 2-6; default: all it may run on");
  line.add_option("--rest-cpu", s.rig.rest, "of recorder and supervisor; default: the last");
  line.add_option("--wait", s.wait, "how every stage waits")
      ->check(CLI::IsMember(wait_names()))
      ->capture_default_str();
  line.add_option("--recorder-wait", s.recorder_wait, "how the recorder waits")
      ->check(CLI::IsMember(wait_names()))
      ->capture_default_str();
  line.add_option("--dir", s.rig.dir, "where journals are written; default: $TMPDIR, or /tmp");
  line.add_flag("--keep", s.rig.keep, "leave logs and journals there");
  line.add_option("--order-every", s.order_every, "one tick in so many makes an order")
      ->check(CLI::Range(kShortestCycle, std::uint64_t{1'000'000}))
      ->capture_default_str();
  line.add_option("--seed", s.seed, "of the synthetic market")->capture_default_str();
  line.add_flag("--unqualified-ok", s.unqualified_ok,
                "judge on a machine that is not qualified: without it the exit code is 3");
}

void add_rate_flags(CLI::App& line, Session& s) {
  line.add_option("--rate", s.rate, "ticks per second of the synthetic market")
      ->check(CLI::Range(10, 10'000'000))
      ->capture_default_str();
  add_seconds_flags(line, s);
}

void add_seconds_flags(CLI::App& line, Session& s) {
  line.add_option("--seconds", s.seconds, "of load; 300 for the record")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
  line.add_option("--warm-up", s.warm_up_s, "seconds of them that are not judged")
      ->check(CLI::Range(0.0, 3'600.0))
      ->capture_default_str();
}

void bind_session(Session& s) {
  if (s.warm_up_s >= s.seconds)
    throw Error(Exit::Usage, fmt::format("--seconds {} leaves nothing behind --warm-up {}",
                                         s.seconds, s.warm_up_s));
  if (!s.cpus.empty()) s.rig.cpus = parse_cpus(s.cpus);
  const std::vector<int> allowed = allowed_cpus();
  if (s.rig.rest && std::find(allowed.begin(), allowed.end(), *s.rig.rest) == allowed.end())
    throw Error(Exit::Usage,
                fmt::format("--rest-cpu {}: not one of this process's CPUs", *s.rig.rest));
  s.rig.wait = wait_named(s.wait);
  s.rig.recorder_wait = wait_named(s.recorder_wait);
  s.rig.origin = s.origin == "venue" ? Origin::Venue : Origin::Synthetic;
  if (s.rig.origin == Origin::Venue && s.rig.capture.empty())
    throw Error(Exit::Usage, "--source venue needs --capture FILE, what the venue plays");
  must_be_writable(s.json);
  must_be_writable(s.svg);
}

std::uint64_t journal_bytes(std::uint64_t ticks) noexcept {
  constexpr std::uint64_t kTickJournals = 3;   // seat, risk, gateway
  constexpr std::uint64_t kOther = 16u << 20;  // orders, reports, verdicts, control, checkpoints
  return ticks * kTickJournals * sizeof(JournalSlot) * 5 / 4 + kOther;
}

Measured measure(const Session& session, const std::string& mode, std::int64_t rate,
                 double seconds) {
  // Faster than any machine files what is journaled thrice: the end of a closed loop's disk.
  constexpr double kFastest = 4e6;
  const auto ticks =
      static_cast<std::uint64_t>(seconds * (rate > 0 ? static_cast<double>(rate) : kFastest));
  RigPlan plan = session.rig;
  const bool venue = plan.origin == Origin::Venue;
  plan.journal_bytes = journal_bytes(ticks);
  Rig rig(plan);
  Measured measured;
  const Load load{rate, ticks, session.order_every, session.seed};
  measured.sent = venue ? run_venue(rig, seconds) : run_synthetic(rig, load, seconds);
  measured.setting = setting_of(mode, source_of(session), rig);
  rig.stop();
  const Sent& sent = measured.sent;
  const HostTime from =
      sent.first_due + Duration{static_cast<std::int64_t>(session.warm_up_s * 1e9)};
  measured.spans = read_spans(rig.run_dir(), from);
  reconcile(measured.spans, sent);
  measured.hops = figures_of(measured.spans);
  measured.seconds = static_cast<double>((sent.last_sent - sent.first_due).ns) / 1e9;
  measured.rate = static_cast<double>(sent.ticks) / measured.seconds;
  return measured;
}

Setting setting_of(const std::string& mode, const std::string& source, Rig& rig) {
  const std::uint64_t wait = rig.objects().page(Process::Seat0).wait.load();
  return {mode,
          unfit(rig.placement().cpus()),
          rig.placement(),
          rig.waits(),
          static_cast<WaitStrategy>(wait),
          source,
          std::string(build_id())};
}

Exit exit_of(const Session& session, const Setting& setting, bool met) noexcept {
  if (!setting.unfit.empty() && !session.unqualified_ok) return Exit::Unqualified;
  return met ? Exit::Ok : Exit::No;
}

}  // namespace sluice::bench
