#include "tests/campaign/campaign.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <thread>

#include "core/process.hpp"
#include "tests/campaign/judge.hpp"

namespace sluice::campaign {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::array kVictims{Process::Feed,    Process::Seat0,    Process::Risk,
                              Process::Gateway, Process::Recorder, Process::Supervisor};

std::optional<Process> process_named(std::string_view name) {
  for (const Process p : kVictims)
    if (name_of(p) == name) return p;
  return std::nullopt;
}

e2e::Box::Options load() {
  return {.speed = "60",
          .conf = {{"window_s", "1"},
                   {"alloc", "\"0.0001\""},
                   {"risk_per_trade", "\"0.0001\""},
                   {"min_gap_s", "0"},
                   {"cooldown_s", "0"},
                   {"max_same_side", "5"},
                   {"cap", "\"3000\""},
                   {"restart_min_ms", "1"},
                   {"restart_max_ms", "20"},
                   {"crash_limit", "15"},
                   {"crash_window_s", "1"}}};
}

// One run of the pipeline and the faults in it.
class Round {
 public:
  Round(const Plan& plan, test::Random& random, Result& result)
      : plan_(plan), random_(random), result_(result), box_(load()) {
    box_.start_supervisor();
    if (!box_.wait_armed()) fail("it does not start");
  }

  [[nodiscard]] bool failed() const noexcept { return failed_; }

