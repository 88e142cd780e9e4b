#include "tests/unit/tools/ctl_support.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/process.hpp"
#include "core/rows.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr std::uint16_t kLease = 7;  // epoch of the supervisor's lease
bool private_shm = false;

void write_file(const char* path, const std::string& text) {
  std::ofstream(path) << text;
}

// A mount namespace needs root, or a user namespace in which one is root.
class PrivateShm : public ::testing::Environment {
 public:
  void SetUp() override {
    const uid_t uid = ::getuid();
    const gid_t gid = ::getgid();
    if (::unshare(CLONE_NEWNS) != 0) {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return;
      write_file("/proc/self/setgroups", "deny");
      write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
      write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    private_shm = ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") == 0;
  }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new PrivateShm);

std::vector<StrategyEntry> strategies(const std::vector<std::string>& names) {
  std::vector<StrategyEntry> entries;
  for (const std::string& name : names) {
    StrategyEntry entry;
    entry.name = entry.kind = name;
    entry.seat = static_cast<SeatIndex>(entries.size());
    entries.push_back(entry);
  }
  return entries;
}

PipelineConfig small_config() {
  static int count = 0;
  PipelineConfig config;
  config.instance = "t" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  config.mode = Mode::Paper;
  config.tick_ring = config.order_ring = config.report_ring = config.intent_ring = 16;
  config.journal_ring = 64;
  for (const char* name : {"BTCUSDT", "ETHUSDT"})
    config.instruments.push_back({name, name, Price{kScale / 100}, Qty{1'000}, Qty::whole(10)});
  config.strategies = strategies({"momo", "calm"});
  return config;
}

template <class Row>
Payload row(const Row& content) {
  return std::bit_cast<Payload>(content);
}

void hold(Lease& lease, pid_t pid) {
  const std::uint64_t epoch = 1;
  lease.started.store(epoch << 32 | (start_ticks_of(pid) & 0xffff'ffff));
  lease.word.store(epoch << 32 | static_cast<std::uint32_t>(pid));
}

void make_ready(const ControlPage& control, StagePage& page, std::uint64_t now_ns) {
  hold(page.lease, ::getpid());
  page.state.store(static_cast<std::uint64_t>(StageState::Ready));
  page.heartbeat_us.store(now_ns / 1'000);
  page.build_id = control.build_id;
  page.config_hash.store(control.config_hash);
  page.layout_hash.store(control.header.layout_hash);
}

}  // namespace

bool has_private_shm() {
  return private_shm;
}

TestInstance::TestInstance() : config_(small_config()) {
  const auto base = std::filesystem::temp_directory_path() / ("sluicectl-" + config_.instance);
  std::filesystem::create_directories(base);
  state_dir_ = base.string();
  config_.state_dir = base;
  begin({0x1234'5678'9abc'def0, 3, 0x77, Calibration{}});
}

void TestInstance::begin(const RunIdentity& run) {
  for (const ObjectPlan& plan : plan_objects(config_)) {
    names_.push_back(segment_name(config_.instance, plan.object));
    segments_.push_back(Segment::create(names_.back(), plan.bytes));
    fill_header(*segments_.back().as<SegmentHeader>(), plan, config_, run);
    bind(objects_, plan, segments_.back().data());
  }
  fill_control(*objects_.control, config_, run);
  fill_kill(*objects_.kill, *objects_.control);
  for (Segment& segment : segments_) Segment::publish(*segment.as<SegmentHeader>());
}

TestInstance::~TestInstance() {
  stop_.store(true);
  if (beating_.joinable()) beating_.join();
  for (const std::string& name : names_) Segment::remove(name);
  std::filesystem::remove_all(state_dir_);
}

void TestInstance::next_run(const std::vector<std::string>& strategy_names) {
  const std::uint64_t before = objects_.control->header.run_id;
  for (const std::string& name : names_) Segment::remove(name);
  names_.clear();
  config_.strategies = strategies(strategy_names);
  begin({before + 1, 4, 0x78, Calibration{}});
}

void TestInstance::remove(const std::string& object) {
  Segment::remove(segment_name(name(), object));
}

void TestInstance::grant(Scope scope) {
  ControlPage& control = *objects_.control;
  const std::size_t slot = scope_slot(scope);
  control.permits[slot].store(
      encode_permit(control.header.run_id, control.beat().lease_epoch, slot, 1));
}

Sight TestInstance::sight() {
  Sight seen = sight_of(name(), objects_);
  if (well_ns_ == 0) return seen;
  seen.now = {static_cast<std::int64_t>(well_ns_)};
  seen.liveness_us = well_ns_ / 1'000;
  return seen;
}

void TestInstance::keep_beating() {
  beating_ = std::thread([this] {
    while (!stop_.load()) {
      const std::uint64_t now_us = boottime_ns() / 1'000;
      objects_.control->heartbeat.store(encode_heartbeat({kLease, now_us}));
      for (const Process p : kProcesses) objects_.page(p).heartbeat_us.store(now_us);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

void TestInstance::make_well() {
  ControlPage& control = *objects_.control;
  well_ns_ = boottime_ns();
  hold(control.supervisor, ::getpid());
  control.heartbeat.store(encode_heartbeat({kLease, well_ns_ / 1'000}));
  control.state.store(static_cast<std::uint64_t>(RunState::Armed));
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (control.scope_exists(scope_at(slot))) grant(scope_at(slot));
  control.caps[0].store(Notional::whole(1'000).raw);
  for (std::uint32_t s = 0; s < control.strategies; ++s)
    control.caps[scope_slot({ScopeKind::Strategy, s})].store(Notional::whole(500).raw);
  for (const Process p : kProcesses)
    if (!is_seat(p) || p <= seat_process(1)) make_ready(control, objects_.page(p), well_ns_);
  SessionRow session{};
  session.connected = session.connects = 1;
  session.last_message = {static_cast<std::int64_t>(well_ns_)};
  objects_.page(Process::Feed).write_row(static_cast<std::size_t>(RowTable::Summary), row(session));
  objects_.page(Process::Gateway)
      .write_row(static_cast<std::size_t>(RowTable::Summary), row(session));
  for (std::size_t i = 0; i < control.instruments; ++i) {
    objects_.page(Process::Feed)
        .write_row(static_cast<std::size_t>(RowTable::Instrument) + i, row(session));
    GateRow standing{};
    standing.instrument = static_cast<InstrumentIndex>(i);
    standing.armed = 1;
    objects_.page(Process::Risk)
        .write_row(static_cast<std::size_t>(RowTable::Standing) + i, row(standing));
  }
}

ObeyingGate::ObeyingGate(TestInstance& instance, Process process)
    : thread_([this, &objects = instance.objects(), process] {
        StagePage& page = objects.page(process);
        const Clock clock(objects.control->calibration);
        while (!stop_.load()) {
          const std::uint64_t serial = objects.kill->serial.load();
          page.obeyed_at_ns.store(static_cast<std::uint64_t>(clock.now().ns));
          page.obeyed.store(serial, std::memory_order_release);
          std::this_thread::yield();
        }
      }) {
  hold(instance.objects().page(process).lease, ::getpid());
}

ObeyingGate::~ObeyingGate() {
  stop_.store(true);
  thread_.join();
}

DeafGate::DeafGate(TestInstance& instance, Process process, bool stopped) : pid_(::fork()) {
  if (pid_ == 0) {
    for (;;) ::pause();
  }
  hold(instance.objects().page(process).lease, pid_);
  if (!stopped) return;
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

DeafGate::~DeafGate() {
  if (ended_by() != 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

int DeafGate::ended_by() {
  int status = 0;
  if (signal_ == 0 && ::waitpid(pid_, &status, WNOHANG) == pid_ && WIFSIGNALED(status))
    signal_ = WTERMSIG(status);
  return signal_;
}

std::ostream& operator<<(std::ostream& stream, const Said& said) {
  return stream << "exit " << said.code << "\n--- out\n" << said.out << "--- err\n" << said.err;
}

Said sluicectl(std::vector<std::string> arguments) {
  Said said;
  char* out = nullptr;
  char* err = nullptr;
  std::size_t out_size = 0;
  std::size_t err_size = 0;
  std::FILE* out_file = ::open_memstream(&out, &out_size);
  std::FILE* err_file = ::open_memstream(&err, &err_size);
  arguments.insert(arguments.begin(), {"--color", "never"});
  said.code = run(arguments, out_file, err_file);
  std::fclose(out_file);
  std::fclose(err_file);
  said.out.assign(out, out_size);
  said.err.assign(err, err_size);
  std::free(out);
  std::free(err);
  return said;
}

bool is_json(const std::string& text) {
  std::FILE* parser = ::popen("python3 -m json.tool > /dev/null 2>&1", "w");
  if (parser == nullptr) return false;
  std::fwrite(text.data(), 1, text.size(), parser);
  return ::pclose(parser) == 0;
}

}  // namespace sluice::ctl
