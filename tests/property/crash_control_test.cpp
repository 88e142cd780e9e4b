// A supervisor that dies behind any instruction of what it does to the control page: permits, caps,
// the take-over. Each harness finds a planted mistake, two stores in the wrong order.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process.hpp"
#include "tests/property/crash_world.hpp"

namespace sluice {
namespace {

using test::crash_marker;
using test::expect_ends;
using test::Judgement;
using test::kLease;
using test::kNowUs;
using test::kRun;
using test::Left;
using test::PagesWorld;

// ---- permits

class VoidWorld : public PagesWorld {
 public:
  VoidWorld() { void_permits(control()); }
};

template <class World>
void grant(World& world) {
  crash_marker();
  grant_permits(world.control(), kLease, {});
}

// New risk only if the whole grant is there; the next supervisor grants under an epoch of its own.
template <class World>
Judgement judge_grant(World& world) {
  ControlPage& control = world.control();
  const PageWatch::Told told = world.seen_by_a_gate();
  const std::uint32_t granted = static_cast<std::uint32_t>(control.permit_epoch.load());
  int fresh = 0;
  for (const std::size_t slot : PagesWorld::kOrder) {
    if (told.permits[slot].valid && told.permits[slot].epoch > granted)
      return {Left::Part, "a permit of an epoch that will be granted again"};
    fresh += told.permits[slot].valid && told.permits[slot].epoch == 2 ? 1 : 0;
  }
  const Left left = fresh == 4 ? Left::All : fresh == 0 ? Left::Nothing : Left::Part;
  if (fresh != 4 && std::is_same_v<World, VoidWorld> && told.permits[0].valid)
    return {left, "the global permit stands before the others"};
  grant_permits(control, kLease, {});
  for (const std::size_t slot : PagesWorld::kOrder)
    if (const Permit next = control.permit(slot, kLease);
        !next.valid || next.epoch <= told.permits[slot].epoch || next.epoch <= granted)
      return {left, "the next grant is not newer"};
  return {left, ""};
}

// The permits before the epoch that they carry.
void grant_epoch_last(VoidWorld& world) {
  ControlPage& control = world.control();
  crash_marker();
  const auto epoch = static_cast<std::uint32_t>(control.permit_epoch.load() + 1);
  for (std::size_t slot = kScopes; slot-- > 0;)
    if (control.scope_exists(scope_at(slot)))
      control.permits[slot].store(encode_permit(kRun, kLease, slot, epoch));
  control.permit_epoch.store(epoch);
}

// The global permit before the others.
void grant_global_first(VoidWorld& world) {
  ControlPage& control = world.control();
  crash_marker();
  const auto epoch = static_cast<std::uint32_t>(control.permit_epoch.fetch_add(1) + 1);
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (control.scope_exists(scope_at(slot)))
      control.permits[slot].store(encode_permit(kRun, kLease, slot, epoch));
}

TEST(PermitCrash, AnyInstructionOfAGrantGivesAllOrNothing) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_ends(
      test::die_everywhere<VoidWorld>(test::kLongBody, grant<VoidWorld>, judge_grant<VoidWorld>),
      "grant");
  expect_ends(
      test::die_everywhere<PagesWorld>(test::kLongBody, grant<PagesWorld>, judge_grant<PagesWorld>),
      "grant again");
}

TEST(PermitCrashMutant, AnEpochBehindItsPermitsIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(
      test::die_everywhere<VoidWorld>(test::kLongBody, grant_epoch_last, judge_grant<VoidWorld>)
          .fault,
      "");
}

TEST(PermitCrashMutant, AGlobalPermitBeforeTheOthersIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(
      test::die_everywhere<VoidWorld>(test::kLongBody, grant_global_first, judge_grant<VoidWorld>)
          .fault,
      "");
}

Judgement judge_withdrawal(PagesWorld& world) {
  const int valid = world.permits();
  const bool stored = world.control().permits[0].load() == 0;
  return {stored ? Left::All : Left::Nothing,
          valid == (stored ? 3 : 4) ? "" : "a gate sees neither"};
}

TEST(PermitCrash, AnyInstructionOfAWithdrawalLeavesItGrantedOrVoid) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto points = test::die_everywhere<PagesWorld>(
      test::kShortBody,
      [](PagesWorld& world) {
        crash_marker();
        void_permits(world.control());
      },
      judge_withdrawal);
  expect_ends(points, "withdrawal", {Left::Nothing, Left::All});
}