  void inject(const std::string& fault) {
    wait_for_load();
    if (failed_) return;
    const auto start = Clock::now();
    const std::string kind = fault.substr(0, fault.find(':'));
    const std::string name = fault.substr(fault.find(':') + 1);
    if (kind == "kill") kill(*process_named(name));
    if (kind == "pair") pair();
    if (kind == "stop") stop(*process_named(name));
    if (kind == "deaf") deaf();
    if (failed_) return;
    Outcome& outcome = result_.faults[fault];
    ++outcome.times;
    outcome.recovery_ms.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - start - held_).count());
    held_ = {};
  }

  // Stops the run and judges it.
  void end() {
    if (failed_) return;
    const bool settled =
        e2e::eventually([&] { return box_.counter(Process::Gateway, "open_orders") == 0; }, 1s);
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      if (box_.objects().control->scope_exists(scope_at(slot)) &&
          box_.objects().kill->read(slot).level != KillLevel::Run)
        fail("a kill level stands that nobody raised");
    if (const int code = box_.stop(); code != 0) fail(fmt::format("the stop ended with {}", code));
    const Verdict verdict = judge(box_.run_dir(), kCap, settled);
    for (const std::string& violation : verdict.violations) fail(violation);
    result_.placed += verdict.placed;
    result_.fills += verdict.fills;
    result_.most_used = std::max(result_.most_used, verdict.most_used);
  }

 private:
  void fail(const std::string& what) {
    failed_ = true;
    result_.violations.push_back(fmt::format("round {}: {}", result_.rounds, what));
    std::fprintf(stderr, "%s\n%s\n", result_.violations.back().c_str(),
                 box_.log("sluice-supervisor").c_str());
  }
  void pause(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }

  // A random moment; usually with an order sent since the last fault.
  void wait_for_load() {
    const std::uint64_t before = box_.counter(Process::Gateway, "sent_verdicts");
    e2e::eventually([&] { return box_.counter(Process::Gateway, "sent_verdicts") != before; },
                    200ms);
    pause(std::chrono::microseconds(random_.below(20'000)));
  }

  [[nodiscard]] pid_t pid_of(Process p) {
    return p == Process::Supervisor ? box_.supervisor() : box_.pid_of(p);
  }

  // Death is awaited: a lease is given away on proof only.
  pid_t strike(Process victim) {
    const pid_t pid = pid_of(victim);
    if (pid <= 0 || ::kill(pid, SIGKILL) != 0) {
      fail(fmt::format("{} is not there", name_of(victim)));
      return 0;
    }
    return pid;
  }
  void await_return(Process victim, pid_t dead) {
    if (dead == 0) return;
    if (victim == Process::Supervisor) {
      if (!e2e::eventually([&] { return start_ticks_of(dead) == 0; })) fail("it does not die");
      const std::uint16_t before = box_.objects().control->beat().lease_epoch;
      box_.start_supervisor();
      if (!e2e::eventually([&] { return box_.objects().control->beat().lease_epoch != before; }))
        fail("the supervisor does not take over");
    } else if (!e2e::eventually([&] {
                 const pid_t now = box_.pid_of(victim);
                 return now > 0 && now != dead &&
                        box_.objects().page(victim).stage_state() == StageState::Ready;
               })) {
      fail(fmt::format("{} does not come back\n{}", name_of(victim),
                       box_.log(std::string(name_of(victim)))));
    }
    if (!failed_ && !box_.wait_armed()) fail("it is not permitted again");
  }

  void kill(Process victim) { await_return(victim, strike(victim)); }

  void pair() {
    const Process first = kVictims[random_.below(kVictims.size())];
    Process second = first;
    while (second == first) second = kVictims[random_.below(kVictims.size())];
    const pid_t one = strike(first);
    pause(std::chrono::microseconds(random_.below(10'000)));
    const pid_t other = strike(second);
    // A supervisor first: it brings the other one back.
    const bool swap = second == Process::Supervisor;
    await_return(swap ? second : first, swap ? other : one);
    await_return(swap ? first : second, swap ? one : other);
  }

  [[nodiscard]] std::chrono::nanoseconds stop_time() {
    // Small ones matter as much as long ones: 1 ms times a random power.
    const auto longest = static_cast<std::uint64_t>(plan_.longest_stop.count());
    std::uint64_t ms = 1;
    while (ms < longest && !random_.one_in(4)) ms *= 2;
    return std::chrono::milliseconds(std::min(longest, ms));
  }

  // Stopped is not dead: nobody else may get its place.
  void stop(Process victim) {
    const pid_t pid = pid_of(victim);
    ::kill(pid, SIGSTOP);
    const auto time = stop_time();
    pause(time);
    held_ = time;
    if (pid_of(victim) != pid)
      fail(fmt::format("{} was replaced while it was stopped", name_of(victim)));
    ::kill(pid, SIGCONT);
    if (!failed_ && !box_.wait_armed()) fail("it is not permitted again");
  }

  // A kill completes although the gateway does not hear it, and what it wakes up to is the level.
  void deaf() {
    const pid_t pid = pid_of(Process::Gateway);
    ::kill(pid, SIGSTOP);
    const auto start = Clock::now();
    const e2e::Outcome told = box_.ctl({"kill"});
    const auto took = Clock::now() - start;
    const std::uint64_t placed = box_.objects().paper_log->tail.load();
    ::kill(pid, SIGCONT);
    if (told.exit_code != 0) fail("the kill is not complete: " + told.out);
    if (const auto at = told.out.rfind("COMPLETE in ");
        at == std::string::npos || std::stol(told.out.substr(at + 12)) > 100'000)
      fail("not complete within 100 ms: " + told.out);
    pause(20ms);
    if (sent_since(placed)) fail("it sent under HALT");
    held_ = took;
    await_return(Process::Gateway, pid);
    rearm();
  }

  // Orders that rest may still be filled; none may be placed.
  [[nodiscard]] bool sent_since(std::uint64_t position) {
    const JournalMemory& log = *box_.objects().paper_log;
    for (; position < log.tail.load(std::memory_order_acquire); ++position) {
      const JournalSlot& slot = log.slots()[position & (log.header.capacity - 1)];
      if (from_payload<PaperEntry>(slot.payload).what == PaperWhat::Placed) return true;
    }
    return false;
  }

  void rearm() {
    const auto word = [&] { return box_.objects().kill->words[0].load(); };
    const bool done = e2e::eventually([&] {
      return box_.ctl({"rearm", "--scope", "global", "--word", fmt::format("{:016x}", word()),
                       "--operator", "campaign", "--reason", "the drill of the campaign is over"})
                 .exit_code == 0;
    });
    if (!done) fail("the kill cannot be rearmed");
  }

  const Plan& plan_;
  test::Random& random_;
  Result& result_;
  e2e::Box box_;
  std::chrono::nanoseconds held_{};  // time that the fault itself took
  bool failed_ = false;
};

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace

std::vector<std::string> known_faults() {
  std::vector<std::string> names;
  for (const char* kind : {"kill", "stop"})
    for (const Process p : kVictims) names.push_back(fmt::format("{}:{}", kind, name_of(p)));
  names.insert(names.end(), {"pair", "deaf"});
  return names;
}

Result run(const Plan& plan) {
  Result result;
  test::Random random(plan.seed);
  std::vector<std::string> due;
  for (const std::string& fault : plan.faults) due.insert(due.end(), plan.times, fault);
  for (std::size_t i = due.size(); i > 1; --i) std::swap(due[i - 1], due[random.below(i)]);
  for (std::size_t next = 0; next < due.size() && result.violations.size() < 5;) {
    Round round(plan, random, result);
    for (std::uint64_t n = 0; n < plan.round && next < due.size() && !round.failed(); ++n)
      round.inject(due[next++]);
    round.end();
    ++result.rounds;
    std::fprintf(stderr, "%zu of %zu faults, %zu violations\n", next, due.size(),
                 result.violations.size());
  }
  return result;
}

void print_text(const Plan& plan, const Result& result) {
  std::printf(
      "seed %llu, %llu runs, %llu orders at the venue, %llu fills, most capital used %.2f of "
      "%.2f\n",
      static_cast<unsigned long long>(plan.seed), static_cast<unsigned long long>(result.rounds),
      static_cast<unsigned long long>(result.placed), static_cast<unsigned long long>(result.fills),
      static_cast<double>(result.most_used) / 1e8, static_cast<double>(kCap) / 1e8);
  std::printf("%-18s %6s %10s %10s %10s  back, Ready and permitted after, ms\n", "fault", "times",
              "p50", "p99", "max");
  std::uint64_t all = 0;
  for (const auto& [name, outcome] : result.faults) {
    all += outcome.times;
    std::printf("%-18s %6llu %10.1f %10.1f %10.1f\n", name.c_str(),
                static_cast<unsigned long long>(outcome.times), quantile(outcome.recovery_ms, 0.5),
                quantile(outcome.recovery_ms, 0.99), quantile(outcome.recovery_ms, 1));
  }
  std::printf("%llu faults, %zu violations", static_cast<unsigned long long>(all),
              result.violations.size());
  if (result.violations.empty() && all > 0)
    std::printf(": at most %.2g per fault with 95 %% confidence (3/N)",
                3.0 / static_cast<double>(all));
  std::printf("\n");
  for (const std::string& violation : result.violations) std::printf("%s\n", violation.c_str());
}

std::string as_json(const Plan& plan, const Result& result) {
  std::string faults;
  for (const auto& [name, outcome] : result.faults)
    faults += fmt::format(
        R"({}"{}":{{"times":{},"p50_ms":{:.2f},"p99_ms":{:.2f},"max_ms":{:.2f}}})",
        faults.empty() ? "" : ",", name, outcome.times, quantile(outcome.recovery_ms, 0.5),
        quantile(outcome.recovery_ms, 0.99), quantile(outcome.recovery_ms, 1));
  return fmt::format(
      R"({{"seed":{},"runs":{},"orders":{},"fills":{},"most_used":{:.8f},"violations":{},"faults":{{{}}}}})",
      plan.seed, result.rounds, result.placed, result.fills,
      static_cast<double>(result.most_used) / 1e8, result.violations.size(), faults);
}

}  // namespace sluice::campaign
