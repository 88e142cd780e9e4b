// The kill: raised first, waited for, fenced when deaf, and never more than was asked for.
#include <csignal>
#include <cstring>

#include "core/kill_page.hpp"
#include "core/process.hpp"
#include "tests/support/sleeper.hpp"
#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/kill.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr Scope kMomo{ScopeKind::Strategy, 0};

class Kill : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: a bare kill would stop others";
  }
  static void expect_untouched(TestInstance& instance) {
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      if (!instance.objects().control->scope_exists(scope_at(slot))) continue;
      EXPECT_EQ(instance.word(scope_at(slot)).level, KillLevel::Run) << slot;
    }
  }
};

TEST_F(Kill, CompletesWhenBothGatesObey) {
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  const ObeyingGate gateway(instance, Process::Gateway);
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("COMPLETE in ")) << said;
  EXPECT_FALSE(said.has("NOT COMPLETE")) << said;
  EXPECT_TRUE(said.has("risk (process ")) << said;
  EXPECT_TRUE(said.has(instance.name())) << said;
  const KillWord word = instance.word({});
  EXPECT_EQ(word.level, KillLevel::Halt);
  EXPECT_EQ(word.cause, KillCause::Operator);
  EXPECT_TRUE(word.valid);
  EXPECT_EQ(instance.word(kMomo).level, KillLevel::Run);
}

TEST_F(Kill, CompleteOfACancelSaysHowManyOrdersAreStillOpen) {
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  const ObeyingGate gateway(instance, Process::Gateway);
  Statistics& numbers = instance.objects().page(Process::Gateway).statistics;
  const std::string_view name = "open_orders";
  numbers.name(std::span(&name, 1), {});
  EXPECT_FALSE(sluicectl({"kill"}).has("open at the venue")) << "HALT cancels nothing";
  EXPECT_TRUE(sluicectl({"kill", "--level", "CANCEL"}).has("; no order is open at the venue\n"));
  numbers.set(0, 3);
  const Said said = sluicectl({"kill", "--level", "CANCEL"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(
      said.has("3 orders are still open at the venue: cancels are on their way; sluicectl "
               "orders -i " +
               instance.name() + "\n"))
      << said;
  EXPECT_TRUE(sluicectl({"kill", "--level", "CANCEL", "--json"}).has("\"open_orders\":3"));
}

TEST_F(Kill, MeasuresTheReactionOnTheClockOfTheRun) {
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  const ObeyingGate gateway(instance, Process::Gateway);
  const std::vector<KillResult> results = kill({.instance = instance.name()});
  ASSERT_EQ(results.size(), 1u);
  ASSERT_EQ(results[0].gates.size(), 2u);
  for (const GateResult& gate : results[0].gates) {
    EXPECT_EQ(gate.end, GateEnd::Obeyed);
    EXPECT_GE(gate.reaction_ns, 0);
    EXPECT_LE(gate.reaction_ns, results[0].took_ns);
  }
  EXPECT_TRUE(results[0].complete());
}

TEST_F(Kill, TakesAGateWithoutAProcessAsProven) {
  TestInstance instance;
  const Said said = sluicectl({"kill", "-i", instance.name()});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("gateway is not running: proven")) << said;
}

TEST_F(Kill, FencesAStoppedGate) {
  TestInstance instance;
  DeafGate gateway(instance, Process::Gateway, true);
  const ObeyingGate risk(instance, Process::Risk);
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("was fenced (SIGKILL)")) << said;
  EXPECT_TRUE(said.has("COMPLETE in ")) << said;
  EXPECT_EQ(gateway.ended_by(), SIGKILL);
}

// What a gate obeyed before a wild store threw the serial back is above any target of now.
TEST_F(Kill, ASerialThrownBackCompletesNothingThatNobodyHasSeen) {
  TestInstance instance;
  DeafGate gateway(instance, Process::Gateway, true);
  const ObeyingGate risk(instance, Process::Risk);
  instance.objects().page(Process::Gateway).obeyed.store(instance.objects().kill->serial.load());
  instance.objects().kill->serial.store(1);
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("was fenced (SIGKILL)")) << said;
  EXPECT_EQ(gateway.ended_by(), SIGKILL);
}

