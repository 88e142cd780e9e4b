// What people and programs read: pictures and JSON are well-formed whatever was measured.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <sstream>

#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/placement.hpp"
#include "bench/pipeline/session.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

Measured measured(bool empty = false) {
  Measured m;
  m.setting = {"latency", {"cpu.\"quoted\": <odd> & \\"}, {0, 0, 1, 1, 1}, "yield", {}, "synthetic",
               "b"};
  m.sent.ticks = 20'000;
  m.seconds = 2;
  m.rate = 10'000;
  m.spans.rejects["risk:open_orders"] = 3;
  for (std::size_t hop = 0; hop < kHops && !empty; ++hop)
    for (std::int64_t i = 1; i <= 10'000; ++i)
      m.spans.ns[hop].push_back(static_cast<std::int64_t>(hop + 1) * 700 + i * i / 50);
  m.hops = figures_of(m.spans);
  return m;
}

// Every tag that is opened is closed, in order; text holds no bare < or &.
std::string not_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = xml.find('<', at)) != std::string::npos;) {
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return "a tag without end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    const std::string name =
        tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" \n/", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return "closes " + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    if (tag.find("nan") != std::string::npos || tag.find("inf") != std::string::npos) return tag;
  }
  return open.empty() ? "" : "open: " + open.back();
}

std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (c & 0xc0) != 0x80 ? 1u : 0u;
  return count;
}

TEST(Svg, IsWellFormedAndNamesItsAxesAndLines) {
  for (const bool empty : {false, true}) {
    const Measured m = measured(empty);
    const std::string svg = svg_of("a <b> & c", setting_lines(m.setting), curves_of(m.spans));
    EXPECT_EQ(not_well_formed(svg), "");
    for (const std::string_view text : {"percentile", "latency", "tick_to_sent", "99.9",
                                        "prefers-color-scheme:dark", "a &lt;b&gt; &amp; c"})
      EXPECT_NE(svg.find(text), std::string::npos) << text;
  }
}

TEST(Svg, TheCheckSeesWhatIsWrong) {
  EXPECT_NE(not_well_formed("<svg><a></svg>"), "");
  EXPECT_NE(not_well_formed("<svg>"), "");
}

TEST(Curve, RisesAndReachesTheMaximum) {
  const Curve curve = curve_of("x", measured().spans.ns[0]);
  ASSERT_GT(curve.points.size(), 50u);
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    EXPECT_GT(curve.points[i].part, curve.points[i - 1].part);
    EXPECT_GE(curve.points[i].ns, curve.points[i - 1].ns);
  }
  EXPECT_EQ(curve.points.back().ns, measured().spans.ns[0].back());
  EXPECT_TRUE(curve_of("none", {}).points.empty());
}

TEST(Bars, FitEightyColumnsAndDegradeToAscii) {
  for (const bool terminal : {true, false}) {
    std::istringstream lines(bars_of(measured().hops, terminal));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_LE(columns(line), 80u) << line;
      const bool ascii =
          std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
      EXPECT_TRUE(terminal || ascii) << line;
    }
    EXPECT_EQ(count, kHops + 2);
  }
  EXPECT_NE(bars_of(measured(true).hops, false), "");
}

TEST(Json, IsWellFormedAndHoldsEveryHopAndRow) {
  const Sla sla = load_sla(SLUICE_SOURCE_DIR "/conf/sla.toml");
  for (const bool empty : {false, true}) {
    const Measured m = measured(empty);
    const std::vector<SlaRow> rows = judge(sla, m.hops, m.rate);
    const std::string text = json_of(m, rows, "\"bare\": {\"p50_ns\": 1}");
    simdjson::dom::parser parser;
    simdjson::dom::element json;
    ASSERT_EQ(parser.parse(text).get(json), simdjson::SUCCESS) << text;
    EXPECT_EQ(json["hops"].get_array().size(), kHops);
    EXPECT_EQ(json["sla"].get_array().size(), rows.size());
    EXPECT_EQ(json["qualified"].get_bool().value(), false);
    EXPECT_EQ(json["ticks"].get_uint64().value(), 20'000u);
    EXPECT_EQ(json["bare"]["p50_ns"].get_uint64().value(), 1u);
  }
}

TEST(Table, NamesTheMachineAndEveryHop) {
  const std::string table = table_of(measured());
  EXPECT_NE(table.find("UNQUALIFIED: cpu."), std::string::npos) << table;
  EXPECT_NE(table.find("3 risk:open_orders"), std::string::npos) << table;
  for (const std::string_view hop : kHopNames) EXPECT_NE(table.find(hop), std::string::npos);
}

TEST(Verdict, NamesWhatWasMissedAndIsMarked) {
  const std::vector<SlaRow> rows{{"a", 10, 11}, {"b", 10, 10}, {"c", 10, 9, true}};
  const std::string text = verdict_of(rows, false);
  EXPECT_NE(text.find("missed (UNQUALIFIED): 2 of 3"), std::string::npos) << text;
  EXPECT_EQ(text.find("missed  b"), std::string::npos) << text;
  EXPECT_NE(verdict_of({{"b", 10, 10}}, true).find("SLA met: 1 rows"), std::string::npos);
}

TEST(ExitCode, FollowsTheRowsOnlyIfTheMachineCounts) {
  Session strict, relaxed;
  relaxed.unqualified_ok = true;
  Setting fit, unfit;
  unfit.unfit = {"x"};
  EXPECT_EQ(exit_of(strict, fit, true), Exit::Ok);
  EXPECT_EQ(exit_of(strict, fit, false), Exit::No);
  EXPECT_EQ(exit_of(strict, unfit, true), Exit::Unqualified);
  EXPECT_EQ(exit_of(strict, unfit, false), Exit::Unqualified);
  EXPECT_EQ(exit_of(relaxed, unfit, true), Exit::Ok);
  EXPECT_EQ(exit_of(relaxed, unfit, false), Exit::No);
}

TEST(Placement, NeighboursShareWhereStagesOutnumberCpus) {
  const auto text = [](const std::vector<int>& cpus) { return placement_text(place(cpus)); };
  EXPECT_EQ(text({3}), "feed 3, strategy 3, risk 3, gateway 3, recorder 3");
  EXPECT_EQ(text({0, 1}), "feed 0, strategy 0, risk 1, gateway 1, recorder 1");
  EXPECT_EQ(text({0, 1, 2}), "feed 0, strategy 0, risk 1, gateway 1, recorder 2");
  EXPECT_EQ(text({4, 5, 6, 7}), "feed 4, strategy 5, risk 6, gateway 7, recorder 7");
  EXPECT_EQ(text({4, 5, 6, 7, 8, 9}), "feed 4, strategy 5, risk 6, gateway 7, recorder 8");
}

TEST(Placement, AListOfCpusIsReadOrRefused) {
  const int cpu = allowed_cpus().front();
  EXPECT_EQ(parse_cpus(std::to_string(cpu)), std::vector<int>{cpu});
  EXPECT_EQ(parse_cpus(std::to_string(cpu) + "-" + std::to_string(cpu)), std::vector<int>{cpu});
  const std::string twice = std::to_string(cpu) + "," + std::to_string(cpu);
  for (const std::string& wrong :
       {std::string("x"), std::string(), std::string("1-"), std::string("-1"), std::string("2-1"),
        std::string("1023"), std::string("9999999"), twice})
    EXPECT_THROW(parse_cpus(wrong), Error) << wrong;
}

}  // namespace
}  // namespace sluice::bench
