// A raiser or a supervisor that dies behind any instruction of what it does to the kill page:
// raise, rearm, the end of a run, the publication of a page. Each harness finds a planted mistake,
// two stores in the wrong order.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "tests/property/crash_world.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"
#include "tools/supervisor/latch.hpp"

namespace sluice {
namespace {

using test::crash_marker;
using test::expect_ends;
using test::Judgement;
using test::kRun;
using test::Left;
using test::PagesWorld;
using test::TwoPages;

// ---- raise

// What the word is before: every level from which one can raise, and a word that is none.
enum class Start : std::uint8_t { Run, ReduceOnly, Cancel, Garbage };

template <Start kStart>
class RaiseWorld : public PagesWorld {
 public:
  RaiseWorld() {
    if (kStart == Start::ReduceOnly || kStart == Start::Cancel)
      raise_kill(kill(), {}, kStart == Start::Cancel ? KillLevel::Cancel : KillLevel::ReduceOnly,
                 KillCause::Drill);
    if (kStart == Start::Garbage) kill().words[0].store(0x1234'5678'9abc'def0);
    before = kill().words[0].load();
    serial_before = kill().serial.load();
  }
  std::uint64_t before = 0;
  std::uint64_t serial_before = 0;
};

template <class World>
void raise_halt(World& world) {
  crash_marker();
  static_cast<void>(raise_kill(world.kill(), {}, KillLevel::Halt, KillCause::Operator));
}

// The word before the serial that is its epoch.
template <class World>
void raise_serial_last(World& world) {
  KillPage& kill = world.kill();
  crash_marker();
  const auto epoch = static_cast<std::uint32_t>(kill.serial.load() + 1);
  const KillLevel level = max_level(kill.read(0).level, KillLevel::Halt);
  kill.words[0].store(encode_kill(kRun, 0, level, KillCause::Operator, epoch));
  kill.serial.fetch_add(2);
}

// Whoever raises next is not hindered, takes an epoch of his own and a target that no gate can have
// obeyed before it saw both raises.
std::string fault_of_the_next_raise(PagesWorld& world) {
  KillPage& kill = world.kill();
  const std::uint64_t found = kill.words[0].load();
  std::uint64_t obeyed = 0;
  static_cast<void>(world.seen_by_a_gate(&obeyed));
  const RaiseResult next = raise_kill(kill, {}, KillLevel::ReduceOnly, KillCause::Drill);
  if (!next.raised) return "the next raise is refused";
  if (next.target <= obeyed) return "the next raise passes for obeyed already";
  const KillWord now = kill.read(0);
  const KillWord was = decode_kill(kRun, 0, found);
  if (now.level < was.level) return "the next raise lowers";
  if (was.valid && now.epoch <= was.epoch) return "an epoch is used twice";
  const PageWatch::Told told = world.seen_by_a_gate(&obeyed);
  if (obeyed < next.target) return "a gate that has seen it has not obeyed it";
  if (!(told.levels[0] == now)) return "a gate sees another word";
  return {};
}

template <class World>
Judgement judge_raise(World& world) {
  KillPage& kill = world.kill();
  const std::uint64_t word = kill.words[0].load();
  const KillWord now = kill.read(0);
  const KillWord was = decode_kill(kRun, 0, world.before);
  const std::uint64_t serial = kill.serial.load();
  const bool raised = word != world.before;
  const Left left = serial == world.serial_before  ? Left::Nothing
                    : raised && serial > now.epoch ? Left::All
                                                   : Left::Part;
  if (raised && (!now.valid || now.level != max_level(was.level, KillLevel::Halt)))
    return {left, "a word that nobody wrote"};
  if (now.level < was.level) return {left, "the level has fallen"};
  if (serial < world.serial_before || (raised && serial < now.epoch))
    return {left, "an epoch above the serial"};
  if (raised && rearm_kill(kill, 0, world.before) != 0) return {left, "the older word rearms"};
  const std::string fault = fault_of_the_next_raise(world);
  return {left, fault};
}

template <class World>
void expect_raise(const char* what) {
  expect_ends(test::die_everywhere<World>(test::kShortBody, raise_halt<World>, judge_raise<World>),
              what);
}

TEST(RaiseCrash, AnyInstructionLeavesTheOldWordOrTheNewAndHindersNobody) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_raise<RaiseWorld<Start::Run>>("raise from RUN");
  expect_raise<RaiseWorld<Start::ReduceOnly>>("raise from REDUCE_ONLY");
  expect_raise<RaiseWorld<Start::Cancel>>("raise under CANCEL");
  expect_raise<RaiseWorld<Start::Garbage>>("raise over garbage");
}

TEST(RaiseCrashMutant, AWordBeforeItsSerialIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  using World = RaiseWorld<Start::Run>;
  EXPECT_NE(
      test::die_everywhere<World>(test::kShortBody, raise_serial_last<World>, judge_raise<World>)
          .fault,
      "");
}

// ---- rearm

class HaltWorld : public PagesWorld {
 public:
  HaltWorld() {
    raise_kill(kill(), {}, KillLevel::Halt, KillCause::Operator);
    before = kill().words[0].load();
  }
  std::uint64_t before = 0;
};

void rearm(HaltWorld& world) {
  crash_marker();
  static_cast<void>(rearm_kill(world.kill(), 0, world.before));
}

// The word before the serial that is its epoch.
void rearm_serial_last(HaltWorld& world) {
  KillPage& kill = world.kill();
  crash_marker();
  const auto epoch = static_cast<std::uint32_t>(kill.serial.load() + 1);
  kill.words[0].store(encode_kill(kRun, 0, KillLevel::Run, KillCause::None, epoch));
  kill.serial.fetch_add(2);
}

Judgement judge_rearm(HaltWorld& world) {
  KillPage& kill = world.kill();
  const KillWord now = kill.read(0);
  const bool lowered = kill.words[0].load() != world.before;
  const Left left = lowered ? Left::All : Left::Nothing;
  if (!now.valid || now.level != (lowered ? KillLevel::Run : KillLevel::Halt))
    return {left, "a word that nobody wrote"};
  if (kill.serial.load() < now.epoch) return {left, "an epoch above the serial"};
  if (lowered && rearm_kill(kill, 0, world.before) != 0) return {left, "the older word rearms"};
  if (const std::string fault = fault_of_the_next_raise(world); !fault.empty())
    return {left, fault};
  const std::uint64_t raised = kill.words[0].load();
  if (rearm_kill(kill, 0, raised) == 0 || kill.read(0).level != KillLevel::Run)
    return {left, "it cannot be rearmed any more"};
  return {left, ""};
}

TEST(RearmCrash, AnyInstructionLeavesTheLevelOrRunUnderANewEpoch) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_ends(test::die_everywhere<HaltWorld>(test::kShortBody, rearm, judge_rearm), "rearm",
              {Left::Nothing, Left::All});
}

TEST(RearmCrashMutant, AWordBeforeItsSerialIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<HaltWorld>(test::kShortBody, rearm_serial_last, judge_rearm).fault,
            "");
}

