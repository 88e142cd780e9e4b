#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "bench/baseline/in_turns.hpp"
#include "bench/baseline/prove.hpp"
#include "bench/baseline/source.hpp"
#include "bench/baseline/store.hpp"
#include "bench/baseline/verdict.hpp"
#include "bench/command.hpp"
#include "bench/machine/out_file.hpp"
#include "bench/machine/samples.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

// The flags of all verbs; each has those that mean something to it.
struct Wanted {
  Order order;
  std::string other;  // ab: the other binary
  std::string file;
  std::string newer;  // compare: a second file instead of measuring
  std::string json;
  double threshold_percent = 10;
  std::size_t runs = kRunsUsual;
  std::size_t runs_max = kRunsMax;
  bool by_turns = false;
  bool any_machine = false;
  bool apart = false;
  Proof proof;
  CLI::Option* sources = nullptr;
  CLI::Option* cpu = nullptr;
  CLI::Option* peer_cpu = nullptr;

  [[nodiscard]] Rule rule() const {
    Rule rule;
    rule.threshold = threshold_percent / 100;
    return rule;
  }
};
using Shared = std::shared_ptr<Wanted>;

// What was not named on the command line.
void complete(Wanted& wanted) {
  StopSignal::install();
  if (wanted.order.sources.empty())
    for (const SourceEntry& entry : sources())
      if (entry.by_default) wanted.order.sources.emplace_back(entry.name);
  for (const std::string& name : wanted.order.sources) static_cast<void>(source_named(name));
  if (wanted.cpu->count() == 0 && wanted.peer_cpu->count() == 0) wanted.order.cpus = first_two();
  must_be_allowed(wanted.order.cpus, Exit::Usage);
}

std::string side(const char* which, const Document& document) {
  return fmt::format("{:<7} build {}, {}\n", which, document.build, document.date);
}
std::string conditions(const Document& document) {
  return fmt::format("CPU {} and {}, {}\n", document.cpus.mine, document.cpus.peer,
                     document.unfit.empty()
                         ? "qualified"
                         : fmt::format("UNQUALIFIED: {}", fmt::join(document.unfit, "; ")));
}

Exit tell(const Wanted& wanted, const Document& before, const Document& after,
          const Comparison& comparison) {
  const Rule rule = wanted.rule();
  if (wanted.json != "-")
    std::fputs((side("before", before) + side("after", after) + conditions(after) + "\n" +
                table(comparison, rule))
                   .c_str(),
               stdout);
  write_file(wanted.json, to_json(comparison, before, after, rule));
  return exit_of(comparison);
}

Document measured(const Wanted& wanted, const std::string& command) {
  Document document = measure_runs(wanted.order, wanted.runs);
  document.command = "sluice-bench baseline " + command;
  return document;
}

std::string figures(const Document& document) {
  std::string text = side("", document) + conditions(document) + "\n";
  for (const Series& one : document.series) {
    std::vector<double> runs;
    for (const Run& run : one.runs) runs.push_back(quantile(run, one.metric.quantile));
    text += fmt::format("{:<22} {:<4} {:>11.4g}  quartiles of {} runs {:.4g} .. {:.4g}\n",
                        one.metric.name, one.metric.unit, median(runs), runs.size(),
                        quantile(runs, 0.25), quantile(runs, 0.75));
  }
  return text;
}

Exit measure(Wanted& wanted) {
  if (wanted.by_turns) {
    serve_turns(wanted.order.sources, wanted.order.cpus, wanted.order.slow_percent);
    return Exit::Ok;
  }
  complete(wanted);
  const Document document = measured(wanted, "measure");
  if (wanted.json != "-") std::fputs(figures(document).c_str(), stdout);
  write_file(wanted.json, to_text(document));
  return Exit::Ok;
}

Exit save_baseline(Wanted& wanted) {
  complete(wanted);
  const Document document = measured(wanted, "save " + wanted.file);
  save(wanted.file, document);
  std::fputs(figures(document).c_str(), stdout);
  std::printf("saved in %s\n", wanted.file.c_str());
  return Exit::Ok;
}

