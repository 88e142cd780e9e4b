// The shared sections of the configuration: values, indices, relations and where their faults
// stand.
#include "core/pipeline.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace sluice {
namespace {

constexpr std::string_view kGood = R"([instance]
name = "demo"
mode = "PAPER"
state_dir = "/var/lib/sluice/demo"

[market]
rate = "1"

[rings]
ticks = 4096
orders = 512
reports = 256
intents = 128
journal = 65536

[[instrument]]
name = "BTCUSDT"
venue_symbol = "BTCUSDT"
tick = "0.01"
lot = "0.00001"
freeze = "100"

[[instrument]]
name = "NIFTY-24.C"
venue_symbol = "NSE_FNO:49081"
tick = "0.05"
lot = "75"
freeze = "1800"

[[strategy]]
name = "momentum_buying"
kind = "momentum"
seat = 2
priority = 10
instruments = ["NIFTY-24.C", "BTCUSDT"]
[strategy.parameters]
threshold = "0.004"

[process.feed]
cpu = 1
wait = "yield"
[process.seat2]
cpu = -1

[feed]
anything = 1
[gateway.deep]
anything = 1
)";

// The good file with one piece replaced. The piece must occur.
std::string with(std::string_view piece, std::string_view replacement) {
  std::string text(kGood);
  const std::size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), replacement);
}

std::vector<std::string> faults_of(std::string_view text) {
  const auto document = config::Document::parse(text, "f");
  (void)parse_pipeline(document);
  std::vector<std::string> out;
  for (const config::Fault& fault : document.faults())
    out.push_back(std::to_string(fault.line) + ":" + std::to_string(fault.column) + ": " +
                  fault.text);
  return out;
}

using Lines = std::vector<std::string>;

