// The bare topology: four processes in the seats of feed, strategy, risk and gateway pass empty
// records through core's rings and do no work. What it costs is what the wait strategy, the CPUs
// and the scheduler cost; the real pipeline is measured beside it, with the same pins, wait and
// load.
//
// Writers: the feed's seat makes records by the clock, each with the time when it was due: one that
// is late counts from then. Readers: the gateway's seat stamps and checks every one. `flag`: one
// word that the seats of both gates look at once per turn, as drivers look at the kill page.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/machine/pair.hpp"
#include "core/pipeline.hpp"

namespace sluice::bench {

inline constexpr std::size_t kBareSeats = 4;  // feed, strategy, risk, gateway

struct BarePlan {
  std::array<int, kBareSeats> cpus{};
  WaitStrategy wait = WaitStrategy::Yield;    // Auto: chosen as a stage does
  double rate = 10'000;                       // records per second
  Duration length = Duration::seconds(1);     // of the stream; it may be ended before
  Duration warm_up = Duration::millis(100);   // of the length: passed and checked, not reported
  Duration patience = Duration::seconds(10);  // behind the end of the stream, and for a flag
  std::optional<std::uint64_t> lose = {};     // for tests: the record that the seat of risk keeps
};

struct BareResult {
  std::uint64_t records = 0;             // that went through, warm-up included
  std::vector<std::int64_t> latency_ns;  // due to stamped at the end, in order, without warm-up
};

struct FlagEcho {
  Duration risk;  // from just before the store until the seat stamps that it saw it
  Duration gateway;
  [[nodiscard]] Duration both() const noexcept { return risk < gateway ? gateway : risk; }
};

class Bare {
 public:
  // Returns when records flow. Throws Error if a CPU is not ours, or memory is short. The seats die
  // with the thread that made this.
  explicit Bare(const BarePlan& plan);
  ~Bare();  // kills what still runs
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  // Raises the flag and waits until both gates have seen it. Throws Error after the patience, or if
  // a seat died.
  FlagEcho raise_flag();

  void end() noexcept;  // the stream ends here
  // Waits until every record has gone through. Throws Error if one was lost or changed, if a seat
  // died, or (Interrupted) if a stop was asked for.
  BareResult finish();

 private:
  struct Memory;
  struct Seat;
  struct Child {
    pid_t pid = -1;
    int fd = -1;  // pidfd
  };

  [[nodiscard]] Memory& memory() const noexcept { return *static_cast<Memory*>(mapping_.data()); }
  void start(std::size_t seat, int ready);
  void await_ready(int ready);
  void must_live(const Child& child) const;
  void stop_all() noexcept;

  BarePlan plan_;
  std::uint64_t most_;  // records
  Mapping mapping_;
  std::uint64_t flags_ = 0;
  std::array<Child, kBareSeats> children_{};
};

// The whole length, without a flag.
BareResult run_bare(const BarePlan& plan);

}  // namespace sluice::bench
