#include "core/stage_host.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "core/error.hpp"
#include "core/segment.hpp"

namespace sluice {

void say_line(Process process, const std::string& text) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm local{};
  localtime_r(&now.tv_sec, &local);
  std::fprintf(stderr, "%02d:%02d:%02d.%03ld %.*s %s\n", local.tm_hour, local.tm_min, local.tm_sec,
               now.tv_nsec / 1'000'000, static_cast<int>(name_of(process).size()),
               name_of(process).data(), text.c_str());
}

namespace detail {

int report_error(const std::string& program, const std::exception& error) noexcept {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), error.what());
  const auto* ours = dynamic_cast<const Error*>(&error);
  return static_cast<int>(ours != nullptr ? ours->code() : Exit::No);
}

std::string version_text() {
  return std::string(version()) + " (build " + std::string(build_id()) + ")";
}

}  // namespace detail

namespace {

// The parent is confined to this one CPU as well (a supervisor under taskset, a container of one
// CPU): so are our siblings.
bool parent_confined_to(int cpu) noexcept {
  cpu_set_t set;
  return sched_getaffinity(::getppid(), sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
         CPU_ISSET(static_cast<unsigned>(cpu), &set);
}

// A CPU of its own: pinned to one that no other configured process names, on a machine with a CPU
// for every process and one for the rest.
bool owns_cpu(int cpu, Process process, const PipelineConfig& pipeline) {
  if (cpu < 0 || parent_confined_to(cpu)) return false;
  std::size_t processes = 4;  // feed, risk, gateway, recorder
  for (SeatIndex seat = 0; seat < kSeats; ++seat) processes += pipeline.seat_taken(seat) ? 1u : 0u;
  for (const Process other : kProcesses)
    if (other != process && pipeline.process(other).cpu == cpu) return false;
  return static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN)) > processes;
}

// A process that was started under another user's name would be refused by the kernel object by
// object; this says it in one line.
const AccessConfig* access_as_user(Process process, const PipelineConfig& pipeline) {
  if (!pipeline.access) return nullptr;
  const Role role = role_of(process);
  const User user = user_of(*pipeline.access, role);
  if (user.uid != ::geteuid())
    throw Error(Exit::Usage, "[access] " + std::string(name_of(role)) + " is user " +
                                 std::to_string(user.uid) + ", this process is user " +
                                 std::to_string(::geteuid()));
  return &*pipeline.access;
}

}  // namespace

StageHost::StageHost(Process process, const StageOptions& options, const PipelineConfig& pipeline,
                     std::uint64_t config_hash)
    : process_(process),
      instance_(AttachedInstance::open(pipeline.instance,
                                       std::chrono::seconds(options.wait_deadline_s),
                                       access_as_user(process, pipeline))),
      clock_(instance_.objects().control->calibration),
      waiter_(WaitStrategy::Yield, 0),
      log_(name_of(process), STDERR_FILENO),
      hot_log_(log_.producer()) {
  instance_.attach_page(process, Access::ReadWrite);
  page_ = &instance_.objects().page(process);
  claim(page_->lease, "/dev/shm/" + segment_name(pipeline.instance, page_object_of(process)));
  page_->request.store(0, std::memory_order_relaxed);
  page_->fault.fill(0);
  const std::string_view build = build_id();
  page_->build_id.fill(0);
  std::memcpy(page_->build_id.data(), build.data(),
              std::min(build.size(), page_->build_id.size() - 1));
  page_->layout_hash.store(schema_hash());
  page_->config_hash.store(config_hash);
  page_->heartbeat_us.store(clock_.liveness_us());
  set_state(StageState::Attaching);
  settle(options, pipeline);
}

StageHost::~StageHost() {
  release(page_->lease);
}

