// sluice-bench: the figures of this machine, each beside what the machine can do at all.
#include <cstdio>

#include "bench/command.hpp"
#include "core/build.hpp"

namespace sluice::bench {
namespace {

constexpr AddCommand kCommands[]{add_hop,      add_turn,     add_latency, add_throughput,
                                 add_ramp,     add_flow,     add_kill,    add_journal,
                                 add_recovery, add_baseline, add_ab};

constexpr const char* kFooter =
    "Exit codes: 0 met, 1 missed or failed, 2 wrong command line, 3 this machine gives no figure.";

int run(int argc, char** argv) {
  CLI::App app("Figures of this machine, each beside what the machine can do at all.",
               "sluice-bench");
  app.set_version_flag("--version", std::string(build_id()));
  app.require_subcommand(1);
  app.footer(kFooter);
  std::vector<Command> commands;
  for (const AddCommand add : kCommands) commands.push_back(add(app));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::Usage);
  }
  try {
    for (const Command& command : commands)
      if (command.line->parsed()) return static_cast<int>(command.run());
  } catch (const Error& error) {
    std::fprintf(stderr, "sluice-bench: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-bench: %s\n", error.what());
  }
  return static_cast<int>(Exit::No);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(argc, argv);
}
