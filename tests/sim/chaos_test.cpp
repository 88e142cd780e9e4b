// Crashes, kills, silence and full rings at any step, many seeds; and broken pipelines that must be
// noticed.
//   SLUICE_SEED=n replays one seed; SLUICE_SIM_SEEDS=n runs that many, from SLUICE_SIM_FROM on,
//   with SLUICE_SIM_EVENTS frames of the market each (about ten steps to a frame).
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "tests/sim/chaos.hpp"

namespace sluice::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 25;
#else
constexpr std::uint64_t kSeeds = 300;
#endif

volatile std::sig_atomic_t running_seed = 0;

// A stage that stops itself stops the simulation: say at least which seed it was.
void on_abort(int) {
  char text[] = "aborted in seed           \n";
  auto seed = static_cast<unsigned>(running_seed);
  for (std::size_t at = 24; seed != 0 && at > 15; seed /= 10)
    text[at--] = static_cast<char>('0' + seed % 10);
  static_cast<void>(!write(STDERR_FILENO, text, sizeof text - 1));
  std::signal(SIGABRT, SIG_DFL);
}

std::uint64_t number_from(const char* variable, std::uint64_t by_default) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : by_default;
}

struct Range {
  std::uint64_t from;
  std::uint64_t to;
};
Range seeds(std::uint64_t by_default) {
  std::signal(SIGABRT, on_abort);
  if (const char* one = std::getenv("SLUICE_SEED")) {
    const std::uint64_t seed = std::strtoull(one, nullptr, 0);
    return {seed, seed + 1};
  }
  const std::uint64_t from = number_from("SLUICE_SIM_FROM", 1);
  return {from, from + number_from("SLUICE_SIM_SEEDS", by_default)};
}

struct Totals {
  std::array<std::uint64_t, 4> crashes{};
  std::uint64_t torn = 0;
  std::uint64_t steps = 0;
  std::uint64_t raises = 0;
  std::size_t entries = 0;
  std::size_t exits = 0;
  std::size_t fills = 0;
  std::uint64_t queries = 0;
  std::uint64_t stale = 0;
  std::uint64_t too_late = 0;
  std::uint64_t sweeps = 0;

  void add(const ChaosResult& r) {
    for (std::size_t i = 0; i < crashes.size(); ++i) crashes[i] += r.crashes[i];
    torn += r.torn;
    steps += r.steps;
    raises += r.raises;
    entries += r.entries;
    exits += r.exits;
    fills += r.fills;
    queries += r.queries;
    stale += r.stale;
    too_late += r.too_late;
    sweeps += r.sweeps;
  }
  void print() const {
    std::printf(
        "%llu steps, crashes feed %llu seat %llu risk %llu gateway %llu (%llu in mid-turn), raises "
        "%llu; entries %zu, "
        "exits %zu, fills %zu; queries %llu, refused stale %llu, refused otherwise at the last "
        "look %llu, "
        "sweeps %llu\n",
        static_cast<unsigned long long>(steps), static_cast<unsigned long long>(crashes[0]),
        static_cast<unsigned long long>(crashes[1]), static_cast<unsigned long long>(crashes[2]),
        static_cast<unsigned long long>(crashes[3]), static_cast<unsigned long long>(torn),
        static_cast<unsigned long long>(raises), entries, exits, fills,
        static_cast<unsigned long long>(queries), static_cast<unsigned long long>(stale),
        static_cast<unsigned long long>(too_late), static_cast<unsigned long long>(sweeps));
  }
};

// Rings from ample to two slots, journals from ample to so small that a sleeping recorder stops
// everything; recovery from the first entry, or from a checkpoint that is a few or many turns old.
ChaosPlan plan_of(std::uint64_t seed) {
  constexpr std::array<std::uint32_t, 4> kRings{2, 8, 64, 1024};
  constexpr std::array<std::uint32_t, 3> kJournals{128, 512, 4096};
  constexpr std::array<std::uint64_t, 3> kEvery{0, 20, 300};
  ChaosPlan plan;
  plan.seed = seed;
  plan.ring = kRings[seed % kRings.size()];
  plan.journal = kJournals[seed / kRings.size() % kJournals.size()];
  plan.events = number_from("SLUICE_SIM_EVENTS", plan.events);
  plan.checkpoint_every = kEvery[seed % kEvery.size()];
  return plan;
}

TEST(Chaos, CrashAndReplay) {
  Totals totals;
  const Range range = seeds(kSeeds);
  std::size_t failed = 0;
  for (std::uint64_t seed = range.from; seed < range.to && failed < 10; ++seed) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    const ChaosResult result = run_chaos(plan_of(seed));
    totals.add(result);
    failed += result.violations.any() ? 1u : 0u;
    EXPECT_FALSE(result.violations.any()) << "SLUICE_SEED=" << seed << "\n"
                                          << result.violations.text();
  }
  totals.print();
  if (range.to - range.from < 25) return;
  const std::uint64_t runs = range.to - range.from;
  for (const std::uint64_t crashes : totals.crashes) EXPECT_GE(crashes, 2 * runs);
  EXPECT_GE(totals.torn, 2 * runs);
  // The rare paths must lie on the way, or a green run says little.
  EXPECT_GT(totals.queries, 0u);
  EXPECT_GT(totals.stale, 0u);
  EXPECT_GT(totals.too_late, 0u);
  EXPECT_GT(totals.sweeps, 0u);
  EXPECT_GT(totals.entries, runs);
  EXPECT_GT(totals.exits, runs);
}