// ---- end of a run

class EndWorld : public PagesWorld {
 public:
  EndWorld() {
    raise_kill(kill(), {}, KillLevel::ReduceOnly, KillCause::Drill);
    raise_kill(kill(), {ScopeKind::Strategy, 0}, KillLevel::Cancel, KillCause::Drill);
  }
};
constexpr std::size_t kStrategy = scope_slot({ScopeKind::Strategy, 0});

// The file: of each scope the highest level that was kept.
void keep(TwoPages& pages, const std::vector<LatchedLevel>& held) {
  for (const LatchedLevel& level : held) {
    KillLevel& kept = pages.latched[level.scope == "global" ? 0 : kStrategy];
    kept = max_level(kept, level.level);
  }
}

void end(EndWorld& world) {
  std::vector<LatchedLevel> held;
  crash_marker();
  end_words(world.kill(), world.control(), held, [&] { keep(*world, held); });
}

// The words before the file.
void end_words_first(EndWorld& world) {
  std::vector<LatchedLevel> held;
  crash_marker();
  end_words(world.kill(), world.control(), held, [] {});
  keep(*world, held);
}

// The next supervisor ends what is left; no level is forgotten. Whoever raises meanwhile raises in
// this run, or is told that it has ended and goes to the next one.
Judgement judge_end(EndWorld& world) {
  KillPage& kill = world.kill();
  int ended = 0;
  for (const std::size_t slot : PagesWorld::kOrder)
    ended += kill.read(slot).level == KillLevel::Ended ? 1 : 0;
  const Left left = ended == 4 ? Left::All : ended == 0 ? Left::Nothing : Left::Part;
  const RaiseResult late = raise_kill(kill, {}, KillLevel::Halt, KillCause::Operator);
  std::vector<LatchedLevel> held;
  end_words(kill, world.control(), held, [&] { keep(*world, held); });
  for (const std::size_t slot : PagesWorld::kOrder)
    if (kill.read(slot).level != KillLevel::Ended) return {left, "a word does not end"};
  if (world->latched[kStrategy] != KillLevel::Cancel) return {left, "a level is forgotten"};
  const KillLevel wanted = late.raised ? KillLevel::Halt : KillLevel::ReduceOnly;
  if (world->latched[0] != wanted) return {left, "the level of all is forgotten"};
  return {left, ""};
}

