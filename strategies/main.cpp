// sluice-strategy --seat N: one seat; ticks in, intents out.
#include "core/driver.hpp"
#include "core/stage_host.hpp"
#include "core/wiring.hpp"
#include "strategies/counters.hpp"
#include "strategies/stage.hpp"

using namespace sluice;

namespace {

using strategies::StrategyStage;

Exit run(StageHost& host, const PipelineConfig& pipeline, StrategyStage& stage,
         const StageOptions&) {
  AttachedInstance& instance = host.instance();
  const Process seat = host.process();
  instance.attach_kill(Access::ReadWrite);
  instance.attach_journal(seat, Access::ReadWrite);
  instance.attach_checkpoint(seat, Access::ReadWrite);
  Objects& objects = host.objects();
  host.page().statistics.name(strategies::kCounterNames, strategies::kHistogramNames);

  NoSession none;
  Driver<StrategyStage> driver(
      stage, none, host.clock(),
      {objects.control, objects.kill, &host.page(), &objects.journal_of(seat), nullptr, seat,
       &objects.checkpoint_of(seat)});
  wire(driver, seat, pipeline, [&](Edge edge) -> RingMemory& {
    instance.attach_ring(edge, Access::ReadWrite);
    return objects.edge(edge);
  });
  host.set_state(StageState::Recovering);
  driver.recover(
      RecoverySource(objects.journal_of(seat), pipeline.state_dir, std::string(name_of(seat))));
  host.ready();
  return host.loop([&] { return driver.turn(); }, [&](Duration) { return driver.drained(); },
                   [&] { return driver.faulted(); });
}

}  // namespace

int main(int argc, char** argv) {
  return stage_main(
      argc, argv,
      {"sluice-strategy", "Runs the strategies of one seat: ticks in, intents out.", {}, true, {}},
      Process::Seat0,
      [](const config::Document&, const PipelineConfig& pipeline, const StageOptions& options) {
        if (!pipeline.seat_taken(*options.seat))
          throw Error(Exit::Usage, "the configuration puts no strategy into seat " +
                                       std::to_string(static_cast<int>(*options.seat)));
        return StrategyStage(*options.seat, pipeline);
      },
      [](StageHost& host, const PipelineConfig& pipeline, StrategyStage stage,
         const StageOptions& options) { return run(host, pipeline, stage, options); });
}
