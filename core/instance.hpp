// The objects of one running instance: which segments exist, how large they are, and the mapped
// pointers. The supervisor creates them (or a test does, in plain memory); every process attaches
// the ones it uses.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint.hpp"
#include "core/control_page.hpp"
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/pipeline.hpp"
#include "core/ring.hpp"
#include "core/segment.hpp"
#include "core/stage_page.hpp"
#include "core/topology.hpp"

namespace sluice {

inline constexpr std::size_t kLastValueBytes = sizeof(SegmentHeader) + kMaxInstruments * 2 * 64;

// Mapped pointers; null = this process has not attached it. Pages that this process may only read
// are mapped read-only whatever the pointer's type says: a store there is a fault, not a race.
struct Objects {
  ControlPage* control = nullptr;
  KillPage* kill = nullptr;
  std::array<StagePage*, kProcessSpan> stage{};              // by Process
  std::array<JournalMemory*, kProcessSpan> journal{};        // by Process; seats, risk, gateway
  std::array<CheckpointMemory*, kProcessSpan> checkpoint{};  // by Process; those with a journal
  std::array<RingMemory*, kEdgeSpan> ring{};                 // by Edge
  JournalMemory* paper_log = nullptr;
  void* last_value = nullptr;  // feed/last_value.hpp

  [[nodiscard]] StagePage& page(Process p) const noexcept {
    return *stage[static_cast<std::size_t>(p)];
  }
  [[nodiscard]] RingMemory& edge(Edge e) const noexcept {
    return *ring[static_cast<std::size_t>(e)];
  }
  [[nodiscard]] CheckpointMemory& checkpoint_of(Process p) const noexcept {
    return *checkpoint[static_cast<std::size_t>(p)];
  }
  [[nodiscard]] JournalMemory& journal_of(Process p) const noexcept {
    return *journal[static_cast<std::size_t>(p)];
  }
};

constexpr bool has_journal(Process p) noexcept {
  return p == Process::Risk || p == Process::Gateway || is_seat(p);
}

// What must be created for a configuration.
struct ObjectPlan {
  std::string object;  // "ring.feed-risk"
  ObjectKind kind;
  std::uint8_t edge;  // Edge, Process, or 0
  std::uint64_t capacity;
  std::size_t bytes;
};
std::vector<ObjectPlan> plan_objects(const PipelineConfig& config);
std::string object_of(Edge edge);                   // "ring.feed-risk"
std::string page_object_of(Process process);        // "stage.risk"
std::string journal_object_of(Process process);     // "journal.risk"
std::string checkpoint_object_of(Process process);  // "checkpoint.risk"

struct RunIdentity {
  std::uint64_t run_id = 0;
  std::uint16_t run_ordinal = 0;
  std::uint64_t config_hash = 0;
  Calibration calibration{};
};

// Writes headers and the fixed tables of the control page into zeroed memory; magic is not set yet.
void fill_header(SegmentHeader& header, const ObjectPlan& plan, const PipelineConfig& config,
                 const RunIdentity& run);
void fill_control(ControlPage& control, const PipelineConfig& config, const RunIdentity& run);
// Every kill word of an existing scope to RUN with a fresh epoch; the others stay zero (HALT).
void fill_kill(KillPage& kill, const ControlPage& control);
// Binds one mapped object to its pointer.
void bind(Objects& objects, const ObjectPlan& plan, void* memory) noexcept;

// An instance in this process's own memory: tests, simulation, replay.
class MemoryInstance {
 public:
  MemoryInstance(const PipelineConfig& config, const RunIdentity& run);
  ~MemoryInstance();
  MemoryInstance(const MemoryInstance&) = delete;
  MemoryInstance& operator=(const MemoryInstance&) = delete;

  [[nodiscard]] Objects& objects() noexcept { return objects_; }

 private:
  std::vector<std::pair<void*, std::size_t>> memory_;
  Objects objects_;
};

// An instance attached by name. Setup may wait for it, with a deadline.
class AttachedInstance {
 public:
  struct Want {
    Process process{};  // what this process is: which pages it may write
    bool tool = false;  // sluicectl: everything read-only but the kill page
    bool kill_writable = false;
  };

  // Attaches the control page and learns the run from it. Throws Error(Unreachable) after the
  // deadline; while waiting, one line per second of patience goes to stderr through `patience`.
  // `access`: every object must be the configured supervisor's and open to nobody else.
  static AttachedInstance open(const std::string& instance, std::chrono::seconds patience,
                               const AccessConfig* access = nullptr);
  // One attempt, no waiting.
  static AttachError try_open(const std::string& instance, AttachedInstance& out,
                              const AccessConfig* access = nullptr);

  // Attach the rest. Each throws Error naming the object, the reason and the advice.
  void attach_kill(Access access);
  void attach_page(Process process, Access access);
  void attach_ring(Edge edge, Access access);
  void attach_journal(Process process, Access access);
  void attach_checkpoint(Process process, Access access);
  void attach_paper_log(Access access);
  void attach_last_value(Access access);
  // True if the object exists and could be attached (tools looking at what is there).
  bool try_page(Process process) noexcept;
  // The object in which an attached page lies.
  [[nodiscard]] FileId file_of(Process process) const noexcept;

  [[nodiscard]] Objects& objects() noexcept { return objects_; }
  [[nodiscard]] const Objects& objects() const noexcept { return objects_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // False once the supervisor has ended the run.
  [[nodiscard]] bool alive() const noexcept {
    return objects_.control->header.magic.load(std::memory_order_acquire) == kMagic;
  }

 private:
  AttachError attach(const std::string& name, Access access, Expected expected, Segment& out) const;
  void* map(const std::string& object, ObjectKind kind, std::uint8_t edge, Access access);

  std::string name_;
  std::optional<Identities> who_;  // with [access]
  std::vector<Segment> segments_;
  Objects objects_;
};

}  // namespace sluice