void same_machine(const Wanted& wanted, const Document& before) {
  const std::vector<std::string> differing = differences(before.machine, this_machine());
  if (differing.empty() || wanted.any_machine) return;
  throw Error(Exit::Unqualified,
              fmt::format("{}: was measured on another machine ({}): its figures say nothing about "
                          "this one; save a baseline here, or look with --any-machine",
                          wanted.file, fmt::join(differing, "; ")));
}

// Measures what the file has, where the file has it from, unless the command line says otherwise.
Exit compare_with(Wanted& wanted) {
  const Document before = load(wanted.file);
  if (!wanted.newer.empty()) {
    const Document after = load(wanted.newer);
    const auto differing = differences(before.machine, after.machine);
    if (!differing.empty() && !wanted.any_machine)
      throw Error(Exit::Unqualified,
                  fmt::format("{} and {}: are of two machines ({}): look with --any-machine",
                              wanted.file, wanted.newer, fmt::join(differing, "; ")));
    return tell(wanted, before, after, judge(before, after, Taken::Apart, wanted.rule()));
  }
  same_machine(wanted, before);
  if (wanted.sources->count() == 0) wanted.order.sources = before.sources;
  complete(wanted);
  if (wanted.cpu->count() == 0 && wanted.peer_cpu->count() == 0) {
    wanted.order.cpus = before.cpus;
    must_be_allowed(before.cpus, Exit::Unqualified);
  }
  for (int attempt = 1;; ++attempt) {
    const Document after = measured(wanted, "compare");
    const Comparison seen = judge(before, after, Taken::Apart, wanted.rule());
    if (seen.unlike.empty() || wanted.any_machine || attempt == kAttempts)
      return tell(wanted, before, after, seen);
    std::fprintf(stderr, "sluice-bench: %s\n", seen.unlike.front().c_str());
  }
}

Exit ab(Wanted& wanted) {
  complete(wanted);
  Order other = wanted.order;
  other.binary = wanted.other;
  const Trial trial =
      judge_in_turns(wanted.order, other, wanted.runs, wanted.runs_max, wanted.rule());
  return tell(wanted, trial.a, trial.b, trial.comparison);
}

Exit prove_detector(Wanted& wanted) {
  complete(wanted);
  Proof& proof = wanted.proof;
  proof.rule = wanted.rule();
  proof.runs = wanted.runs;
  proof.runs_max = wanted.runs_max;
  proof.taken = wanted.apart ? Taken::Apart : Taken::InTurns;
  const bool quiet = wanted.json == "-";
  const Proven proven = prove(wanted.order, proof, quiet ? stderr : stdout);
  if (!quiet) std::fputs(summary(proven, proof).c_str(), stdout);
  write_file(wanted.json, to_json(proven, proof));
  return holds(proven) ? Exit::Ok : Exit::No;
}

// ---- flags

