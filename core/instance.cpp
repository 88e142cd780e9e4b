#include "core/instance.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>
#include <thread>

#include "core/build.hpp"
#include "core/error.hpp"

namespace sluice {
namespace {

void copy_text(char* to, std::size_t size, std::string_view from) noexcept {
  const std::size_t n = std::min(from.size(), size - 1);
  std::memcpy(to, from.data(), n);
  std::memset(to + n, 0, size - n);
}

constexpr std::uint64_t kDefaultJournal = 16'384;
constexpr std::uint64_t kPaperLogEntries = 16'384;

}  // namespace

std::string object_of(Edge edge) {
  const EdgeInfo* info = edge_info(edge);
  std::string name("ring.");
  name.append(name_of(info->from)).append("-").append(name_of(info->to));
  return name;
}
std::string page_object_of(Process process) {
  return std::string("stage.").append(name_of(process));
}
std::string journal_object_of(Process process) {
  return std::string("journal.").append(name_of(process));
}

std::string checkpoint_object_of(Process process) {
  return std::string("checkpoint.").append(name_of(process));
}

std::vector<ObjectPlan> plan_objects(const PipelineConfig& config) {
  std::vector<ObjectPlan> plan;
  plan.push_back({"control", ObjectKind::Control, 0, 0, sizeof(ControlPage)});
  plan.push_back({"kill", ObjectKind::Kill, 0, 0, sizeof(KillPage)});
  const std::uint64_t journal = config.journal_ring != 0 ? config.journal_ring : kDefaultJournal;
  for (const Process p : kProcesses) {
    const auto number = static_cast<std::uint8_t>(p);
    plan.push_back({page_object_of(p), ObjectKind::Stage, number, 0, sizeof(StagePage)});
    if (!has_journal(p)) continue;
    plan.push_back({journal_object_of(p), ObjectKind::Journal, number, journal,
                    JournalMemory::bytes(journal)});
    plan.push_back({checkpoint_object_of(p), ObjectKind::Checkpoint, number, kCheckpointBytes,
                    CheckpointMemory::bytes(kCheckpointBytes)});
  }
  plan.push_back({"journal.paper", ObjectKind::Journal, static_cast<std::uint8_t>(Edge::PaperLog),
                  kPaperLogEntries, JournalMemory::bytes(kPaperLogEntries)});
  for (const EdgeInfo& edge : kTopology) {
    const std::uint64_t capacity = config.capacity(edge);
    plan.push_back({object_of(edge.edge), ObjectKind::Ring, static_cast<std::uint8_t>(edge.edge),
                    capacity, RingMemory::bytes(capacity)});
  }
  plan.push_back({"last_value", ObjectKind::LastValue, 0, 0, kLastValueBytes});
  return plan;
}

void fill_header(SegmentHeader& header, const ObjectPlan& plan, const PipelineConfig& config,
                 const RunIdentity& run) {
  header.layout_hash = layout_hash_of(plan.kind);
  header.size = plan.bytes;
  header.run_id = run.run_id;
  header.run_ordinal = run.run_ordinal;
  header.mode = config.mode;
  header.kind = plan.kind;
  header.edge = plan.edge;
  header.capacity = plan.capacity;
  copy_text(header.instance.data(), header.instance.size(), config.instance);
  copy_text(header.boot_id.data(), header.boot_id.size(), boot_id());
}

void fill_control(ControlPage& control, const PipelineConfig& config, const RunIdentity& run) {
  control.calibration = run.calibration;
  control.config_hash = run.config_hash;
  copy_text(control.build_id.data(), control.build_id.size(), build_id());
  copy_text(control.state_dir.data(), control.state_dir.size(), config.state_dir.string());
  control.instruments = static_cast<std::uint32_t>(config.instruments.size());
  control.strategies = static_cast<std::uint32_t>(config.strategies.size());
  control.gateways = 1;
  control.started_at_unix = std::time(nullptr);
  copy_text(control.gateway_names[0].data(), kNameLength, "paper");
  for (std::size_t i = 0; i < config.strategies.size(); ++i) {
    copy_text(control.strategy_names[i].data(), kNameLength, config.strategies[i].name);
    control.strategy_seat[i] = config.strategies[i].seat;
    control.seats_taken |= 1u << config.strategies[i].seat;
  }
  for (std::size_t i = 0; i < config.instruments.size(); ++i) {
    copy_text(control.instrument[i].name.data(), kNameLength, config.instruments[i].name);
    control.instrument[i].tick = config.instruments[i].tick;
    control.instrument[i].lot = config.instruments[i].lot;
  }
  control.rate_ppm.store(config.rate_ppm, std::memory_order_relaxed);
  control.state.store(static_cast<std::uint64_t>(RunState::Starting), std::memory_order_relaxed);
}

void fill_kill(KillPage& kill, const ControlPage& control) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    const auto epoch = static_cast<std::uint32_t>(kill.serial.fetch_add(1) + 1);
    kill.words[slot].store(
        encode_kill(kill.header.run_id, slot, KillLevel::Run, KillCause::None, epoch),
        std::memory_order_release);
  }
}

