#include "tools/supervisor/run_setup.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "core/process.hpp"
#include "tools/supervisor/children.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

bool write_synced(const fs::path& path, const std::string& text) noexcept {
  const fs::path temporary = path.string() + ".new";
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) return false;
  // The name is durable only with its directory.
  const int dir = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return false;
  const bool synced = ::fsync(dir) == 0;
  ::close(dir);
  return synced;
}

// A file that is there and cannot be read is not an empty file.
std::ifstream open_state(const fs::path& path) {
  std::ifstream file(path);
  if (!file && fs::exists(path))
    throw Error(path.string() + ": cannot be read: " + std::strerror(errno));
  return file;
}

// Ordinals start at 1 and are used once; the number is on disk before the run exists.
std::uint16_t next_ordinal(const fs::path& state_dir) {
  const fs::path file = state_dir / "run_ordinal";
  unsigned last = 0;
  std::ifstream text = open_state(file);
  if (text && !(text >> last))
    throw Error(file.string() + ": does not hold a number: put the highest number of " +
                (state_dir / "runs").string() + " into it");
  if (last >= 0xffff)
    throw Error(file.string() +
                ": 65535 runs are used up; move the state directory away to start anew");
  if (!write_synced(file, std::to_string(last + 1) + "\n"))
    throw Error(file.string() + ": cannot be written: " + std::strerror(errno));
  return static_cast<std::uint16_t>(last + 1);
}

std::uint64_t random_id() {
  std::random_device device;
  std::uint64_t id = 0;
  while (id == 0) id = std::uint64_t{device()} << 32 | device();
  return id;
}

constexpr std::array<KillLevel, 5> kRaised{KillLevel::ReduceOnly, KillLevel::Halt,
                                           KillLevel::Cancel, KillLevel::Flatten, KillLevel::Sever};

}  // namespace

std::string scope_name(const ControlPage& control, Scope scope) {
  switch (scope.kind) {
    case ScopeKind::Global: return "global";
    case ScopeKind::Gateway:
      return std::string("gateway:") + control.gateway_names[scope.index].data();
    case ScopeKind::Strategy:
      return std::string("strategy:") + control.strategy_names[scope.index].data();
    case ScopeKind::Instrument:
      return std::string("instrument:") + control.instrument[scope.index].name.data();
  }
  return "?";
}

std::vector<LatchedLevel> load_latch(const fs::path& state_dir) {
  std::vector<LatchedLevel> levels;
  std::ifstream file = open_state(state_dir / "kill.latch");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string scope;
    std::string level;
    if (!(words >> scope >> level)) continue;
    // An unreadable level counts as HALT: a latch is never lost to a typing mistake.
    LatchedLevel latched{scope, KillLevel::Halt};
    for (const KillLevel candidate : kRaised)
      if (level == name_of(candidate)) latched.level = candidate;
    levels.push_back(latched);
  }
  return levels;
}

bool store_latch(const fs::path& state_dir, const std::vector<LatchedLevel>& levels) noexcept {
  try {
    std::string text;
    for (const LatchedLevel& latched : levels)
      text.append(latched.scope).append(" ").append(name_of(latched.level)).append("\n");
    return write_synced(state_dir / "kill.latch", text);
  } catch (...) {
    return false;
  }
}

std::vector<LatchedLevel> end_words(KillPage& kill, const ControlPage& control) {
  std::vector<LatchedLevel> held;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    const std::uint64_t ended =
        encode_kill(kill.run_id(), slot, KillLevel::Ended, KillCause::None, 0xffff'ffff);
    const KillWord word = decode_kill(kill.run_id(), slot, kill.words[slot].exchange(ended));
    if (word.level != KillLevel::Run && word.level != KillLevel::Ended)
      held.push_back({scope_name(control, scope_at(slot)), word.level});
  }
  return held;
}

void add_levels(std::vector<LatchedLevel>& to, const std::vector<LatchedLevel>& more) {
  for (const LatchedLevel& level : more)
    if (std::find(to.begin(), to.end(), level) == to.end()) to.push_back(level);
}

