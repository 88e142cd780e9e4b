// The kill mode of the harness: its oracle on logs made by hand, its bars on made-up reactions, and
// the whole of it once on real processes.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <regex>

#include "bench/kill/report.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "core/segment.hpp"
#include "tools/demo_run/children.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

// ---- the oracle

// A kill that is complete at 100 in the log and at 1'000 ns, raised 50 ns before, rearmed at 200.
KillWindow window(KillLevel level = KillLevel::Halt) {
  return {.from = 100, .until = 200, .level = level, .raised_at = {950}, .complete_at = {1'000}};
}
Placed sent(std::uint64_t position, OrderKind kind, std::int64_t approved, std::int64_t at) {
  PaperEntry order{};
  order.kind = kind;
  order.what = PaperWhat::Placed;
  order.at = {at};
  order.approved_at = {approved};
  return {position, order};
}

TEST(KillOracle, EntriesBeforeTheCompletionAndAfterTheRearmAreRight) {
  const KillVerdict verdict =
      judge({sent(98, OrderKind::Entry, 900, 940), sent(99, OrderKind::Entry, 940, 999),
             sent(200, OrderKind::Entry, 2'000, 2'100)},
            {window()});
  EXPECT_EQ(verdict.placed, 3u);
  EXPECT_EQ(verdict.violations(), 0u);
}

TEST(KillOracle, AnEntryBehindTheCompletionIsNoticed) {
  for (const KillLevel level : {KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Cancel})
    EXPECT_EQ(judge({sent(150, OrderKind::Entry, 940, 1'500)}, {window(level)}).entries_after, 1u);
}

// The raiser reads the log's position a moment after the gate has stamped.
TEST(KillOracle, SoIsOneBetweenTheStampAndTheRaisersLook) {
  EXPECT_EQ(judge({sent(99, OrderKind::Entry, 940, 1'001)}, {window()}).entries_after, 1u);
}

TEST(KillOracle, ExitsMayLeaveUnderReduceOnly) {
  const std::vector<Placed> log{sent(150, OrderKind::StopLoss, 1'400, 1'500)};
  EXPECT_EQ(judge(log, {window(KillLevel::ReduceOnly)}).violations(), 0u);
  EXPECT_EQ(judge(log, {window(KillLevel::Halt)}).exits_after, 1u);
}

TEST(KillOracle, AnEntryApprovedBeforeAKillDoesNotReviveBehindIt) {
  EXPECT_EQ(judge({sent(250, OrderKind::Entry, 940, 3'000)}, {window()}).revived, 1u);
}

TEST(KillOracle, EachKillIsJudgedByItself) {
  KillWindow second = window();
  second.from = 300;
  second.until = 400;
  second.raised_at = {4'000};
  second.complete_at = {4'100};
  const KillVerdict verdict =
      judge({sent(250, OrderKind::Entry, 3'000, 3'100), sent(350, OrderKind::Entry, 4'050, 4'200)},
            {window(), second});
  EXPECT_EQ(verdict.entries_after, 1u);
  EXPECT_EQ(verdict.violations(), 1u);
}

// ---- the bars

KillResult reactions(std::int64_t real_ns, std::int64_t bare_ns) {
  KillResult result;
  for (int block = 0; block < 3; ++block) {
    KillBlock& now = result.blocks.emplace_back();
    for (int i = 0; i < 100; ++i) {
      now.real.push_back({real_ns / 2, real_ns});
      now.bare.push_back({bare_ns, bare_ns / 2});
    }
  }
  result.complete_ns = {60'000'000, 70'000'000};
  return result;
}

TEST(KillReport, TheLaterGateCounts) {
  const KillSummary summary = summary_of(reactions(4'000, 3'000));
  EXPECT_EQ(summary.risk.p50, 2'000);
  EXPECT_EQ(summary.gateway.p50, 4'000);
  EXPECT_EQ(summary.both.p50, 4'000);
  EXPECT_EQ(summary.both.count, 300u);
  EXPECT_EQ(summary.bare.p99, 3'000);
  EXPECT_DOUBLE_EQ(summary.ratio_p99.median, 4.0 / 3);
  EXPECT_EQ(summary.complete.max, 70'000'000);
}

Exit exit_of(const KillResult& result, bool unqualified_ok = false) {
  return kill_exit(result, summary_of(result), unqualified_ok);
}

TEST(KillReport, EachBarHasTwoSides) {
  EXPECT_EQ(exit_of(reactions(5'000, 2'500)), Exit::Ok);
  EXPECT_EQ(exit_of(reactions(5'001, 5'000)), Exit::No) << "both gates refuse";
  EXPECT_EQ(exit_of(reactions(4'000, 1'999)), Exit::No) << "twice the flag";
  KillResult slow = reactions(4'000, 4'000);
  slow.complete_ns.push_back(100'000'000);
  EXPECT_EQ(exit_of(slow), Exit::Ok);
  slow.complete_ns.push_back(100'000'001);
  EXPECT_EQ(exit_of(slow), Exit::No);
}

TEST(KillReport, AViolationIsExitOneWhateverTheFiguresSay) {
  KillResult result = reactions(4'000, 4'000);
  result.verdict.entries_after = 1;
  EXPECT_EQ(exit_of(result), Exit::No);
  result.unfit = {"a reason"};
  EXPECT_EQ(exit_of(result), Exit::No);
}

TEST(KillReport, AnUnfitMachineIsExitThreeUnlessThatIsAccepted) {
  KillResult result = reactions(4'000, 4'000);
  result.unfit = {"a reason"};
  EXPECT_EQ(exit_of(result), Exit::Unqualified);
  EXPECT_EQ(exit_of(result, true), Exit::Ok);
  EXPECT_NE(kill_table({}, result, summary_of(result)).find("UNQUALIFIED: a reason"),
            std::string::npos);
}

// ---- real processes

class KillMode : public testing::Test {
 protected:
  void SetUp() override {
    if (cpus_allowed() < 2) GTEST_SKIP() << "the stages need two CPUs";
    std::string name = std::filesystem::temp_directory_path() / "sluice-kill-test.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  demo::Child start(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {SLUICE_BIN_DIR "/sluice-bench", "kill", "--conf",
                                 SLUICE_SOURCE_DIR "/conf/bench.toml", "--dir", dir_.string()});
    return {flags, out()};
  }
  [[nodiscard]] std::filesystem::path out() const { return dir_ / "out"; }
  // Objects of runs that this process has made.
  static std::size_t objects_of(pid_t pid) {
    std::size_t count = 0;
    const std::string prefix = "sluice.bench-" + std::to_string(pid) + "-";
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
      count += entry.path().filename().string().starts_with(prefix) ? 1u : 0u;
    return count;
  }
  // State directories of runs.
  [[nodiscard]] std::size_t runs() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_))
      count += entry.is_directory() ? 1u : 0u;
    return count;
  }

  std::filesystem::path dir_;
};

double number(const std::string& json, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(json, found, std::regex(pattern)) ? std::stod(found[1]) : -1;
}

TEST_F(KillMode, AShortRunCountsJudgesAndLeavesNothing) {
  const std::string json = (dir_ / "kill.json").string();
  demo::Child run = start({"--raises", "20", "--blocks", "2", "--stopped", "1", "--json", json,
                           "--svg", (dir_ / "kill.svg").string()});
  const pid_t pid = run.pid();
  ASSERT_TRUE(run.wait(100s)) << demo::file_text(out());
  const std::string text = demo::file_text(json);
  ASSERT_FALSE(text.empty()) << demo::file_text(out());
  for (const char* what : {"risk", "gateway", "both", "bare"}) {
    const std::string object = std::string("\"") + what + "\": .\"count\": ";
    EXPECT_EQ(number(text, object + "([0-9]+)"), 20) << what;
    EXPECT_GT(number(text, object + "20, \"p50_ns\": ([0-9]+)"), 0) << what;
  }
  EXPECT_EQ(number(text, "\"complete_stopped\": .\"count\": ([0-9]+)"), 1);
  EXPECT_GT(number(text, "\"ratio_p99\": ..median.: ([0-9.]+)"), 0);
  EXPECT_GT(number(text, "\"orders\": ([0-9]+)"), 20) << "one per kill at least";
  EXPECT_EQ(number(text, "\"entries_after\": ([0-9]+)"), 0);
  EXPECT_EQ(number(text, "\"exits_after\": ([0-9]+)"), 0);
  EXPECT_EQ(number(text, "\"revived\": ([0-9]+)"), 0);
  EXPECT_NE(demo::file_text(dir_ / "kill.svg").find("bare flag"), std::string::npos);
  const bool qualified = text.find("\"qualified\": true") != std::string::npos;
  const int code = run.exit_code().value_or(-1);
  EXPECT_TRUE(qualified ? code == 0 || code == 1 : code == 3) << code;
  EXPECT_EQ(objects_of(pid), 0u);
  EXPECT_EQ(runs(), 0u);
}

TEST_F(KillMode, AnInterruptedRunLeavesNothing) {
  demo::Child run = start({"--raises", "100000"});
  const pid_t pid = run.pid();
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (objects_of(pid) < 20 && std::chrono::steady_clock::now() < until && run.running())
    ::usleep(1'000);
  ASSERT_TRUE(run.running()) << demo::file_text(out());
  ::kill(pid, SIGINT);
  ASSERT_TRUE(run.wait(30s));
  EXPECT_EQ(run.exit_code().value_or(-1), static_cast<int>(Exit::Interrupted));
  EXPECT_EQ(objects_of(pid), 0u);
  EXPECT_EQ(runs(), 0u);
}

TEST_F(KillMode, WrongFlagsAreUsage) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--raises", "0"},
                                                {"--cpus", "1000"},
                                                {"--raise", "1"},
                                                {"--json", "/no/such/file"}}) {
    demo::Child run = start(flags);
    ASSERT_TRUE(run.wait(20s));
    EXPECT_EQ(run.exit_code().value_or(-1), static_cast<int>(Exit::Usage)) << flags[0];
  }
}

}  // namespace
}  // namespace sluice::bench
