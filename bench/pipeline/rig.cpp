#include "bench/pipeline/rig.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "bench/machine/pair.hpp"
#include "bench/machine/state_dir.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "core/process.hpp"
#include "tools/demo_run/children.hpp"
#include "tools/demo_run/preflight.hpp"
#include "tools/demo_run/text.hpp"

namespace fs = std::filesystem;

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kStartPatience = 20s;
constexpr auto kStopPatience = 40s;  // the supervisor gives each of its processes five

std::string new_name() {
  static std::atomic<int> number{0};
  return fmt::format("bench-{}-{}", ::getpid(), ++number);
}

struct Part {
  Process process;
  const char* program;
};
constexpr std::array kParts{
    Part{Process::Recorder, "sluice-recorder"}, Part{Process::Gateway, "sluice-gateway"},
    Part{Process::Risk, "sluice-risk"}, Part{Process::Seat0, "sluice-strategy"},
    Part{Process::Feed, "sluice-feed"}};

}  // namespace

struct Rig::State {
  explicit State(const RigPlan& wanted)
      : plan(wanted),
        name(new_name()),
        bin(fs::read_symlink("/proc/self/exe").parent_path()),
        placement(place(plan.cpus.empty() ? allowed_cpus() : plan.cpus)),
        dir(plan.dir, plan.keep),
        conf(dir.path() / "bench.toml") {
    placement.rest = plan.rest.value_or(placement.rest);
  }
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  struct Running {
    std::string program;
    demo::Child child;
  };

  [[nodiscard]] fs::path log_of(const std::string& program) const {
    return dir.path() / (program + ".log");
  }
  void check() const;
  [[nodiscard]] std::uint16_t start_venue();
  void write_conf(std::uint16_t port) const;
  void start(const std::string& program, std::vector<std::string> words,
             std::optional<int> cpu = {});
  void start_stage(const Part& part);
  bool attach();
  void no_progress(const std::string& program, const std::string& what) const;
  void check_children();
  [[nodiscard]] bool ours(Process process) const {
    return process != Process::Feed || plan.origin == Origin::Venue;
  }

  RigPlan plan;
  std::string name;
  fs::path bin;
  Placement placement;
  StateDir dir;
  fs::path conf;
  fs::path run_dir;
  std::vector<Running> running;  // in the order of their start
  std::unique_ptr<AttachedInstance> attached;
  std::optional<Clock> clock;
};

// Nothing of the run outlives it, whatever it was doing: the processes are our children, the
// objects bear our name.
Rig::State::~State() {
  for (auto one = running.rbegin(); one != running.rend(); ++one)
    one->child.stop(std::chrono::milliseconds(0));
  attached.reset();
  for (const std::string& object : list_objects(name)) Segment::remove(object);
}

void Rig::State::check() const {
  if (!fs::exists(plan.conf))
    throw Error(Exit::Usage, plan.conf.string() +
                                 ": there is no such file; run at the root of the repository, or "
                                 "name it with --conf");
  for (const Part& part : kParts)
    if (ours(part.process) && ::access((bin / part.program).c_str(), X_OK) != 0)
      throw Error(fmt::format("{}: {}; it is built beside sluice-bench",
                              (bin / part.program).string(), std::strerror(errno)));
  if (plan.origin == Origin::Venue && !fs::exists(plan.capture))
    throw Error(Exit::Usage, "--capture " + plan.capture.string() + ": there is no such file");
  write_conf(9);
  const config::Document document = config::Document::load(conf);
  const PipelineConfig pipeline = parse_pipeline(document);
  if (!pipeline.seat_taken(0) || pipeline.strategies.size() != 1)
    throw Error(Exit::Usage, plan.conf.string() + ": a measured run has one strategy, in seat 0");
  demo::check_shared_memory(pipeline);
  must_have_room(dir.path(), plan.journal_bytes,
                 "fewer --seconds, a lower --rate, or another --dir");
}