void add_measuring(CLI::App& line, const Shared& wanted) {
  std::string known;
  for (const SourceEntry& entry : sources())
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", entry.name, entry.what);
  wanted->sources =
      line.add_option("--source", wanted->order.sources, "what is measured: " + known);
  line.add_option("--runs", wanted->runs, "processes per side")
      ->check(CLI::Range(kRunsMin, std::size_t{1'000}))
      ->capture_default_str();
  wanted->cpu = line.add_option("--cpu", wanted->order.cpus.mine,
                                "of the work; without it and --peer-cpu the first two that it may "
                                "run on");
  wanted->peer_cpu = line.add_option("--peer-cpu", wanted->order.cpus.peer, "of a hop's other end");
}
void add_judging(CLI::App& line, const Shared& wanted) {
  line.add_option("--threshold", wanted->threshold_percent,
                  "a change above it, in percent, is a regression")
      ->check(CLI::Range(0.1, 1'000.0))
      ->capture_default_str();
  line.add_option("--json", wanted->json, "writes the result to this file as well; - for stdout");
}

void add_turns(CLI::App& line, const Shared& wanted) {
  line.add_option("--runs-max", wanted->runs_max,
                  "while a metric is undecided, the runs are doubled up to this number")
      ->check(CLI::Range(kRunsMin, std::size_t{10'000}))
      ->capture_default_str();
}

using Verb = Exit (*)(Wanted&);
CLI::App* add_verb(CLI::App& app, const char* name, const char* what, const Shared& wanted,
                   std::vector<Command>& verbs, Verb verb) {
  CLI::App* line = app.add_subcommand(name, what);
  add_measuring(*line, wanted);
  verbs.push_back({line, [wanted, verb] { return verb(*wanted); }});
  return line;
}

void add_slow(CLI::App& line, double& percent) {
  line.add_option("--slow", percent,
                  "stretches the measured work by so many percent: the detector's own test")
      ->check(CLI::Range(0.0, 1'000.0));
}

constexpr const char* kFooter =
    "Exit codes: 0 no regression, 1 a regression, 2 wrong command line, 3 cannot be judged.";

}  // namespace

Command add_baseline(CLI::App& app) {
  CLI::App* line = app.add_subcommand(
      "baseline", "Has this build become slower than what a file remembers of another one?");
  line->require_subcommand(1);
  line->footer(kFooter);
  std::vector<Command> verbs;
  const auto wanted = [] { return std::make_shared<Wanted>(); };

  const Shared to_save = wanted();
  CLI::App* save = add_verb(*line, "save", "Measures this build and writes the file.", to_save,
                            verbs, &save_baseline);
  save->add_option("FILE", to_save->file)->required();

  const Shared to_compare = wanted();
  CLI::App* compare = add_verb(*line, "compare", "Measures this build and judges it.", to_compare,
                               verbs, &compare_with);
  compare->add_option("FILE", to_compare->file, "of the baseline")->required();
  compare->add_option("NEWER", to_compare->newer, "another file, instead of measuring");
  compare->add_flag("--any-machine", to_compare->any_machine,
                    "shows figures of another machine too; the exit code is 3 then");
  add_judging(*compare, to_compare);

  const Shared to_measure = wanted();
  CLI::App* measuring = add_verb(*line, "measure", "Measures this build and shows the figures.",
                                 to_measure, verbs, &measure);
  measuring->add_option("--json", to_measure->json,
                        "writes every sample to this file; - for stdout");
  add_slow(*measuring, to_measure->order.slow_percent);
  measuring->add_flag("--by-turns", to_measure->by_turns,
                      "measures whenever a line comes in: what 'ab' runs");

  const Shared to_prove = wanted();
  CLI::App* proving = add_verb(*line, "prove", "Does the detector work on this machine?", to_prove,
                               verbs, &prove_detector);
  add_judging(*proving, to_prove);
  add_turns(*proving, to_prove);
  add_slow(*proving, to_prove->proof.slow_percent);
  proving->add_option("--trials", to_prove->proof.trials, "without a change, and as many with one")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  proving->add_flag("--apart", to_prove->apart,
                    "the sides one after the other, as with a file, instead of in turns");

  return {line, [verbs] {
            for (const Command& verb : verbs)
              if (verb.line->parsed()) return verb.run();
            return Exit::Usage;
          }};
}

Command add_ab(CLI::App& app) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* line = app.add_subcommand(
      "ab", "Two builds of sluice-bench in turns on the same CPUs: is B slower than A?");
  line->footer(kFooter);
  line->add_option("--a", wanted->order.binary, "sluice-bench of the one build")->required();
  line->add_option("--b", wanted->other, "of the other")->required();
  add_measuring(*line, wanted);
  add_judging(*line, wanted);
  add_turns(*line, wanted);
  return {line, [wanted] { return ab(*wanted); }};
}

}  // namespace sluice::bench
