#include <cstdio>
#include <fstream>
#include <memory>

#include "bench/command.hpp"
#include "bench/turn/turn.hpp"

namespace sluice::bench {

Command add_turn(CLI::App& app) {
  struct Wanted {
    TurnPlan plan;
    std::string json;
    std::string exercise;
  };
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* line = app.add_subcommand(
      "turn", "The work of all four stages on one tick, in one thread, without waiting.");
  line->add_option("--conf", wanted->plan.conf, "the pipeline")->capture_default_str();
  line->add_option("--blocks", wanted->plan.blocks, "of every figure, interleaved")
      ->check(CLI::Range(5, 1'000'000))
      ->capture_default_str();
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  line->add_option("--exercise", wanted->exercise,
                   "only this work, without a figure: for a profiler to look at")
      ->check(CLI::IsMember({"quiet", "order"}));
  return {line, [wanted] {
            if (!wanted->exercise.empty()) {
              exercise_turn(wanted->plan, wanted->exercise);
              return Exit::Ok;
            }
            const TurnResult result = run_turn(wanted->plan);
            std::fputs(turn_table(wanted->plan, result).c_str(), stdout);
            if (wanted->json.empty()) return Exit::Ok;
            std::ofstream file(wanted->json);
            file << turn_json(wanted->plan, result);
            file.close();
            if (!file) throw Error(wanted->json + ": cannot be written");
            return Exit::Ok;
          }};
}

}  // namespace sluice::bench