// The raise goes into a page that no gate reads. What they obeyed of theirs must not pass for it.
TEST_F(Kill, InAPageThatWasReplacedFencesTheGatesThatCannotSeeIt) {
  TestInstance instance;
  DeafGate risk(instance, Process::Risk, false);
  DeafGate gateway(instance, Process::Gateway, false);
  for (const Process gate : {Process::Risk, Process::Gateway})
    instance.objects().page(gate).obeyed.store(1'000'000);
  const std::string name = segment_name(instance.name(), "kill");
  instance.remove("kill");
  const Segment planted = Segment::create(name, sizeof(KillPage));
  std::memcpy(planted.data(), static_cast<const void*>(instance.objects().kill), sizeof(KillPage));
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(risk.ended_by(), SIGKILL);
  EXPECT_EQ(gateway.ended_by(), SIGKILL);
}

TEST_F(Kill, FencesFromCancelToo) {
  TestInstance instance;
  DeafGate risk(instance, Process::Risk, false);
  EXPECT_EQ(sluicectl({"kill", "--level", "CANCEL", "--scope", "strategy:momo"}).code, 0);
  EXPECT_EQ(risk.ended_by(), SIGKILL);
  EXPECT_EQ(instance.word(kMomo).level, KillLevel::Cancel);
}

