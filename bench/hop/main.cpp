// sluice-bench: the figures of this machine, each beside what the machine can do at all.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/hop/hop.hpp"
#include "core/build.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

int hop(const HopPlan& plan, const std::string& json) {
  const std::vector<HopResult> results = run_hop(plan);
  std::fputs(hop_table(plan, results).c_str(), stdout);
  if (json.empty()) return 0;
  std::ofstream file(json);
  file << hop_json(plan, results);
  file.close();
  if (!file) throw Error(json + ": cannot be written");
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Figures of this machine, each beside what the machine can do at all.",
               "sluice-bench");
  app.set_version_flag("--version", std::string(build_id()));
  app.require_subcommand(1);
  HopPlan plan;
  std::string json;
  CLI::App* hop_command = app.add_subcommand(
      "hop", "One hop between two processes: round trip, records per second, cost of a push.");
  hop_command->add_flag("--peers", plan.peers, "beside other rings, queues and system calls");
  hop_command->add_option("--rounds", plan.rounds, "of every contender, interleaved")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  const CLI::Option* cpu = hop_command->add_option("--cpu", plan.cpus.mine, "of the sender");
  const CLI::Option* peer_cpu =
      hop_command->add_option("--peer-cpu", plan.cpus.peer, "of the receiver");
  hop_command->footer("Without --cpu and --peer-cpu: the first two that it may run on.");
  hop_command->add_option("--json", json, "writes the results to this file as well");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::Usage);
  }
  try {
    if (cpu->count() == 0 && peer_cpu->count() == 0) plan.cpus = first_two();
    return hop(plan, json);
  } catch (const Error& error) {
    std::fprintf(stderr, "sluice-bench: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-bench: %s\n", error.what());
    return static_cast<int>(Exit::No);
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(argc, argv);
}