TEST(PermitCrashMutant, AWithdrawalScopeByScopeIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto scope_by_scope = [](PagesWorld& world) {
    crash_marker();
    for (auto slot = PagesWorld::kOrder.rbegin(); slot != PagesWorld::kOrder.rend(); ++slot)
      world.control().permits[*slot].store(0, std::memory_order_release);
  };
  EXPECT_NE(
      test::die_everywhere<PagesWorld>(test::kShortBody, scope_by_scope, judge_withdrawal).fault,
      "");
}

// ---- cap

constexpr Notional kNew = Notional::whole(25'000);
static_assert(kNew.raw >> 32 != 0 && (kNew.raw & 0xffff'ffff) != 0, "both halves change");

Judgement judge_cap(PagesWorld& world) {
  const std::int64_t cap = world.seen_by_a_gate().caps[0];
  if (cap != 0 && cap != kNew.raw) return {Left::Part, "a cap that nobody set"};
  set_cap(world.control(), 0, Notional::whole(1));
  return {cap == 0 ? Left::Nothing : Left::All,
          world.seen_by_a_gate().caps[0] == Notional::whole(1).raw ? "" : "it stays"};
}

TEST(CapCrash, AnyInstructionOfAChangeLeavesTheOldCapOrTheNew) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto points = test::die_everywhere<PagesWorld>(
      test::kShortBody,
      [](PagesWorld& world) {
        crash_marker();
        set_cap(world.control(), 0, kNew);
      },
      judge_cap);
  expect_ends(points, "cap", {Left::Nothing, Left::All});
}

TEST(CapCrashMutant, AChangeInTwoHalvesIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto in_halves = [](PagesWorld& world) {
    crash_marker();
    for (const std::int64_t half : {std::int64_t{0xffff'ffff}, ~std::int64_t{0xffff'ffff}})
      world.control().caps[0].fetch_or(kNew.raw & half, std::memory_order_release);
  };
  EXPECT_NE(test::die_everywhere<PagesWorld>(test::kShortBody, in_halves, judge_cap).fault, "");
}

// ---- taking over

// The lease of a supervisor that is dead: reaped, and its start time is that of no process.
class OrphanWorld : public PagesWorld {
 public:
  OrphanWorld() {
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    ::waitpid(dead, nullptr, 0);
    control().supervisor.word.store(std::uint64_t{kLease} << 32 | static_cast<std::uint32_t>(dead));
    control().supervisor.started.store(std::uint64_t{kLease} << 32 | 1);
  }
};

void take_over(OrphanWorld& world) {
  crash_marker();
  const auto epoch = static_cast<std::uint16_t>(claim(world.control().supervisor, "the page"));
  beat(world.control(), epoch, kNowUs + 1);
}

// The first heartbeat before the lease whose epoch it carries.
void beat_before_the_lease(OrphanWorld& world) {
  crash_marker();
  beat(world.control(), kLease + 1, kNowUs + 1);
  static_cast<void>(claim(world.control().supervisor, "the page"));
}

// Permits are the dead one's as long as its epoch is in the heartbeat, and void from then on. The
// next one is let in, under an epoch that no heartbeat has carried, and voids whatever is left.
Judgement judge_take_over(OrphanWorld& world) {
  ControlPage& control = world.control();
  const std::uint16_t in_beat = control.beat().lease_epoch;
  const auto held = static_cast<std::uint32_t>(control.supervisor.word.load() >> 32);
  const Left left = in_beat != kLease ? Left::All : held != kLease ? Left::Part : Left::Nothing;
  if (world.permits() != (in_beat == kLease ? 4 : 0)) return {left, "permits of another epoch"};
  if (look(control.supervisor).alive) return {left, "the dead one passes for alive"};
  std::uint32_t next = 0;
  try {
    next = claim(control.supervisor, "the page");
  } catch (const std::exception& refused) {
    return {left, refused.what()};
  }
  if (next <= held || next <= in_beat) return {left, "an epoch is used twice"};
  beat(control, static_cast<std::uint16_t>(next), kNowUs + 2);
  if (world.permits() != 0) return {left, "a permit outlives its supervisor"};
  grant_permits(control, static_cast<std::uint16_t>(next), {});
  return {left, world.permits() == 4 ? "" : "the next one cannot grant"};
}

TEST(TakeOverCrash, AnyInstructionLeavesPermitsOfOneSupervisorAndLetsTheNextIn) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_ends(test::die_everywhere<OrphanWorld>(test::kLongBody, take_over, judge_take_over),
              "take-over");
}

TEST(TakeOverCrashMutant, AHeartbeatBeforeItsLeaseIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(
      test::die_everywhere<OrphanWorld>(test::kLongBody, beat_before_the_lease, judge_take_over)
          .fault,
      "");
}

}  // namespace
}  // namespace sluice
