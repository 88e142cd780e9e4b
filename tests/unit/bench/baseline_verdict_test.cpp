// Two documents judged: the exit code and what the table says of every way to end.
#include "bench/baseline/verdict.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice::bench {
namespace {

Document with(double a, double b) {
  Document document;
  document.build = "x";
  document.machine = {{"cpu", "one"}, {"kernel", "6.1"}};
  for (const auto& [name, value] : {std::pair{"s.a", a}, std::pair{"s.b", b}})
    document.series.push_back({{.name = name, .unit = "ns"}, std::vector<Run>(7, Run(3, value))});
  return document;
}
// Half of its runs are far from the others: neither shown nor excluded.
Document with_noise() {
  Document document = with(100, 100);
  for (std::size_t run = 0; run < 3; ++run) document.series[1].runs[run] = Run(3, 130);
  return document;
}
Comparison apart(const Document& before, const Document& after) {
  return judge(before, after, Taken::Apart, {});
}
bool says(const Comparison& comparison, const char* words) {
  const std::string text = table(comparison, {});
  if (text.find(words) != std::string::npos) return true;
  ADD_FAILURE() << "does not say '" << words << "':\n" << text;
  return false;
}

TEST(Verdict, TheExitCodeIsTheWorstOfAllMetrics) {
  EXPECT_EQ(exit_of(apart(with(100, 100), with(100, 105))), Exit::Ok);
  EXPECT_EQ(exit_of(apart(with(100, 100), with(80, 100))), Exit::Ok);
  EXPECT_EQ(exit_of(apart(with(100, 100), with(100, 115))), Exit::No);
  EXPECT_EQ(exit_of(apart(with(100, 100), with_noise())), Exit::Unqualified);
  Document both = with_noise();
  both.series[0] = with(115, 0).series[0];
  EXPECT_EQ(exit_of(apart(with(100, 100), both)), Exit::No);
  EXPECT_EQ(exit_of(judge(with(100, 100), with(100, 115), Taken::InTurns, {})), Exit::No);
}

TEST(Verdict, IsSaidInWords) {
  says(apart(with(100, 100), with(100, 105)), "no regression above +10.0 %");
  says(apart(with(100, 100), with(100, 115)), "REGRESSION above +10.0 %");
  says(apart(with(100, 100), with(100, 160)), "REGRESSION of rollback class (+50.0 % and more)");
  const Comparison noisy = apart(with(100, 100), with_noise());
  says(noisy, "s.b: undecided: ");
  says(noisy, "more run");
  says(noisy, "cannot be judged");
}

TEST(Verdict, WhatIsNotJudgedMakesNoRegression) {
  Document before = with(100, 100);
  Document after = with(100, 300);
  before.series[1].metric.role = after.series[1].metric.role = Role::Shown;
  EXPECT_EQ(exit_of(apart(before, after)), Exit::Ok);
  says(apart(before, after), "not judged");
}

TEST(Verdict, OfAnotherMachineIsNone) {
  for (const double after : {100.0, 200.0}) {
    Document other = with(100, after);
    other.machine[1].value = "6.5";
    EXPECT_EQ(exit_of(apart(with(100, 100), other)), Exit::Unqualified);
    says(apart(with(100, 100), other), "not alike: kernel: 6.1 there, 6.5 here");
  }
  Document moved = with(100, 100);
  moved.cpus.mine = 3;
  EXPECT_EQ(exit_of(apart(with(100, 100), moved)), Exit::Unqualified);
}

TEST(Verdict, PlainTimeIsJudgedInTurnsAndYardsticksApart) {
  for (const auto& [role, taken, other] :
       {std::tuple{Role::JudgedInTurns, Taken::InTurns, Taken::Apart},
        std::tuple{Role::JudgedApart, Taken::Apart, Taken::InTurns}}) {
    Document before = with(100, 100);
    Document after = with(100, 115);
    before.series[1].metric.role = after.series[1].metric.role = role;
    EXPECT_EQ(exit_of(judge(before, after, taken, {})), Exit::No);
    EXPECT_EQ(exit_of(judge(before, after, other, {})), Exit::Ok);
  }
}

TEST(Verdict, UnderOtherConditionsIsNone) {
  const auto beside = [](double neighbour, double value) {
    Document document = with(value, neighbour);
    document.series[1].metric.role = Role::Condition;
    return document;
  };
  EXPECT_EQ(exit_of(apart(beside(4, 100), beside(4.2, 100))), Exit::Ok);
  EXPECT_EQ(exit_of(apart(beside(4, 100), beside(4.2, 115))), Exit::No);
  for (const double value : {100.0, 115.0}) {
    EXPECT_EQ(exit_of(apart(beside(4, 100), beside(4.6, value))), Exit::Unqualified);
    EXPECT_EQ(exit_of(apart(beside(4.6, 100), beside(4, value))), Exit::Unqualified);
  }
  EXPECT_EQ(exit_of(judge(beside(4, 100), beside(6, 100), Taken::InTurns, {})), Exit::Ok);
  says(apart(beside(4, 100), beside(6, 100)), "s.b: 4 before, 6 after: somebody else");
}

TEST(Verdict, AMetricThatIsGoneCannotPass) {
  Document less = with(100, 100);
  less.series.pop_back();
  EXPECT_EQ(exit_of(apart(with(100, 100), less)), Exit::Unqualified);
  says(apart(with(100, 100), less), "s.b: is not measured any more");
  EXPECT_EQ(exit_of(apart(less, with(100, 100))), Exit::Ok);
  says(apart(less, with(100, 100)), "s.b: is new");
  Document slower = with(115, 100);
  slower.series.pop_back();
  EXPECT_EQ(exit_of(apart(with(100, 100), slower)), Exit::No);
  EXPECT_EQ(exit_of(apart({}, with(100, 100))), Exit::Unqualified);
}

TEST(Verdict, ConditionsThatDifferAreNoted) {
  Document after = with(100, 100);
  after.compiler = "14";
  after.slowed_percent = 15;
  says(apart(with(100, 100), after), "compiler: ");
  says(apart(with(100, 100), after), "after: slowed down on purpose by 15 %");
}

TEST(Verdict, JsonSaysTheSame) {
  const Document before = with(100, 100);
  const Document after = with(100, 160);
  simdjson::dom::parser parser;
  const simdjson::dom::element root =
      parser.parse(to_json(apart(before, after), before, after, {}));
  EXPECT_EQ(std::int64_t(root["exit"]), 1);
  const simdjson::dom::element metric = root["metrics"].at(1);
  EXPECT_EQ(std::string_view(metric["name"]), "s.b");
  EXPECT_EQ(std::string_view(metric["verdict"]), "rollback");
  EXPECT_NEAR(double(metric["change"]), 0.6, 1e-9);
  EXPECT_EQ(std::int64_t(metric["runs"]), 7);
}

}  // namespace
}  // namespace sluice::bench
