#include "risk/config.hpp"

#include <gtest/gtest.h>

#include <map>

#include "desk.hpp"

namespace sluice::risk {
namespace {

using Keys = std::map<std::string, std::string>;

Keys sound() {
  return {{"equity", "\"1000000\""},
          {"alloc", "\"0.1\""},
          {"risk_per_trade", "\"0.01\""},
          {"daily_loss_max", "\"5000\""},
          {"max_order_notional", "\"50000\""},
          {"max_order_qty", "\"500\""},
          {"collar", "\"0.01\""},
          {"max_spread", "\"0.01\""},
          {"max_tick_age_ms", "1000"},
          {"max_intent_age_ms", "500"},
          {"cooldown_s", "60"},
          {"max_same_side", "2"},
          {"max_open_orders", "8"},
          {"max_lots", "10"},
          {"stop_loss", "\"0.02\""},
          {"take_profit", "\"0.04\""},
          {"entry_slip", "\"0.001\""},
          {"exit_slip", "\"0.005\""},
          {"entry_ttl_ms", "200"},
          {"exit_ttl_ms", "100"}};
}

std::vector<std::string> faults(const Keys& keys, const PipelineConfig& pipeline = bench_pipeline(),
                                RiskConfig* parsed = nullptr) {
  std::string toml;
  for (const auto& [key, value] : keys) toml += key + " = " + value + "\n";
  const auto document = config::Document::parse(toml, "risk.toml");
  const RiskConfig risk = parse_risk(document.root(), pipeline);
  if (parsed) *parsed = risk;
  std::vector<std::string> out;
  for (const config::Fault& fault : document.faults()) out.push_back(fault.text);
  return out;
}

TEST(RiskConfig, ReadsEveryKeyExactly) {
  RiskConfig risk{};
  EXPECT_TRUE(faults(sound(), bench_pipeline(), &risk).empty());
  const RiskConfig expected = bench_risk();
  EXPECT_EQ(std::memcmp(&risk, &expected, sizeof risk), 0);
}

TEST(RiskConfig, EveryKeyIsRequired) {
  for (const auto& [key, value] : sound()) {
    Keys keys = sound();
    keys.erase(key);
    const auto found = faults(keys);
    ASSERT_EQ(found.size(), 1u) << key;
    EXPECT_NE(found[0].find(key), std::string::npos) << found[0];
  }
}

TEST(RiskConfig, BothSidesOfItsBoundsAndRelations) {
  struct Case {
    std::string key, good, bad;
  };
  for (const Case& c :
       {Case{"entry_slip", "\"0.01\"", "\"0.010001\""},                 // collar
        Case{"risk_per_trade", "\"0.1\"", "\"0.100001\""},              // alloc
        Case{"daily_loss_max", "\"1000000\"", "\"1000000.00000001\""},  // equity
        Case{"stop_loss", "\"0.000001\"", "\"0\""}, Case{"take_profit", "\"0\"", "\"-0.01\""},
        Case{"max_open_orders", "128", "129"}, Case{"max_lots", "1", "0"},
        Case{"cooldown_s", "0", "-1"}, Case{"equity", "\"1000000\"", "\"0\""}}) {
    Keys keys = sound();
    keys[c.key] = c.good;
    EXPECT_TRUE(faults(keys).empty()) << c.key;
    keys[c.key] = c.bad;
    const auto found = faults(keys);
    ASSERT_EQ(found.size(), 1u) << c.key;
    EXPECT_NE(found[0].find(c.key), std::string::npos) << found[0];
  }
}

TEST(RiskConfig, ChecksThePipelineToo) {
  PipelineConfig pipeline = bench_pipeline();
  pipeline.instruments[1].freeze = pipeline.instruments[1].lot - Qty{1};
  EXPECT_EQ(faults(sound(), pipeline).size(), 1u);

  pipeline = bench_pipeline();
  for (InstrumentIndex i = 2; i < kMaxPairs - 1; ++i) {
    pipeline.instruments.push_back(pipeline.instruments[0]);
    pipeline.strategies[0].instruments.push_back(i);
  }
  EXPECT_TRUE(faults(sound(), pipeline).empty());  // 127 of the first strategy, 1 of the second
  EXPECT_NO_THROW(Rules(bench_risk(), pipeline));
  pipeline.strategies[1].instruments.push_back(1);
  EXPECT_EQ(faults(sound(), pipeline).size(), 1u);
  EXPECT_THROW(Rules(bench_risk(), pipeline), Error);
}

}  // namespace
}  // namespace sluice::risk
