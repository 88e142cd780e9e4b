// The verbs for one stage: `start`, `stop STAGE`, `restart`. The supervisor does it; how it went is
// read from the stage's page: a new lease, Ready, and the run armed again.
#include <chrono>
#include <thread>

#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/supervise.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

using Timer = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{30'000};
// After a start: how long it may take to arm if nothing but this stage was missing.
constexpr std::chrono::milliseconds kArming{2'000};

bool in_this_run(const ControlPage& control, Process p) noexcept {
  if (p == Process::Supervisor) return false;
  if (!is_seat(p)) return true;
  return (control.seats_taken >>
              (static_cast<unsigned>(p) - static_cast<unsigned>(Process::Seat0)) &
          1u) != 0;
}

Process stage_named(const Sight& sight, const std::string& word) {
  std::vector<std::string> names;
  for (const Process p : kProcesses) {
    if (!in_this_run(sight.control(), p)) continue;
    if (word == name_of(p)) return p;
    names.emplace_back(name_of(p));
  }
  const std::string near = nearest(word, names);
  throw Error(Exit::Usage,
              fmt::format("there is no stage '{}' in {}{}; its stages: {}", word, sight.instance,
                          near.empty() ? "" : fmt::format(": did you mean {}?", near),
                          fmt::join(names, ", ")));
}

std::string_view while_it_is_away(Process p) noexcept {
  switch (p) {
    case Process::Feed: return "no entries, and stops and profits see no prices";
    case Process::Risk: return "no entries, no stop is watched, orders at the venue rest";
    case Process::Gateway: return "no order leaves and no cancel either";
    case Process::Recorder: return "no entries; journals fill, and at three quarters ticks wait";
    case Process::Supervisor:
    case Process::Seat0: break;
  }
  return "no entries: the run is armed with every stage or not at all";
}

struct Outcome {
  int code = 0;
  std::string text;
  std::int64_t took_ms = -1;  // to the end of what was asked for
  bool armed = false;
  int pid = 0;
};

class Attempt {
 public:
  Attempt(const Options& options, const Sight& sight, Process p)
      : options_(options), sight_(sight), process_(p), page_(page_or_throw(sight, p)) {
    const LeaseView holder = look(page_.lease);
    before_ = holder;
    leaving_ = (page_.request.load(std::memory_order_acquire) & kRequestDrain) != 0;
    was_armed_ = armed();
    if (options.timeout_ms != 0) patience_ = std::chrono::milliseconds(options.timeout_ms);
  }

  Outcome run(sluice::Verb verb) {
    SupervisorRequest request = request_of(options_, verb, {});
    request.index = static_cast<std::uint32_t>(process_);
    start_ = Timer::now();
    const SupervisorReply reply = ask(sight_, request);
    Outcome outcome{reply.exit_code, std::string(text_of(reply.text))};
    if (outcome.code != 0 || options_.no_wait) return outcome;
    verb == sluice::Verb::StopStage ? wait_gone(outcome) : wait_back(verb, outcome);
    outcome.armed = armed();
    outcome.pid = look(page_.lease).pid;
    return outcome;
  }

 private:
  static const StagePage& page_or_throw(const Sight& sight, Process p) {
    if (const StagePage* page = sight.page(p); page != nullptr) return *page;
    throw Error(Exit::Unqualified, fmt::format("the page of {} cannot be read", name_of(p)));
  }
  [[nodiscard]] bool armed() const noexcept {
    return sight_.control().state.load(std::memory_order_acquire) ==
           static_cast<std::uint64_t>(RunState::Armed);
  }
  [[nodiscard]] std::int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Timer::now() - start_).count();
  }
  // False when the time is up, or the run has ended.
  template <class Condition>
  bool wait(Timer::time_point until, Condition&& condition) const {
    while (!condition()) {
      if (Timer::now() > until || !sight_.attached->alive()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  void wait_gone(Outcome& outcome) {
    const auto until = start_ + patience_;
    const bool gone = wait(until, [&] {
      const LeaseView holder = look(page_.lease);
      return !holder.alive && page_.stage_state() == StageState::Stopped;
    });
    outcome.took_ms = ms();
    if (!gone) {
      outcome.code = static_cast<int>(Exit::Incomplete);
      outcome.text += fmt::format("{} is still there after {} ms: sluicectl status -i {}\n",
                                  name_of(process_), outcome.took_ms, sight_.instance);
      return;
    }
    // One that leaves in order gives its lease back; one that was killed cannot.
    const bool killed = before_.alive && look(page_.lease).pid != 0;
    if (killed) outcome.code = static_cast<int>(Exit::Incomplete);
    outcome.text += fmt::format(
        "{} {} {} ms\nuntil it is back: {}\nto bring it back: sluicectl start {} -i {}\n",
        name_of(process_), killed ? "did not drain and was killed after" : "has stopped after",
        outcome.took_ms, while_it_is_away(process_), name_of(process_), sight_.instance);
  }

  [[nodiscard]] bool is_back(sluice::Verb verb) const noexcept {
    const LeaseView holder = look(page_.lease);
    if (!holder.alive || page_.stage_state() != StageState::Ready) return false;
    // One that was running all the time is not waited for again.
    const bool stayed = verb == sluice::Verb::StartStage && before_.alive && !leaving_;
    return stayed || holder.epoch > before_.epoch;
  }

  void wait_back(sluice::Verb verb, Outcome& outcome) {
    const auto until = start_ + patience_;
    if (!wait(until, [&] { return is_back(verb); })) {
      outcome.took_ms = ms();
      outcome.code = static_cast<int>(Exit::Incomplete);
      outcome.text += fmt::format("{} is not ready after {} ms, it is {}: sluicectl status -i {}\n",
                                  name_of(process_), outcome.took_ms, name_of(page_.stage_state()),
                                  sight_.instance);
      return;
    }
    outcome.text += fmt::format("{} is ready after {} ms (process {})\n", name_of(process_), ms(),
                                look(page_.lease).pid);
    const bool must = verb == sluice::Verb::RestartStage && was_armed_;
    const bool armed_now =
        wait(must ? until : std::min(until, Timer::now() + kArming), [&] { return armed(); });
    outcome.took_ms = ms();
    if (armed_now) {
      outcome.text += fmt::format("the run is armed after {} ms\n", outcome.took_ms);
      return;
    }
    if (must) outcome.code = static_cast<int>(Exit::Incomplete);
    const SupervisorReply why = ask(sight_, request_of(options_, sluice::Verb::Ping, {}));
    outcome.text += fmt::format("the run is {}", text_of(why.text));
  }

  const Options& options_;
  const Sight& sight_;
  Process process_;
  const StagePage& page_;
  LeaseView before_;
  bool leaving_ = false;
  bool was_armed_ = false;
  std::chrono::milliseconds patience_ = kPatience;
  Timer::time_point start_;
};

int run_stage(const Options& options, sluice::Verb verb, Console& console) {
  const Sight sight = look_at(options);
  const Process p = stage_named(sight, options.first);
  const Outcome outcome = Attempt(options, sight, p).run(verb);
  if (!options.json) {
    console.raw(outcome.text);
    return outcome.code;
  }
  Json json;
  json.object().field("verb", options.verb->name).field("stage", name_of(p));
  json.field("instance", sight.instance).field("code", outcome.code).field("text", outcome.text);
  json.span("took_ms", outcome.took_ms).field("armed", outcome.armed).field("pid", outcome.pid);
  json.end();
  console.raw(json.text());
  return outcome.code;
}

}  // namespace

int run_start(const Options& options, Console& console) {
  return run_stage(options, sluice::Verb::StartStage, console);
}

int run_stop(const Options& options, Console& console) {
  if (options.first.empty()) return stop_the_run(options, console);
  return run_stage(options, sluice::Verb::StopStage, console);
}

int run_restart(const Options& options, Console& console) {
  return run_stage(options, sluice::Verb::RestartStage, console);
}

}  // namespace sluice::ctl
