#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/machine/out_file.hpp"
#include "bench/recovery/recovery.hpp"

namespace sluice::bench {

Command add_recovery(CLI::App& app) {
  struct Wanted {
    RecoveryPlan plan;
    std::string json;
  };
  const auto wanted = std::make_shared<Wanted>();
  RecoveryPlan& plan = wanted->plan;
  CLI::App* line = app.add_subcommand(
      "recovery", "How long risk takes to come back from a crash, and whether it knows the same.");
  line->add_option("--conf", plan.conf, "the pipeline")->capture_default_str();
  line->add_option("--capture", plan.capture, "whose ticks come again and again")
      ->capture_default_str();
  line->add_option("--ticks", plan.ticks, "in all; 64 bytes of disk each")
      ->check(CLI::Range(100'000, 1'000'000'000))
      ->capture_default_str();
  line->add_option("--rate", plan.rate, "ticks per second, by the clock that is moved")
      ->check(CLI::Range(1'000, 1'000'000))
      ->capture_default_str();
  line->add_option("--crashes", plan.crashes, "every other one just before the next checkpoint")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  line->add_option("--rotate-mib", plan.rotate_mib, "size of a file of the journal")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  line->add_option("--dir", plan.dir, "where the journal is filed; $TMPDIR without it");
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  return {line, [wanted] {
            must_be_writable(wanted->json);
            const RecoveryResult result = run_recovery(wanted->plan);
            std::fputs(recovery_table(wanted->plan, result).c_str(), stdout);
            write_file(wanted->json, recovery_json(wanted->plan, result));
            return result.met() ? Exit::Ok : Exit::No;
          }};
}

}  // namespace sluice::bench
