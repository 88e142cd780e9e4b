// The pipeline in this process, its objects shared, its clock moved by hand; but risk dies in a
// process of its own, by SIGKILL in the middle of a turn, and a successor recovers from what that
// process left: rings, checkpoints, and the files of a recorder that is a process as well.
#pragma once

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>

#include "bench/filing/shared_instance.hpp"
#include "core/stage_host.hpp"
#include "tools/replay/pipeline.hpp"
#include "tools/replay/run_config.hpp"

namespace sluice::bench {

// An entry above the tail: journaled by a turn that has not committed it.
[[nodiscard]] std::uint64_t uncommitted(const JournalMemory& journal) noexcept;

// Drivers read it between the inputs of a turn: there a doomed process dies.
class MortalClock {
 public:
  [[nodiscard]] HostTime now() const noexcept {
    if (doomed_ != nullptr && left_-- <= 0 && uncommitted(*doomed_) > 0) ::raise(SIGKILL);
    return now_;
  }
  [[nodiscard]] HostTime loose_now() const noexcept { return now(); }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept {
    return static_cast<std::uint64_t>(now_.ns) / 1'000;
  }
  void advance(Duration by) noexcept { now_ = now_ + by; }
  // At the first reading after so many that finds an entry which is not committed.
  void doom(const JournalMemory& journal, int readings) noexcept {
    doomed_ = &journal;
    left_ = readings;
  }

 private:
  HostTime now_{10'000'000'000};
  const JournalMemory* doomed_ = nullptr;
  mutable int left_ = 0;
};

// What a process knows: its stage's state, and how far every edge was read and written.
struct Knowledge {
  std::array<std::uint64_t, kEdgeSpan> consumed{};
  std::array<std::uint64_t, kEdgeSpan> published{};
  risk::State state;
};
static_assert(std::has_unique_object_representations_v<Knowledge>);

// What the dead one knew when it had last committed.
struct LastWords {
  std::uint64_t tail;
  Knowledge known;
};

// Where a recovery begins. Files: shared memory holds no checkpoint. Zero: there is none at all.
enum class From : std::uint8_t { Memory = 1, Files = 2, Zero = 3 };

struct Successor {
  using Risk = replay::BasicRisk<MortalClock>;
  std::unique_ptr<Risk> risk;
  Knowledge known{};
  Duration took{};            // from nothing until it is ready for its first turn
  std::uint64_t entries = 0;  // replayed
};

class World {
 public:
  World(const replay::RunConfig& config, std::filesystem::path state_dir,
        std::uint64_t checkpoint_every);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // What a feed does with a decoded tick.
  void publish(const Tick& tick) noexcept { fanout_.publish(tick); }
  // A turn of each, in the order of the way.
  void pass() noexcept;
  void advance(Duration by) noexcept;

  // Risk takes what waits for it and dies meanwhile. Throws Error if it does not.
  const LastWords& kill_risk(int readings);
  [[nodiscard]] Successor recover(From from);
  // Goes on where the dead one was.
  void succeed(Successor successor) noexcept { risk_ = std::move(successor.risk); }

  [[nodiscard]] Objects& objects() noexcept { return memory_.objects(); }
  [[nodiscard]] HostTime now() const noexcept { return clock_.now(); }
  [[nodiscard]] const JournalMemory& journal() noexcept {
    return objects().journal_of(Process::Risk);
  }
  // Entries behind the newest checkpoint.
  [[nodiscard]] std::uint64_t since_checkpoint() noexcept;

 private:
  using Place = replay::BasicPlace<MortalClock>;
  using Gateway = replay::GatewayProcess<ReconcilingSession&, MortalClock>;

  [[nodiscard]] Place place(Process process, std::uint64_t checkpoint_every = 0) noexcept {
    return {objects(), config_.pipeline, clock_, process, checkpoint_every};
  }
  void start();
  void note(const Successor::Risk& risk, Knowledge& known) noexcept;
  [[noreturn]] void live_until_killed(int readings) noexcept;

  const replay::RunConfig& config_;
  std::filesystem::path state_dir_;
  std::uint64_t checkpoint_every_;
  SharedInstance memory_;
  Mapping last_words_;
  MortalClock clock_;
  replay::BasicSupervisor<MortalClock> supervisor_;
  Effects effects_;
  Fanout<Producer> fanout_;
  std::array<Producer, 3> rings_;
  std::unique_ptr<replay::BasicSeat<MortalClock>> seat_;
  std::unique_ptr<Successor::Risk> risk_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace sluice::bench
