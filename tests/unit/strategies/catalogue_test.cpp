#include "strategies/catalogue.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace sluice::strategies {
namespace {

StrategyEntry entry(const std::string& kind, const config::Table& parameters) {
  StrategyEntry e;
  e.name = "mine";
  e.kind = kind;
  e.parameters = parameters;
  return e;
}

TEST(Catalogue, BuildsAKnownKind) {
  const auto document =
      config::Document::parse("window_s = 60\nmin_gap_s = 5\nmin_rsi = \"off\"\n", "parameters");
  const AnyStrategy strategy = make_strategy(entry("momentum_buying", document.root()));
  EXPECT_TRUE(std::holds_alternative<MomentumBuying>(strategy));
  document.check();
}

TEST(Catalogue, AnUnknownKindListsTheKnownOnes) {
  const auto document = config::Document::parse("", "parameters");
  try {
    (void)make_strategy(entry("momentum_selling", document.root()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Usage);
    const std::string text = error.what();
    EXPECT_NE(text.find("momentum_selling"), std::string::npos);
    for (const std::string_view kind : known_kinds()) EXPECT_NE(text.find(kind), std::string::npos);
  }
}

TEST(Catalogue, BoundsOfTheParametersAreChecked) {
  const auto faults = [](const std::string& toml) {
    const auto document = config::Document::parse(toml, "parameters");
    (void)make_strategy(entry("momentum_buying", document.root()));
    return document.faults().size();
  };
  EXPECT_EQ(faults("window_s = 1\nmin_gap_s = 0\nmin_rsi = \"off\"\n"), 0u);
  EXPECT_EQ(faults("window_s = 0\nmin_gap_s = 0\nmin_rsi = \"off\"\n"), 1u);
  EXPECT_EQ(faults("window_s = 86400\nmin_gap_s = 86400\nmin_rsi = \"off\"\n"), 0u);
  EXPECT_EQ(faults("window_s = 86401\nmin_gap_s = 86401\nmin_rsi = \"off\"\n"), 2u);
  EXPECT_EQ(faults("window_s = 60\nmin_gap_s = 0\nmin_rsi = \"60\"\n"), 1u)
      << "no number is ignored";
  EXPECT_EQ(faults("window_s = 60\nmin_gap_s = 0\n"), 1u);
}

}  // namespace
}  // namespace sluice::strategies
