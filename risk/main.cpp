// sluice-risk: intents in, checked and sized orders out.
#include "core/driver.hpp"
#include "core/stage_host.hpp"
#include "core/wiring.hpp"
#include "risk/config.hpp"
#include "risk/counters.hpp"
#include "risk/stage.hpp"

using namespace sluice;

namespace {

Exit run(StageHost& host, const PipelineConfig& pipeline, const risk::RiskConfig& config,
         const StageOptions&) {
  AttachedInstance& instance = host.instance();
  instance.attach_kill(Access::ReadWrite);
  instance.attach_journal(Process::Risk, Access::ReadWrite);
  instance.attach_checkpoint(Process::Risk, Access::ReadWrite);
  Objects& objects = host.objects();
  host.page().statistics.name(risk::kCounterNames, risk::kHistogramNames);

  risk::RiskStage stage(config, pipeline);
  NoSession none;
  Driver<risk::RiskStage> driver(
      stage, none, host.clock(),
      {objects.control, objects.kill, &host.page(), &objects.journal_of(Process::Risk), nullptr,
       Process::Risk, &objects.checkpoint_of(Process::Risk)});
  wire(driver, Process::Risk, pipeline, [&](Edge edge) -> RingMemory& {
    instance.attach_ring(edge, Access::ReadWrite);
    return objects.edge(edge);
  });
  host.set_state(StageState::Recovering);
  driver.recover(RecoverySource(objects.journal_of(Process::Risk), pipeline.state_dir, "risk"));
  host.ready();
  return host.loop([&] { return driver.turn(); }, [&](Duration) { return driver.drained(); },
                   [&] { return driver.faulted(); });
}

}  // namespace

int main(int argc, char** argv) {
  return stage_main(
      argc, argv,
      {"sluice-risk", "Checks and sizes intents, owns positions and exits.", {}, false, {}},
      Process::Risk,
      [](const config::Document& document, const PipelineConfig& pipeline, const StageOptions&) {
        return risk::parse_risk(document.root().table("risk"), pipeline);
      },
      run);
}
