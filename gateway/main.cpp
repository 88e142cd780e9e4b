// sluice-gateway: checked orders in, orders at the paper venue, reports out. Links no socket
// library.
#include <memory>

#include "core/driver.hpp"
#include "core/stage_host.hpp"
#include "core/wiring.hpp"
#include "gateway/config.hpp"
#include "gateway/paper_gateway.hpp"
#include "gateway/statistics.hpp"

using namespace sluice;

namespace {

Exit run(StageHost& host, const PipelineConfig& pipeline, const GatewayConfig& config,
         const StageOptions&) {
  if (pipeline.mode == Mode::Live)
    throw Error(Exit::Usage,
                "mode LIVE: this is the paper gateway; the broker's is a binary of its own");
  AttachedInstance& instance = host.instance();
  instance.attach_kill(Access::ReadWrite);
  instance.attach_journal(Process::Gateway, Access::ReadWrite);
  instance.attach_checkpoint(Process::Gateway, Access::ReadWrite);
  instance.attach_paper_log(Access::ReadWrite);
  instance.attach_page(Process::Risk, Access::ReadOnly);
  Objects& objects = host.objects();
  host.page().statistics.name(kGatewayCounters, kGatewayHistograms);

  const auto gateway = std::make_unique<PaperGateway>(config, *objects.control, *objects.kill,
                                                      *objects.paper_log, host.page());
  Driver<GatewayStage, ReconcilingSession> driver(
      gateway->stage, gateway->adapter, host.clock(),
      {objects.control, objects.kill, &host.page(), &objects.journal_of(Process::Gateway),
       &objects.page(Process::Risk), Process::Gateway, &objects.checkpoint_of(Process::Gateway)});
  wire(driver, Process::Gateway, pipeline, [&](Edge edge) -> RingMemory& {
    instance.attach_ring(edge, Access::ReadWrite);
    return objects.edge(edge);
  });
  host.set_state(StageState::Recovering);
  driver.recover(
      RecoverySource(objects.journal_of(Process::Gateway), pipeline.state_dir, "gateway"));
  gateway->rebuild(RecoverySource(*objects.paper_log, pipeline.state_dir, "paper"),
                   objects.paper_log->tail.load(std::memory_order_acquire),
                   driver.last_event_sequence());
  host.ready();
  return host.loop([&] { return driver.turn(); }, [&](Duration) { return driver.drained(); },
                   [&] { return driver.faulted(); });
}

}  // namespace

int main(int argc, char** argv) {
  return stage_main(
      argc, argv, {"sluice-gateway", "Last look, order states, the paper venue.", {}, false, {}},
      Process::Gateway,
      [](const config::Document& document, const PipelineConfig& pipeline, const StageOptions&) {
        return parse_gateway(document.root().table("gateway"), pipeline);
      },
      run);
}
