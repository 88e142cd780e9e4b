// The supervisor's side of a kill, moment by moment: a gate that does not obey is fenced, and a
// fence that fails is tried again.
#include "tools/supervisor/kill_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/clock.hpp"
#include "tests/support/names.hpp"
#include "tests/support/sleeper.hpp"
#include "tests/support/toy_config.hpp"
#include "tests/unit/tools/supervisor_support.hpp"

namespace sluice {
namespace {

using test::Sleeper;

// Somebody who may not signal root's processes, as long as it lives.
class Unprivileged {
 public:
  Unprivileged() : done_(::setresuid(65'534, 65'534, 0) == 0) {}
  ~Unprivileged() {
    if (done_ && ::setresuid(0, 0, 0) != 0) std::abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  bool done_;
};

// The gateway is a process that never obeys; risk is not running.
class KillWatchTest : public testing::Test {
 protected:
  KillWatchTest() {
    test::take_for(objects().page(Process::Gateway).lease, 1, gateway_.pid());
    children_.poll(start_);
  }
  void raise(KillLevel level) {
    ASSERT_TRUE(raise_kill(*objects().kill, {}, level, KillCause::Operator).raised);
  }
  void poll(std::int64_t after_ms) {
    watch_.poll(start_ + static_cast<std::uint64_t>(Duration::millis(after_ms).ns));
  }
  [[nodiscard]] std::size_t audited(const std::string& event) const {
    std::ifstream file(dir_.path() / "audit.log");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);)
      count += line.find("\"event\":\"" + event + "\"") != std::string::npos ? 1u : 0u;
    return count;
  }
  Objects& objects() { return instance_.objects(); }

  test::TempDir dir_;
  MemoryInstance instance_{test::toy_config(), test::toy_run()};
  Sleeper gateway_;
  const std::uint64_t start_ = boottime_ns();
  Children children_{test::by_hand(), test::toy_config(), objects(), {}};
  Audit audit_{dir_.path() / "audit.log"};
  KillWatch watch_{objects(), children_, audit_, test::by_hand(), dir_.path(), [](const auto&) {}};
};

TEST_F(KillWatchTest, AGateThatDoesNotObeyIsFencedAfterItsDeadlineAndNotBefore) {
  raise(KillLevel::Halt);
  poll(0);
  poll(50);
  EXPECT_TRUE(children_.alive(Process::Gateway));
  poll(51);
  EXPECT_FALSE(children_.alive(Process::Gateway));
  EXPECT_EQ(audited("fenced"), 1u);
  EXPECT_EQ(audited("kill_complete"), 0u);
  poll(52);
  EXPECT_EQ(audited("kill_complete"), 1u);
}

// What it obeyed before a wild store threw the serial back is above any target of now.
TEST_F(KillWatchTest, ASerialThrownBackCompletesNothingThatNobodyHasSeen) {
  objects().page(Process::Gateway).obeyed.store(1'000'000);
  objects().kill->serial.store(1);
  raise(KillLevel::ReduceOnly);
  poll(0);
  poll(1);
  EXPECT_EQ(audited("kill_complete"), 0u);
  objects().page(Process::Gateway).obeyed.store(objects().kill->serial.load());
  poll(2);
  EXPECT_EQ(audited("kill_complete"), 1u);
}

// Zeroed while nobody supervised: it is HALT, and the first look must not take it for nothing new.
TEST_F(KillWatchTest, AWordThatIsZeroAtTheFirstLookIsARaise) {
  objects().kill->words[0].store(0);
  poll(0);
  EXPECT_EQ(audited("kill_raised"), 1u);
  ASSERT_EQ(load_latch(dir_.path()).size(), 1u);
  EXPECT_EQ(load_latch(dir_.path())[0], (LatchedLevel{"global", KillLevel::Halt}));
  poll(1);
  EXPECT_EQ(audited("kill_raised"), 1u);
}

TEST_F(KillWatchTest, ReduceOnlyWaitsForAsLongAsItTakes) {
  raise(KillLevel::ReduceOnly);
  poll(0);
  poll(10'000);
  EXPECT_TRUE(children_.alive(Process::Gateway));
  EXPECT_EQ(audited("kill_complete"), 0u);
  objects().page(Process::Gateway).obeyed.store(objects().kill->serial.load());
  poll(10'001);
  EXPECT_EQ(audited("kill_complete"), 1u);
}

TEST_F(KillWatchTest, SeverFencesTheGatewayThoughItObeys) {
  raise(KillLevel::Sever);
  objects().page(Process::Gateway).obeyed.store(objects().kill->serial.load() + 1);
  poll(0);
  EXPECT_FALSE(children_.alive(Process::Gateway));
  poll(1);
  EXPECT_EQ(audited("kill_complete"), 1u);
}

class FailingFence : public KillWatchTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody who may not signal";
  }
};

TEST_F(FailingFence, IsTriedAgainAfterAnotherDeadline) {
  raise(KillLevel::Halt);
  poll(0);
  {
    const Unprivileged nobody;
    poll(60);
    EXPECT_EQ(audited("not_fenced"), 1u);
    poll(110);
    EXPECT_EQ(audited("not_fenced"), 1u) << "said once per attempt";
    poll(111);
    EXPECT_EQ(audited("not_fenced"), 2u);
  }
  EXPECT_TRUE(children_.alive(Process::Gateway));
  poll(162);
  EXPECT_FALSE(children_.alive(Process::Gateway));
  EXPECT_EQ(audited("fenced"), 1u);
  poll(163);
  EXPECT_EQ(audited("kill_complete"), 1u);
}

TEST_F(FailingFence, OfASeverIsNotTriedInEveryTurn) {
  raise(KillLevel::Sever);
  {
    const Unprivileged nobody;
    poll(0);
    EXPECT_EQ(audited("not_fenced"), 1u) << "at once: SEVER waits for no answer";
    for (std::int64_t ms = 5; ms <= 50; ms += 5) poll(ms);
    EXPECT_EQ(audited("not_fenced"), 1u) << "each attempt is a line that is synced";
  }
  poll(51);
  EXPECT_FALSE(children_.alive(Process::Gateway));
}

TEST_F(KillWatchTest, ASerialThatWasThrownBackIsMovedOnBehindWhatAGateHasObeyed) {
  StagePage& gateway = objects().page(Process::Gateway);
  gateway.obeyed.store(1'000);
  objects().kill->serial.store(3);
  poll(1);
  EXPECT_EQ(objects().kill->serial.load(), 1'000u);
  const RaiseResult raised = raise_kill(*objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  EXPECT_FALSE(has_obeyed(*objects().kill, gateway.obeyed.load(), raised.target));
  const std::uint64_t serial = objects().kill->serial.load();
  gateway.obeyed.store(~std::uint64_t{0});  // the gate's damage, which must not become the serial's
  poll(2);
  EXPECT_LT(objects().kill->serial.load(), serial + 10);
}

}  // namespace
}  // namespace sluice
