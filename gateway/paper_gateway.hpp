// The paper gateway assembled: stage, last look, order log, session. One object, so that the
// process, the simulation and the tests run exactly the same thing.
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/stage_page.hpp"
#include "gateway/paper_log.hpp"
#include "gateway/paper_session.hpp"
#include "gateway/stage.hpp"

namespace sluice {

// The session as the driver sees it: the paper session, reconciled with the stage before anything
// else.
class ReconcilingSession {
 public:
  ReconcilingSession(PaperSession<PaperLogRing>& session, const GatewayStage& stage) noexcept
      : session_(session), stage_(stage) {}

  void execute(const Order& command, HostTime now, std::uint32_t conditions) noexcept {
    session_.execute(command, now, conditions);
  }
  void on_tick(const Tick& tick, HostTime now) noexcept { session_.on_tick(tick, now); }
  void poll(HostTime now) noexcept {
    if (!reconciled_) reconciled_ = session_.reconcile(stage_.state());
    session_.poll(now);
  }
  [[nodiscard]] bool has_event() const noexcept { return session_.has_event(); }
  Event next_event() noexcept { return session_.next_event(); }
  [[nodiscard]] bool drained() const noexcept { return session_.drained(); }
  [[nodiscard]] bool reconciled() const noexcept { return reconciled_; }

 private:
  PaperSession<PaperLogRing>& session_;
  const GatewayStage& stage_;
  bool reconciled_ = false;
};

struct PaperGateway {
  PaperGateway(const GatewayConfig& config, const ControlPage& control, const KillPage& kill,
               JournalMemory& paper_log, StagePage& page)
      : stage(config),
        look(control, kill, config.gateway, config.order_age_max),
        log(paper_log),
        effects(&page),
        session(config, look, log, effects),
        adapter(session, stage) {}

  // Setup, after the driver has replayed the journal: rebuilds the venue from its log.
  template <class Source>
  void rebuild(Source source, std::uint64_t end, std::uint32_t last_event_sequence) {
    PaperLogReader<Source> reader(std::move(source), end);
    session.rebuild(
        [&](PaperEntry& entry) {
          return reader.next(entry, [](std::uint64_t at) {
            throw Error("paper log: entry " + std::to_string(at) +  // setup
                        " is missing or fails its checksum");       // setup
          });
        },
        last_event_sequence);
  }

  GatewayStage stage;
  LastLook look;
  PaperLogRing log;
  Effects effects;
  PaperSession<PaperLogRing> session;
  ReconcilingSession adapter;
};

}  // namespace sluice
