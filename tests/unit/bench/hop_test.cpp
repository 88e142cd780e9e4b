// The judge of the hop benchmark: a contender that changes or doubles a record gets no figure. And
// the figures themselves: medians, and a round with every contender in it.
#include "bench/hop/hop.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "bench/hop/floor.hpp"
#include "bench/hop/measure.hpp"
#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

class Hop : public testing::Test {
 protected:
  void SetUp() override {
    if (cpus_allowed() < 2) GTEST_SKIP() << "a hop needs two CPUs";
    cpus_ = first_two();
  }
  Cpus cpus_;
};

// Ours, but one record of each stream is not what was sent.
struct Changed : Sluice {
  class Sender : public Sluice::Sender {
   public:
    using Sluice::Sender::Sender;
    bool try_send(const Payload& record) noexcept {
      Payload sent = record;
      if (record[0] == 777) sent[6] ^= 1;
      return Sluice::Sender::try_send(sent);
    }
  };
};
struct Doubled : Sluice {
  class Sender : public Sluice::Sender {
   public:
    using Sluice::Sender::Sender;
    bool try_send(const Payload& record) noexcept {
      if (record[0] == 777) static_cast<void>(Sluice::Sender::try_send(record));
      return Sluice::Sender::try_send(record);
    }
  };
};

TEST_F(Hop, AChangedRecordGivesNoFigure) {
  EXPECT_THROW(round_trip<Changed>(cpus_), Error);
  EXPECT_THROW(stream<Changed>(cpus_), Error);
  EXPECT_THROW(push_cost<Changed>(cpus_), Error);
}
TEST_F(Hop, ADoubledRecordGivesNoFigure) {
  EXPECT_THROW(stream<Doubled>(cpus_), Error);
}

TEST_F(Hop, ACpuThatIsNotThereIsSaid) {
  EXPECT_THROW(round_trip_floor({cpus_.mine, 1'000}), Error);
}

TEST_F(Hop, EveryContenderIsMeasuredBesideItsFloor) {
  mq_attr shape{};
  shape.mq_maxmsg = 1;
  shape.mq_msgsize = 8;
  const std::string name = "/sluice-hop-test." + std::to_string(::getpid());
  const mqd_t queue = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &shape);
  if (queue < 0) GTEST_SKIP() << "no POSIX message queues here";
  ::mq_unlink(name.c_str());
  ::mq_close(queue);
  const HopPlan plan{.cpus = cpus_, .rounds = 1, .peers = true};
  const std::vector<HopResult> results = run_hop(plan);
  ASSERT_EQ(results.size(), 9u);
  for (const HopResult& r : results) {
    EXPECT_GT(r.rtt_ns, 0) << r.name;
    EXPECT_GT(r.floor_ns, 0) << r.name;
    EXPECT_GT(r.single_mps, 0) << r.name;
    EXPECT_GT(r.stream_floor_mps, 0) << r.name;
    EXPECT_TRUE(std::isfinite(r.push_ns)) << r.name;  // a difference: noise may make it negative
    EXPECT_EQ(r.rounds, 1u);
  }
  EXPECT_NE(hop_table(plan, results).find("moodycamel"), std::string::npos);
  EXPECT_NE(hop_json(plan, results).find("\"rtt_ratio\""), std::string::npos);
}

TEST(Samples, QuantilesAreSamples) {
  const std::vector<double> samples{9, 1, 8, 2, 7, 3, 6, 4, 5};
  EXPECT_EQ(median(samples), 5);
  EXPECT_EQ(quantile(samples, 0), 1);
  EXPECT_EQ(quantile(samples, 1), 9);
  EXPECT_EQ(quantile(samples, 0.25), 3);
  EXPECT_EQ(median({}), 0);
}

}  // namespace
}  // namespace sluice::bench
