#include "tools/supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/build.hpp"
#include "core/clock.hpp"
#include "core/decimal.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "core/watch.hpp"
#include "tools/supervisor/grants.hpp"
#include "tools/supervisor/holder.hpp"
#include "tools/supervisor/privileges.hpp"
#include "tools/supervisor/reclaim.hpp"
#include "tools/supervisor/state_file.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kBeatEveryNs = 50'000'000;  // gates act after 500 ms
constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace

Supervisor::Supervisor(const Setup& setup) : pipeline_(setup.pipeline), config_(setup.config) {
  lock_ = lock_state_dir(pipeline_.state_dir);
  std::optional<gid_t> admins;
  if (pipeline_.access) {
    const Identities who = resolve(*pipeline_.access);
    open_state_dir(pipeline_.state_dir, who);
    admins = who[Role::Admin];
  }
  audit_ = std::make_unique<Audit>(pipeline_.state_dir / "audit.log");
  requests_ = std::make_unique<Requests>(supervisor_socket(pipeline_.state_dir), admins);
  carried_ = load_latch(pipeline_.state_dir);
  caps_ = load_caps(pipeline_.state_dir);
  take_run(setup);
  take_pages(setup);
  Objects& objects = run_->objects();
  children_ = std::make_unique<Children>(config_, pipeline_, objects, launch(setup.launch));
  kills_ = std::make_unique<KillWatch>(objects, *children_, *audit_, config_, pipeline_.state_dir,
                                       [this](const std::string& line) { say(line); });
  if (!adopted_) {
    set_starting_caps();
    kills_->carry(carried_);
  }
  beat();  // from here on no permit of an earlier supervisor is valid
  if (!adopted_) run_->publish();
  own_ = std::make_unique<OwnPages>(objects);
  if (adopted_) expect_kept_caps();
  started_ns_ = boottime_ns();
  const std::string what = fmt::format("run {} of instance {} ({}), build {}", run_->ordinal(),
                                       pipeline_.instance, name_of(pipeline_.mode), build_id());
  say((adopted_ ? "taken over: " : "") + what);
  audit_->write(adopted_ ? "run_taken_over" : "run_started", "supervisor", what);
  notify_.tell("READY=1\nSTATUS=" + what);
}

// With users of its own each stage writes only its page: what one says of itself is then proven
// before another user's processes are signalled.
Children::Launch Supervisor::launch(Children::Launch wanted) {
  if (pipeline_.access)
    wanted.holds = [this, who = resolve(*pipeline_.access)](pid_t pid, Process p) {
      return is_holder(pid, p, run_->file_of(p), &who);
    };
  return wanted;
}

// The run that a dead supervisor left, if it is of this build and configuration; else a new one,
// after what is left has been ended.
void Supervisor::take_run(const Setup& setup) {
  std::string why_not;
  run_ = Run::adopt(pipeline_, {std::string(build_id()), setup.config_hash}, why_not);
  adopted_ = run_ != nullptr;
  if (adopted_) return;
  if (!why_not.empty()) say("the run that is there is ended, not taken over: " + why_not);
  const auto keep = [this] {
    if (!store_latch(pipeline_.state_dir, carried_))
      throw Error(
          (pipeline_.state_dir / "kill.latch").string() +
          ": cannot be written: a kill level would be forgotten; free some disk space first");
  };
  reclaim(pipeline_.instance, carried_, keep, pipeline_.access ? &*pipeline_.access : nullptr);
  run_ = Run::create(pipeline_, setup.config_hash, setup.config_bytes);
}

void Supervisor::take_pages(const Setup& setup) {
  Objects& objects = run_->objects();
  if (adopted_) withhold_what_was_void();
  lease_epoch_ = static_cast<std::uint16_t>(claim(objects.control->supervisor, "the control page"));
  StagePage& own = objects.page(Process::Supervisor);
  claim(own.lease, "the supervisor's page");
  own.build_id = objects.control->build_id;
  own.layout_hash.store(schema_hash());
  own.config_hash.store(setup.config_hash);
}

