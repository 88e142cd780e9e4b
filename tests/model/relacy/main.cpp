// memory-orders: the orders of core's shared memory, checked by relacy.
//
// Claims: in many executions drawn at random, or in all of at most so many preemptions. Mutants:
// every order weakened to relaxed and every relaxed access left out, one at a time, each of which
// must break a claim. Exit 0: as it must be; 1: not; 2: usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "tests/model/relacy/scenario.hpp"
#include "tests/model/relacy/site.hpp"

namespace {

using namespace sluice::model;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string only;
  std::uint64_t executions = 20'000;
  std::uint64_t first = 1;
  unsigned bound = 0;
  bool mutants = false;
  bool list = false;
  bool small = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Mutants that break no claim, and why. Kept here by name: one that breaks something after all, and
// one that is not met any more, fails.
struct Spare {
  std::string_view mutant;
  std::string_view why;
};
constexpr Spare kSpares[]{
    {"BasicConsumer::BasicConsumer: head.load(relaxed) left out",
     "written by this end alone; the owner before it is dead"},
    {"StagePage::write_row: word.load(relaxed) left out", "the writer reads what it wrote itself"},
    {"StagePage::same: payload.load(relaxed) left out", "the writer reads what it wrote itself"},
    {"published: head.load(acquire) -> relaxed",
     "a tap may see an older bound; a new producer holds a dead one's lease and takes its credit "
     "anew"},
    {"published: word.load(acquire) -> relaxed",
     "a tap may see an older bound and reads the slot anew; a new producer holds a dead one's "
     "lease"},
    {"raise_kill: word.load(acquire) -> relaxed", "the exchange decides what was there"},
    {"raise_kill: word.compare_exchange(seq_cst) -> relaxed",
     "the serial that is taken behind it carries it to the gates"},
    {"next_epoch: serial.fetch_add(seq_cst) -> relaxed", "it must be the only one of its number"},
    {"KillPage::read: word.load(acquire) -> relaxed",
     "the serial that is read before it makes it new; a word announces nothing but itself"},
    {"has_obeyed: serial.load(seq_cst) -> relaxed", "an older serial lets a raiser wait longer"},
};

const Spare* spare(std::string_view name) {
  for (const Spare& known : kSpares)
    if (known.mutant == name) return &known;
  return nullptr;
}

bool check(const Scenario& scenario, const Search& search, const char* how) {
  const auto start = Clock::now();
  const Outcome outcome = scenario.run(search);
  std::printf("%s %-11s %-24s %12llu executions, %.1f s\n",
              outcome.broken.empty() ? "ok  " : "FAIL", scenario.name.data(), how,
              static_cast<unsigned long long>(outcome.executions), seconds_since(start));
  if (!outcome.broken.empty())
    std::printf("     %s\n%s\n", outcome.broken.c_str(), outcome.trace.c_str());
  std::fflush(stdout);
  return outcome.broken.empty();
}

// What a scenario does to its watched words.
Sites sites_of(const Scenario& scenario) {
  Sites sites;
  noting = &sites;
  scenario.run({.executions = 500});
  noting = nullptr;
  return sites;
}

struct Found {
  Mutant mutant;
  std::vector<const Scenario*> where;  // scenarios that come past its site
};

std::vector<Found> mutants_of(const std::vector<const Scenario*>& chosen) {
  std::vector<Found> found;
  for (const Scenario* scenario : chosen)
    for (const Site& site : sites_of(*scenario).all()) {
      const bool relaxed = site.order == std::memory_order_relaxed;
      const Mutant mutant{site, relaxed ? Change::Omitted : Change::Relaxed};
      const auto known = std::find_if(found.begin(), found.end(), [&](const Found& other) {
        return other.mutant.name() == mutant.name();
      });
      if (known == found.end())
        found.push_back({mutant, {scenario}});
      else
        known->where.push_back(scenario);
    }
  return found;
}

bool hunt(const Found& found, const Options& options) {
  const std::string name = found.mutant.name();
  const auto start = Clock::now();
  std::uint64_t executions = 0;
  for (const Scenario* scenario : found.where) {
    mutating = &found.mutant;
    const Outcome outcome =
        scenario->run({.executions = options.executions, .first = options.first});
    mutating = nullptr;
    executions += outcome.executions;
    if (outcome.broken.empty()) continue;
    const bool stale = spare(name) != nullptr;
    std::printf("%s %-62s %s in %s, execution %llu%s\n", stale ? "FAIL" : "ok  ", name.c_str(),
                outcome.broken.c_str(), scenario->name.data(),
                static_cast<unsigned long long>(outcome.executions),
                stale ? ": it is listed as spare" : "");
    return !stale;
  }
  const Spare* const known = spare(name);
  std::printf("%s %-62s %s, %llu executions, %.1f s\n", known ? "ok  " : "FAIL", name.c_str(),
              known ? "breaks nothing, as listed" : "SURVIVES",
              static_cast<unsigned long long>(executions), seconds_since(start));
  if (known) std::printf("     %s\n", known->why.data());
  std::fflush(stdout);
  return known != nullptr;
}

unsigned hunt_all(const std::vector<const Scenario*>& chosen, const Options& options) {
  const std::vector<Found> all = mutants_of(chosen);
  unsigned failures = 0;
  for (const Found& found : all) failures += !hunt(found, options);
  if (chosen.size() != scenarios().size()) return failures;
  for (const Spare& known : kSpares) {
    const bool met = std::any_of(all.begin(), all.end(), [&](const Found& found) {
      return found.mutant.name() == known.mutant;
    });
    if (!met)
      std::printf("FAIL %s is not met any more: it is listed as spare\n", known.mutant.data());
    failures += !met;
  }
  std::printf("%zu mutants, %zu of them spare\n", all.size(), std::size(kSpares));
  return failures;
}

int run(const Options& options) {
  std::vector<const Scenario*> chosen;
  for (const Scenario& scenario : scenarios())
    if (scenario.name.find(options.only) != std::string_view::npos &&
        (scenario.small || !options.small))
      chosen.push_back(&scenario);
  if (chosen.empty()) {
    std::fprintf(stderr, "memory-orders: no scenario has '%s' in its name (--list)\n",
                 options.only.c_str());
    return 2;
  }
  unsigned failures = 0;
  for (const Scenario* scenario : chosen) {
    if (options.list) {
      std::printf("%-11s %s\n", scenario->name.data(), scenario->what.data());
      continue;
    }
    if (options.bound > 0) {
      const std::string how = "every one, bound " + std::to_string(options.bound);
      failures += !check(*scenario, {.random = false, .bound = options.bound}, how.c_str());
    } else if (!options.mutants) {
      failures += !check(*scenario, {.executions = options.executions, .first = options.first},
                         "at random");
    }
  }
  if (options.mutants) failures += hunt_all(chosen, options);
  if (!options.list) std::printf("%u failures\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"The memory orders of core, checked by relacy over the code itself."};
  app.add_option("--only", options.only, "scenarios whose name contains this");
  app.add_option("--executions", options.executions, "at random, per scenario or mutant")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  app.add_option("--first", options.first, "number of the first execution: another sample")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  app.add_option("--bound", options.bound, "every execution of at most so many preemptions instead")
      ->check(CLI::Range(1, 5));
  app.add_flag("--mutants", options.mutants, "every mutant instead");
  app.add_flag("--small", options.small, "only those whose every execution takes seconds");
  app.add_flag("--list", options.list, "the scenarios");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