// The configuration with the addresses of this run, and every process in its place.
void Rig::State::write_conf(std::uint16_t port) const {
  const bool venue = plan.origin == Origin::Venue;
  std::ofstream file(conf);
  file << demo::demo_config(demo::file_text(plan.conf), port, venue ? plan.speed : "1");
  for (const Part& part : kParts)
    file << fmt::format(
        "\n[process.{}]\ncpu = {}\nwait = \"{}\"\n", name_of(part.process),
        placement.of(part.process),
        name_of(part.process == Process::Recorder ? plan.recorder_wait : plan.wait));
  if (!file.flush()) throw Error(conf.string() + ": cannot be written");
}

void Rig::State::start(const std::string& program, std::vector<std::string> words,
                       std::optional<int> cpu) {
  words.insert(words.begin(), (bin / program).string());
  std::optional<Pinned> there;  // a child begins where its parent is
  if (cpu) there.emplace(*cpu);
  running.push_back({program, demo::Child(words, log_of(program))});
}

void Rig::State::start_stage(const Part& part) {
  std::vector<std::string> words{"--conf", conf.string(), "--instance",
                                 name,     "--state-dir", dir.path().string()};
  if (is_seat(part.process)) words.insert(words.end(), {"--seat", "0"});
  start(part.program, std::move(words));  // it pins itself: its log's writer belongs elsewhere
}

std::uint16_t Rig::State::start_venue() {
  const fs::path port_file = dir.path() / "venue.port";
  start("sluice-venue",
        {"--capture", plan.capture.string(), "--speed", plan.speed, "--port", "0", "--port-file",
         port_file.string()},
        placement.rest);
  const auto until = std::chrono::steady_clock::now() + kStartPatience;
  std::uint16_t port = 0;
  while (!(std::ifstream(port_file) >> port)) {
    check_children();
    if (std::chrono::steady_clock::now() > until) no_progress("sluice-venue", "names no port");
    std::this_thread::sleep_for(1ms);
  }
  return port;
}

bool Rig::State::attach() {
  auto fresh = std::make_unique<AttachedInstance>();
  if (AttachedInstance::try_open(name, *fresh) != AttachError::None) return false;
  fresh->attach_kill(Access::ReadWrite);
  for (const Process p : kProcesses) fresh->attach_page(p, Access::ReadOnly);
  for (const EdgeInfo& edge : kTopology) fresh->attach_ring(edge.edge, Access::ReadOnly);
  for (const Process p : {Process::Risk, Process::Gateway, Process::Seat0})
    fresh->attach_journal(p, Access::ReadOnly);
  fresh->attach_paper_log(Access::ReadOnly);
  attached = std::move(fresh);
  const ControlPage& control = *attached->objects().control;
  clock.emplace(control.calibration);
  run_dir = run_directory(dir.path(), control.header.run_ordinal);
  return true;
}

void Rig::State::no_progress(const std::string& program, const std::string& what) const {
  throw Error(fmt::format("{} {}: {}", program, what, demo::last_lines(log_of(program), 3)));
}

void Rig::State::check_children() {
  if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted; the run is taken away");
  for (Running& one : running)
    if (!one.child.running())
      no_progress(one.program, fmt::format("has left the run, exit code {}",
                                           one.child.exit_code().value_or(-1)));
}

Rig::Rig(const RigPlan& plan) : state_(std::make_unique<State>(plan)) {
  State& s = *state_;
  StopSignal::install();
  s.check();
  s.write_conf(plan.origin == Origin::Venue ? s.start_venue() : 9);
  s.start("sluice-supervisor",
          {"--conf", s.conf.string(), "--instance", s.name, "--state-dir", s.dir.path().string(),
           "--manual"},
          s.placement.rest);
  if (!await([&] { return s.attach(); }, kStartPatience))
    s.no_progress("sluice-supervisor", "makes no run");
  for (const Part& part : kParts)
    if (s.ours(part.process)) s.start_stage(part);
  for (const Part& part : kParts) {
    const StagePage& page = objects().page(part.process);
    if (s.ours(part.process) &&
        !await([&] { return page.stage_state() == StageState::Ready; }, kStartPatience))
      s.no_progress(part.program, "does not get ready");
  }
}