void Supervisor::set_starting_caps() noexcept {
  ControlPage& control = *run_->objects().control;
  const auto start = [&](Scope scope) {
    const std::string name = scope_name(control, scope);
    const Notional cap = starting_cap(caps_, name, config_.cap);
    control.caps[scope_slot(scope)].store(cap.raw, std::memory_order_release);
    DecimalText text;
    if (cap != config_.cap)
      say(fmt::format("cap of {} is {}, as an operator left it in an earlier run", name,
                      format_decimal(cap.raw, text)));
  };
  start({});
  for (std::uint32_t i = 0; i < control.strategies; ++i) start({ScopeKind::Strategy, i});
}

// Of a run that is taken over: a cap that nobody has set is damage, not the cap.
void Supervisor::expect_kept_caps() noexcept {
  const ControlPage& control = *run_->objects().control;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const Scope scope = scope_at(slot);
    if (!control.scope_exists(scope)) continue;
    if (scope.kind != ScopeKind::Global && scope.kind != ScopeKind::Strategy) continue;
    const std::string name = scope_name(control, scope);
    const auto kept = std::find_if(caps_.begin(), caps_.end(),
                                   [&](const LatchedCap& cap) { return cap.scope == name; });
    if (kept != caps_.end() && kept->cap == own_->cap(slot)) continue;
    own_->cap_is(slot, starting_cap(caps_, name, config_.cap));
  }
}

// The global permit follows the processes (decide_permits). Any other one that is void in a run
// that had granted them was taken away or damaged: that does not heal by a change of supervisors.
void Supervisor::withhold_what_was_void() {
  const ControlPage& control = *run_->objects().control;
  if (control.permit_epoch.load(std::memory_order_acquire) == 0) return;  // never armed
  const std::uint16_t before = control.beat().lease_epoch;
  for (std::size_t slot = 1; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot)) || control.permit(slot, before).valid) continue;
    withheld_.set(slot);
    say(
        fmt::format("{} had no permit and gets none: sluicectl rearm --scope {} --operator NAME "
                    "--reason TEXT",
                    scope_name(control, scope_at(slot)), scope_name(control, scope_at(slot))));
  }
}

// Also after an exception: no permit outlives the supervisor's care.
Supervisor::~Supervisor() {
  if (run_ && lease_epoch_ != 0) {
    ControlPage& control = *run_->objects().control;
    void_permits(control);
    release(run_->objects().page(Process::Supervisor).lease);
    release(control.supervisor);
  }
  if (lock_ >= 0) ::close(lock_);
}

// Whoever reads our stderr may be gone, full or stopped (Ctrl-S): a line is lost then, the
// heartbeat is not.
void Supervisor::say(const std::string& line) noexcept {
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) <= 0) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm local{};
  localtime_r(&now.tv_sec, &local);
  std::fprintf(stderr, "%02d:%02d:%02d.%03ld supervisor %s\n", local.tm_hour, local.tm_min,
               local.tm_sec, now.tv_nsec / 1'000'000, line.c_str());
}

void Supervisor::set_state(RunState state) noexcept {
  run_->objects().control->state.store(static_cast<std::uint64_t>(state),
                                       std::memory_order_release);
}

void Supervisor::beat() noexcept {
  Objects& objects = run_->objects();
  const std::uint64_t now_us = boottime_ns() / 1'000;
  sluice::beat(*objects.control, lease_epoch_, now_us);
  StagePage& page = objects.page(Process::Supervisor);
  page.heartbeat_us.store(now_us, std::memory_order_relaxed);
  page.state.store(static_cast<std::uint64_t>(StageState::Ready), std::memory_order_release);
}

