// fault-campaign: see campaign.hpp.
#include <CLI/CLI.hpp>
#include <fstream>

#include "tests/campaign/campaign.hpp"

using namespace sluice;

int main(int argc, char** argv) {
  campaign::Plan plan;
  std::string json;
  std::uint64_t longest_ms = 500;
  plan.seed = 0;
  CLI::App app{"Faults against a pipeline of real processes under load, judged from its files."};
  app.add_option("--fault", plan.faults,
                 "kill:PROCESS, stop:PROCESS, pair, deaf, or all; repeatable")
      ->required();
  app.add_option("--times", plan.times, "of each fault")->check(CLI::Range(1, 1'000'000));
  app.add_option("--round", plan.round, "faults in one run of the pipeline")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--seed", plan.seed, "repeats the same faults in the same order");
  app.add_option("--longest-stop-ms", longest_ms, "of SIGSTOP")->check(CLI::Range(1, 600'000));
  app.add_option("--json", json, "writes the result to this file as well");
  CLI11_PARSE(app, argc, argv);
  if (plan.seed == 0) plan.seed = test::draw_seed();
  plan.longest_stop = std::chrono::milliseconds(longest_ms);
  const std::vector<std::string> known = campaign::known_faults();
  if (plan.faults == std::vector<std::string>{"all"}) plan.faults = known;
  for (const std::string& fault : plan.faults)
    if (std::find(known.begin(), known.end(), fault) == known.end()) {
      std::fprintf(stderr, "fault-campaign: there is no fault '%s'; known:", fault.c_str());
      for (const std::string& name : known) std::fprintf(stderr, " %s", name.c_str());
      std::fprintf(stderr, "\n");
      return 2;
    }
  const campaign::Result result = campaign::run(plan);
  campaign::print_text(plan, result);
  if (!json.empty()) std::ofstream(json) << campaign::as_json(plan, result) << "\n";
  return result.violations.empty() ? 0 : 1;
}
