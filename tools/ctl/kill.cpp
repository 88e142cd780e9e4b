#include "tools/ctl/kill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <optional>
#include <set>
#include <thread>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/fence.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {
namespace {

// How long a raiser that met an ended run looks for the next one.
constexpr std::chrono::milliseconds kNextRun{500};

// One instance on its way: what is mapped, what is to be raised, what came of it.
struct Target {
  Segment kill;
  Segment control;
  std::array<Segment, kGates.size()> pages;
  std::optional<Scope> scope;
  std::uint64_t raised_ns = 0;  // CLOCK_BOOTTIME, taken before the raise
  bool settled = false;         // nothing is left to try
  KillResult result;
};

AttachError map_kill(Target& target) {
  return Segment::attach(segment_name(target.result.instance, "kill"), Access::ReadWrite,
                         {target.result.instance, ObjectKind::Kill, 0, 0, Mode::Paper},
                         target.kill);
}

// Whoever owns the kill page, which our group or user is trusted with, owns the rest.
std::optional<uid_t> owner_of_kill(Target& target) {
  if (target.kill.data() == nullptr && map_kill(target) != AttachError::None) return {};
  return target.kill.owner();
}

AttachError map_control(Target& target) {
  return Segment::attach(
      segment_name(target.result.instance, "control"), Access::ReadOnly,
      {target.result.instance, ObjectKind::Control, 0, 0, Mode::Paper, owner_of_kill(target)},
      target.control);
}

// The raise. An ended run is stronger than any level; a serial is taken all the same, so that one
// can wait for gates that have not seen the end yet.
void raise(Target& target, KillLevel level) {
  KillPage& page = *target.kill.as<KillPage>();
  target.raised_ns = boottime_ns();
  const RaiseResult raised = raise_kill(page, *target.scope, level, KillCause::Operator);
  KillResult& result = target.result;
  result.raised = raised.raised;
  result.ended = !raised.raised;
  result.standing = raised.word.level;
  if (raised.raised)
    result.target = raised.target;
  else if (result.target == 0)
    result.target = page.serial.fetch_add(1) + 1;
  result.word = page.words[scope_slot(*target.scope)].load(std::memory_order_acquire);
}

// The number of a scope belongs to a run: a name is looked up in the control page of the very run
// whose kill page is mapped. Without a value there is nothing to raise in this run, or not yet.
void locate(Target& target, const std::string& scope) {
  if (scope == "global") return;
  const std::uint64_t run_id = target.kill.as<KillPage>()->header.run_id;
  const auto of_this_run = [&] {
    const auto* control = target.control.as<const ControlPage>();
    return control != nullptr && control->header.run_id == run_id;
  };
  if (of_this_run()) return;
  target.scope.reset();
  if (map_control(target) == AttachError::None && of_this_run())
    target.scope = parse_scope(*target.control.as<const ControlPage>(), scope);
}

std::string problem_of(const KillResult& result, AttachError error, const std::string& scope) {
  if (error != AttachError::None)
    return fmt::format("/dev/shm/{} {}: {}", segment_name(result.instance, "kill"), name_of(error),
                       advice_for(error));
  return fmt::format(
      "the run that began meanwhile has no scope '{}'; to stop everything: sluicectl kill", scope);
}

// One attempt. True if there is nothing left to try: raised, or a problem that time does not solve.
bool try_raise(Target& target, const KillRequest& request) {
  KillResult& result = target.result;
  const AttachError error = map_kill(target);
  if (error == AttachError::None) locate(target, request.scope);
  const bool found = error == AttachError::None && target.scope.has_value();
  if (found) raise(target, request.level);
  if (!found && error == AttachError::None) result.ended = false;  // this one has not
  result.absent = error == AttachError::WrongBoot;
  const bool between = error == AttachError::None || error == AttachError::NotFound ||
                       error == AttachError::NotReady || error == AttachError::TooSmall;
  result.problem.clear();
  if (!found && !result.absent && !result.ended)
    result.problem = problem_of(result, error, request.scope);
  return result.raised || result.absent || !between;
}

// Everything that can be raised is raised before anything is waited for. Between two runs there is
// a moment without a kill page, or with one that says ENDED: then the next run is looked for, and
// the raise goes there.
void raise_all(std::vector<Target>& targets, const KillRequest& request) {
  const auto until = std::chrono::steady_clock::now() + kNextRun;
  for (;;) {
    bool done = true;
    for (Target& target : targets)
      if (!target.settled) done = (target.settled = try_raise(target, request)) && done;
    if (done || std::chrono::steady_clock::now() >= until) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// ns from the raise until now, or until a host time of the run's clock.
class Stopwatch {
 public:
  explicit Stopwatch(const Target& target) : raised_ns_(target.raised_ns) {
    if (const auto* control = target.control.as<const ControlPage>(); control != nullptr) {
      const Clock clock(control->calibration);
      offset_ = clock.now().ns - static_cast<std::int64_t>(boottime_ns());
      calibrated_ = true;
    }
  }
  [[nodiscard]] std::int64_t now() const noexcept {
    return static_cast<std::int64_t>(boottime_ns() - raised_ns_);
  }
  [[nodiscard]] std::int64_t until(std::uint64_t host_ns) const noexcept {
    if (!calibrated_) return now();
    return std::max<std::int64_t>(
        0, static_cast<std::int64_t>(host_ns) - static_cast<std::int64_t>(raised_ns_) - offset_);
  }

 private:
  std::uint64_t raised_ns_;
  std::int64_t offset_ = 0;
  bool calibrated_ = false;
};

void attach_gates(Target& target) {
  const auto& kill = target.kill.as<const KillPage>()->header;
  if (target.control.data() == nullptr) static_cast<void>(map_control(target));
  for (std::size_t i = 0; i < kGates.size(); ++i) {
    const auto number = static_cast<std::uint8_t>(kGates[i]);
    const AttachError error = Segment::attach(
        segment_name(target.result.instance, page_object_of(kGates[i])), Access::ReadOnly,
        {target.result.instance, ObjectKind::Stage, number, kill.run_id, kill.mode,
         target.kill.owner()},
        target.pages[i]);
    GateResult gate{kGates[i], GateEnd::Waiting, 0, -1, {}};
    if (error != AttachError::None) {
      gate.end = GateEnd::Unseen;
      gate.note = fmt::format("its page {}", name_of(error));
    }
    target.result.gates.push_back(std::move(gate));
  }
}

// A gate whose lease nobody holds has no process, and a new one scans the kill page before it
// sends.
void look_at_gate(const StagePage& page, const Target& target, const Stopwatch& watch,
                  GateResult& gate) {
  // acquire: pairs with the driver's release
  if (has_obeyed(*target.kill.as<const KillPage>(), page.obeyed.load(std::memory_order_acquire),
                 target.result.target)) {
    gate.end = GateEnd::Obeyed;
    gate.pid = look(page.lease).pid;
    gate.reaction_ns = watch.until(page.obeyed_at_ns.load(std::memory_order_relaxed));
    return;
  }
  const LeaseView holder = look(page.lease);
  gate.pid = holder.pid;
  if (holder.alive) return;
  gate.end = GateEnd::Dead;
  gate.reaction_ns = watch.now();
  gate.note = holder.pid == 0 ? "not running" : "dead";
}

void fence_gate(const Segment& page, std::chrono::milliseconds deadline, const Stopwatch& watch,
                GateResult& gate) {
  switch (fence(page, deadline)) {
    case Fenced::Killed: gate.end = GateEnd::Fenced; break;
    case Fenced::Gone:
      gate.end = GateEnd::Dead;
      gate.note = "dead";
      break;
    case Fenced::NotAllowed:
      gate.end = GateEnd::NotAllowed;
      gate.note = fmt::format("it may not be signalled by this user: sudo kill -KILL {}", gate.pid);
      return;
    case Fenced::NotProven:
      gate.note =
          fmt::format("SIGKILL was sent, its death was not seen: check process {}", gate.pid);
      return;
    case Fenced::NotHolder:
      gate.end = GateEnd::NotAllowed;
      gate.note = fmt::format(
          "the lease names process {}, which does not map the page: somebody has forged it, "
          "nothing was sent; look at it: ps -fp {}; ls -l /dev/shm",
          gate.pid, gate.pid);
      return;
    case Fenced::NotSeen:
      gate.end = GateEnd::NotAllowed;
      gate.note = fmt::format(
          "this user may not see whether process {} is it, nothing was sent: look at it: "
          "ps -fp {}; if it is: sudo kill -KILL {}",
          gate.pid, gate.pid, gate.pid);
      return;
  }
  gate.reaction_ns = watch.now();
}

class Completion {
 public:
  Completion(const KillRequest& request, std::vector<Target>& targets) : request_(request) {
    for (Target& target : targets)
      if (target.result.target != 0) open_.push_back({&target, Stopwatch(target)});
  }

  // SEVER: the gateway is killed, whether it obeys or not.
  void sever() {
    for (Open& open : open_)
      for (std::size_t i = 0; i < kGates.size(); ++i)
        if (kGates[i] == Process::Gateway && open.target->pages[i].data() != nullptr)
          fence_one(open, i);
  }

  void wait() {
    const auto start = std::chrono::steady_clock::now();
    bool fenced = false;
    while (look() && std::chrono::steady_clock::now() - start < request_.timeout) {
      if (!fenced && request_.level >= KillLevel::Halt &&
          std::chrono::steady_clock::now() - start >= kFenceAfter) {
        fence_all();
        fenced = true;
      }
      const timespec nap{0, 20'000};
      nanosleep(&nap, nullptr);
    }
    for (Open& open : open_) finish(open);
  }

 private:
  struct Open {
    Target* target;
    Stopwatch watch;
  };

  const StagePage& page(const Open& open, std::size_t i) const {
    return *open.target->pages[i].as<const StagePage>();
  }

  // True while a gate of any instance is waited for. One that may not be fenced may still obey.
  bool look() {
    bool waiting = false;
    for (Open& open : open_)
      for (std::size_t i = 0; i < kGates.size(); ++i) {
        GateResult& gate = open.target->result.gates[i];
        if (gate.settled() || gate.end == GateEnd::Unseen) continue;
        look_at_gate(page(open, i), *open.target, open.watch, gate);
        waiting = waiting || !gate.settled();
      }
    return waiting;
  }

  void fence_one(Open& open, std::size_t i) {
    GateResult& gate = open.target->result.gates[i];
    gate.pid = sluice::look(page(open, i).lease).pid;
    fence_gate(open.target->pages[i], request_.timeout, open.watch, gate);
  }

  void fence_all() {
    look();
    for (Open& open : open_)
      for (std::size_t i = 0; i < kGates.size(); ++i) {
        const GateResult& gate = open.target->result.gates[i];
        if (!gate.settled() && gate.end != GateEnd::Unseen) fence_one(open, i);
      }
  }

  static void finish(Open& open) {
    KillResult& result = open.target->result;
    result.waited = true;
    for (std::size_t i = 0; i < kGates.size(); ++i)
      if (kGates[i] == Process::Gateway && open.target->pages[i].data() != nullptr)
        result.open_orders = static_cast<std::int64_t>(
            open.target->pages[i].as<const StagePage>()->statistics.counter("open_orders"));
    for (const GateResult& gate : result.gates)
      result.took_ns = std::max(result.took_ns, gate.reaction_ns);
  }

  const KillRequest& request_;
  std::vector<Open> open_;
};

// Names of scopes need the control page; `global` needs nothing.
std::vector<Target> resolve(const KillRequest& request) {
  std::vector<Target> targets;
  const std::vector<std::string> names =
      request.instance.empty() ? kill_candidates() : std::vector<std::string>{request.instance};
  std::string known;
  for (const std::string& name : names) {
    Target target;
    target.result.instance = name;
    if (request.scope == "global") {
      target.scope = Scope{};
    } else if (const AttachError error = map_control(target); error == AttachError::None) {
      const auto& control = *target.control.as<const ControlPage>();
      target.scope = parse_scope(control, request.scope);
      for (std::size_t slot = 0; slot < kScopes; ++slot)
        if (control.scope_exists(scope_at(slot)))
          known += " " + scope_text(&control, scope_at(slot));
    } else {
      known += fmt::format(" ({}: {})", name, name_of(error));
    }
    if (target.scope) targets.push_back(std::move(target));
  }
  if (names.empty())
    throw Error(Exit::Unreachable,
                "no instance has a kill page in /dev/shm: nothing is running here");
  if (targets.empty())
    throw Error(Exit::Usage, fmt::format("there is no scope '{}'; known:{}", request.scope, known));
  return targets;
}

bool exists(const std::string& instance) {
  const std::vector<std::string> names = kill_candidates();
  return std::find(names.begin(), names.end(), instance) != names.end();
}

}  // namespace

bool KillResult::complete() const noexcept {
  if (absent) return true;
  if (!problem.empty() || target == 0 || gates.empty()) return false;
  return std::all_of(gates.begin(), gates.end(),
                     [](const GateResult& gate) { return gate.settled(); });
}

std::vector<std::string> kill_candidates() {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view kPrefix = "sluice.";
    for (const std::string_view suffix : {".kill", ".control"})
      if (name.starts_with(kPrefix) && name.ends_with(suffix) &&
          name.size() > kPrefix.size() + suffix.size())
        names.insert(name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix.size()));
  }
  return {names.begin(), names.end()};
}

std::vector<KillResult> kill(const KillRequest& request) {
  if (!request.instance.empty() && !exists(request.instance))
    throw Error(Exit::Usage, fmt::format("there is no instance '{}' in /dev/shm; there: {}",
                                         request.instance, fmt::join(kill_candidates(), ", ")));
  std::vector<Target> targets = resolve(request);
  raise_all(targets, request);
  for (Target& target : targets)
    if (target.result.target != 0) attach_gates(target);
  Completion completion(request, targets);
  if (request.level == KillLevel::Sever) completion.sever();
  if (request.wait) completion.wait();
  std::vector<KillResult> results;
  for (Target& target : targets) results.push_back(std::move(target.result));
  return results;
}

int exit_code(const std::vector<KillResult>& results, bool waited) noexcept {
  const bool good = std::all_of(results.begin(), results.end(), [waited](const KillResult& result) {
    return waited ? result.complete() : result.raised || result.ended || result.absent;
  });
  return static_cast<int>(good ? Exit::Ok : Exit::Incomplete);
}

}  // namespace sluice::ctl