void bind(Objects& objects, const ObjectPlan& plan, void* memory) noexcept {
  switch (plan.kind) {
    case ObjectKind::Control: objects.control = static_cast<ControlPage*>(memory); break;
    case ObjectKind::Kill: objects.kill = static_cast<KillPage*>(memory); break;
    case ObjectKind::Stage: objects.stage[plan.edge] = static_cast<StagePage*>(memory); break;
    case ObjectKind::Ring: objects.ring[plan.edge] = static_cast<RingMemory*>(memory); break;
    case ObjectKind::Journal:
      (plan.edge == static_cast<std::uint8_t>(Edge::PaperLog) ? objects.paper_log
                                                              : objects.journal[plan.edge]) =
          static_cast<JournalMemory*>(memory);
      break;
    case ObjectKind::Checkpoint:
      objects.checkpoint[plan.edge] = static_cast<CheckpointMemory*>(memory);
      break;
    case ObjectKind::LastValue: objects.last_value = memory; break;
  }
}

MemoryInstance::MemoryInstance(const PipelineConfig& config, const RunIdentity& run) {
  for (const ObjectPlan& plan : plan_objects(config)) {
    const std::size_t bytes = (plan.bytes + kLinePair - 1) / kLinePair * kLinePair;
    void* memory = std::aligned_alloc(kLinePair, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 0, bytes);
    memory_.emplace_back(memory, bytes);
    fill_header(*static_cast<SegmentHeader*>(memory), plan, config, run);
    bind(objects_, plan, memory);
  }
  fill_control(*objects_.control, config, run);
  fill_kill(*objects_.kill, *objects_.control);
  for (const auto& [memory, bytes] : memory_)
    Segment::publish(*static_cast<SegmentHeader*>(memory));
}

MemoryInstance::~MemoryInstance() {
  for (const auto& [memory, bytes] : memory_) std::free(memory);
}

AttachError AttachedInstance::attach(const std::string& name, Access access, Expected expected,
                                     Segment& out) const {
  AccessList list;
  if (who_) {
    list = access_list(expected.kind, expected.edge, *who_);
    expected.access = &list;
    expected.owner = (*who_)[Role::Supervisor];
  } else if (!segments_.empty()) {
    expected.owner = segments_.front().owner();
  }
  return Segment::attach(name, access, expected, out);
}

AttachError AttachedInstance::try_open(const std::string& instance, AttachedInstance& out,
                                       const AccessConfig* access) {
  AttachedInstance fresh;
  if (access != nullptr) fresh.who_ = resolve(*access);
  Segment segment;
  const AttachError error =
      fresh.attach(segment_name(instance, "control"), Access::ReadOnly,
                   {instance, ObjectKind::Control, 0, 0, Mode::Paper}, segment);
  if (error != AttachError::None) return error;
  fresh.name_ = instance;
  fresh.objects_.control = segment.as<ControlPage>();
  fresh.segments_.push_back(std::move(segment));
  out = std::move(fresh);
  return AttachError::None;
}

