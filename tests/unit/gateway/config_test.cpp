#include "gateway/config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

struct Parsed {
  GatewayConfig config;
  std::vector<config::Fault> faults;
};

Parsed parse(const std::string& age, const std::string& orders, const std::string& latency,
             const std::string& life, std::uint32_t report_ring = 0) {
  const config::Document document = config::Document::parse(
      "[gateway]\norder_age_max_ms = " + age + "\nmax_open_orders = " + orders +
          "\npaper_latency_us = " + latency + "\npaper_order_life_s = " + life + "\n",
      "gateway.toml");
  PipelineConfig pipeline;
  pipeline.report_ring = report_ring;
  Parsed parsed;
  parsed.config = parse_gateway(document.root().table("gateway"), pipeline);
  parsed.faults = document.faults();
  return parsed;
}

TEST(GatewayConfig, ReadsEveryKey) {
  const Parsed p = parse("20", "128", "500", "60");
  EXPECT_TRUE(p.faults.empty());
  EXPECT_EQ(p.config.order_age_max, Duration::millis(20));
  EXPECT_EQ(p.config.max_open_orders, 128u);
  EXPECT_EQ(p.config.paper_latency, Duration::micros(500));
  EXPECT_EQ(p.config.paper_order_life, Duration::seconds(60));
}

TEST(GatewayConfig, BoundsBothSides) {
  EXPECT_TRUE(parse("1", "1", "0", "0").faults.empty());
  EXPECT_TRUE(parse("1000", "224", "10000000", "86400").faults.empty());
  EXPECT_EQ(parse("0", "0", "-1", "-1").faults.size(), 4u);
  EXPECT_EQ(parse("1001", "225", "10000001", "86401").faults.size(), 4u);
}

TEST(GatewayConfig, SweepMustFitTheReportRing) {
  EXPECT_TRUE(parse("20", "128", "0", "0", 512).faults.empty());
  EXPECT_EQ(parse("20", "129", "0", "0", 512).faults.size(), 1u);
}

}  // namespace
}  // namespace sluice