TEST(Pipeline, ReadsEverySection) {
  const auto document = config::Document::parse(kGood, "f");
  const PipelineConfig config = parse_pipeline(document);
  EXPECT_EQ(faults_of(kGood), Lines{});
  EXPECT_EQ(config.instance, "demo");
  EXPECT_EQ(config.mode, Mode::Paper);
  EXPECT_EQ(config.state_dir, "/var/lib/sluice/demo");
  EXPECT_EQ(config.rate_ppm, 1'000'000);
  ASSERT_EQ(config.instruments.size(), 2u);
  EXPECT_EQ(config.instruments[0].tick.raw, 1'000'000);
  EXPECT_EQ(config.instruments[1].lot, Qty::whole(75));
  EXPECT_EQ(config.instruments[1].venue_symbol, "NSE_FNO:49081");
  ASSERT_EQ(config.strategies.size(), 1u);
  const StrategyEntry& strategy = config.strategies[0];
  EXPECT_EQ(strategy.kind, "momentum");
  EXPECT_EQ(strategy.priority, 10u);
  EXPECT_EQ(strategy.instruments, (std::vector<InstrumentIndex>{1, 0}));
  EXPECT_EQ(strategy.parameters.fraction("threshold", "0", "1").raw, 4'000);
  EXPECT_TRUE(config.seat_taken(2));
  EXPECT_FALSE(config.seat_taken(0));
  EXPECT_EQ(config.process(Process::Feed).cpu, 1);
  EXPECT_EQ(config.process(Process::Feed).wait, WaitStrategy::Yield);
  EXPECT_EQ(config.process(seat_process(2)).cpu, -1);
  EXPECT_EQ(config.process(Process::Risk).wait, WaitStrategy::Auto);
}

TEST(Pipeline, MapsCapacitiesByRecord) {
  PipelineConfig config;
  EXPECT_EQ(config.capacity(*edge_info(Edge::FeedRisk)), edge_info(Edge::FeedRisk)->capacity);
  config = parse_pipeline(config::Document::parse(kGood, "f"));
  EXPECT_EQ(config.capacity(*edge_info(Edge::FeedRisk)), 4096u);
  EXPECT_EQ(config.capacity(*edge_info(Edge::RiskGateway)), 512u);
  EXPECT_EQ(config.capacity(*edge_info(Edge::GatewayRisk)), 256u);
  EXPECT_EQ(config.capacity(*edge_info(seat_risk(3))), 128u);
  EXPECT_EQ(config.journal_ring, 65536u);
}

TEST(Pipeline, ReadsEveryModeAndRate) {
  const auto parse = [](const std::string& text) {
    return parse_pipeline(config::Document::parse(text, "f"));
  };
  EXPECT_EQ(parse(with("PAPER", "SHADOW")).mode, Mode::Shadow);
  EXPECT_EQ(parse(with("PAPER", "LIVE")).mode, Mode::Live);
  EXPECT_EQ(parse(with("rate = \"1\"", "rate = \"12\"")).rate_ppm, 12'000'000);
  EXPECT_EQ(parse(with("rate = \"1\"", "rate = \"0\"")).rate_ppm, 0);
  EXPECT_EQ(parse(with("rate = \"1\"", "rate = \"0.5\"")).rate_ppm, 500'000);
  EXPECT_EQ(faults_of(with("rate = \"1\"", "rate = \"-1\"")).size(), 1u);
}

TEST(Pipeline, RingsArePowersOfTwoWithinBounds) {
  EXPECT_EQ(faults_of(with("ticks = 4096", "ticks = 2")), Lines{});
  EXPECT_EQ(faults_of(with("ticks = 4096", "ticks = 1048576")), Lines{});
  EXPECT_EQ(faults_of(with("ticks = 4096", "ticks = 0")),
            Lines{"10:9: rings.ticks: expected an integer from 2 to 1048576, got 0"});
  EXPECT_EQ(faults_of(with("ticks = 4096", "ticks = 2097152")).size(), 1u);
  EXPECT_EQ(faults_of(with("ticks = 4096", "ticks = 4095")),
            Lines{"10:9: rings.ticks: expected a power of two, got 4095"});
  EXPECT_EQ(faults_of(with("journal = 65536\n", "")),
            Lines{"9:1: rings.journal: expected an integer from 64 to 1048576, got no such key"});
}

TEST(Pipeline, ChecksNames) {
  EXPECT_EQ(faults_of(with("\"demo\"", "\"" + std::string(20, 'a') + "\"")), Lines{});
  EXPECT_EQ(faults_of(with("\"demo\"", "\"" + std::string(21, 'a') + "\"")).size(), 1u);
  EXPECT_EQ(faults_of(with("\"demo\"", "\"De mo\"")),
            Lines{"2:8: instance.name: expected 1 to 20 characters of a-z 0-9 _ -, got \"De mo\""});
  EXPECT_EQ(faults_of(with("\"demo\"", "\"\"")).size(), 1u);
  EXPECT_EQ(
      faults_of(with("name = \"momentum_buying\"", "name = \"" + std::string(23, 'z') + "\"")),
      Lines{});
  EXPECT_EQ(faults_of(with("name = \"momentum_buying\"", "name = \"" + std::string(24, 'z') + "\""))
                .size(),
            1u);
  EXPECT_EQ(faults_of(with("venue_symbol = \"BTCUSDT\"", "venue_symbol = \"BTC USDT\"")).size(),
            1u);
  EXPECT_EQ(faults_of(with("state_dir = \"/var/lib/sluice/demo\"", "state_dir = \"\"")),
            Lines{"4:13: instance.state_dir: expected a directory, got \"\""});
}

TEST(Pipeline, NamesAndSymbolsAreUnique) {
  EXPECT_EQ(faults_of(with("\"NIFTY-24.C\"\nvenue", "\"BTCUSDT\"\nvenue")),
            (Lines{"24:8: instrument[1].name: expected a name of its own, got \"BTCUSDT\" as in "
                   "instrument[0]",
                   "35:16: strategy[0].instruments[0]: expected the name of an [[instrument]], got "
                   "\"NIFTY-24.C\""}));
  EXPECT_EQ(faults_of(with("NSE_FNO:49081", "BTCUSDT")).size(), 1u);
  const std::string twice = R"([[strategy]]
name = "momentum_buying"
kind = "momentum"
seat = 0
priority = 1
instruments = ["BTCUSDT"]
[strategy.parameters]

[process.feed])";
  EXPECT_EQ(faults_of(with("[process.feed]", twice)),
            Lines{"40:8: strategy[1].name: expected a name of its own, got \"momentum_buying\" as "
                  "in strategy[0]"});
}

TEST(Pipeline, FreezeIsAMultipleOfLot) {
  EXPECT_EQ(faults_of(with("freeze = \"1800\"", "freeze = \"75\"")), Lines{});
  EXPECT_EQ(faults_of(with("freeze = \"1800\"", "freeze = \"1801\"")),
            Lines{"28:10: instrument[1].freeze: expected a multiple of lot (75), got 1801"});
  EXPECT_EQ(faults_of(with("freeze = \"1800\"", "freeze = \"0.00000001\"")).size(), 1u)
      << "below one lot";
  EXPECT_EQ(faults_of(with("freeze = \"1800\"", "freeze = \"0\"")).size(), 1u) << "no second fault";
  EXPECT_EQ(faults_of(with("lot = \"75\"", "lot = \"0\"")).size(), 1u);
  EXPECT_EQ(faults_of(with("tick = \"0.05\"", "tick = \"0\"")).size(), 1u);
  EXPECT_EQ(faults_of(with("tick = \"0.05\"", "tick = 0.05")).size(), 1u);
}

TEST(Pipeline, StrategiesNameKnownInstrumentsOnce) {
  EXPECT_EQ(faults_of(with(", \"BTCUSDT\"]", ", \"ETHUSDT\"]")),
            Lines{"35:30: strategy[0].instruments[1]: expected the name of an [[instrument]], got "
                  "\"ETHUSDT\""});
  EXPECT_EQ(faults_of(with(", \"BTCUSDT\"]", ", \"NIFTY-24.C\"]")),
            Lines{"35:30: strategy[0].instruments[1]: expected each instrument once, got "
                  "\"NIFTY-24.C\" again"});
  EXPECT_EQ(faults_of(with("[\"NIFTY-24.C\", \"BTCUSDT\"]", "[]")).size(), 1u);
  EXPECT_EQ(faults_of(with("[strategy.parameters]\nthreshold = \"0.004\"\n", "")),
            Lines{"30:1: strategy[0].parameters: expected a table, got no such key"});
}

TEST(Pipeline, SeatsHaveBounds) {
  EXPECT_EQ(faults_of(with("seat = 2", "seat = 7")), Lines{});
  EXPECT_EQ(faults_of(with("seat = 2", "seat = 8")).size(), 1u);
  EXPECT_EQ(faults_of(with("seat = 2", "seat = -1")).size(), 1u);
}

TEST(Pipeline, ProcessesAreOptionalAndChecked) {
  const std::string none =
      with("[process.feed]\ncpu = 1\nwait = \"yield\"\n[process.seat2]\ncpu = -1\n", "");
  EXPECT_EQ(faults_of(none), Lines{});
  EXPECT_EQ(faults_of(with("cpu = -1", "cpu = 1023")), Lines{});
  EXPECT_EQ(faults_of(with("cpu = -1", "cpu = 1024")).size(), 1u);
  EXPECT_EQ(faults_of(with("cpu = -1", "cpu = -2")).size(), 1u);
  EXPECT_EQ(faults_of(with("wait = \"yield\"", "wait = \"sleep\"")).size(), 1u);
  EXPECT_EQ(faults_of(with("[process.seat2]", "[process.seat8]")),
            Lines{"42:10: process.seat8: unknown table (did you mean seat0?)"});
  EXPECT_EQ(faults_of(with("cpu = -1", "cpus = 1")),
            Lines{"43:1: process.seat2.cpus: unknown key (did you mean cpu?)"});
}

TEST(Pipeline, AccessIsAbsentOrWhole) {
  const std::string good =
      std::string(kGood) +
      "[access]\nsupervisor = \"s\"\nfeed = \"f\"\nstrategy = \"st\"\nrisk = \"r\"\n"
      "gateway = \"g\"\nrecorder = \"64006\"\nreaders = \"rd\"\nkill = \"k\"\nadmin = \"a\"\n";
  const auto faults_with = [&](const std::string& line, const std::string& other) {
    std::string text = good;
    const std::size_t at = text.find("\n" + line + "\n");
    EXPECT_NE(at, std::string::npos) << line;
    return faults_of(text.replace(at + 1, line.size(), other));
  };
  EXPECT_EQ(faults_of(good), Lines{});
  const auto read = parse_pipeline(config::Document::parse(good, "f"));
  ASSERT_TRUE(read.access.has_value());
  EXPECT_EQ((*read.access)[Role::Recorder], "64006");
  EXPECT_FALSE(parse_pipeline(config::Document::parse(kGood, "f")).access.has_value());
  EXPECT_EQ(faults_with("risk = \"r\"", "").size(), 1u) << "every key is required";
  EXPECT_EQ(faults_with("risk = \"r\"", "risk = \"st\""), Lines{}) << "stages may share a user";
  for (const std::string role : {"feed = \"f\"", "strategy = \"st\"", "risk = \"r\"",
                                 "gateway = \"g\"", "recorder = \"64006\""}) {
    const std::string key = role.substr(0, role.find(' '));
    EXPECT_EQ(faults_with(role, key + " = \"s\"").size(), 1u) << key << " as the supervisor";
  }
  EXPECT_EQ(faults_with("kill = \"k\"", "kill = \"rd\"").size(), 1u);
  EXPECT_EQ(faults_with("admin = \"a\"", "admin = \"k\"").size(), 1u);
  EXPECT_EQ(faults_with("admin = \"a\"", "admin = \"rd\"").size(), 1u);
  EXPECT_EQ(faults_with("admin = \"a\"", "admin = \"a b\"").size(), 1u);
}

TEST(Pipeline, ParametersNobodyReadsAreNotUnknown) {
  const auto document = config::Document::parse(kGood, "f");
  const PipelineConfig config = parse_pipeline(document);
  EXPECT_TRUE(document.faults().empty());
  EXPECT_FALSE(config.strategies[0].parameters.has("other"));
  ASSERT_EQ(document.faults().size(), 1u) << "once the strategy reads, its table is checked";
  EXPECT_EQ(document.faults()[0].text, "strategy[0].parameters.threshold: unknown key");
}

TEST(Pipeline, TablesHaveBounds) {
  const auto file = [](std::size_t instruments, std::size_t strategies) {
    std::string text =
        "[instance]\nname = \"x\"\nmode = \"PAPER\"\nstate_dir = \"s\"\n[market]\nrate = \"1\"\n"
        "[rings]\nticks = 2\norders = 2\nreports = 2\nintents = 2\njournal = 64\n";
    for (std::size_t i = 0; i < instruments; ++i) {
      const std::string name = "\"I" + std::to_string(i) + "\"";
      text += "[[instrument]]\nname = " + name + "\nvenue_symbol = " + name +
              "\ntick = \"1\"\nlot = \"1\"\nfreeze = \"1\"\n";
    }
    for (std::size_t i = 0; i < strategies; ++i) {
      text += "[[strategy]]\nname = \"s" + std::to_string(i) +
              "\"\nkind = \"k\"\nseat = 0\npriority = 0\ninstruments = "
              "[\"I0\"]\n[strategy.parameters]\n";
    }
    return text;
  };
  EXPECT_EQ(faults_of(file(kMaxInstruments, kMaxStrategies)), Lines{});
  EXPECT_EQ(faults_of(file(kMaxInstruments + 1, 1)),
            Lines{"1549:1: instrument[256]: expected at most 256 instruments, got 257"});
  const auto strategies = faults_of(file(1, kMaxStrategies + 1));
  ASSERT_EQ(strategies.size(), 1u);
  EXPECT_TRUE(strategies[0].ends_with("strategy[32]: expected at most 32 strategies, got 33"));
  EXPECT_EQ(faults_of(file(0, 0)),
            Lines{"1:1: instrument: expected at least one [[instrument]], got none"});
}

TEST(Pipeline, AnEmptyTextMissesEverySection) {
  EXPECT_EQ(faults_of("# nothing\n").size(), 4u) << "instance, market, rings, instrument";
}

}  // namespace
}  // namespace sluice