AttachedInstance AttachedInstance::open(const std::string& instance, std::chrono::seconds patience,
                                        const AccessConfig* access) {
  const auto start = std::chrono::steady_clock::now();
  auto told = start;
  for (bool first = true;; first = false) {
    AttachedInstance out;
    const AttachError error = try_open(instance, out, access);
    if (error == AttachError::None) return out;
    const auto now = std::chrono::steady_clock::now();
    const bool may_come = error == AttachError::NotFound || error == AttachError::TooSmall ||
                          error == AttachError::NotReady || error == AttachError::WrongBoot;
    const std::string what = "instance '" + instance + "': /dev/shm/" +
                             segment_name(instance, "control") + " " + std::string(name_of(error)) +
                             ": " + std::string(advice_for(error));
    if (!may_come || now - start >= patience) throw Error(Exit::Unreachable, what);
    if (first || now - told >= std::chrono::seconds(5)) {
      std::fprintf(stderr, "waiting up to %lld s: %s\n", static_cast<long long>(patience.count()),
                   what.c_str());
      told = now;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void* AttachedInstance::map(const std::string& object, ObjectKind kind, std::uint8_t edge,
                            Access access) {
  const std::string name = segment_name(name_, object);
  const SegmentHeader& run = objects_.control->header;
  Segment segment;
  const AttachError error =
      attach(name, access, {name_, kind, edge, run.run_id, run.mode}, segment);
  if (error != AttachError::None)
    throw Error(Exit::Unreachable, "/dev/shm/" + name + " " + std::string(name_of(error)) + ": " +
                                       std::string(advice_for(error)));
  segments_.push_back(std::move(segment));
  return segments_.back().data();
}

void AttachedInstance::attach_kill(Access access) {
  objects_.kill = static_cast<KillPage*>(map("kill", ObjectKind::Kill, 0, access));
}
void AttachedInstance::attach_page(Process process, Access access) {
  const auto number = static_cast<std::uint8_t>(process);
  objects_.stage[number] =
      static_cast<StagePage*>(map(page_object_of(process), ObjectKind::Stage, number, access));
}
void AttachedInstance::attach_ring(Edge edge, Access access) {
  const auto number = static_cast<std::uint8_t>(edge);
  objects_.ring[number] =
      static_cast<RingMemory*>(map(object_of(edge), ObjectKind::Ring, number, access));
}
void AttachedInstance::attach_journal(Process process, Access access) {
  const auto number = static_cast<std::uint8_t>(process);
  objects_.journal[number] = static_cast<JournalMemory*>(
      map(journal_object_of(process), ObjectKind::Journal, number, access));
}
void AttachedInstance::attach_checkpoint(Process process, Access access) {
  const auto number = static_cast<std::uint8_t>(process);
  objects_.checkpoint[number] = static_cast<CheckpointMemory*>(
      map(checkpoint_object_of(process), ObjectKind::Checkpoint, number, access));
}
void AttachedInstance::attach_paper_log(Access access) {
  objects_.paper_log = static_cast<JournalMemory*>(
      map("journal.paper", ObjectKind::Journal, static_cast<std::uint8_t>(Edge::PaperLog), access));
}
void AttachedInstance::attach_last_value(Access access) {
  objects_.last_value = map("last_value", ObjectKind::LastValue, 0, access);
}

bool AttachedInstance::try_page(Process process) noexcept {
  try {
    attach_page(process, Access::ReadOnly);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

FileId AttachedInstance::file_of(Process process) const noexcept {
  const void* page = objects_.stage[static_cast<std::size_t>(process)];
  for (const Segment& segment : segments_)
    if (page != nullptr && segment.data() == page) return segment.file();
  return {};
}

}  // namespace sluice
