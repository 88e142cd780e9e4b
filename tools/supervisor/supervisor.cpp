#include "tools/supervisor/supervisor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/build.hpp"
#include "core/clock.hpp"
#include "core/decimal.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "core/watch.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::uint64_t kBeatEveryNs = 50'000'000;  // gates act after 500 ms
constexpr std::uint64_t kSecond = 1'000'000'000;

int lock_state_dir(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir / "log", error);
  if (error) throw Error(dir.string() + ": cannot create the state directory: " + error.message());
  const fs::path path = dir / "supervisor.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) throw Error(path.string() + ": " + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  throw Error(path.string() +
              ": another supervisor uses this state directory; stop it, or name another "
              "one with --state-dir");
}

}  // namespace

Supervisor::Supervisor(const Setup& setup) : pipeline_(setup.pipeline), config_(setup.config) {
  lock_ = lock_state_dir(pipeline_.state_dir);
  audit_ = std::make_unique<Audit>(pipeline_.state_dir / "audit.log");
  requests_ = std::make_unique<Requests>(supervisor_socket(pipeline_.state_dir));
  carried_ = load_latch(pipeline_.state_dir);
  reclaim(pipeline_.instance, carried_, [this] {
    if (!store_latch(pipeline_.state_dir, carried_))
      throw Error(
          (pipeline_.state_dir / "kill.latch").string() +
          ": cannot be written: a kill level would be forgotten; free some disk space first");
  });
  run_ = std::make_unique<Run>(pipeline_, setup.config_hash, setup.config_bytes);
  Objects& objects = run_->objects();
  claim(objects.control->supervisor, "the control page");
  StagePage& own = objects.page(Process::Supervisor);
  claim(own.lease, "the supervisor's page");
  own.build_id = objects.control->build_id;
  own.layout_hash.store(schema_hash());
  own.config_hash.store(setup.config_hash);
  objects.control->caps[0].store(config_.cap.raw, std::memory_order_release);
  for (std::size_t i = 0; i < pipeline_.strategies.size(); ++i)
    objects.control->caps[scope_slot({ScopeKind::Strategy, static_cast<std::uint32_t>(i)})].store(
        config_.cap.raw, std::memory_order_release);
  children_ = std::make_unique<Children>(config_, pipeline_, objects, setup.launch);
  kills_ = std::make_unique<KillWatch>(objects, *children_, *audit_, config_, pipeline_.state_dir,
                                       [this](const std::string& line) { say(line); });
  kills_->carry(carried_);
  beat();
  run_->publish();
  started_ns_ = boottime_ns();
  say(fmt::format("run {} of instance {} ({}), build {}", run_->ordinal(), pipeline_.instance,
                  name_of(pipeline_.mode), build_id()));
  audit_->write("run_started", "supervisor",
                fmt::format("ordinal {} build {}", run_->ordinal(), build_id()));
}

// Also after an exception: no permit outlives the supervisor's care, and what was raised stays
// latched.
Supervisor::~Supervisor() {
  if (run_ && kills_) {
    run_->objects().control->permits[0].store(0, std::memory_order_release);
    kills_->end();
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
  objects.control->heartbeat.store(encode_heartbeat({lease_epoch_, now_us}),
                                   std::memory_order_release);
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
      say(fmt::format(
          "{} died more than {} times in {} s: it is not restarted; fix it and restart the run",
          name_of(death.process), config_.crash_limit, config_.crash_window.ns / 1'000'000'000));
  }
}

// Why risk may not be permitted now; empty if it may.
std::string Supervisor::obstacle(std::uint64_t now_ns) const {
  if (const Process* p = children_->missing(now_ns)) {
    const StagePage& page = run_->objects().page(*p);
    if (page.stage_state() == StageState::Ready && children_->alive(*p))
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
  return {};
}

void Supervisor::decide_permits(std::uint64_t now_ns) {
  const std::string why = obstacle(now_ns);
  if (why.empty() && !armed_) arm();
  if (!why.empty() && armed_) disarm(why);
  if (why != obstacle_ && !why.empty() &&
      now_ns - started_ns_ > static_cast<std::uint64_t>(config_.ready_timeout.ns))
    say("not armed: " + why);
  obstacle_ = why;
}

void Supervisor::arm() {
  ControlPage& control = *run_->objects().control;
  if (!audit_->write("armed", "supervisor",
                     "every process is ready; build, layout and configuration agree")) {
    say("not armed: the audit log cannot be written");
    return;
  }
  ++permit_epoch_;
  for (std::size_t slot = kScopes; slot-- > 0;)  // the global scope last: it decides
    if (control.scope_exists(scope_at(slot)))
      control.permits[slot].store(
          encode_permit(control.header.run_id, lease_epoch_, slot, permit_epoch_),
          std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
  set_state(RunState::Armed);
  armed_ = true;
  say(kills_->any_raised() ? "armed, but a kill level is raised: see sluicectl why" : "armed");
}

// One store ends all new risk.
void Supervisor::disarm(const std::string& why) {
  ControlPage& control = *run_->objects().control;
  control.permits[0].store(0, std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
  if (!armed_) return;
  armed_ = false;
  set_state(RunState::Paused);
  say("permits void: " + why);
  audit_->write("disarmed", "supervisor", why);
}

SupervisorReply Supervisor::answer(const SupervisorRequest& request, uid_t uid) {
  SupervisorReply reply;
  std::string text;
  const auto now = boottime_ns();
  switch (request.verb) {
    case Verb::Rearm: {
      const KillWatch::Rearm done = kills_->rearm({request.scope, request.index}, request.word,
                                                  request.who.data(), request.reason.data(), now);
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
  }
  std::memcpy(reply.text.data(), text.data(), std::min(text.size(), reply.text.size() - 1));
  return reply;
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
      format_decimal(control.caps[slot].load(), was), format_decimal(request.value, is), uid,
      request.reason.data());
  const bool loosens = request.value > control.caps[slot].load();
  if (!audit_->write("cap", request.who.data(), what) && loosens)
    return say_back(Exit::No, "the audit log cannot be written: nothing was changed\n");
  control.caps[slot].store(request.value, std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
  say(what);
  say_back(Exit::Ok, what + "\n");
}

void Supervisor::turn(int wait_ms) {
  const std::uint64_t now = boottime_ns();
  if (now / 1'000 - run_->objects().page(Process::Supervisor).heartbeat_us.load() >
      kBeatEveryNs / 1'000)
    beat();
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
  run_.reset();
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
