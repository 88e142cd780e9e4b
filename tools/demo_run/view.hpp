// What the demo sees of the run: numbers read from its pages, nothing written. The pages are mapped
// once the supervisor has published them and stay readable until the demo lets go, also after the
// run has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/instance.hpp"

namespace sluice::demo {

struct Latency {
  std::uint64_t count = 0;
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;
};

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

struct RingDepth {
  std::string name;  // "ticks", "reports": what it carries to this process
  std::uint64_t depth = 0;
  std::uint64_t capacity = 0;
};

struct ProcessView {
  Process process{};
  pid_t pid = 0;
  StageState state = StageState::Absent;
  std::uint64_t turns = 0;
  std::uint64_t beat_age_us = 0;
  std::uint64_t cpu_ticks = 0;  // user + system, in clock ticks
  std::uint64_t restarts = 0;   // lease epochs after the first
  std::uint64_t journal_lag = 0;
  std::uint64_t conditions = 0;
  std::string wait;  // its wait strategy
  std::string fault;
  std::vector<RingDepth> inputs;
};

struct Sample {
  std::chrono::steady_clock::time_point at;
  std::uint64_t run_ordinal = 0;
  RunState state = RunState::Starting;
  KillLevel level = KillLevel::Halt;  // global scope
  std::vector<ProcessView> processes;
  // feed
  std::uint64_t frames = 0;    // whatever is in them
  std::uint64_t messages = 0;  // decoded: frames less answers, notices and decode errors
  std::uint64_t decode_errors = 0;
  std::uint64_t quotes = 0;
  std::uint64_t trades = 0;
  std::uint64_t statuses = 0;
  std::uint64_t venue_gaps = 0;
  std::uint64_t missing_updates = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t snapshots = 0;
  Counts dropped;  // ticks per edge; edges of this run
  // risk and the seats
  Price last{};
  Qty position{};
  Notional realised{};
  Notional unrealised{};
  std::uint64_t signals = 0;
  std::uint64_t intents = 0;
  std::uint64_t entries = 0;  // orders by kind
  std::uint64_t exits = 0;
  std::uint64_t cancels = 0;
  std::uint64_t fills = 0;
  Counts exits_by_kind;
  Counts rejects;     // risk, gateway and venue, by reason; largest first, none is zero
  Counts not_formed;  // signals that became no intent, by reason
  std::uint64_t sent = 0;
  std::vector<std::pair<std::string, Latency>> hops;  // in the order of the path

  [[nodiscard]] std::uint64_t ticks() const noexcept { return quotes + trades + statuses; }
  [[nodiscard]] std::uint64_t rejected() const noexcept;
  [[nodiscard]] std::uint64_t dropped_ticks() const noexcept;
  [[nodiscard]] Latency hop(std::string_view name) const noexcept;
  // Nothing is under way: every input ring is empty and every journal is on disk.
  [[nodiscard]] bool drained() const noexcept;
};

class View {
 public:
  // Throws Error if an object of the run cannot be attached.
  explicit View(AttachedInstance instance);

  [[nodiscard]] Sample take() const;
  [[nodiscard]] const ControlPage& control() const noexcept { return *instance_.objects().control; }
  [[nodiscard]] const std::vector<Process>& processes() const noexcept { return processes_; }

 private:
  [[nodiscard]] ProcessView process(Process p, std::uint64_t now_us) const;
  void feed(Sample& sample) const;
  void seats(Sample& sample) const;
  void risk(Sample& sample) const;
  void hops(Sample& sample) const;

  AttachedInstance instance_;
  std::vector<Process> processes_;  // of this configuration, in the order of the path
  std::vector<Edge> edges_;         // between them
};

// User and system time of a process in clock ticks; 0 if it is gone.
std::uint64_t cpu_ticks_of(pid_t pid);

}  // namespace sluice::demo