void Supervisor::note_deaths(std::uint64_t now_ns) {
  for (const Death& death : children_->poll(now_ns)) {
    const std::string what =
        fmt::format("{} (process {}) {}", name_of(death.process), death.pid, death.how);
    disarm(what);
    say((death.in_order ? "left: " : "died: ") + what);
    audit_->write(death.in_order ? "process_left" : "process_died", "supervisor", what);
    if (children_->crash_loop(death.process))
      say(
          fmt::format("{} died more than {} times in {} s: it is not restarted; fix it, then "
                      "sluicectl start {} "
                      "--operator NAME --reason TEXT",
                      name_of(death.process), config_.crash_limit,
                      config_.crash_window.ns / 1'000'000'000, name_of(death.process)));
  }
  for (const Process p : children_->take_forged()) {
    say(forged_lease(p));
    audit_->write("lease_forged", "supervisor", forged_lease(p));
  }
}

std::string Supervisor::forged_lease(Process p) const {
  return fmt::format("the lease of {} names process {}, which does not hold its page", name_of(p),
                     look(run_->objects().page(p).lease).pid);
}

// Why risk may not be permitted now; empty if it may.
std::string Supervisor::obstacle(std::uint64_t now_ns) const {
  if (std::string damage = own_->damage(); !damage.empty()) return damage;
  for (const Process p : children_->needed())
    if (children_->forged(p)) return forged_lease(p);
  if (std::string replaced = run_->replaced(); !replaced.empty()) return replaced;
  if (const Process* p = children_->stopping())
    return fmt::format("{} is being stopped", name_of(*p));
  if (const Process* p = children_->missing(now_ns)) {
    const StagePage& page = run_->objects().page(*p);
    if (children_->crash_loop(*p) && !children_->alive(*p))
      return fmt::format(
          "{} died too often and is not restarted: sluicectl start {} --operator NAME --reason "
          "TEXT",
          name_of(*p), name_of(*p));
    if (page.stage_state() == StageState::Stopped)
      return fmt::format("{} is stopped: sluicectl start {}", name_of(*p), name_of(*p));
    // Its page still says what it was: the death is noted in the next turn.
    if (page.stage_state() == StageState::Ready && !children_->alive(*p))
      return fmt::format("{} is dead", name_of(*p));
    if (page.stage_state() == StageState::Ready)
      return fmt::format("{} has not beaten for {} ms", name_of(*p),
                         heartbeat_age_us(now_ns / 1'000, page.heartbeat_us.load()) / 1'000);
    return fmt::format("{} is {}{}{}", name_of(*p), name_of(page.stage_state()),
                       page.fault[0] != 0 ? ": " : "", page.fault.data());
  }
  const ControlPage& control = *run_->objects().control;
  for (const Process p : children_->needed()) {
    const StagePage& page = run_->objects().page(p);
    if (std::string_view(page.build_id.data()) != control.build_id.data())
      return fmt::format("{} is of build {}, the supervisor of {}", name_of(p),
                         page.build_id.data(), control.build_id.data());
    if (page.layout_hash.load() != control.header.layout_hash)
      return fmt::format("{} has another layout hash", name_of(p));
    if (page.config_hash.load() != control.config_hash)
      return fmt::format("{} runs another configuration", name_of(p));
  }
  // The handshake: permits of an earlier supervisor are void in the gates' journals as well.
  for (const Process gate : {Process::Risk, Process::Gateway})
    if (run_->objects().page(gate).lease_epoch_accepted.load(std::memory_order_relaxed) !=
        lease_epoch_)
      return fmt::format("{} has not accepted this supervisor yet", name_of(gate));
  return {};
}

void Supervisor::decide_permits(std::uint64_t now_ns) {
  const std::string why = obstacle(now_ns);
  if (why.empty() && !armed_) arm();
  if (!why.empty() && armed_) disarm(why);
  // At the start stages are only getting ready; damage does not pass.
  const bool settled = now_ns - started_ns_ > static_cast<std::uint64_t>(config_.ready_timeout.ns);
  obstacle_ = why;
  if (why.empty()) said_.clear();
  if (why.empty() || why == said_ || (!settled && own_->damage().empty())) return;
  // Once a second at most: an age in it makes it another text in every turn.
  if (now_ns - said_ns_ < kSecond) return;
  say("not armed: " + why);
  said_ = why;
  said_ns_ = now_ns;
}

void Supervisor::arm() {
  ControlPage& control = *run_->objects().control;
  if (!audit_->write("armed", "supervisor",
                     "every process is ready; build, layout and configuration agree")) {
    say("not armed: the audit log cannot be written");
    return;
  }
  grant_permits(control, lease_epoch_, withheld_);
  set_state(RunState::Armed);
  armed_ = true;
  say(kills_->any_raised() ? "armed, but a kill level is raised: see sluicectl why" : "armed");
}

void Supervisor::disarm(const std::string& why) {
  void_permits(*run_->objects().control);
  if (!armed_) return;
  armed_ = false;
  set_state(RunState::Paused);
  say("permits void: " + why);
  audit_->write("disarmed", "supervisor", why);
}

SupervisorReply Supervisor::answer(const SupervisorRequest& request, uid_t uid) {
  SupervisorReply reply;
  std::string text;
  switch (request.verb) {
    case Verb::Rearm: {
      const KillWatch::Rearm done = rearm(request);
      reply.exit_code = static_cast<int>(done.done ? Exit::Ok : Exit::No);
      text = done.text;
      break;
    }
    case Verb::SetCap: set_cap(request, uid, reply); return reply;
    case Verb::Stop:
      stop_asked_ = true;
      reply.exit_code = 0;
      text = "stopping in order\n";
      break;
    case Verb::Ping:
      reply.exit_code = 0;
      text = armed_ ? "armed\n" : "not armed: " + obstacle_ + "\n";
      break;
    case Verb::StartStage:
    case Verb::StopStage:
    case Verb::RestartStage: {
      Answer said = stage(request, uid);
      reply.exit_code = static_cast<int>(said.code);
      text = std::move(said.text);
      break;
    }
  }
  std::memcpy(reply.text.data(), text.data(), std::min(text.size(), reply.text.size() - 1));
  return reply;
}

// Lowers a kill level; or, where none stands, grants a permit that was withheld at the take-over.
KillWatch::Rearm Supervisor::rearm(const SupervisorRequest& request) {
  const Scope scope{request.scope, request.index};
  const std::size_t slot = scope_slot(scope);
  const bool raised = slot < kScopes && run_->objects().kill->read(slot).level != KillLevel::Run;
  if (slot >= kScopes || raised || !withheld_.test(slot))
    return kills_->rearm(scope, request.word, request.who.data(), request.reason.data(),
                         boottime_ns());
  const std::string name = scope_name(*run_->objects().control, scope);
  if (const std::string why_not = KillWatch::unsigned_by(request.who.data(), request.reason.data());
      !why_not.empty())
    return {false, fmt::format("{} has had no permit since the take-over:\n{}", name, why_not)};
  if (!audit_->write("permit", request.who.data(), name + ": " + request.reason.data()))
    return {false, "the audit log cannot be written: nothing was changed\n"};
  withheld_.reset(slot);
  if (armed_) arm();
  return {true, name + " may have a permit again\n"};
}

void Supervisor::set_cap(const SupervisorRequest& request, uid_t uid, SupervisorReply& reply) {
  const std::size_t slot = scope_slot({request.scope, request.index});
  const auto say_back = [&](Exit code, const std::string& text) {
    reply.exit_code = static_cast<int>(code);
    std::memcpy(reply.text.data(), text.data(), std::min(text.size(), reply.text.size() - 1));
  };
  ControlPage& control = *run_->objects().control;
  if (slot >= kScopes || !control.scope_exists({request.scope, request.index}) || request.value < 0)
    return say_back(Exit::Usage, "no such scope, or a negative cap: nothing was changed\n");
  if (request.who[0] == 0 || request.reason[0] == 0)
    return say_back(Exit::Usage, "a cap needs --operator and --reason: nothing was changed\n");
  DecimalText was;
  DecimalText is;
  const std::string what = fmt::format(
      "{} cap from {} to {} (uid {}): {}", scope_name(control, {request.scope, request.index}),
      format_decimal(own_->cap(slot).raw, was), format_decimal(request.value, is), uid,
      request.reason.data());
  const bool loosens = request.value > own_->cap(slot).raw;  // not what a wild store has left
  if (!audit_->write("cap", request.who.data(), what) && loosens)
    return say_back(Exit::No, "the audit log cannot be written: nothing was changed\n");
  own_->cap_is(slot, Notional{request.value});
  sluice::set_cap(control, slot, Notional{request.value});
  set_latched(caps_, scope_name(control, {request.scope, request.index}), Notional{request.value});
  if (!store_caps(pipeline_.state_dir, caps_))
    say("the cap cannot be kept: it holds in this run, the next one may start with another");
  say(what);
  say_back(Exit::Ok, what + "\n");
}

void Supervisor::turn(int wait_ms) {
  const std::uint64_t now = boottime_ns();
  if (now / 1'000 - run_->objects().page(Process::Supervisor).heartbeat_us.load() >
      kBeatEveryNs / 1'000)
    beat();
  notify_.alive(now);
  kills_->poll(now);
  note_deaths(now);
  requests_->poll(wait_ms,
                  [this](const SupervisorRequest& r, uid_t uid) { return answer(r, uid); });
}

int Supervisor::run() {
  while (!stop_asked_ && !StopSignal::asked()) {
    turn(5);
    decide_permits(boottime_ns());
  }
  const bool clean = stop_in_order();
  audit_->write("run_ended", "supervisor", clean ? "in order" : "incomplete");
  run_->end();
  if (!clean) return static_cast<int>(Exit::Incomplete);
  return StopSignal::signal() == SIGINT ? static_cast<int>(Exit::Interrupted) : 0;
}

bool Supervisor::wait_stopped(Process p, std::uint64_t deadline_ns) {
  if (!children_->alive(p)) return true;  // its death was told when it happened
  while (children_->alive(p)) {
    children_->request_drain(p);  // again and again: a stage that is just starting clears it
    if (boottime_ns() > deadline_ns) {
      say(fmt::format("{} does not stop: killing it", name_of(p)));
      children_->fence_process(p);
      turn(0);
      return false;
    }
    turn(2);
  }
  turn(0);
  return !children_->failed(p);
}

// Entries are impossible now; what still works is given time to end, so that risk hears of it.
void Supervisor::wait_quiet(std::uint64_t deadline_ns) {
  const Statistics& gateway = run_->objects().page(Process::Gateway).statistics;
  while (children_->alive(Process::Gateway) && gateway.counter("open_orders") != 0 &&
         boottime_ns() < deadline_ns)
    turn(2);
}

// Strategies, risk's entries, the gateway drained, feed last among the stages; then the recorder.
bool Supervisor::stop_in_order() {
  notify_.tell("STOPPING=1");
  set_state(RunState::Stopping);
  disarm("stopping in order");
  children_->stop_restarting();
  say("stopping in order: strategies, risk, gateway, feed, recorder");
  bool clean = true;
  const auto stop = [&](Process p) {
    clean = wait_stopped(p, boottime_ns() + 5 * kSecond) && clean;
  };
  for (const Process p : children_->needed())
    if (is_seat(p)) stop(p);
  wait_quiet(boottime_ns() + 2 * kSecond);
  stop(Process::Risk);
  stop(Process::Gateway);
  stop(Process::Feed);
  stop(Process::Recorder);
  kills_->end();
  set_state(RunState::Ended);
  say(clean ? "stopped in order" : "stopped, not in order: see above");
  return clean;
}

}  // namespace sluice