TEST(Chaos, SameSeedSameBytes) {
  for (const std::uint64_t seed : {3u, 6u}) {
    const ChaosResult first = run_chaos(plan_of(seed));
    const ChaosResult second = run_chaos(plan_of(seed));
    EXPECT_EQ(first.digest, second.digest) << "seed " << seed;
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_GT(first.fills, 0u);
  }
}

// Every ring holds two records: progress, nothing lost uncounted, every intent answered.
TEST(Chaos, CapacityTwo) {
  Totals totals;
  std::uint64_t dropped = 0;
  const std::uint64_t runs = std::max<std::uint64_t>(kSeeds / 10, 12);  // enough to reach something
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    ChaosPlan plan;
    plan.seed = seed;
    plan.ring = 2;
    plan.crash_one_in = plan.fault_one_in = 0;
    const ChaosResult result = run_chaos(plan);
    EXPECT_FALSE(result.violations.any()) << "seed " << seed << "\n" << result.violations.text();
    totals.add(result);
    dropped += result.dropped;
  }
  totals.print();
  EXPECT_GT(dropped, runs);
  EXPECT_GT(totals.entries, runs);
  EXPECT_GT(totals.fills, 2 * runs);
}

struct Seen {
  std::uint64_t runs = 0;
  std::uint64_t caught = 0;
  std::string first;
};
// Where the mistake matters: a crash, or a kill, at the moment that it needs.
ChaosPlan plan_against(Mutant mutant, std::uint64_t seed) {
  ChaosPlan plan = plan_of(seed);
  plan.ring = std::max(plan.ring, 8u);
  if (mutant == Mutant::UnjournaledTurn) plan.crash_one_in = 100;
  if (mutant == Mutant::HeadBeforeJournal) {
    plan.ring = 8;
    plan.crash_one_in = 40;
  }
  // An order approved under one word and sent under the next one that allows it is rare.
  if (mutant == Mutant::LevelOnly) plan.events = 8'000;
  plan.checkpoint_every = mutant == Mutant::SkippingCheckpoint ? 50 : 0;
  return plan;
}
Seen hunt(Mutant mutant, std::uint64_t runs, Mutant against) {
  Seen seen;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    ChaosPlan plan = plan_against(against, seed);
    plan.mutant = mutant;
    const ChaosResult result = run_chaos(plan);
    ++seen.runs;
    seen.caught += result.violations.any() ? 1u : 0u;
    if (seen.first.empty()) seen.first = result.violations.text();
  }
  std::printf(
      "caught in %llu of %llu runs, first: %s", static_cast<unsigned long long>(seen.caught),
      static_cast<unsigned long long>(seen.runs), seen.first.empty() ? "-\n" : seen.first.c_str());
  return seen;
}
Seen hunt(Mutant mutant, std::uint64_t runs) {
  return hunt(mutant, runs, mutant);
}

// The same plans without a mistake: what is seen below is the mistake.
TEST(Mutants, WithoutOneNothingIsSeen) {
  for (const Mutant against :
       {Mutant::NoLastLook, Mutant::UnjournaledTurn, Mutant::SkippingCheckpoint,
        Mutant::HeadBeforeJournal, Mutant::LevelOnly}) {
    const Seen seen = hunt(Mutant::None, 20, against);
    EXPECT_EQ(seen.caught, 0u) << "plan against " << static_cast<int>(against) << "\n"
                               << seen.first;
  }
}
TEST(Mutants, SkippedLastLookIsSeen) {
  const Seen seen = hunt(Mutant::NoLastLook, 20);
  EXPECT_GE(seen.caught, 3u);
  EXPECT_NE(seen.first.find("I4:"), std::string::npos);
}
TEST(Mutants, UnjournaledTurnIsSeen) {
  EXPECT_GT(hunt(Mutant::UnjournaledTurn, 20).caught, 4u);
}
TEST(Mutants, WrongCheckpointIsSeen) {
  EXPECT_GT(hunt(Mutant::WrongCheckpoint, 20).caught, 10u);
}
TEST(Mutants, SkippingCheckpointIsSeen) {
  EXPECT_GT(hunt(Mutant::SkippingCheckpoint, 20).caught, 10u);
}
TEST(Mutants, HeadBeforeJournalIsSeen) {
  EXPECT_GT(hunt(Mutant::HeadBeforeJournal, 20).caught, 10u);
}
TEST(Mutants, PublishedAgainIsSeen) {
  EXPECT_GT(hunt(Mutant::PublishAgain, 20).caught, 10u);
}
TEST(Mutants, LevelWithoutEpochIsSeen) {
  const Seen seen = hunt(Mutant::LevelOnly, 20);
  EXPECT_GT(seen.caught, 2u);
  EXPECT_NE(seen.first.find("I4: approved at"), std::string::npos);
}

}  // namespace
}  // namespace sluice::sim
