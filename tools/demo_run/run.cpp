#include "tools/demo_run/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "core/build.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "core/process.hpp"
#include "core/segment.hpp"
#include "tools/demo_run/children.hpp"
#include "tools/demo_run/preflight.hpp"
#include "tools/demo_run/report.hpp"
#include "tools/demo_run/table.hpp"
#include "tools/demo_run/text.hpp"
#include "tools/supervisor/reclaim.hpp"

namespace fs = std::filesystem;

namespace sluice::demo {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

struct Interrupted {};

constexpr auto kTurn = 200ms;
constexpr auto kVenuePatience = 10s;
constexpr auto kAttachPatience = 20s;
constexpr auto kStopPatience = 40s;  // the supervisor gives each of its processes five
constexpr auto kDrainPatience = 5s;
constexpr std::uint64_t kDrillAtPercent = 85;

void pause(std::chrono::milliseconds time) {
  const auto until = SteadyClock::now() + time;
  while (SteadyClock::now() < until) {
    if (StopSignal::asked()) throw Interrupted{};
    std::this_thread::sleep_for(
        std::min<std::chrono::nanoseconds>(10ms, until - SteadyClock::now()));
  }
}

// A fresh directory under $TMPDIR, removed at the end unless it is to be kept.
class StateDir {
 public:
  StateDir() {
    const char* base = std::getenv("TMPDIR");
    std::string name =
        fs::absolute(base != nullptr && *base != 0 ? base : "/tmp") / "sluice-demo.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      throw Error(name + ": cannot be created: " + std::strerror(errno));
    path_ = name;
  }
  ~StateDir() {
    std::error_code ignored;
    if (!keep_) fs::remove_all(path_, ignored);
  }
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;

  void keep() noexcept { keep_ = true; }
  [[nodiscard]] bool kept() const noexcept { return keep_; }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
  bool keep_ = false;
};

class Demo {
 public:
  explicit Demo(const Options& options);
  ~Demo() { stop_all(); }
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  int run();

 private:
  void preflight();
  void start_venue();
  void start_pipeline();
  void watch();
  void settle();
  void stop_and_look();
  void stop_all() noexcept;
  int close();
  void verify();
  [[nodiscard]] std::string log_of(const char* name) const {
    return (state_.path() / name).string();
  }

