// SIGKILL under load: what the recovery table promises, process by process.
#include <gtest/gtest.h>
#include <signal.h>

#include "core/process.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

class Survive : public testing::TestWithParam<Process> {};

// Positions as risk shows them; flat rows are left out.
std::map<PositionKey, std::int64_t> shown_positions(Box& box) {
  std::map<PositionKey, std::int64_t> positions;
  const StagePage& page = box.objects().page(Process::Risk);
  for (std::size_t i = 0; i < row_capacity(RowTable::Position); ++i)
    if (const auto row = page.read_row<PositionRow>(RowTable::Position, i);
        row && row->used && row->qty.raw != 0)
      positions[{row->strategy, row->instrument}] = row->qty.raw;
  return positions;
}

void erase_flat(std::map<PositionKey, std::int64_t>& positions) {
  std::erase_if(positions, [](const auto& item) { return item.second == 0; });
}

void kill_and_wait(Box& box, Process victim) {
  const pid_t pid = box.pid_of(victim);
  ASSERT_GT(pid, 0) << "no " << name_of(victim) << "\n" << box.log("sluice-supervisor");
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    const pid_t now = box.pid_of(victim);
    return now > 0 && now != pid && box.objects().page(victim).stage_state() == StageState::Ready;
  })) << name_of(victim)
      << " does not come back\n"
      << box.log("sluice-supervisor") << box.log(std::string(name_of(victim)));
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
}

TEST_P(Survive, ThreeKillsLoseAndDoubleNothing) {
  const Process victim = GetParam();
  Box box({.speed = "30", .venue_flags = {"--once", "--linger", "1"}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const auto sent = [&] { return box.counter(Process::Gateway, "sent_verdicts"); };
  for (int kill = 0; kill < 3; ++kill) {
    // Under load: something has been sent since the last kill, and ticks are flowing.
    const std::uint64_t before = sent();
    ASSERT_TRUE(eventually([&] { return sent() > before + 2; }, 30s))
        << "no orders before kill " << kill;
    kill_and_wait(box, victim);
  }
  const std::uint64_t after = sent();
  ASSERT_TRUE(eventually([&] { return sent() > after; }, 30s))
      << "it does not trade after the kills";
  ASSERT_TRUE(box.wait_venue_end());
  // Drained: every order is terminal, and risk has heard of it.
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Gateway, "open_orders") == 0; }));
  std::map<PositionKey, std::int64_t> shown;
  ASSERT_TRUE(eventually([&] {
    const auto first = shown_positions(box);
    shown = shown_positions(box);
    return first == shown;
  }));
  ASSERT_EQ(box.stop(), 0) << box.log("sluice-supervisor");

  const PaperTruth paper = read_paper(box.run_dir());
  auto from_gateway = positions_from_gateway(box.run_dir());
  auto from_paper = paper.positions;
  erase_flat(from_gateway);
  erase_flat(from_paper);
  EXPECT_GT(paper.placed, 5u);
  EXPECT_EQ(paper.duplicates, 0u);
  EXPECT_EQ(from_gateway, from_paper);
  EXPECT_EQ(shown, from_paper);
  const Outcome verify = run({bin("sluice-replay"), "verify", box.run_dir().string()}, 60s);
  EXPECT_EQ(verify.exit_code, 0) << verify.out;
}

INSTANTIATE_TEST_SUITE_P(Each, Survive,
                         testing::Values(Process::Feed, seat_process(0), Process::Risk,
                                         Process::Gateway, Process::Recorder),
                         [](const auto& param) { return std::string(name_of(param.param)); });

TEST(CrashLoop, TheFourthDeathIsNotRestarted) {
  Box box({.conf = {{"restart_max_ms", "100"}}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  for (int kill = 0; kill < 3; ++kill) kill_and_wait(box, Process::Risk);
  ASSERT_EQ(::kill(box.pid_of(Process::Risk), SIGKILL), 0);
  ASSERT_TRUE(eventually(
      [&] { return box.log("sluice-supervisor").find("not restarted") != std::string::npos; }));
  EXPECT_EQ(box.pid_of(Process::Risk), 0);
  EXPECT_FALSE(box.objects().control->permit(0, 1).valid);
  EXPECT_EQ(box.stop(), 0);
}

TEST(ByHand, EveryProcessStartsInAnyOrderWithTaskset) {
  Box box({.manual = true});
  const auto stage = [&](const std::string& program, const std::string& cpu,
                         std::vector<std::string> more = {}) {
    std::vector<std::string> words{
        "taskset",  "-c",         cpu,        bin(program),  "--conf",
        box.conf(), "--instance", box.name(), "--state-dir", box.state().string()};
    words.insert(words.end(), more.begin(), more.end());
    return box.start(words);
  };
  // Before the supervisor, and the wrong way round.
  stage("sluice-feed", "1");
  stage("sluice-strategy", "1", {"--seat", "0"});
  stage("sluice-risk", "0");
  box.start_supervisor();
  stage("sluice-recorder", "0");
  stage("sluice-gateway", "0");
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor") << box.log("sluice-feed");
  EXPECT_EQ(box.objects().page(Process::Feed).cpu.load(), 2u) << "taskset -c 1 is CPU 1";
  EXPECT_EQ(box.objects().page(Process::Risk).cpu.load(), 1u);
  EXPECT_TRUE(eventually([&] { return box.counter(Process::Gateway, "fills") > 0; }, 30s));
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

TEST(SecondOwner, IsRefusedWhileTheFirstLives) {
  Box box({});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const Outcome second = run({bin("sluice-risk"), "--conf", box.conf(), "--instance", box.name(),
                              "--state-dir", box.state().string()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.out.find("is held by process"), std::string::npos) << second.out;
  EXPECT_EQ(box.stop(), 0);
}

}  // namespace
}  // namespace sluice::e2e
