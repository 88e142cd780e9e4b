#include "tools/supervisor/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/watch.hpp"
#include "tools/supervisor/privileges.hpp"

namespace sluice {
namespace {

std::string executable_of(Process p) {
  return is_seat(p) ? std::string("sluice-strategy") : std::string("sluice-").append(name_of(p));
}

}  // namespace

int open_pidfd(pid_t pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

bool gone(int pidfd) noexcept {
  pollfd poll_one{pidfd, POLLIN, 0};
  return ::poll(&poll_one, 1, 0) > 0;
}

bool fence_pidfd(int pidfd) noexcept {
  if (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return false;
  pollfd poll_one{pidfd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&poll_one, 1, 1'000);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

Children::Children(const SupervisorConfig& config, const PipelineConfig& pipeline, Objects& objects,
                   Launch launch)
    : config_(config), objects_(objects), launch_(std::move(launch)) {
  needed_ = {Process::Recorder, Process::Gateway, Process::Risk};
  for (SeatIndex seat = 0; seat < kSeats; ++seat)
    if (pipeline.seat_taken(seat)) needed_.push_back(seat_process(seat));
  needed_.push_back(Process::Feed);
  for (const Process p : needed_) {
    Child& child = children_.emplace_back();
    child.process = p;
    // Of a run that is taken over: somebody had stopped it before.
    child.left = objects_.page(p).stage_state() == StageState::Stopped;
  }
}

Children::~Children() {
  for (const Child& child : children_)
    if (child.pidfd >= 0) ::close(child.pidfd);
}

const Children::Child& Children::child(Process p) const noexcept {
  return *std::find_if(children_.begin(), children_.end(),
                       [p](const Child& c) { return c.process == p; });
}
Children::Child& Children::child(Process p) noexcept {
  return const_cast<Child&>(static_cast<const Children*>(this)->child(p));
}

void Children::spawn(Child& child) {
  std::vector<std::string> words{(launch_.bin_dir / executable_of(child.process)).string(),
                                 "--conf",
                                 launch_.conf.string(),
                                 "--instance",
                                 launch_.instance,
                                 "--state-dir",
                                 launch_.state_dir.string()};
  if (is_seat(child.process)) {
    words.emplace_back("--seat");
    words.push_back(
        std::to_string(static_cast<int>(child.process) - static_cast<int>(Process::Seat0)));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log =
      (launch_.state_dir / "log" / (std::string(name_of(child.process)) + ".log")).string();
  const auto user = launch_.users.find(child.process);
  const pid_t pid = ::fork();
  if (pid < 0) {  // no memory or processes left: tried again, and the run stays unarmed meanwhile
    child.restart_at_ns = boottime_ns() + static_cast<std::uint64_t>(config_.restart_max.ns);
    return;
  }
  if (pid == 0) {
    // Only async-signal-safe calls up to exec. A group of its own: Ctrl-C is the supervisor's to
    // handle.
    ::setpgid(0, 0);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
    if (out >= 0) {
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
    }
    const int in = ::open("/dev/null", O_RDONLY);
    if (in >= 0) ::dup2(in, STDIN_FILENO);
    if (user != launch_.users.end() && !become(user->second)) ::_exit(126);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  child.pid = pid;
  child.pidfd = open_pidfd(pid);
  child.spawned = true;
}

// A process that was started by hand shows up as a living holder of its page's lease. The proof is
// sought behind the pidfd: a number that passes on takes no signal along. A stage maps its page
// before it takes the lease, so what is refused once stays refused.
void Children::adopt(Child& child) {
  const Lease& lease = objects_.page(child.process).lease;
  const std::uint64_t word = lease.word.load(std::memory_order_acquire);
  const LeaseView holder = look(lease);
  if (!holder.alive || word == child.forged) return;
  const int pidfd = open_pidfd(holder.pid);
  if (pidfd < 0) return;
  if (!proven(child, holder.pid)) {
    if (!gone(pidfd)) note_forged(child, word);  // else it has just died, and forged nothing
    ::close(pidfd);
    return;
  }
  child.pid = holder.pid;
  child.pidfd = pidfd;
  child.spawned = false;
  child.left = false;
}

bool Children::proven(const Child& child, pid_t pid) const {
  return !launch_.holds || launch_.holds(pid, child.process);
}

void Children::note_forged(Child& child, std::uint64_t word) {
  child.forged = word;
  new_forged_.push_back(child.process);
}

// A process that we watch, and whose page is another one's now. One we did not start may give its
// lease back and live on: for the run it has left. One whose lease names a bystander is still the
// one to watch and to fence.
bool Children::has_left(Child& child) {
  const Lease& lease = objects_.page(child.process).lease;
  const std::uint64_t word = lease.word.load(std::memory_order_acquire);
  const LeaseView holder = look(lease);
  if (holder.pid == child.pid || word == child.forged) return false;
  if (holder.alive && !proven(child, holder.pid)) {
    note_forged(child, word);
    return false;
  }
  return !child.spawned;
}

bool Children::may_start(const Child& child, std::uint64_t now_ns) const noexcept {
  if (!config_.spawn || !restarting_ || crash_loop(child.process) || child.left ||
      now_ns < child.restart_at_ns)
    return false;
  // The feed comes last: nothing it receives should find an empty seat.
  if (child.process != Process::Feed) return true;
  return std::all_of(children_.begin(), children_.end(), [&](const Child& other) {
    return other.process == Process::Feed || ready(other.process, now_ns) || other.left ||
           recent_deaths(other.process) > 0;
  });
}

Death Children::bury(Child& child, std::uint64_t now_ns) {
  Death death{child.process, child.pid, "exited", false};
  int status = 0;
  child.exit_code = 0;
  if (child.spawned && ::waitpid(child.pid, &status, WNOHANG) == child.pid) {
    child.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (WIFSIGNALED(status))
      death.how = std::string("killed by signal ") + std::to_string(WTERMSIG(status));
    if (WIFEXITED(status)) death.how = "exit " + std::to_string(WEXITSTATUS(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) death.how += " (cannot execute)";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 126) death.how += " (cannot become its user)";
  }
  StagePage& page = objects_.page(child.process);
  if (page.fault[0] != 0) death.how.append(": ").append(page.fault.data());
  // A successor may hold the page already: then its state says nothing of the dead one, and is not
  // ours.
  std::uint64_t seen = page.state.load(std::memory_order_acquire);  // before the lease: see below
  const LeaseView holder = look(page.lease);
  const bool taken = holder.alive && holder.pid != child.pid;
  child.left = death.in_order = !taken && page.stage_state() == StageState::Stopped;
  if (child.pidfd >= 0) ::close(child.pidfd);
  child.pidfd = -1;
  child.pid = 0;
  if (child.kill_after_ns != 0) {
    bury_asked(child, taken, death);
    return death;
  }
  if (child.left) return death;
  // Its writer is proven dead: until a successor takes the lease and states itself the page is ours
  // to correct.
  if (!taken)
    page.state.compare_exchange_strong(seen, static_cast<std::uint64_t>(StageState::Absent));
  note_death(child.process, now_ns);
  child.restart_at_ns = now_ns + backoff_ns(child.process);
  return death;
}

// Stopped on request. The page says so, that the next supervisor does not start it either.
void Children::bury_asked(Child& child, bool taken, Death& death) noexcept {
  if (!death.in_order) death.how += ", it was being stopped";
  StagePage& page = objects_.page(child.process);
  std::uint64_t seen = page.state.load(std::memory_order_acquire);
  if (!taken)
    page.state.compare_exchange_strong(seen, static_cast<std::uint64_t>(StageState::Stopped));
  child.left = !child.again && !taken;
  child.kill_after_ns = child.restart_at_ns = 0;
  child.again = false;
}

void Children::note_death(Process p, std::uint64_t now_ns) noexcept {
  auto& kept = objects_.control->deaths[static_cast<std::size_t>(p)].at;
  auto* oldest =
      std::min_element(std::begin(kept), std::end(kept), [](const auto& a, const auto& b) {
        return a.load(std::memory_order_relaxed) < b.load(std::memory_order_relaxed);
      });
  oldest->store(now_ns, std::memory_order_relaxed);
}

std::size_t Children::recent_deaths(Process p) const noexcept {
  const auto& kept = objects_.control->deaths[static_cast<std::size_t>(p)].at;
  std::uint64_t newest = 0;
  for (const auto& at : kept) newest = std::max(newest, at.load(std::memory_order_relaxed));
  if (newest == 0) return 0;
  const auto window = static_cast<std::uint64_t>(config_.crash_window.ns);
  return static_cast<std::size_t>(
      std::count_if(std::begin(kept), std::end(kept), [&](const std::atomic<std::uint64_t>& at) {
        const std::uint64_t when = at.load(std::memory_order_relaxed);
        return when != 0 && newest - when <= window;
      }));
}

// restart_min, doubled with each further death in the window, at most restart_max.
std::uint64_t Children::backoff_ns(Process p) const noexcept {
  const auto most = static_cast<std::uint64_t>(config_.restart_max.ns);
  std::uint64_t wait = static_cast<std::uint64_t>(config_.restart_min.ns);
  for (std::size_t n = recent_deaths(p); n > 1 && wait < most; --n) wait *= 2;
  return std::min(wait, most);
}

// It held its page, and died before anybody watched it: while there was no supervisor, or right
// after it was started by hand.
bool Children::died_unseen(const Child& child) const noexcept {
  const StagePage& page = objects_.page(child.process);
  const StageState state = page.stage_state();
  return child.pidfd < 0 && state != StageState::Absent && state != StageState::Stopped &&
         !look(page.lease).alive;
}

std::vector<Death> Children::poll(std::uint64_t now_ns) {
  std::vector<Death> deaths;
  for (Child& child : children_) {
    const bool ended = child.pidfd >= 0 && (gone(child.pidfd) || has_left(child));
    if (ended || died_unseen(child)) deaths.push_back(bury(child, now_ns));
    if (child.pidfd < 0) adopt(child);
    if (child.kill_after_ns != 0) press(child, now_ns);
    if (child.pidfd < 0 && may_start(child, now_ns)) spawn(child);
  }
  return deaths;
}

void Children::stop(Process p, std::uint64_t deadline_ns, bool again) noexcept {
  Child& c = child(p);
  if (alive(p)) {
    c.kill_after_ns = deadline_ns;
    c.again = again;
    return request_drain(p);
  }
  c.left = !again;
  c.restart_at_ns = 0;
  StagePage& page = objects_.page(p);
  std::uint64_t seen = page.state.load(std::memory_order_acquire);
  if (proven_dead(p))
    page.state.compare_exchange_strong(seen, static_cast<std::uint64_t>(StageState::Stopped));
}

void Children::start(Process p) noexcept {
  Child& c = child(p);
  c.left = false;
  c.restart_at_ns = 0;
  if (c.kill_after_ns != 0) c.again = true;  // it is still on its way out
}

void Children::forget_deaths(Process p) noexcept {
  for (auto& at : objects_.control->deaths[static_cast<std::size_t>(p)].at)
    at.store(0, std::memory_order_relaxed);
}

const Process* Children::stopping() const noexcept {
  for (const Child& c : children_)
    if (c.kill_after_ns != 0) return &c.process;
  return nullptr;
}

// Asked again and again: a stage that is just starting clears the request.
void Children::press(Child& child, std::uint64_t now_ns) noexcept {
  request_drain(child.process);
  if (now_ns > child.kill_after_ns && child.pidfd >= 0)
    ::syscall(SYS_pidfd_send_signal, child.pidfd, SIGKILL, nullptr, 0);
}

bool Children::forged(Process p) const noexcept {
  const Lease& lease = objects_.page(p).lease;
  return child(p).forged != 0 && lease.word.load(std::memory_order_relaxed) == child(p).forged;
}

bool Children::ready(Process p, std::uint64_t now_ns) const noexcept {
  const StagePage& page = objects_.page(p);
  const std::uint64_t beat_us = page.heartbeat_us.load(std::memory_order_relaxed);
  return alive(p) && page.stage_state() == StageState::Ready &&
         heartbeat_age_us(now_ns / 1'000, beat_us) <= kDeadManUs;
}

bool Children::all_ready(std::uint64_t now_ns) const noexcept {
  return missing(now_ns) == nullptr;
}

const Process* Children::missing(std::uint64_t now_ns) const noexcept {
  for (const Process& p : needed_)
    if (!ready(p, now_ns)) return &p;
  return nullptr;
}

bool Children::alive(Process p) const noexcept {
  const Child& c = child(p);
  return c.pidfd >= 0 && !gone(c.pidfd);
}
pid_t Children::pid_of(Process p) const noexcept {
  return child(p).pid;
}

void Children::request_drain(Process p) noexcept {
  objects_.page(p).request.store(kRequestDrain, std::memory_order_release);
}

bool Children::fence_process(Process p) noexcept {
  const Child& c = child(p);
  return c.pidfd >= 0 ? fence_pidfd(c.pidfd) : proven_dead(p);
}

bool Children::failed(Process p) const noexcept {
  const Child& c = child(p);
  return !c.left || c.exit_code != 0;
}

bool Children::proven_dead(Process p) const noexcept {
  return !alive(p) && !look(objects_.page(p).lease).alive;
}

}  // namespace sluice
