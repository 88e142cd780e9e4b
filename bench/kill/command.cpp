#include <cstdio>
#include <memory>

#include "bench/command.hpp"
#include "bench/kill/report.hpp"
#include "bench/pipeline/session.hpp"

namespace sluice::bench {
namespace {

struct Wanted {
  KillPlan plan;
  std::string cpus;
  std::string wait = "auto";
  std::string json;
  std::string svg;
  bool unqualified_ok = false;
};

Exit kill(const Wanted& wanted) {
  KillPlan plan = wanted.plan;
  if (!wanted.cpus.empty()) plan.rig.cpus = parse_cpus(wanted.cpus);
  plan.rig.wait = wait_named(wanted.wait);
  must_be_writable(wanted.json);
  must_be_writable(wanted.svg);
  plan.blocks = std::min(plan.blocks, plan.raises);
  const KillResult result = run_kill(plan);
  const KillSummary summary = summary_of(result);
  std::fputs(kill_table(plan, result, summary).c_str(), stdout);
  write_file(wanted.json, kill_json(plan, result, summary));
  write_file(wanted.svg, kill_svg(plan, result));
  return kill_exit(result, summary, wanted.unqualified_ok);
}

}  // namespace

Command add_kill(CLI::App& app) {
  const auto wanted = std::make_shared<Wanted>();
  KillPlan& plan = wanted->plan;
  CLI::App* line = app.add_subcommand(
      "kill", "How fast both gates obey a kill under load, beside a bare flag in the same places.");
  line->add_option("--raises", plan.raises, "real ones, and as many bare flags")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  line->add_option("--blocks", plan.blocks, "real and bare blocks, interleaved")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  line->add_option("--stopped", plan.stopped, "kills while the gateway is stopped")
      ->check(CLI::Range(0, 1'000))
      ->capture_default_str();
  line->add_option("--rate", plan.rate, "ticks per second")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  line->add_option("--order-every", plan.order_every, "one tick in so many makes an order")
      ->check(CLI::Range(8, 100'000))
      ->capture_default_str();
  line->add_option("--seed", plan.seed, "of the market and of the gaps")->capture_default_str();
  line->add_option("--cpus", wanted->cpus, "of the stages, as 0,1 or 2-5; all without it");
  line->add_option("--rest-cpu", plan.rig.rest, "of recorder and supervisor; default: the feed's");
  line->add_option("--wait", wanted->wait, "how every process waits")
      ->check(CLI::IsMember(wait_names()))
      ->capture_default_str();
  line->add_option("--conf", plan.rig.conf, "configuration of the runs")->capture_default_str();
  line->add_option("--dir", plan.rig.dir, "where the runs have their state; $TMPDIR without it");
  line->add_option("--json", wanted->json, "writes the results to this file as well");
  line->add_option("--svg", wanted->svg, "draws the distributions into this file");
  line->add_flag("--unqualified-ok", wanted->unqualified_ok,
                 "judges the figures of a machine that is not fit for any");
  return {line, [wanted] { return kill(*wanted); }};
}

}  // namespace sluice::bench
