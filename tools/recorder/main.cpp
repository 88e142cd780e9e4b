// sluice-recorder: files the journals of a run.
#include "core/stage_host.hpp"
#include "core/wiring.hpp"
#include "tools/recorder/config.hpp"
#include "tools/recorder/recorder.hpp"

using namespace sluice;

namespace {

Exit run(StageHost& host, const PipelineConfig& pipeline, const RecorderConfig& config,
         const StageOptions&) {
  AttachedInstance& instance = host.instance();
  for (const Process p : kProcesses) {
    const bool seat_empty =
        is_seat(p) && !pipeline.seat_taken(static_cast<SeatIndex>(static_cast<unsigned>(p) - 16u));
    if (!has_journal(p) || seat_empty) continue;
    instance.attach_journal(p, Access::ReadWrite);
    instance.attach_checkpoint(p, Access::ReadOnly);
  }
  instance.attach_paper_log(Access::ReadWrite);
  Recorder recorder(config, host.objects(), pipeline.state_dir,
                    [](const std::string& line) { say_line(Process::Recorder, line); });
  host.ready();
  constexpr Duration kQuiet = Duration::millis(20);
  const Exit exit = host.loop(
      [&] {
        const bool worked = recorder.turn();
        host.page().heartbeat_us.store(host.clock().liveness_us(), std::memory_order_relaxed);
        return worked;
      },
      [&](Duration quiet) { return quiet > kQuiet; }, [] { return false; });
  // Whatever the stages committed last; also when the run ended without asking.
  return recorder.drain() || exit != Exit::Ok ? exit : Exit::Incomplete;
}

}  // namespace

int main(int argc, char** argv) {
  return stage_main(
      argc, argv, {"sluice-recorder", "Writes the journals of a run to disk.", {}, false, {}},
      Process::Recorder,
      [](const config::Document& document, const PipelineConfig&, const StageOptions&) {
        return parse_recorder(document.root().table("recorder"));
      },
      run);
}
