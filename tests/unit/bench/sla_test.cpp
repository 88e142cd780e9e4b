// SLAs: every fault of a file at once and in its place, and a verdict row for every limit.
#include "bench/pipeline/sla.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr const char* kGood = R"([run]
rate_min = 100
bare_percent_max = 150

[[hop]]
name = "tick_to_sent"
p50_ns = 1000
p90_ns = 2000
p99_ns = 3000
p999_ns = 4000
count_min = 10
)";

std::string with(std::string text, const std::string& line, const std::string& instead) {
  const std::size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), instead);
}

std::vector<std::string> faults(const std::string& toml) {
  const config::Document document = config::Document::parse(toml, "sla.toml");
  static_cast<void>(parse_sla(document));
  std::vector<std::string> texts;
  for (const config::Fault& fault : document.faults())
    texts.push_back(std::to_string(fault.line) + ": " + fault.text);
  return texts;
}

std::vector<HopFigures> figures(std::int64_t p50, std::int64_t p999, std::uint64_t count) {
  return {{Hop::TickToSent, count, {p50, p50, p50, p999}, p999}};
}

TEST(Sla, TheShippedOneIsSoundAndLimitsEveryHop) {
  const Sla sla = load_sla(SLUICE_SOURCE_DIR "/conf/sla.toml");
  EXPECT_EQ(sla.hops.size(), kHops);
  EXPECT_EQ(sla.bare_percent_max, 150);
}

TEST(Sla, EveryFaultIsReportedAtOnceWithItsLine) {
  std::string bad = with(kGood, "\"tick_to_sent\"", "\"tick_to_moon\"");
  bad = with(bad, "p90_ns = 2000", "p90_ns = 0");
  bad = with(bad, "rate_min = 100", "rate_min = \"fast\"");
  bad += "p42_ns = 1\n";
  const std::vector<std::string> found = faults(bad);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_TRUE(found[0].starts_with("2: ")) << found[0];
  EXPECT_TRUE(found[1].starts_with("6: ")) << found[1];
  EXPECT_NE(found[1].find("tick_to_seat"), std::string::npos)
      << "names what there is: " << found[1];
  EXPECT_TRUE(found[2].starts_with("8: ")) << found[2];
  EXPECT_NE(found[3].find("p42_ns"), std::string::npos) << found[3];
}

TEST(Sla, LimitsThatFallAreAFault) {
  const std::vector<std::string> found = faults(with(kGood, "p99_ns = 3000", "p99_ns = 1999"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("must not be below p90_ns"), std::string::npos) << found[0];
  EXPECT_TRUE(faults(with(kGood, "p99_ns = 3000", "p99_ns = 2000")).empty()) << "equal is sound";
}

TEST(Sla, AHopWithTwoLimitsOrNoneAtAllIsAFault) {
  const std::string second = std::string(kGood).substr(std::string(kGood).find("[[hop]]"));
  EXPECT_EQ(faults(std::string(kGood) + second).size(), 1u);
  EXPECT_EQ(faults("[run]\nrate_min = 1\nbare_percent_max = 150\n").size(), 1u);
}

TEST(Sla, AFileThatIsNotThereIsAUsageError) {
  try {
    load_sla("no/such/sla.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Usage);
  }
}

TEST(Sla, EveryLimitIsARowAndItsBoundIsMet) {
  const Sla sla = parse_sla(config::Document::parse(kGood, "sla.toml"));
  EXPECT_TRUE(all_met(judge(sla, figures(1'000, 4'000, 10), 100)));
  EXPECT_FALSE(all_met(judge(sla, figures(1'001, 4'000, 10), 100)));
  EXPECT_FALSE(all_met(judge(sla, figures(1'000, 4'001, 10), 100)));
  EXPECT_FALSE(all_met(judge(sla, figures(1'000, 4'000, 9), 100)));
  EXPECT_FALSE(all_met(judge(sla, figures(1'000, 4'000, 10), 99.9)));
  EXPECT_EQ(judge(sla, figures(1, 1, 10), 100).size(), 6u);
}

TEST(Sla, AHopThatWasNotSeenIsMissed) {
  const Sla sla = parse_sla(config::Document::parse(kGood, "sla.toml"));
  EXPECT_FALSE(all_met(judge(sla, {}, 100)));
  EXPECT_FALSE(all_met(judge_latency(sla, figures(0, 0, 0))));
  EXPECT_TRUE(all_met(judge_latency(sla, figures(1, 1, 1)))) << "few are enough for a step";
}

}  // namespace
}  // namespace sluice::bench
