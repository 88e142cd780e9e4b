// A venue whose connection lives and says nothing more: the feed makes a new one by itself, tells
// the stages, and the pipeline trades again. Nobody is restarted for it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

TEST(MuteVenue, IsLeftForANewConnection) {
  Box box({.venue_flags = {"--fault", "mute:@3000"},
           .conf = {{"stale_ms", "300"}, {"silence_max_ms", "600"}}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const pid_t feed = box.pid_of(Process::Feed);
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Feed, "reconnects_total") > 0; }, 60s))
      << box.log("feed") << box.log("sluice-venue");
  EXPECT_GE(box.counter(Process::Feed, "mute_connections_total"), 1u);
  EXPECT_GE(box.counter(Process::Feed, "stale_total"), 1u) << "staleness is told first";
  const std::uint64_t sent = box.counter(Process::Gateway, "sent_verdicts");
  EXPECT_TRUE(
      eventually([&] { return box.counter(Process::Gateway, "sent_verdicts") > sent; }, 60s))
      << "it does not trade again\n"
      << box.ctl({"why"}).out;
  EXPECT_EQ(box.pid_of(Process::Feed), feed);
  std::size_t lines = 0;
  for (const std::string& line : lines_of(box.log("feed")))
    if (line.find("no message for 6") != std::string::npos) ++lines;
  EXPECT_EQ(lines, box.counter(Process::Feed, "mute_connections_total")) << box.log("feed");
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");

  // What the stages were told, in order.
  std::vector<StatusCode> told;
  for (const Tick& tick : records_of<Tick>(read_journal(box.run_dir(), "risk"), Edge::FeedRisk))
    if (tick.kind == TickKind::Status && tick.instrument == 0xffff'ffff)
      told.push_back(tick.status());
  const auto down = std::find(told.begin(), told.end(), StatusCode::SessionDown);
  ASSERT_NE(down, told.end());
  EXPECT_NE(std::find(told.begin(), down, StatusCode::Stale), down);
  EXPECT_NE(std::find(down, told.end(), StatusCode::SessionUp), told.end());
}

}  // namespace
}  // namespace sluice::e2e
