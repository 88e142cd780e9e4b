// The whole pipeline in one thread under a virtual clock: feed, one seat, risk and the paper
// gateway, each behind the real driver, over an instance in plain memory; around them a simulated
// supervisor (heartbeat, permits, caps, kills) and a simulated recorder (journal entries into
// vectors).
//
// Nothing happens by itself: a test decides whose turn it is, when time passes and who dies. A
// crash destroys driver and stage and keeps the memory, as a SIGKILL between two turns does.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/instance.hpp"
#include "feed/config.hpp"
#include "gateway/config.hpp"
#include "risk/config.hpp"
#include "risk/stage.hpp"
#include "strategies/stage.hpp"
#include "tests/sim/auditor.hpp"
#include "tests/sim/market.hpp"
#include "tests/sim/processes.hpp"

namespace sluice::sim {

struct WorldConfig {
  PipelineConfig pipeline;
  FeedConfig feed;
  risk::RiskConfig risk;
  GatewayConfig gateway;
};
// conf/demo.toml, with the lines of these keys replaced: {"window_s", "1"}.
WorldConfig demo_world(const std::vector<std::pair<std::string, std::string>>& changes = {});
// Every ring of this capacity, every stage's journal of that one.
void resize(WorldConfig& config, std::uint32_t ring, std::uint32_t journal);

struct WorldOptions {
  bool scripted_seat = false;          // the test is the strategy: intend(), answers()
  bool lean = false;                   // no referee and no files: nothing but the stages
  std::uint64_t checkpoint_every = 0;  // journal entries; 0: recovery replays everything
  Mutant mutant = Mutant::None;
};

class World {
 public:
  explicit World(const WorldConfig& config, const WorldOptions& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Time passes; the supervisor beats and the recorder files meanwhile, if they live.
  void pass(Duration duration);
  [[nodiscard]] HostTime now() const noexcept { return clock_.now(); }

  // One turn of one process; false if it had nothing to do or is dead.
  bool turn(Process process);
  // Turns of all, without time passing, until nobody has anything to do.
  void settle();
  // Passes time in steps, settling after each.
  void run(Duration total, Duration step);

  // The venue. A frame sent while the feed is dead is lost.
  void connect(bool up);
  void send(const Frame& frame);
  void send_quote(std::int64_t bid_cents, std::int64_t ask_cents, Qty shown = Qty::whole(100));

  // Crashes.
  void crash(Process process);
  void restart(Process process);
  [[nodiscard]] bool alive(Process process) const noexcept;
  // Mutant UnjournaledTurn: a turn and, if it did anything, a crash that loses its journal entries.
  bool crash_unjournaled(Process process);

  // A turn that is cut off in the middle, as a SIGKILL would: what it stored after a random point
  // of the driver's store order is taken back. False if the turn did nothing, and nobody died.
  // (torn.cpp)
  bool crash_torn(Process process, test::Random& random);

  // The supervisor.
  void permit_all();
  void void_permits();
  void set_cap(Notional cap);
  RaiseResult raise(Scope scope, KillLevel level);
  // Lowers every scope whose raise risk and gateway have obeyed; true if none is raised any more.
  bool rearm();
  void silence(bool silent) noexcept { silent_ = silent; }

  // The recorder: files so many entries of each journal each time; 0 = stopped.
  void record_at_most(std::size_t entries) noexcept { record_most_ = entries; }
  void record();

  // The test as the strategy. Returns the intent's id, 0 if the ring is full.
  OrderId intend(Action action, Side side, std::int64_t quantity = 1);
  void intend_cancel(OrderId target);
  // Reports to the seat so far, in order.
  const std::vector<Report>& answers();

  // A kill word that only an internal fault raises is a violation; look before a rearm hides it.
  void watch_faults();
  // The referee's last word; everybody must live and be at rest for `at_rest`.
  void verify(bool at_rest);

  [[nodiscard]] Objects& objects() noexcept { return memory_.objects(); }
  [[nodiscard]] const WorldConfig& config() const noexcept { return config_; }
  [[nodiscard]] const PaperAuditor& paper() const noexcept { return auditor_; }
  [[nodiscard]] Violations& violations() noexcept { return violations_; }
  [[nodiscard]] FeedProcess& feed() noexcept { return *parts_.feed; }
  [[nodiscard]] const risk::RiskStage& risk() const noexcept { return parts_.risk->stage; }
  [[nodiscard]] const PaperGateway& gateway() const noexcept { return *parts_.gateway->gateway; }
  [[nodiscard]] SeatProcess& seat() noexcept { return *parts_.seats[0]; }
  [[nodiscard]] const FeedLog& feed_log() const noexcept { return feed_log_; }
  [[nodiscard]] std::vector<JournalSlot>& file(Process process) noexcept {
    return files_[index_of(process)];
  }
  // Journaled records of one edge at its consumer, oldest first. Files everything before.
  std::vector<Payload> journaled(Process process, Edge edge);

  static constexpr std::array<Process, 4> kAll{Process::Feed, Process::Seat0, Process::Risk,
                                               Process::Gateway};

 private:
  static constexpr std::size_t kPaper = 3;
  static constexpr std::size_t index_of(Process p) noexcept {
    return p == Process::Risk ? 1 : p == Process::Gateway ? 2 : 0;
  }
  [[nodiscard]] JournalMemory& journal(std::size_t file) noexcept;
  [[nodiscard]] EntrySource entries(std::size_t file) noexcept {
    return {files_[file], journal(file)};
  }
  void start(Process process);
  void skip_an_entry();

  WorldConfig config_;
  WorldOptions options_;
  MemoryInstance memory_;
  VirtualClock clock_;
  replay::SimulatedSupervisor supervisor_;
  PaperAuditor auditor_;
  Violations violations_;
  FeedLog feed_log_;
  Processes parts_;
  std::unique_ptr<KillPage> blind_;  // Mutant NoLastLook: the kill page as it was at the start
  risk::State stale_state_{};        // Mutant WrongCheckpoint
  bool stale_known_ = false;
  bool connected_ = false;
  bool silent_ = false;
  std::array<std::vector<JournalSlot>, 4> files_;  // seat, risk, gateway, paper log
  std::size_t record_most_ = ~std::size_t{0};
  std::array<std::uint64_t, kScopes> targets_{};  // serial to wait for before a rearm
  Producer intents_;
  Consumer reports_;
  std::uint32_t intent_counter_ = 0;
  std::uint64_t quote_id_ = 1;
  std::vector<Report> answers_;
};

}  // namespace sluice::sim
