// What `sluice-bench turn` counts, which does not depend on the machine; never how fast.
#include "bench/turn/turn.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

const std::string kConf = SLUICE_SOURCE_DIR "/conf/bench.toml";

TEST(Turn, ADriverReadsItsClockOncePerInput) {
  const TurnResult result = run_turn({.conf = kConf, .order_every = 64, .cycles = 20});
  // Three drivers take the tick. Beside that: the seat times one evaluation in eight, every turn
  // without input and every scan, once a millisecond, takes one.
  EXPECT_GE(result.quiet.stamps, 3.0);
  EXPECT_LE(result.quiet.stamps, 3.5);
  // Seven inputs: three ticks, the intent, the order; its evaluation and its last look.
  EXPECT_GE(result.order.stamps, 7.0);
  EXPECT_LE(result.order.stamps, 8.0);
}

TEST(Turn, EveryCycleIsASampleAndThePartsAreThere) {
  const TurnPlan plan{.conf = kConf, .order_every = 8, .cycles = 10};
  const TurnResult result = run_turn(plan);
  EXPECT_EQ(result.quiet.samples.size(), plan.cycles);
  EXPECT_GE(result.order.samples.size(), plan.cycles / 2);
  EXPECT_GT(result.order.ns, result.quiet.ns);
  simdjson::dom::parser parser;
  const std::string json = turn_json(plan, result);
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_EQ(root["figures"].get_array().value().size(), 2u);
  EXPECT_EQ(root["figures"].at(0)["parts"].get_array().value().size(),
            root["parts"].get_array().value().size());
  EXPECT_NE(turn_table(plan, result).find("gateway"), std::string::npos);
}

// A figure of orders that were refused would be one of something else.
TEST(Turn, AConfigurationThatRefusesOrdersGivesNoFigure) {
  std::ifstream file(kConf);
  std::ostringstream text;
  text << file.rdbuf();
  std::string conf = text.str();
  const std::string key = "\nmax_order_notional = \"";
  conf.insert(conf.find(key) + key.size(), "0.0000");  // "0.0000150000": no lot is that cheap
  const std::string path = testing::TempDir() + "turn-" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << conf;
  EXPECT_THROW(run_turn({.conf = path, .order_every = 8, .cycles = 5}), Error);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace sluice::bench