std::vector<LatchedLevel> raised_levels(const KillPage& kill, const ControlPage& control) {
  std::vector<LatchedLevel> levels;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    const KillWord word = kill.read(slot);
    if (word.level != KillLevel::Run && word.level != KillLevel::Ended)
      levels.push_back({scope_name(control, scope_at(slot)), word.level});
  }
  return levels;
}

void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep) {
  AttachedInstance dead;
  const AttachError error = AttachedInstance::try_open(instance, dead);
  // Unlinking what cannot be read would leave gates running where no kill reaches them.
  const bool nobody = error == AttachError::NotFound || error == AttachError::NotReady ||
                      error == AttachError::TooSmall || error == AttachError::WrongBoot;
  if (error != AttachError::None && !nobody)
    throw Error("instance '" + instance + "': /dev/shm/" + segment_name(instance, "control") + " " +
                std::string(name_of(error)) +
                ": end that run with the build that made it, or kill its "
                "processes and remove /dev/shm/" +
                segment_name(instance, "*"));
  if (error == AttachError::None) {
    const LeaseView holder = look(dead.objects().control->supervisor);
    if (holder.alive)
      throw Error("instance '" + instance + "' is supervised by process " +
                  std::to_string(holder.pid) + ": stop it first (sluicectl -i " + instance +
                  " stop)");
    for (const Process p : kProcesses)
      if (dead.try_page(p)) {
        const LeaseView stage = look(dead.objects().page(p).lease);
        if (stage.alive && !fence(stage.pid))
          throw Error("instance '" + instance + "': cannot fence " + std::string(name_of(p)) +
                      " (process " + std::to_string(stage.pid) + "): kill it by hand");
      }
    dead.attach_kill(Access::ReadWrite);
    // Durable first, ended afterwards, and once more what slipped in between.
    add_levels(latched, raised_levels(*dead.objects().kill, *dead.objects().control));
    keep();
    add_levels(latched, end_words(*dead.objects().kill, *dead.objects().control));
    keep();
    // Whoever still maps it, a tool that follows it say, sees that the run is over.
    Segment control;
    if (Segment::attach(segment_name(instance, "control"), Access::ReadWrite,
                        {instance, ObjectKind::Control, 0, 0, Mode::Paper},
                        control) == AttachError::None)
      control.as<SegmentHeader>()->magic.store(0, std::memory_order_release);
  }
  for (const std::string& name : list_objects(instance)) Segment::remove(name);
}

Run::Run(const PipelineConfig& config, std::uint64_t config_hash, const std::string& config_bytes)
    : instance_(config.instance) {
  ordinal_ = next_ordinal(config.state_dir);
  const fs::path dir = run_directory(config.state_dir, ordinal_);
  std::error_code error;
  fs::create_directories(dir, error);
  if (error || !write_synced(dir / "pipeline.toml", config_bytes))
    throw Error(dir.string() +
                ": cannot be written: " + (error ? error.message() : std::strerror(errno)));
  RunIdentity identity{random_id(), ordinal_, config_hash, calibrate()};
  try {
    create(config, identity);
  } catch (...) {
    for (const std::string& name : names_) Segment::remove(name);
    throw;
  }
}

void Run::create(const PipelineConfig& config, const RunIdentity& identity) {
  for (const ObjectPlan& plan : plan_objects(config)) {
    const std::string name = segment_name(instance_, plan.object);
    segments_.push_back(Segment::create(name, plan.bytes));
    names_.push_back(name);
    fill_header(*segments_.back().as<SegmentHeader>(), plan, config, identity);
    bind(objects_, plan, segments_.back().data());
  }
  fill_control(*objects_.control, config, identity);
  fill_kill(*objects_.kill, *objects_.control);
}

void Run::publish() noexcept {
  for (std::size_t i = segments_.size();
       i-- > 0;)  // the control page was created first: it comes last
    Segment::publish(*segments_[i].as<SegmentHeader>());
}

// The kill words were ended by the supervisor, which latched what they held.
Run::~Run() {
  for (Segment& segment : segments_)
    segment.as<SegmentHeader>()->magic.store(0, std::memory_order_release);
  for (const std::string& name : names_) Segment::remove(name);
}

}  // namespace sluice
