#include "tools/recorder/recorder.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/build.hpp"
#include "core/checkpoint_file.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kRetryEveryNs = 100'000'000;
constexpr std::uint64_t kDiskCheckEveryNs = 1'000'000'000;

JournalFileHeader identity_of(const ControlPage& control, const JournalMemory& memory) {
  JournalFileHeader header{};
  header.run_id = control.header.run_id;
  header.run_ordinal = control.header.run_ordinal;
  header.config_hash = control.config_hash;
  header.process = memory.header.edge;
  header.mode = control.header.mode;
  header.instance = control.header.instance;
  header.build_id = control.build_id;
  return header;
}

std::string journal_name(const JournalMemory& memory) {
  if (memory.header.edge == static_cast<std::uint8_t>(Edge::PaperLog)) return "paper";
  return std::string(name_of(static_cast<Process>(memory.header.edge)));
}

}  // namespace

Recorder::Recorder(const RecorderConfig& config, Objects& objects,
                   const std::filesystem::path& state_dir, Say say)
    : config_(config),
      dir_(run_directory(state_dir, objects.control->header.run_ordinal)),
      statistics_(objects.page(Process::Recorder).statistics),
      kill_(objects.kill),
      control_(objects.control),
      retention_(config.retention, state_dir, objects.control->header.run_ordinal),
      say_(std::move(say)),
      syncer_(statistics_, static_cast<std::size_t>(RecorderCounter::Syncs),
              static_cast<std::size_t>(RecorderCounter::SyncErrors),
              static_cast<std::size_t>(RecorderHistogram::Sync)) {
  statistics_.name(kRecorderCounters, kRecorderHistograms);
  std::vector<JournalMemory*> journals(objects.journal.begin(), objects.journal.end());
  journals.push_back(objects.paper_log);
  for (JournalMemory* memory : journals) {
    if (memory == nullptr) continue;
    Item item{memory, memory->header.capacity,
              JournalFileWriter(dir_, journal_name(*memory), identity_of(*objects.control, *memory),
                                config.rotate_bytes)};
    const std::uint64_t head = memory->head.load(std::memory_order_acquire);
    const std::uint64_t next = item.file.next();
    const std::uint64_t oldest = memory->tail.load(std::memory_order_acquire) > item.capacity
                                     ? memory->tail.load() - item.capacity
                                     : 0;
    // Written but not yet given back: move on. Lost behind head: still in the ring, or gone for
    // good.
    if (next > head) memory->give_back(next);
    if (next < head && next < oldest)
      throw Error(dir_.string() + ": journal " + item.file.journal() + " ends at entry " +
                  std::to_string(next) + ", the ring starts at " + std::to_string(oldest) +
                  ": entries are missing; the run cannot be recovered from disk");
    item.filed_in = item.file.file_first();
    if (memory != objects.paper_log) item.checkpoints = objects.checkpoint[memory->header.edge];
    items_.push_back(std::move(item));
  }
  statistics_.set(static_cast<std::size_t>(RecorderCounter::Files), items_.size());
}

// The oldest entries that are in one piece of the ring; at most 1024, so that the space returns
// steadily.
bool Recorder::write_some(Item& item) noexcept {
  JournalMemory& memory = *item.memory;
  const std::uint64_t tail = memory.committed();
  const std::uint64_t next = item.file.next();
  if (next == tail) return false;
  const std::uint64_t mask = item.capacity - 1;
  const std::uint64_t piece =
      std::min<std::uint64_t>({tail - next, item.capacity - (next & mask), std::uint64_t{1024}});
  const std::uint64_t start = boottime_ns();
  const int error = item.file.write(memory.slots() + (next & mask), piece);
  const std::uint64_t written = item.file.next() - next;
  if (item.file.next() > memory.head.load(std::memory_order_relaxed))
    memory.give_back(item.file.next());
  item.dirty = item.dirty || written > 0;
  item.write_failed = error != 0;
  statistics_.add(static_cast<std::size_t>(RecorderCounter::Entries), written);
  statistics_.add(static_cast<std::size_t>(RecorderCounter::Writes), 1);
  statistics_.histograms[static_cast<std::size_t>(RecorderHistogram::Write)].record(
      static_cast<std::int64_t>(boottime_ns() - start));
  if (error != 0) statistics_.add(static_cast<std::size_t>(RecorderCounter::WriteErrors), 1);
  return written > 0;
}

bool Recorder::turn() {
  const std::uint64_t now = boottime_ns();
  bool worked = false;
  if (now >= retry_at_ns_) {
    bool failed = false;
    for (Item& item : items_) {
      worked = write_some(item) || worked;
      failed = failed || item.write_failed;
    }
    file_rotated();
    for (const Item& item : items_) failed = failed || item.filing_failed;
    if (failed) retry_at_ns_ = now + kRetryEveryNs;
  }
  sync_due(now);
  check_disk(now);
  publish_flags();
  return worked;
}