TEST_F(Kill, NeverFencesForReduceOnly) {
  TestInstance instance;
  DeafGate gateway(instance, Process::Gateway, false);
  const ObeyingGate risk(instance, Process::Risk);
  const Said said = sluicectl({"kill", "--level", "reduce_only", "--timeout", "200"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("NOT COMPLETE:")) << said;
  EXPECT_TRUE(said.has("gateway")) << said;
  EXPECT_EQ(gateway.ended_by(), 0);
  EXPECT_EQ(instance.word({}).level, KillLevel::ReduceOnly);
}

// Anybody may write a number into a page of his own.
TEST_F(Kill, AForgedLeaseKillsNobody) {
  const test::Sleeper victim;  // begun before the page: it does not map it
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  Lease& lease = instance.objects().page(Process::Gateway).lease;
  lease.started.store(std::uint64_t{1} << 32 | (start_ticks_of(victim.pid()) & 0xffff'ffff));
  lease.word.store(test::lease_word(1, victim.pid()));
  for (const std::string level : {"HALT", "SEVER"}) {
    const Said said = sluicectl({"kill", "--level", level, "--timeout", "150"});
    const std::string pid = std::to_string(victim.pid());
    EXPECT_EQ(said.code, 4) << said;
    EXPECT_TRUE(said.has("NOT COMPLETE:")) << said;
    EXPECT_TRUE(said.has("the lease names process " + pid + ", which does not map the page"))
        << said;
    EXPECT_TRUE(said.has("ps -fp " + pid)) << said;
    EXPECT_NE(start_ticks_of(victim.pid()), 0u) << "the victim lives";
  }
}

// This process may not fence itself, as a caller may not signal another user's gate.
TEST_F(Kill, SaysWhichCommandFencesWhatItMayNotSignal) {
  TestInstance instance;
  instance.make_well();
  const Said said = sluicectl({"kill", "--timeout", "150"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("NOT COMPLETE:")) << said;
  EXPECT_TRUE(said.has("sudo kill -KILL " + std::to_string(::getpid()))) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, BareKillHitsEveryInstance) {
  TestInstance first;
  TestInstance second;
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  for (TestInstance* instance : {&first, &second}) {
    EXPECT_EQ(instance->word({}).level, KillLevel::Halt);
    EXPECT_TRUE(said.has(instance->name() + ": HALT raised on global")) << said;
  }
}

TEST_F(Kill, ANamedInstanceIsTheOnlyOneHit) {
  TestInstance first;
  TestInstance second;
  EXPECT_EQ(sluicectl({"kill", "-i", second.name()}).code, 0);
  expect_untouched(first);
  EXPECT_EQ(second.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, WrongUsageRaisesNothing) {
  TestInstance instance;
  const std::vector<std::vector<std::string>> wrong{{"kill", "--scope", "strategy:nobody"},
                                                    {"kill", "--scope", "momo"},
                                                    {"kill", "--scope", "strategy:"},
                                                    {"kill", "--level", "STOP"},
                                                    {"kill", "--level", "RUN"},
                                                    {"kill", "--level", "ENDED"},
                                                    {"kill", "-i", "elsewhere"},
                                                    {"kill", "--now"},
                                                    {"kill", "everything"},
                                                    {"kill", "--timeout", "99"},
                                                    {"kil"}};
  for (const auto& arguments : wrong) {
    const Said said = sluicectl(arguments);
    EXPECT_EQ(said.code, 2) << arguments.back() << ": " << said;
    EXPECT_TRUE(said.has("NOTHING WAS RAISED")) << said;
    EXPECT_TRUE(said.has("To stop everything:  sluicectl kill")) << said;
  }
  expect_untouched(instance);
}

TEST_F(Kill, FlattenIsRefusedHonestly) {
  TestInstance instance;
  const Said said = sluicectl({"kill", "--level", "FLATTEN"});
  EXPECT_EQ(said.code, 2) << said;
  EXPECT_TRUE(said.has("not in this release: use CANCEL")) << said;
  expect_untouched(instance);
}

TEST_F(Kill, SeverKillsAGatewayThatObeys) {
  TestInstance instance;
  DeafGate gateway(instance, Process::Gateway, false);
  const std::uint64_t target = instance.objects().kill->serial.load() + 2;
  instance.objects().page(Process::Gateway).obeyed.store(target);
  const Said said = sluicectl({"kill", "--level", "SEVER"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(gateway.ended_by(), SIGKILL);
  EXPECT_EQ(instance.word({}).level, KillLevel::Sever);
}

TEST_F(Kill, RaisesWithoutAControlPage) {
  TestInstance instance;
  instance.remove("control");
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, IsNotCompleteWithoutAGatesPage) {
  TestInstance instance;
  instance.remove("stage.gateway");
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("gateway cannot be seen")) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, SaysThatARunHasEnded) {
  TestInstance instance;
  KillPage& page = *instance.objects().kill;
  const std::uint64_t ended =
      encode_kill(page.run_id(), 0, KillLevel::Ended, KillCause::None, 0xffff'ffff);
  page.words[0].store(ended);
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("its run has ended")) << said;
  EXPECT_EQ(page.words[0].load(), ended);
}

// The run ends under the raiser's hands, and the next one numbers its strategies differently.
class KillMeetsTheNextRun : public Kill {
 protected:
  // Ends the run; once the raiser has met the end (it takes a serial), `names` are the next one's.
  static std::thread end_and_begin(TestInstance& instance, std::vector<std::string> names) {
    KillPage& page = *instance.objects().kill;
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      page.words[slot].store(
          encode_kill(page.run_id(), slot, KillLevel::Ended, KillCause::None, 0xffff'ffff));
    const std::uint64_t before = page.serial.load();
    return std::thread([&instance, &page, before, names = std::move(names)] {
      while (page.serial.load() == before) std::this_thread::yield();
      instance.next_run(names);
    });
  }
};

TEST_F(KillMeetsTheNextRun, RaisesTheScopeOfThatNameThere) {
  TestInstance instance;
  std::thread other = end_and_begin(instance, {"calm", "momo"});
  const Said said = sluicectl({"kill", "--scope", "strategy:momo", "--no-wait"});
  other.join();
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(instance.word({ScopeKind::Strategy, 1}).level, KillLevel::Halt) << said;
  EXPECT_EQ(instance.word({ScopeKind::Strategy, 0}).level, KillLevel::Run) << said;
}

TEST_F(KillMeetsTheNextRun, SaysThatThisRunHasNoSuchScope) {
  TestInstance instance;
  std::thread other = end_and_begin(instance, {"calm"});
  const Said said = sluicectl({"kill", "--scope", "strategy:momo"});
  other.join();
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("has no scope 'strategy:momo'")) << said;
  expect_untouched(instance);
}

TEST_F(Kill, KeepsAHigherLevelAndTakesANewEpoch) {
  TestInstance instance;
  ASSERT_EQ(sluicectl({"kill", "--level", "CANCEL"}).code, 0);
  const KillWord before = instance.word({});
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("CANCEL stood already")) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Cancel);
  EXPECT_GT(instance.word({}).epoch, before.epoch);
}

TEST_F(Kill, NoWaitLeavesAtOnceAndSaysSo) {
  TestInstance instance;
  DeafGate gateway(instance, Process::Gateway, false);
  const Said said = sluicectl({"kill", "--no-wait"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("not waited for")) << said;
  EXPECT_EQ(gateway.ended_by(), 0);
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, WorksWhenNothingCanBePrinted) {
  TestInstance instance;
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  EXPECT_EQ(run({"kill"}, full, full), 0);
  std::fclose(full);
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Kill, WithoutAnyInstanceNobodyIsThere) {
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 5) << said;
  EXPECT_TRUE(said.has("NOTHING WAS RAISED")) << said;
}

TEST_F(Kill, TellsItAsJson) {
  TestInstance instance;
  const Said said = sluicectl({"kill", "--json"});
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(is_json(said.out)) << said;
  EXPECT_TRUE(said.has("\"complete\":true")) << said;
}

}  // namespace
}  // namespace sluice::ctl
