#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/machine/out_file.hpp"
#include "bench/pipeline/market.hpp"
#include "bench/turn/turn.hpp"

namespace sluice::bench {

Command add_turn(CLI::App& app) {
  struct Wanted {
    TurnPlan plan;
    std::string json;
    bool exercise = false;
  };
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* line = app.add_subcommand(
      "turn", "The work of all four stages on one tick, in one thread, without waiting.");
  line->add_option("--conf", wanted->plan.conf, "the pipeline")->capture_default_str();
  line->add_option("--order-every", wanted->plan.order_every, "one tick in so many makes an order")
      ->check(CLI::Range(kShortestCycle, std::uint64_t{1'000'000}))
      ->capture_default_str();
  line->add_option("--cycles", wanted->plan.cycles, "of so many ticks, measured")
      ->check(CLI::Range(5, 1'000'000))
      ->capture_default_str();
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  line->add_flag("--exercise", wanted->exercise, "the work without a figure: for a profiler");
  return {line, [wanted] {
            if (wanted->exercise) {
              exercise_turn(wanted->plan);
              return Exit::Ok;
            }
            must_be_writable(wanted->json);
            const TurnResult result = run_turn(wanted->plan);
            std::fputs(turn_table(wanted->plan, result).c_str(), stdout);
            write_file(wanted->json, turn_json(wanted->plan, result));
            return Exit::Ok;
          }};
}

}  // namespace sluice::bench
