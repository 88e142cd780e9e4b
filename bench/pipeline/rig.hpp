// A private run of the real processes, for one measurement: a name and a state directory of its
// own, every process pinned, everything removed again however the measurement ends.
//
// The supervisor runs with --manual; the other processes are children of this program. Whoever
// holds the feed's place (bench/pipeline/market.hpp, or a sluice-feed of the rig with
// Origin::Venue) must have left before stop() or the destructor runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/pipeline/placement.hpp"
#include "core/clock.hpp"
#include "core/instance.hpp"

namespace sluice::bench {

// Where ticks come from.
enum class Origin : std::uint8_t {
  Synthetic = 1,  // this program, in the feed's place
  Venue = 2       // sluice-venue with a capture, through sluice-feed
};

struct RigPlan {
  std::filesystem::path conf = "conf/bench.toml";
  std::filesystem::path dir;     // state directories are made in it; empty: $TMPDIR, or /tmp
  std::vector<int> cpus;         // empty: all that this process may run on
  std::optional<int> rest = {};  // CPU of recorder and supervisor; nothing: the last of these
  WaitStrategy wait = WaitStrategy::Auto;
  WaitStrategy recorder_wait = WaitStrategy::Auto;
  Origin origin = Origin::Synthetic;
  std::filesystem::path capture;    // Venue: what the venue plays
  std::string speed = "1";          // Venue: market seconds per second
  std::uint64_t journal_bytes = 0;  // that the run will file at most; refused if there is no room
  bool keep = false;                // the state directory stays, and is named on stderr
};

class Rig {
 public:
  // Returns when every process but a synthetic feed is ready. Throws Error: what cannot be, which
  // process left and its last lines, Interrupted after SIGINT or SIGTERM.
  explicit Rig(const RigPlan& plan);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Until the supervisor has armed the run, which needs a ready feed; throws Error after 20 s.
  void await_armed();
  // Throws Error if a process of the run has died or this one was asked to stop.
  void check();
  // Waits for it in steps of a millisecond with check() in each; false after the patience.
  template <class Condition>
  bool await(Condition&& condition, std::chrono::milliseconds patience);

  // Starts a stage again whose process was killed, and returns when it is ready. Throws Error.
  void start_again(Process process);

  // Control page, every stage page, ring, journal and the paper log, read-only; the kill page is
  // writable.
  [[nodiscard]] AttachedInstance& instance() noexcept;
  [[nodiscard]] Objects& objects() noexcept { return instance().objects(); }
  [[nodiscard]] const Clock& clock() const noexcept;  // of the run: its stamps' own
  [[nodiscard]] const Placement& placement() const noexcept;
  [[nodiscard]] const std::filesystem::path& run_dir() const noexcept;  // the journals' files
  // "yield, recorder yield", or what each stage has chosen if they differ.
  [[nodiscard]] std::string waits() const;

  // Ends a sluice-feed of the rig: no tick comes after this.
  void stop_feed();
  // Until every ring is empty: what was sent is journaled. Precondition: nothing sends any more.
  void settle();
  // Orderly: journals are whole in the files afterwards. Throws Error if a process fails to leave.
  // What was mapped can still be read; the files stay until the destructor.
  void stop();

 private:
  void step();

  struct State;
  std::unique_ptr<State> state_;
};

template <class Condition>
bool Rig::await(Condition&& condition, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    step();
  }
  return true;
}

}  // namespace sluice::bench
