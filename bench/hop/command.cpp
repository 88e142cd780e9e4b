#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/hop/hop.hpp"
#include "bench/machine/out_file.hpp"

namespace sluice::bench {
namespace {

struct Wanted {
  HopPlan plan;
  std::string json;
};

Exit hop(const Wanted& wanted) {
  must_be_writable(wanted.json);
  const std::vector<HopResult> results = run_hop(wanted.plan);
  std::fputs(hop_table(wanted.plan, results).c_str(), stdout);
  write_file(wanted.json, hop_json(wanted.plan, results));
  return Exit::Ok;
}

}  // namespace

Command add_hop(CLI::App& app) {
  const auto wanted = std::make_shared<Wanted>();
  HopPlan& plan = wanted->plan;
  CLI::App* line = app.add_subcommand(
      "hop", "One hop between two processes: round trip, records per second, cost of a push.");
  line->add_flag("--tap", plan.tap, "beside the same with a tap that reads along");
  line->add_flag("--peers", plan.peers,
                 "beside that, and beside other rings, queues and system calls");
  line->add_option("--rounds", plan.rounds, "of every contender, interleaved")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  const CLI::Option* cpu = line->add_option("--cpu", plan.cpus.mine, "of the sender");
  const CLI::Option* peer = line->add_option("--peer-cpu", plan.cpus.peer, "of the receiver");
  line->footer("Without --cpu and --peer-cpu: the first two that it may run on.");
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  return {line, [wanted, cpu, peer] {
            if (cpu->count() == 0 && peer->count() == 0) wanted->plan.cpus = first_two();
            return hop(*wanted);
          }};
}

}  // namespace sluice::bench
