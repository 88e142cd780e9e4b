// sluice-supervisor: creates a run, keeps it alive, ends it in order.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "core/stage_host.hpp"
#include "tools/supervisor/config.hpp"
#include "tools/supervisor/privileges.hpp"
#include "tools/supervisor/supervisor.hpp"

using namespace sluice;

namespace {

int supervise(const StageOptions& options, bool manual) {
  const config::Document document = config::Document::load(options.conf);
  PipelineConfig pipeline = parse_pipeline(document);
  if (options.instance) pipeline.instance = *options.instance;
  if (options.state_dir) pipeline.state_dir = *options.state_dir;
  SupervisorConfig config = parse_supervisor(document.root().table("supervisor"));
  if (pipeline.mode == Mode::Live && config.cool_off.ns == 0)
    document.root().table("supervisor").fault("cool_off_s", "must not be 0 in mode LIVE");
  document.check();
  if (manual) config.spawn = false;
  if (options.check) {
    std::printf("%s: ok\n", options.conf.c_str());
    return 0;
  }
  StopSignal::install();
  pipeline.state_dir = std::filesystem::absolute(pipeline.state_dir);
  Children::Launch launch{std::filesystem::read_symlink("/proc/self/exe").parent_path(),
                          std::filesystem::absolute(options.conf), pipeline.state_dir,
                          pipeline.instance};
  if (pipeline.access) {
    become_supervisor(*pipeline.access, pipeline.state_dir, config.spawn);
    if (config.spawn) launch.users = users_of_processes(*pipeline.access);
  }
  Supervisor supervisor({pipeline, config, document.hash(), document.bytes(), std::move(launch)});
  return supervisor.run();
}

}  // namespace

int main(int argc, char** argv) {
  bool manual = false;
  const StageProgram program{
      "sluice-supervisor",
      "Creates the shared memory of a run, starts and watches its processes, arms it, ends it in "
      "order.",
      detail::version_text(),
      false,
      {{"--manual", "start no process: they are started by hand or by systemd", &manual, nullptr}}};
  try {
    auto parsed = parse_stage_options(argc, argv, program);
    if (const Exit* exit = std::get_if<Exit>(&parsed)) return static_cast<int>(*exit);
    return supervise(std::get<StageOptions>(parsed), manual);
  } catch (const std::exception& error) {
    return detail::report_error(program.name, error);
  }
}