// CPU, wait strategy, memory. None of these stops the process: each is said, and status shows it.
void StageHost::settle(const StageOptions& options, const PipelineConfig& pipeline) {
  const ProcessEntry& entry = pipeline.process(process_);
  int cpu = options.cpu.value_or(entry.cpu);
  if (cpu >= 0) {
    if (const std::string wrong = pin_to(cpu); !wrong.empty()) {
      say_line(process_, wrong + "; running unpinned");
      cpu = -1;
    }
  }
  if (cpu < 0) cpu = confined_cpu();
  page_->cpu.store(static_cast<std::uint64_t>(cpu + 1));
  const bool own = owns_cpu(cpu, process_, pipeline);
  WaitStrategy wait = choose_wait(entry.wait, own);
  constexpr std::uint64_t kNapAfterNs = 2'000'000'000;
  waiter_ = Waiter(wait, entry.wait == WaitStrategy::Auto && !own ? kNapAfterNs : 0);
  page_->wait.store(static_cast<std::uint64_t>(wait));
  if (const std::string wrong = lock_memory(); !wrong.empty()) say_line(process_, wrong);
  if (own) hold_cpu_latency();
  if (own) log_.keep_off(cpu);
  say_line(process_, std::string("attached to run ") +
                         std::to_string(instance_.objects().control->header.run_ordinal) + " of " +
                         pipeline.instance + ", wait strategy " + std::string(name_of(wait)) +
                         (cpu >= 0 ? ", CPU " + std::to_string(cpu) : std::string(", not pinned")));
}

// What an operator wants to find in the log afterwards: when conditions came and went, when a kill
// was obeyed.
void StageHost::log_changes() noexcept {
  const std::uint64_t conditions = page_->conditions.load(std::memory_order_relaxed);
  if (conditions != conditions_logged_) {
    for (std::uint32_t bit = 0; bit < kConditionBits; ++bit) {
      const auto condition = static_cast<Condition>(1u << bit);
      if (((conditions ^ conditions_logged_) >> bit & 1u) == 0) continue;
      if ((conditions >> bit & 1u) != 0)
        hot_log_.write(Level::Warning, "condition {}: REDUCE_ONLY", condition);
      else
        hot_log_.write(Level::Info, "condition {} lifted", condition);
    }
    conditions_logged_ = conditions;
  }
  const std::uint64_t obeyed = page_->obeyed.load(std::memory_order_relaxed);
  if (obeyed != obeyed_logged_) hot_log_.write(Level::Info, "obeyed kill serial {}", obeyed);
  obeyed_logged_ = obeyed;
}

void StageHost::set_state(StageState state) noexcept {
  page_->heartbeat_us.store(clock_.liveness_us(), std::memory_order_relaxed);
  page_->state.store(static_cast<std::uint64_t>(state), std::memory_order_release);
}

StageHost::Look StageHost::look_around() const noexcept {
  if (!instance_.alive()) return Look::RunEnded;
  if (StopSignal::asked() != 0) return Look::Drain;
  return (page_->request.load(std::memory_order_acquire) & kRequestDrain) != 0 ? Look::Drain
                                                                               : Look::GoOn;
}

RecoverySource::RecoverySource(const JournalMemory& memory, const std::filesystem::path& state_dir,
                               const std::string& journal)
    : memory_(memory),
      dir_(run_directory(state_dir, memory.header.run_ordinal)),
      journal_(journal),
      capacity_(memory.header.capacity),
      tail_(memory.tail.load(std::memory_order_acquire)),
      head_(memory.head.load(std::memory_order_acquire)),
      files_(dir_, journal) {}

std::optional<Checkpoint> RecoverySource::checkpoint(std::uint64_t limit) const {
  FiledCheckpoint filed = newest_filed_checkpoint(dir_, journal_, memory_.header.run_id, limit);
  const auto process = static_cast<Process>(memory_.header.edge);
  for (const std::string& refused : filed.refused)
    say_line(process, "checkpoint refused: " + refused);
  if (filed.found)
    say_line(process, "recovery begins at the filed checkpoint of entry " +
                          std::to_string(filed.found->position));
  return std::move(filed.found);
}

bool RecoverySource::operator()(JournalSlot& out, std::uint64_t position) {
  if (position < head_) return files_.read(position, out);
  if (tail_ - position > capacity_) return false;
  out = memory_.slots()[position & (capacity_ - 1)];
  return true;
}

}  // namespace sluice