Rig::~Rig() = default;

void Rig::await_armed() {
  const ControlPage& control = *objects().control;
  const auto armed = [&] {
    return control.state.load() == static_cast<std::uint64_t>(RunState::Armed) &&
           control.permit(0, control.beat().lease_epoch).valid;
  };
  if (!await(armed, kStartPatience)) state_->no_progress("sluice-supervisor", "does not arm");
}

void Rig::start_again(Process process) {
  State& s = *state_;
  for (const Part& part : kParts) {
    if (part.process != process) continue;
    std::erase_if(s.running, [&](State::Running& one) {
      return one.program == part.program && one.child.wait(kStartPatience);
    });
    const StagePage& page = objects().page(process);
    const std::uint64_t recoveries = page.recoveries.load();
    s.start_stage(part);
    const auto back = [&] {
      return page.recoveries.load() != recoveries && page.stage_state() == StageState::Ready;
    };
    if (!await(back, kStartPatience)) s.no_progress(part.program, "does not get ready again");
  }
}

void Rig::check() {
  state_->check_children();
}

void Rig::step() {
  check();
  std::this_thread::sleep_for(1ms);
}

void Rig::stop_feed() {
  State& s = *state_;
  for (auto one = s.running.begin(); one != s.running.end(); ++one) {
    if (one->program != "sluice-feed") continue;
    if (const int code = one->child.stop(kStopPatience); code != 0)
      s.no_progress(one->program, fmt::format("stops with exit code {}", code));
    s.running.erase(one);
    return;
  }
}

void Rig::settle() {
  const auto empty = [this] {
    return std::all_of(kTopology.begin(), kTopology.end(), [this](const EdgeInfo& info) {
      const RingMemory& ring = objects().edge(info.edge);
      return ring.head.load(std::memory_order_acquire) == published(ring);
    });
  };
  if (await([&] { return empty() && empty(); }, kStopPatience)) return;
  for (const EdgeInfo& info : kTopology) {
    const RingMemory& ring = objects().edge(info.edge);
    const std::uint64_t left = published(ring) - ring.head.load(std::memory_order_acquire);
    if (left != 0)
      throw Error(fmt::format("{} leaves {} records in its ring from {}", name_of(info.to), left,
                              name_of(info.from)));
  }
}

void Rig::stop() {
  State& s = *state_;
  for (auto one = s.running.begin(); one != s.running.end(); ++one) {
    if (one->program != "sluice-supervisor") continue;
    if (const int code = one->child.stop(kStopPatience); code != 0)
      s.no_progress(one->program, fmt::format("stops with exit code {}", code));
  }
  for (State::Running& one : s.running)
    if (one.program != "sluice-venue" &&
        (!one.child.wait(kStopPatience) || one.child.exit_code().value_or(-1) != 0))
      s.no_progress(one.program, "does not leave in order");
  if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted; the run is taken away");
}

AttachedInstance& Rig::instance() noexcept {
  return *state_->attached;
}
const Clock& Rig::clock() const noexcept {
  return *state_->clock;
}
const Placement& Rig::placement() const noexcept {
  return state_->placement;
}
const fs::path& Rig::run_dir() const noexcept {
  return state_->run_dir;
}

std::string Rig::waits() const {
  std::string all;
  std::string first;
  bool same = true;
  for (const Part& part : kParts) {
    if (part.process == Process::Recorder) continue;
    const StagePage& page = state_->attached->objects().page(part.process);
    const std::string wait(name_of(static_cast<WaitStrategy>(page.wait.load())));
    if (first.empty()) first = wait;
    same = same && wait == first;
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", name_of(part.process), wait);
  }
  const StagePage& recorder = state_->attached->objects().page(Process::Recorder);
  const auto its = static_cast<WaitStrategy>(recorder.wait.load());
  return fmt::format("{}, recorder {}", same ? first : all, name_of(its));
}

}  // namespace sluice::bench