  const Options& options_;
  fs::path bin_;
  Screen screen_;
  SteadyClock::time_point started_ = SteadyClock::now();
  CpuTimes cpu_before_ = cpu_times();
  StateDir state_;
  fs::path conf_;
  Report report_;
  Progress progress_;
  Child venue_;
  Child supervisor_;
  bool run_exists_ = false;
  std::optional<View> view_;
  std::optional<Drill> drill_;
};

Demo::Demo(const Options& options)
    : options_(options),
      bin_(fs::read_symlink("/proc/self/exe").parent_path()),
      screen_(options.color) {
  if (options.keep) state_.keep();
  conf_ = state_.path() / "demo.toml";
}

int Demo::run() {
  try {
    preflight();
    start_venue();
    start_pipeline();
    watch();
    settle();
    stop_and_look();
    return close();
  } catch (const Interrupted&) {
    screen_.leave();
    screen_.say("\ninterrupted: stopping in order");
    stop_all();
    return static_cast<int>(Exit::Interrupted);
  } catch (const std::exception&) {
    // What a run leaves behind is the only trace of why it failed.
    if (run_exists_) {
      state_.keep();
      screen_.say("logs and journals are kept in " + state_.path().string());
    }
    throw;
  }
}

void Demo::preflight() {
  check_executables(bin_);
  if (!fs::exists(options_.conf))
    throw Error(Exit::Usage, options_.conf.string() + ": there is no such file");
  std::ofstream(conf_) << demo_config(file_text(options_.conf), 9443, options_.speed);
  if (!options_.json.empty() && !std::ofstream(options_.json, std::ios::app))
    throw Error(Exit::Usage, options_.json + ": cannot be written: " + std::strerror(errno));
  const config::Document document = config::Document::load(conf_);
  check_shared_memory(parse_pipeline(document));
  check_instance_is_free(options_.instance);
  report_.capture = count_capture(options_.capture.string());
  report_.speed = progress_.speed = options_.speed;
  progress_.expected = report_.capture.messages;
  progress_.tape_s = static_cast<double>(report_.capture.last_ns - report_.capture.first_ns) / 1e9;
}

void Demo::start_venue() {
  const fs::path port_file = state_.path() / "venue.port";
  venue_ = Child(
      {(bin_ / "sluice-venue").string(), "--capture", options_.capture.string(), "--speed",
       options_.speed, "--port", "0", "--port-file", port_file.string(), "--once", "--linger", "1"},
      log_of("venue.log"));
  const auto until = SteadyClock::now() + kVenuePatience;
  std::uint16_t port = 0;
  while (!(std::ifstream(port_file) >> port)) {
    if (!venue_.running() || SteadyClock::now() > until)
      throw Error("the venue does not start: " + last_lines(log_of("venue.log"), 1));
    pause(5ms);
  }
  std::ofstream(conf_) << demo_config(file_text(options_.conf), port, options_.speed);
  screen_.say(fmt::format("  venue on port {}, {} messages\n  state in {}", port,
                          thousands(progress_.expected), state_.path().string()));
}

void Demo::start_pipeline() {
  supervisor_ = Child({(bin_ / "sluice-supervisor").string(), "--conf", conf_.string(),
                       "--instance", options_.instance, "--state-dir", state_.path().string()},
                      log_of("supervisor.log"));
  run_exists_ = true;
  const auto until = SteadyClock::now() + kAttachPatience;
  AttachedInstance instance;
  for (;;) {
    const AttachError error = AttachedInstance::try_open(options_.instance, instance);
    // Not the remains of an earlier run, which the supervisor is about to clear away.
    if (error == AttachError::None &&
        look(instance.objects().control->supervisor).pid == supervisor_.pid())
      break;
    if (!supervisor_.running())
      throw Error("the supervisor does not start: " + last_lines(log_of("supervisor.log"), 1));
    if (SteadyClock::now() > until)
      throw Error(fmt::format("no run after 20 s ({}): {}", name_of(error),
                              last_lines(log_of("supervisor.log"), 1)));
    pause(5ms);
  }
  view_.emplace(std::move(instance));
  const std::uint16_t ordinal = view_->control().header.run_ordinal;
  report_.run_dir = run_directory(state_.path(), ordinal).string();
  drill_.emplace(Drill::Setup{bin_, state_.path(), report_.run_dir, options_.instance,
                              view_->control().calibration});
}

// Until the venue has left, which it does when every client has the whole tape.
void Demo::watch() {
  const double speed = std::max(0.01, std::strtod(options_.speed.c_str(), nullptr));
  const auto until =
      SteadyClock::now() +
      std::chrono::seconds(60 + static_cast<std::int64_t>(2 * progress_.tape_s / speed));
  while (venue_.running()) {
    pause(kTurn);
    const Sample now = view_->take();
    if (now.messages * 100 >= progress_.expected * kDrillAtPercent) drill_->step();
    progress_.drill = drill_->line();
    screen_.show(now, progress_);
    if (!supervisor_.running())
      throw Error("the supervisor left: " + last_lines(log_of("supervisor.log"), 2));
    if (SteadyClock::now() > until)
      throw Error("the tape has not ended in time; the feed may not be connected: " +
                  last_lines(log_of("log/feed.log"), 1));
  }
  report_.tape_ended = venue_.exit_code() == 0;
  while (drill_->step()) pause(20ms);  // a tape that was too short for the watch
}

// Two looks in a row that find nothing under way.
void Demo::settle() {
  const auto until = SteadyClock::now() + kDrainPatience;
  report_.sample = view_->take();
  while (SteadyClock::now() < until && !report_.drained) {
    pause(kTurn);
    Sample now = view_->take();
    report_.drained =
        now.drained() && report_.sample.drained() && now.ticks() == report_.sample.ticks();
    report_.sample = std::move(now);
  }
  screen_.show(report_.sample, progress_);
  screen_.leave();
}

void Demo::stop_and_look() {
  screen_.say("  the tape has ended; stopping in order");
  report_.supervisor_exit = supervisor_.stop(kStopPatience);
  report_.leftovers = list_objects(options_.instance);
  if (StopSignal::asked()) throw Interrupted{};
  const std::string audit = file_text(state_.path() / "audit.log");
  for (std::size_t at = 0; (at = audit.find("\"process_died\"", at)) != std::string::npos; ++at)
    ++report_.deaths;
  report_.evidence = read_evidence(report_.run_dir);
  if (drill_->result().done) try {
      drill_->recount();
    } catch (const Error&) {
      // the drill's own count said so already
    }
  report_.drill = drill_->result();
  if (!report_.drill.done) report_.drill.problem = "the tape ended before it was due";
  verify();
  report_.machine = look_at_machine(cpu_before_);
}

void Demo::verify() {
  const fs::path replay = bin_ / "sluice-replay";
  if (::access(replay.c_str(), X_OK) != 0) return;
  screen_.say("  replaying the journals");
  const Answer answer =
      run_command({replay.string(), "verify", report_.run_dir, "--json"}, state_.path(), 120s);
  if (StopSignal::asked()) throw Interrupted{};
  report_.verify = {true, answer.code, answer.err.substr(0, answer.err.find('\n'))};
}

void Demo::stop_all() noexcept {
  try {
    if (supervisor_.running()) supervisor_.stop(kStopPatience);
    if (venue_.running()) venue_.stop(3s);
    // A supervisor that died or had to be killed cannot clean up; its processes are fenced by their
    // leases.
    std::vector<LatchedLevel> forgotten;  // the demo's state directory goes with the run
    if (run_exists_ && !list_objects(options_.instance).empty())
      reclaim(options_.instance, forgotten, [] {});
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice-demo: {}\n", error.what());
  }
}

int Demo::close() {
  report_.wall_s = std::chrono::duration<double>(SteadyClock::now() - started_).count();
  screen_.say("");
  for (const std::string& line : report_lines(report_)) screen_.say(line);
  screen_.say("");
  const std::vector<Expectation> expectations = judge(report_);
  for (const Expectation& expectation : expectations)
    screen_.say(fmt::format(
        "  {}  {}", expectation.met ? screen_.paint("32", "ok    ") : screen_.paint("31", "FAILED"),
        expectation.text));
  if (!options_.json.empty()) {
    std::ofstream file(options_.json);
    file << report_json(report_);
    if (!file.flush()) throw Error(options_.json + ": cannot be written");
  }
  const bool good = all_met(expectations);
  if (!good) state_.keep();
  screen_.say("");
  if (state_.kept()) screen_.say(fmt::format("  state is kept in {}", state_.path().string()));
  const std::string bin = fs::proximate(bin_).string();
  screen_.say(
      fmt::format("  next  {0}/sluicectl help\n"
                  "        tools/demo --speed 1, and beside it: {0}/sluicectl -i {1} why\n"
                  "        tools/demo --keep, then: {0}/sluice-replay show DIR paper",
                  bin, options_.instance));
  return good ? 0 : 1;
}

}  // namespace

int run_demo(const Options& options) {
  Demo demo(options);
  return demo.run();
}

}  // namespace sluice::demo
