// The pure parts of the demonstration: what it writes, what it reads, what it expects.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tools/demo_run/drill.hpp"
#include "tools/demo_run/machine.hpp"
#include "tools/demo_run/report.hpp"
#include "tools/demo_run/table.hpp"
#include "tools/demo_run/text.hpp"

namespace sluice::demo {
namespace {

constexpr const char* kConfig =
    "[market]\nrate = \"12\"   # comment\n[feed]\nurl = \"ws://127.0.0.1:9443\"\n"
    "rest_url = \"http://127.0.0.1:9443\"\nstale_ms = 2000\n";

TEST(DemoConfig, ReplacesPortAndSpeedAndNothingElse) {
  EXPECT_EQ(demo_config(kConfig, 4711, "3"),
            "[market]\nrate = \"3\"\n[feed]\nurl = \"ws://127.0.0.1:4711\"\n"
            "rest_url = \"http://127.0.0.1:4711\"\nstale_ms = 2000\n");
}

TEST(DemoConfig, RefusesAMissingAndADoubleLine) {
  EXPECT_THROW(demo_config("rate = \"1\"\nurl = \"x\"\n", 1, "1"), Error);
  EXPECT_THROW(demo_config(std::string(kConfig) + "rate = \"2\"\n", 1, "1"), Error);
}

TEST(DemoText, SpansChangeTheirUnitAtThousands) {
  EXPECT_EQ(span(-1), "-");
  EXPECT_EQ(span(999), "999 ns");
  EXPECT_EQ(span(1'000), "1.0 us");
  EXPECT_EQ(span(1'000'000), "1.00 ms");
  EXPECT_EQ(span(2'500'000'000), "2.50 s");
}

TEST(DemoText, NumbersForPeople) {
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(41'248), "41,248");
  EXPECT_EQ(thousands(1'000'000), "1,000,000");
  EXPECT_EQ(money(-kScale * 3 / 2), "-1.50");
  EXPECT_EQ(money(499'999), "+0.00");
  EXPECT_EQ(money(500'000), "+0.01");
  EXPECT_EQ(bar(1, 2, 4), "##..");
  EXPECT_EQ(bar(9, 2, 4), "####");
  EXPECT_EQ(fit("abcd", 4), "abcd");
  EXPECT_EQ(fit("abcde", 4), "abc~");
}

TEST(DemoDrill, ReadsWhatKillPrints) {
  const KillAnswer answer = parse_kill(
      R"({"complete":true,"took_us":90,"instances":[{"word":"0x0000000580030103","gates":[
         {"process":"risk","pid":7,"end":"obeyed","reaction_ns":41000,"note":""},
         {"process":"gateway","pid":0,"end":"dead","reaction_ns":null,"note":"not running"}]}]})");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.word, "0x0000000580030103");
  ASSERT_EQ(answer.gates.size(), 2u);
  EXPECT_EQ(answer.gates[0].name, "risk");
  EXPECT_EQ(answer.gates[0].reaction_ns, 41'000);
  EXPECT_EQ(answer.gates[1].reaction_ns, -1);
  EXPECT_EQ(answer.took_ns, 41'000);
}

TEST(DemoDrill, RefusesAnythingElse) {
  EXPECT_THROW(parse_kill("nothing"), Error);
  EXPECT_THROW(parse_kill(R"({"complete":true,"instances":[]})"), Error);
}

TEST(DemoMachine, ReadsStealAndChosenWords) {
  const CpuTimes times = cpu_times("cpu  10 1 5 80 2 0 1 7 3 0");
  EXPECT_EQ(times.first, 7u);
  EXPECT_EQ(times.second, 106u);
  EXPECT_EQ(chosen_word("always [madvise] never"), "madvise");
  EXPECT_EQ(chosen_word(""), "");
}

TEST(DemoMachine, EachObstacleDisqualifies) {
  Machine good{8, false, true, "2-7", "performance", "never", "unlimited", true, 0.0};
  EXPECT_TRUE(good.qualified(6));
  EXPECT_FALSE(good.qualified(9));
  for (const auto spoil :
       {+[](Machine& m) { m.hypervisor = true; }, +[](Machine& m) { m.invariant_tsc = false; },
        +[](Machine& m) { m.isolated.clear(); }, +[](Machine& m) { m.governor = "powersave"; },
        +[](Machine& m) { m.memlock_enough = false; }, +[](Machine& m) { m.steal_percent = 1; }}) {
    Machine bad = good;
    spoil(bad);
    EXPECT_EQ(bad.obstacles(6).size(), 1u);
  }
}

// A run as it should be.
Report good_report() {
  Report report;
  report.capture = {101, 100, 1, 2};
  report.tape_ended = report.drained = true;
  report.supervisor_exit = 0;
  Sample& s = report.sample;
  s.messages = 100;
  s.quotes = 80;
  s.trades = 15;
  s.statuses = 1;
  s.intents = 5;
  s.entries = 4;
  s.exits = 3;
  s.sent = s.fills = 6;
  TickFilm film{"risk", 79, 15, 1, 1, 1, 2};  // two dropped, the newest state sent behind the gap
  report.evidence.ticks = {film};
  report.evidence.intents = 5;
  report.evidence.orders = 7;
  report.evidence.fills = report.evidence.paper_fills = report.evidence.placed = 6;
  report.drill.done = report.drill.rearmed = report.drill.kill.complete = true;
  report.verify = {true, 0, ""};
  return report;
}

TEST(DemoReport, AGoodRunMeetsEveryExpectation) {
  const Report report = good_report();
  EXPECT_EQ(explained_gaps(report), 2u);
  EXPECT_EQ(unexplained_gaps(report), 0u);
  for (const Expectation& expectation : judge(report))
    EXPECT_TRUE(expectation.met) << expectation.text;
}

TEST(DemoReport, EachDefectFailsExactlyOneExpectation) {
  for (const auto spoil :
       {+[](Report& r) { r.sample.messages = 99; },
        +[](Report& r) { r.evidence.ticks[0].quotes = 78; },
        +[](Report& r) { r.drill.orders_after = 1; }, +[](Report& r) { r.drill.rearmed = false; },
        +[](Report& r) { r.drained = false; }, +[](Report& r) { r.evidence.placed = 5; },
        +[](Report& r) { r.deaths = 1; }, +[](Report& r) { r.supervisor_exit = 4; },
        +[](Report& r) { r.verify.code = 1; },
        +[](Report& r) { r.leftovers = {"sluice.demo.kill"}; }}) {
    Report report = good_report();
    spoil(report);
    const std::vector<Expectation> list = judge(report);
    EXPECT_EQ(std::count_if(list.begin(), list.end(), [](const Expectation& e) { return !e.met; }),
              1);
    EXPECT_FALSE(all_met(list));
  }
}

TEST(DemoTable, FitsIntoEightyByTwentyFour) {
  Sample sample;
  for (const Process p : kProcesses) {
    ProcessView view;
    view.process = p;
    view.inputs = {
        {"ticks", 99'999, 1u << 20}, {"reports", 99'999, 1u << 20}, {"intents", 99'999, 1u << 20}};
    if (sample.processes.size() < 6) sample.processes.push_back(view);
  }
  for (int i = 0; i < 40; ++i) sample.rejects.emplace_back("a_rather_long_reason", 1'000'000);
  Progress progress{41'248, 346, "12", std::string(200, 'x')};
  const std::vector<std::string> lines = table_lines(sample, sample, progress);
  EXPECT_LE(lines.size(), static_cast<std::size_t>(kRowsNeeded - 2));
  for (const std::string& line : lines)
    EXPECT_LT(line.size(), static_cast<std::size_t>(kColumns)) << line;
}

}  // namespace
}  // namespace sluice::demo
