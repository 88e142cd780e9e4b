// A capture through the live code: the same bytes each time, an account that adds up, every seat
// and instrument, parts of the tape, and what is said of captures and configurations that do not
// fit.
#include "tools/replay/capture_run.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/error.hpp"
#include "tests/support/names.hpp"
#include "tools/replay/run_print.hpp"
#include "tools/venue/tape.hpp"

namespace sluice::replay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCapture = SLUICE_SOURCE_DIR "/tests/data/binance_spot_btcusdt_20240808.gz";
constexpr const char* kDemo = SLUICE_SOURCE_DIR "/conf/demo.toml";

std::string text_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

RunConfig config_of(const std::string& toml) {
  return parse_run_config(config::Document::parse(toml, "demo.toml"));
}

RunResult play(const venue::Tape& tape, const std::string& toml, std::size_t from = 1,
               std::size_t to = 0) {
  return run_tape(tape, venue::part_of(tape, from, to, 0), config_of(toml));
}

const venue::Tape& recorded() {
  static const venue::Tape kTape = venue::Tape::load(kCapture);
  return kTape;
}

// The lively part that the end-to-end test of speeds plays, too.
RunResult play_lively(const std::string& toml) {
  return run_tape(recorded(), venue::part_of(recorded(), 26'619, 0, 56), config_of(toml));
}

std::vector<Payload> decisions(const RunResult& result) {
  std::vector<Payload> made;
  for (Intent intent : result.intents) {
    intent.origin = intent.decided_at = {};
    made.push_back(to_payload(intent));
  }
  return made;
}

TEST(CaptureRun, TwoRunsAreTheSameToTheLastByte) {
  const RunOptions options{.capture = kCapture, .conf = kDemo};
  const RunResult first = run_capture(options);
  const RunResult second = run_capture(options);
  EXPECT_EQ(text_of(first), text_of(second));
  EXPECT_EQ(json_of(first), json_of(second));
  EXPECT_EQ(trades_csv_of(first), trades_csv_of(second));
  ASSERT_EQ(first.intents.size(), second.intents.size());
  for (std::size_t i = 0; i < first.intents.size(); ++i)
    EXPECT_EQ(to_payload(first.intents[i]), to_payload(second.intents[i])) << "host times as well";
  // And it was worth comparing: what the tape holds stands in tests/data/README.md.
  EXPECT_EQ(first.messages, 41'248u);
  EXPECT_EQ(first.quotes, 28'040u);
  EXPECT_EQ(first.trade_ticks, 9'757u);
  EXPECT_EQ(first.gaps + first.dropped, 0u);
  EXPECT_TRUE(first.refused_messages.empty());
  EXPECT_TRUE(first.warnings.empty());
  EXPECT_GT(first.intents.size(), 10u);
  EXPECT_GT(first.trades.size(), 10u);
  EXPECT_EQ(first.message_ns.size(), first.messages);
}

TEST(CaptureRun, TheAccountAddsUp) {
  const RunResult result = play_lively(text_of_file(kDemo));
  ASSERT_GT(result.trades.size(), 3u);
  Notional all{};
  Notional ended{};
  Notional worst{};
  Notional peak{};
  std::uint64_t fills = 0;
  for (const Trade& trade : result.trades) {
    all += trade.pnl;
    fills += trade.fills;
    if (trade.open()) continue;
    ended += trade.pnl;
    peak = std::max(peak, ended);
    worst = std::max(worst, peak - ended);
    EXPECT_TRUE(trade.ended_by == OrderKind::StopLoss || trade.ended_by == OrderKind::TakeProfit);
    EXPECT_LE(trade.entered_at, trade.ended_at);
  }
  EXPECT_EQ(all, result.realised + result.open);
  EXPECT_EQ(fills, result.fills);
  EXPECT_GE(result.max_drawdown, worst) << "at least what ended trades alone have shown";
  EXPECT_GT(result.max_drawdown, Notional{});
  std::uint64_t refused = 0;
  for (const Count& count : result.rejects) refused += count.n;
  EXPECT_EQ(result.intents.size(), result.entries + refused) << "each intent has one fate";
  std::uint64_t exits = 0;
  for (const Count& count : result.exits_by_kind) exits += count.n;
  EXPECT_LE(exits, result.exits) << "an exit may need more than one order";
  EXPECT_GT(exits, 0u);
}

TEST(CaptureRun, DecidesTheSameAtAnyRate) {
  const std::string demo = text_of_file(kDemo);
  const RunResult fast = play_lively(demo);
  const RunResult slow = play_lively(replaced(demo, "rate = \"12\"", "rate = \"1\""));
  const RunResult untimed = play_lively(replaced(demo, "rate = \"12\"", "rate = \"0\""));
  ASSERT_GT(fast.intents.size(), 5u);
  EXPECT_EQ(decisions(fast), decisions(slow));
  EXPECT_EQ(decisions(fast), decisions(untimed));
  EXPECT_NE(decisions(fast),
            decisions(play_lively(replaced(demo, "window_s = 5", "window_s = 7"))));
  const auto host = [](const RunResult& result) {
    return result.intents.back().decided_at - result.intents.front().decided_at;
  };
  EXPECT_GT(host(slow), host(fast)) << "host time is the capture's by the rate";
  EXPECT_NEAR(static_cast<double>(host(slow).ns) / static_cast<double>(host(fast).ns), 12.0, 0.01);
}

// Without bookTicker a quote is a change of the book's top: the snapshots must be answered, also in
// the middle of the tape, where the recorded one is long past.
TEST(CaptureRun, TheBookGetsItsSnapshotWhereverTheTapeBegins) {
  const std::string demo =
      replaced(text_of_file(kDemo), "\"trade\", \"bookTicker\", ", "\"trade\", ");
  for (const std::size_t from : {std::size_t{1}, std::size_t{20'000}}) {
    const RunResult result = play(recorded(), demo, from, from + 4'000);
    EXPECT_GT(result.quotes, 50u) << "from line " << from;
    EXPECT_EQ(result.gaps, 0u);
  }
}

// ---- a market of two instruments, made up

class Market {
 public:
  Market& quote(const std::string& symbol, int cents) {
    line(symbol + "@bookTicker", "{\"u\":" + std::to_string(++id_) + ",\"s\":\"" + upper(symbol) +
                                     "\",\"b\":\"" + money(cents) +
                                     "\",\"B\":\"9.00000000\",\"a\":\"" + money(cents + 1) +
                                     "\",\"A\":\"9.00000000\"}");
    return *this;
  }
  Market& trade(const std::string& symbol, int cents, int skip = 0) {
    int& id = trades_[symbol];
    id += 1 + skip;
    const std::string ms = std::to_string(1'700'000'000'000 + now_ms_);
    line(symbol + "@trade", "{\"e\":\"trade\",\"E\":" + ms + ",\"s\":\"" + upper(symbol) +
                                "\",\"t\":" + std::to_string(id) + ",\"p\":\"" + money(cents) +
                                "\",\"q\":\"0.10000000\",\"T\":" + ms + ",\"m\":false,\"M\":true}");
    return *this;
  }
  Market& pass(int ms) {
    now_ms_ += ms;
    return *this;
  }
  // Calm for 7 s, then one trade above everything before, and a quote that an entry may meet.
  Market& breakout(const std::string& symbol, int cents) {
    for (int i = 0; i < 70; ++i) quote(symbol, cents).trade(symbol, cents).pass(100);
    quote(symbol, cents + 2).trade(symbol, cents + 2).pass(100);
    return quote(symbol, cents + 2);
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] venue::Tape tape() const { return venue::Tape::parse(text_, "made up"); }

 private:
  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    return text;
  }
  static std::string money(int cents) {
    return std::to_string(cents / 100) + "." + std::to_string(100 + cents % 100).substr(1) +
           "000000";
  }
  void line(const std::string& stream, const std::string& data) {
    text_ += std::to_string((1'700'000'000'000 + now_ms_) * 1'000'000) + " {\"stream\":\"" +
             stream + "\",\"data\":" + data + "}\n";
  }
  std::string text_;
  std::int64_t now_ms_ = 0;
  int id_ = 0;
  std::map<std::string, int> trades_;
};

constexpr const char* kSecond = R"(
[[instrument]]
name = "ETHUSDT"
venue_symbol = "ETHUSDT"
tick = "0.01"
lot = "0.00001"
freeze = "10"

[[strategy]]
name = "second"
kind = "momentum_buying"
seat = 5
priority = 1
instruments = ["ETHUSDT", "BTCUSDT"]

[strategy.parameters]
window_s = 5
min_gap_s = 0
min_rsi = "off"
)";

std::string two_instruments() {
  return replaced(text_of_file(kDemo), "max_same_side = 1", "max_same_side = 5") + kSecond;
}

TEST(CaptureRun, EverySeatAndEveryInstrument) {
  Market market;
  market.breakout("btcusdt", 6'000'000).breakout("ethusdt", 3'000'000).pass(2'000);
  market.quote("btcusdt", 6'000'000).quote("ethusdt", 3'000'000);
  const RunResult result = play(market.tape(), two_instruments());
  std::set<std::pair<int, std::uint32_t>> who;
  for (const Intent& intent : result.intents) who.emplace(intent.seat, intent.instrument);
  EXPECT_EQ(who, (std::set<std::pair<int, std::uint32_t>>{{0, 0}, {5, 0}, {5, 1}}));
  EXPECT_EQ(result.entries, 3u) << text_of(result);
  std::set<std::string> lines;
  std::istringstream csv(trades_csv_of(result));
  for (std::string line; std::getline(csv, line);)
    lines.insert(line.substr(0, line.find(',', line.find(',') + 1)));
  EXPECT_EQ(lines, (std::set<std::string>{"strategy,instrument", "momentum_buying,BTCUSDT",
                                          "second,BTCUSDT", "second,ETHUSDT"}));
}

TEST(CaptureRun, GapsOfTheVenueAreCounted) {
  Market market;
  market.breakout("btcusdt", 6'000'000).trade("btcusdt", 6'000'000, 4).pass(10);
  const RunResult result = play(market.tape(), text_of_file(kDemo));
  EXPECT_EQ(result.gaps, 1u);
  EXPECT_EQ(result.missing_updates, 4u);
}

TEST(CaptureRun, OrdersLiveAndDieByHostTimeBetweenFrames) {
  // The entry's limit is out of reach, and no frame comes until its time is over.
  Market market;
  for (int i = 0; i < 70; ++i)
    market.quote("btcusdt", 6'000'000).trade("btcusdt", 6'000'000).pass(100);
  market.trade("btcusdt", 6'000'002).quote("btcusdt", 6'100'000).pass(100'000);
  market.quote("btcusdt", 6'000'000).pass(1);
  const RunResult result = play(market.tape(), text_of_file(kDemo));
  EXPECT_EQ(result.entries, 1u);
  EXPECT_EQ(result.cancels, 1u) << "entry_ttl_ms ran out between two frames";
  EXPECT_EQ(result.fills, 0u) << "and the order had gone when the price came back";
}

TEST(CaptureRun, PartsOfTheTapeIncludeBothEnds) {
  EXPECT_EQ(play(recorded(), text_of_file(kDemo), 1, 10).messages, 9u) << "line 8 is a snapshot";
  EXPECT_EQ(play(recorded(), text_of_file(kDemo), 9, 9).messages, 1u);
  const RunResult second =
      run_capture({.capture = kCapture, .conf = kDemo, .from = 1'000, .to = 0, .seconds = 2});
  EXPECT_EQ(second.first_line, 1'000u);
  EXPECT_GT(second.market, Duration::millis(1'900));
  EXPECT_LT(second.market, Duration::millis(2'000));
  EXPECT_EQ(second.messages, second.last_line - 999);
}

TEST(CaptureRun, JsonIsJsonAndSaysWhatTheTextSays) {
  const RunResult result = play_lively(text_of_file(kDemo));
  const std::string json = json_of(result);
  EXPECT_EQ(std::count(json.begin(), json.end(), '\n'), 1);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_EQ(root["messages"].get_uint64().value(), result.messages);
  EXPECT_EQ(root["intents"].get_uint64().value(), result.intents.size());
  EXPECT_EQ(root["orders"]["entry"].get_uint64().value(), result.entries);
  EXPECT_EQ(root["trades"].get_array().value().size(), result.trades.size());
  const std::string realised(root["realised"].get_string().value());
  EXPECT_NE(text_of(result).find("realised " + realised + ","), std::string::npos);
  EXPECT_EQ(json.find("_ns\":-"), std::string::npos);
}

// ---- what does not fit

class Refused : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content, bool gzip = false) const {
    const fs::path path = temp_.path() / name;
    if (gzip) {
      gzFile out = gzopen(path.c_str(), "wb");
      gzwrite(out, content.data(), static_cast<unsigned>(content.size()));
      gzclose(out);
    } else {
      std::ofstream(path, std::ios::binary) << content;
    }
    return path.string();
  }
  static void expect(Exit code, const std::vector<std::string>& words, const RunOptions& options) {
    try {
      static_cast<void>(run_capture(options));
      ADD_FAILURE() << "accepted: " << words.front();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      for (const std::string& word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
            << "no '" << word << "' in: " << error.what();
    }
  }
  test::TempDir temp_;
};

TEST_F(Refused, Captures) {
  expect(Exit::Usage, {"/no/such.gz", "no such file"}, {.capture = "/no/such.gz", .conf = kDemo});
  expect(Exit::Usage, {"not a gzip file"}, {.capture = kDemo, .conf = kDemo});
  expect(Exit::No, {"line 1", "receive time"},
         {.capture = file("text.gz", "hello\n", true), .conf = kDemo});
  const std::string whole = text_of_file(kCapture);
  expect(Exit::No, {"torn", "end early"},
         {.capture = file("torn.gz", whole.substr(0, whole.size() / 2)), .conf = kDemo});
  std::string damaged = whole;
  damaged[whole.size() / 2] = static_cast<char>(~damaged[whole.size() / 2]);
  expect(Exit::No, {"damaged.gz"}, {.capture = file("damaged.gz", damaged), .conf = kDemo});
}

TEST_F(Refused, PartsThatAreNotThere) {
  expect(Exit::Usage, {"--from 41250", "1 to 41249"},
         {.capture = kCapture, .conf = kDemo, .from = 41'250});
  expect(Exit::Usage, {"--from 0"}, {.capture = kCapture, .conf = kDemo, .from = 0});
  expect(Exit::Usage, {"--to 41250"}, {.capture = kCapture, .conf = kDemo, .to = 41'250});
  expect(Exit::Usage, {"--to 5", "6 to 41249"},
         {.capture = kCapture, .conf = kDemo, .from = 6, .to = 5});
}

TEST_F(Refused, ConfigurationsWithThePlaceOfEachFault) {
  const std::string demo = text_of_file(kDemo);
  const auto line_of = [&](const std::string& text, const std::string& key) {
    const std::size_t at = text.find("\n" + key);
    return std::to_string(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at) + 1, '\n') + 1);
  };
  expect(Exit::Usage, {"/no/such.toml"}, {.capture = kCapture, .conf = "/no/such.toml"});
  std::string bad = replaced(demo, "window_s = 5 ", "window_s = 0 ");
  bad = replaced(bad, "stop_loss = \"0.00008\"", "stop_loss = \"2\"");
  bad = replaced(bad, "cap = \"200000\"", "cap = \"-1\"");
  const std::string path = file("bad.toml", bad);
  expect(Exit::Usage,
         {path + ":" + line_of(bad, "window_s") + ":", "window_s",
          path + ":" + line_of(bad, "stop_loss") + ":", path + ":" + line_of(bad, "cap") + ":"},
         {.capture = kCapture, .conf = path});
  const std::string kind = replaced(demo, "kind = \"momentum_buying\"", "kind = \"hope\"");
  const std::string kind_path = file("kind.toml", kind);
  expect(Exit::Usage, {kind_path + ":" + line_of(kind, "kind") + ":", "hope", "momentum_buying"},
         {.capture = kCapture, .conf = kind_path});
  const std::string more = replaced(demo, "[gateway]\n", "[gateway]\nmore = 1\n");
  const std::string more_path = file("more.toml", more);
  expect(Exit::Usage, {more_path + ":" + line_of(more, "more") + ":1: gateway.more"},
         {.capture = kCapture, .conf = more_path});
}

TEST_F(Refused, WhatTheCaptureDoesNotHoldIsAWarningUnlessItIsEverything) {
  Market market;
  market.breakout("btcusdt", 6'000'000);
  const RunResult result = play(market.tape(), two_instruments());
  ASSERT_EQ(result.warnings.size(), 2u);
  EXPECT_EQ(result.warnings[0], "never in the capture: btcusdt@depth@100ms");
  EXPECT_EQ(result.warnings[1], "symbol ETHUSDT never occurs in the capture");
  EXPECT_NE(json_of(result).find("\"symbol ETHUSDT never occurs"), std::string::npos);
  EXPECT_GT(result.messages, 0u);
  Market other;
  other.breakout("dogeusdt", 100);
  expect(Exit::No, {"none of the configured symbols", "BTCUSDT"},
         {.capture = file("other.gz", other.text(), true), .conf = kDemo});
}

TEST(CaptureRun, ACapOfZeroLetsNothingInAndIsSaid) {
  const RunResult result =
      play_lively(replaced(text_of_file(kDemo), "cap = \"200000\"", "cap = \"0\""));
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("supervisor.cap is 0"), std::string::npos);
  EXPECT_EQ(result.entries, 0u);
  EXPECT_GT(result.intents.size(), 0u);
  ASSERT_EQ(result.rejects.size(), 1u);
  EXPECT_EQ(result.rejects[0].name, "allocator_zero") << "not one lot fits under the cap";
  EXPECT_EQ(result.rejects[0].n, result.intents.size());
}

}  // namespace
}  // namespace sluice::replay