bool Recorder::drain() {
  retry_at_ns_ = 0;
  for (int pass = 0; pass < 1'000'000 && turn(); ++pass) {
  }
  syncer_.wait_idle();
  sync_dirty();
  syncer_.wait_idle();
  for (Item& item : items_) file_checkpoint(item);
  publish_flags();
  return !syncer_.failed() && std::none_of(items_.begin(), items_.end(), [](const Item& item) {
    return item.write_failed || item.filing_failed ||
           item.file.next() != item.memory->tail.load(std::memory_order_acquire);
  });
}

// At rotation: what is in older files need not be replayed any more.
void Recorder::file_rotated() noexcept {
  for (Item& item : items_)
    if (item.filing_failed || item.file.file_first() != item.filed_in) file_checkpoint(item);
}

// Not above what is in the files: a checkpoint must not know more than the journal it stands in.
void Recorder::file_checkpoint(Item& item) noexcept {
  item.filed_in = item.file.file_first();
  item.filing_failed = false;
  if (item.checkpoints == nullptr) return;
  int error = 0;
  try {
    const auto newest = newest_checkpoint(*item.checkpoints, item.file.next());
    if (!newest || newest->position <= item.filed_at) return;
    error =
        store_checkpoint(dir_, item.file.journal(), identity_of(*control_, *item.memory), *newest);
    if (error == 0) item.filed_at = newest->position;
  } catch (...) {
    error = ENOMEM;
  }
  item.filing_failed = error != 0;
  statistics_.add(static_cast<std::size_t>(error == 0 ? RecorderCounter::Checkpoints
                                                      : RecorderCounter::CheckpointErrors),
                  1);
}

void Recorder::sync_due(std::uint64_t now_ns) {
  if (now_ns < next_sync_ns_ || !syncer_.idle()) return;
  next_sync_ns_ = now_ns + static_cast<std::uint64_t>(config_.sync.ns);
  sync_dirty();
}

// Duplicates, so that a rotation may close its own descriptor meanwhile.
void Recorder::sync_dirty() {
  std::vector<int> descriptors;
  for (Item& item : items_) {
    if (!item.dirty) continue;
    const int fd = item.file.duplicate();
    if (fd < 0) continue;  // still dirty: tried again next time
    item.dirty = false;
    descriptors.push_back(fd);
  }
  if (!descriptors.empty()) syncer_.start(std::move(descriptors));
}

void Recorder::check_disk(std::uint64_t now_ns) {
  if (now_ns < next_disk_check_ns_) return;
  next_disk_check_ns_ = now_ns + kDiskCheckEveryNs;
  struct statvfs fs {};
  if (statvfs(dir_.c_str(), &fs) != 0) {
    disk_low_ = true;
  } else {
    disk_low_ = std::uint64_t{fs.f_bavail} * fs.f_frsize < config_.disk_floor_bytes;
  }
  keep_budget();
  statistics_.set(static_cast<std::size_t>(RecorderCounter::DiskLow), disk_low_ ? 1 : 0);
}

void Recorder::keep_budget() {
  bool raised = kill_ == nullptr;
  for (std::size_t slot = 0; !raised && slot < kScopes; ++slot)
    raised = control_->scope_exists(scope_at(slot)) && kill_->read(slot).level != KillLevel::Run;
  const std::int64_t now_s = static_cast<std::int64_t>(::time(nullptr));
  if (const auto removed = retention_.step(now_s, raised)) {
    statistics_.add(static_cast<std::size_t>(RecorderCounter::RemovedFiles), 1);
    statistics_.add(static_cast<std::size_t>(RecorderCounter::RemovedBytes), removed->bytes);
    say_("removed " + removed->path + ", " + std::to_string(removed->bytes) +
         " bytes: over the disk budget");
  }
  disk_low_ = disk_low_ || retention_.exceeded();
}

void Recorder::publish_flags() {
  const bool sync_failed = syncer_.failed();
  for (Item& item : items_) {
    const std::uint64_t flags = disk_low_ || item.write_failed || item.filing_failed ||
                                        item.file.sync_failed() || sync_failed
                                    ? std::uint64_t{kRecorderDiskTrouble}
                                    : 0;
    // Only a change: gates look at this line in every turn, and a store takes it from their caches.
    if (item.memory->flags.load(std::memory_order_relaxed) != flags)
      item.memory->flags.store(flags, std::memory_order_relaxed);
  }
}

}  // namespace sluice