TEST(EndCrash, AnyInstructionForgetsNoLevel) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_ends(test::die_everywhere<EndWorld>(test::kLongBody, end, judge_end), "end");
}

TEST(EndCrashMutant, WordsEndedBeforeTheyAreKeptAreFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<EndWorld>(test::kLongBody, end_words_first, judge_end).fault, "");
}

// ---- publication

// A kill page in /dev/shm, allocated and zero.
class NewSegment {
 public:
  NewSegment() {
    for (const ObjectPlan& object : plan_objects(config))
      if (object.kind == ObjectKind::Kill) plan = object;
    segment = Segment::create(name.object(plan.object), plan.bytes);
    control->instruments = control->strategies = control->gateways = 1;
    static_cast<void>(boot_id());  // the file is read here, not instruction by instruction
  }
  [[nodiscard]] KillPage& page() const { return *segment.as<KillPage>(); }
  [[nodiscard]] std::vector<std::span<const char>> shared() const {
    return {{segment.as<char>(), segment.size()}};
  }
  test::UniqueInstance name;
  PipelineConfig config = test::toy_config({}, name.name());
  std::unique_ptr<ControlPage> control = std::make_unique<ControlPage>();
  ObjectPlan plan;
  Segment segment;
};

void publish(NewSegment& world) {
  crash_marker();
  fill_header(world.page().header, world.plan, world.config, test::toy_run());
  fill_kill(world.page(), *world.control);
  Segment::publish(world.page().header);
}

// The magic before what it vouches for.
void publish_magic_first(NewSegment& world) {
  crash_marker();
  Segment::publish(world.page().header);
  fill_header(world.page().header, world.plan, world.config, test::toy_run());
  fill_kill(world.page(), *world.control);
}

Judgement judge_publication(NewSegment& world) {
  static constexpr SegmentHeader kZero{};
  const bool touched = std::memcmp(&kZero, &world.page().header, sizeof kZero) != 0;
  const Expected expected{world.name.name(), ObjectKind::Kill, 0, test::toy_run().run_id,
                          Mode::Paper};
  Segment attached;
  const AttachError error =
      Segment::attach(world.name.object("kill"), Access::ReadWrite, expected, attached);
  if (error == AttachError::NotReady) return {touched ? Left::Part : Left::Nothing, ""};
  if (error != AttachError::None) return {Left::All, std::string(name_of(error))};
  for (const std::size_t slot : PagesWorld::kOrder)
    if (const KillWord word = attached.as<KillPage>()->read(slot);
        !word.valid || word.level != KillLevel::Run)
      return {Left::All, "published without its words"};
  return {Left::All, ""};
}

TEST(PublishCrash, AnyInstructionLeavesASegmentThatIsNotReadyOrWhole) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_ends(test::die_everywhere<NewSegment>(test::kLongBody, publish, judge_publication),
              "publication");
}

TEST(PublishCrashMutant, AMagicBeforeTheRestIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(
      test::die_everywhere<NewSegment>(test::kLongBody, publish_magic_first, judge_publication)
          .fault,
      "");
}

}  // namespace
}  // namespace sluice
