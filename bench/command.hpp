// One mode of sluice-bench: its flags on the command line, and what runs when it is named there.
// Each mode's folder has one function of this shape; main.cpp lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "core/error.hpp"

namespace sluice::bench {

struct Command {
  CLI::App* line;             // parsed: this is the one that was named
  std::function<Exit()> run;  // throws Error
};

using AddCommand = Command (*)(CLI::App& app);

Command add_ab(CLI::App& app);
Command add_baseline(CLI::App& app);
Command add_hop(CLI::App& app);
Command add_turn(CLI::App& app);
Command add_latency(CLI::App& app);
Command add_throughput(CLI::App& app);
Command add_ramp(CLI::App& app);
Command add_flow(CLI::App& app);
Command add_kill(CLI::App& app);
Command add_journal(CLI::App& app);
Command add_recovery(CLI::App& app);

}  // namespace sluice::bench
