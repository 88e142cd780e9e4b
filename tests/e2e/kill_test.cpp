// Kills against real processes under a flood of orders. The market is this process: it holds the
// feed's lease and makes breakouts as fast as the rings take them. The judge is the paper order
// log.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "core/clock.hpp"
#include "core/process.hpp"
#include "core/statistics.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tools/supervisor/protocol.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

// A market that breaks out of its one-second high with every cycle of four ticks.
class Market {
 public:
  Market(const std::string& instance, Process self) {
    EXPECT_EQ(AttachedInstance::try_open(instance, attached_), AttachError::None);
    attached_.attach_page(self, Access::ReadWrite);
    StagePage& page = attached_.objects().page(self);
    claim(page.lease, "the feed's page");
    page.build_id = attached_.objects().control->build_id;
    page.layout_hash.store(schema_hash());
    page.config_hash.store(attached_.objects().control->config_hash);
    for (const Edge edge : {Edge::FeedRisk, Edge::FeedGateway, feed_seat(0)}) {
      attached_.attach_ring(edge, Access::ReadWrite);
      rings_.emplace_back(attached_.objects().edge(edge),
                          published(attached_.objects().edge(edge)));
    }
    page_ = &page;
    beat();
    page.state.store(static_cast<std::uint64_t>(StageState::Ready));
  }

  // One cycle if every ring has room; heartbeat each time.
  void pump() {
    beat();
    for (Producer& ring : rings_)
      if (ring.credit(4) < 4) return;
    const std::int64_t high =
        6'000'000'000'000 + ++cycle_ * 1'000'000;  // rises by one tick of 0.01
    tick(TickKind::Trade, high - 2'000'000);       // falls back: re-arms
    tick(TickKind::Quote, high);
    tick(TickKind::Trade, high);  // breaks out
    tick(TickKind::Quote, high);
  }
  // What a feed does when it is asked to drain.
  void leave() {
    page_->state.store(static_cast<std::uint64_t>(StageState::Stopped));
    release(page_->lease);
  }
  [[nodiscard]] HostTime now() const {
    return Clock(attached_.objects().control->calibration).now();
  }

 private:
  void beat() { page_->heartbeat_us.store(boottime_ns() / 1'000); }
  void tick(TickKind kind, std::int64_t price) {
    Tick t{};
    t.kind = kind;
    t.venue_time = {1'700'000'000'000'000'000 + (time_ += 300'000'000)};
    t.rx_time = now();
    if (kind == TickKind::Quote)
      t.value = {price - 1'000'000, price, 1'000'000'000, 1'000'000'000};
    else
      t.value = {price, 1'000'000, 0, 0};
    for (Producer& ring : rings_) ring.push(to_payload(t));
  }

  AttachedInstance attached_;
  std::vector<Producer> rings_;
  StagePage* page_ = nullptr;
  std::int64_t cycle_ = 0;
  std::int64_t time_ = 0;
};

SupervisorReply ask(const Box& box, const SupervisorRequest& request) {
  SupervisorReply reply;
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = supervisor_socket(box.state()).string();
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const timeval limit{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request))
    ::recv(fd, &reply, sizeof reply, 0);
  ::close(fd);
  return reply;
}

Box::Options flood() {
  return {.speed = "max",
          .conf = {{"window_s", "1"},
                   {"min_gap_s", "0"},
                   {"cooldown_s", "0"},
                   {"max_same_side", "1000"},
                   {"alloc", "\"0.0001\""},
                   {"risk_per_trade", "\"0.0001\""},
                   {"max_open_orders", "64"},
                   {"paper_latency_us", "50"},
                   {"take_profit", "\"0.00001\""},
                   {"ack_deadline_ms", "5000"},  // obedience is measured here, not fencing
                   {"sync_ms", "1000"}},
          .venue = false,
          .manual = true};
}

// All processes but the feed, which is this test.
void start_stages(Box& box) {
  box.start_supervisor();
  const auto stage = [&](const std::string& program, std::vector<std::string> more = {}) {
    std::vector<std::string> words{bin(program), "--conf",      box.conf(),          "--instance",
                                   box.name(),   "--state-dir", box.state().string()};
    words.insert(words.end(), more.begin(), more.end());
    box.start(words);
  };
  stage("sluice-recorder");
  stage("sluice-gateway");
  stage("sluice-risk");
  stage("sluice-strategy", {"--seat", "0"});
}

std::uint64_t tail(Box& box) {
  return box.objects().paper_log->tail.load(std::memory_order_acquire);
}

bool both_obeyed(Box& box, std::uint64_t target) {
  return box.objects().page(Process::Risk).obeyed.load(std::memory_order_acquire) >= target &&
         box.objects().page(Process::Gateway).obeyed.load(std::memory_order_acquire) >= target;
}

// Pumps the market until the condition holds; false after the deadline.
bool pump_until(Market& market, const std::function<bool()>& condition,
                std::chrono::seconds deadline = 20s) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    market.pump();
    ::usleep(50);
  }
  return true;
}

struct Raised {
  std::uint64_t from;   // log position at KILL_COMPLETE
  std::uint64_t until;  // and when it was rearmed
  KillLevel level;
  HostTime raised_at;
};

struct Verdict {
  std::size_t entries_after = 0;  // between KILL_COMPLETE and rearm
  std::size_t exits_after_halt = 0;
  std::size_t revived = 0;  // approved before a kill, sent after it
};

// Goes through the paper log by position: raises name positions, and fillers take some as well.
Verdict judge(const std::filesystem::path& run_dir, const std::vector<Raised>& raised) {
  Verdict verdict;
  JournalFiles files(run_dir, "paper");
  JournalDecoder decoder;
  std::size_t kill = 0;
  for (std::uint64_t at = 0; at < files.end(); ++at) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files.read(at, raw))
      throw std::runtime_error("paper log: cannot read entry " + std::to_string(at));
    if (decoder.decode(raw, at, entry) != JournalDecoder::Status::Input) continue;
    const auto what = from_payload<PaperEntry>(entry.payload);
    if (what.what != PaperWhat::Placed) continue;
    while (kill + 1 < raised.size() && raised[kill + 1].from <= at) ++kill;
    const Raised& last = raised[kill];
    if (at < last.from) continue;
    const bool is_entry = class_of(what.kind) == OrderClass::Entry;
    if (at < last.until && is_entry) ++verdict.entries_after;
    if (at < last.until && last.level >= KillLevel::Halt) ++verdict.exits_after_halt;
    if (is_entry && what.approved_at < last.raised_at) ++verdict.revived;
  }
  return verdict;
}

TEST(Kill, NothingEntersAfterComplete) {
  const int kills = 1'000;
  Box box(flood());
  start_stages(box);
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  Market market(box.name(), Process::Feed);
  ASSERT_TRUE(pump_until(market, [&] { return box.wait_armed(0s); }))
      << box.log("sluice-supervisor");
  const auto sent = [&] { return box.counter(Process::Gateway, "sent_verdicts"); };
  ASSERT_TRUE(pump_until(market, [&] { return sent() > 10; }))
      << box.log("sluice-risk") << box.ctl({"why"}).out;

  std::vector<Raised> raised;
  auto reactions = std::make_unique<Histogram>();
  KillPage& page = *box.objects().kill;
  for (int i = 0; i < kills; ++i) {
    const std::uint64_t before = sent();
    ASSERT_TRUE(pump_until(market, [&] { return sent() > before; }))
        << "no orders before kill " << i << "\n"
        << box.ctl({"why"}).out;
    for (int cycle = 0; cycle < i % 7; ++cycle) market.pump();  // orders under way
    const KillLevel level = std::array{KillLevel::ReduceOnly, KillLevel::Halt,
                                       KillLevel::Cancel}[static_cast<std::size_t>(i % 3)];
    const HostTime at = market.now();
    const RaiseResult raise = raise_kill(page, {ScopeKind::Global, 0}, level, KillCause::Drill);
    ASSERT_TRUE(raise.raised);
    while (!both_obeyed(box, raise.target))
      ASSERT_LT((market.now() - at).ns, 5'000'000'000) << "kill " << i << " is not obeyed";
    reactions->record((market.now() - at).ns);
    Raised kill{tail(box), 0, level, at};
    for (int cycle = 0; cycle < 5; ++cycle) market.pump();  // it must not tempt anybody
    // Rearmed by the supervisor, once it has seen the completion itself.
    SupervisorRequest request;
    request.verb = Verb::Rearm;
    request.word = page.words[0].load();
    std::strcpy(request.who.data(), "kill_test");
    std::strcpy(request.reason.data(), "a thousand kills, one after the other");
    kill.until = tail(box);
    ASSERT_TRUE(pump_until(market, [&] { return ask(box, request).exit_code == 0; }))
        << ask(box, request).text.data();
    raised.push_back(kill);
  }
  std::printf(
      "reaction of both gates over %d kills, us: p50 %lld p99 %lld p99.9 %lld max %lld "
      "(unqualified)\n",
      kills, static_cast<long long>(reactions->quantile(500'000) / 1'000),
      static_cast<long long>(reactions->quantile(990'000) / 1'000),
      static_cast<long long>(reactions->quantile(999'000) / 1'000),
      static_cast<long long>(reactions->max() / 1'000));
  market.leave();
  ASSERT_EQ(box.stop(), 0) << box.log("sluice-supervisor");

  const PaperTruth paper = read_paper(box.run_dir());
  EXPECT_EQ(paper.duplicates, 0u);
  EXPECT_GE(paper.placed, static_cast<std::size_t>(kills));
  const Verdict verdict = judge(box.run_dir(), raised);
  EXPECT_EQ(verdict.entries_after, 0u) << "entries between KILL_COMPLETE and rearm";
  EXPECT_EQ(verdict.exits_after_halt, 0u) << "exits after HALT or CANCEL was complete";
  EXPECT_EQ(verdict.revived, 0u) << "entries approved before a kill that left after it";
}

TEST(Kill, WorksWithTheSupervisorDead) {
  Box box(flood());
  start_stages(box);
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  Market market(box.name(), Process::Feed);
  const auto sent = [&] { return box.counter(Process::Gateway, "sent_verdicts"); };
  ASSERT_TRUE(pump_until(market, [&] { return sent() > 10; })) << box.log("sluice-risk");
  ASSERT_EQ(::kill(box.supervisor(), SIGKILL), 0);
  const Outcome kill = box.ctl({"kill"});
  const std::uint64_t at_complete = tail(box);
  EXPECT_EQ(kill.exit_code, 0) << kill.out;
  EXPECT_NE(kill.out.find("risk"), std::string::npos) << kill.out;
  EXPECT_NE(kill.out.find("gateway"), std::string::npos) << kill.out;
  EXPECT_NE(kill.out.find("COMPLETE in"), std::string::npos) << kill.out;
  std::printf("%s", kill.out.c_str());
  for (int cycle = 0; cycle < 200; ++cycle) {
    market.pump();
    ::usleep(500);
  }
  JournalDecoder decoder;
  const JournalMemory& log = *box.objects().paper_log;
  for (std::uint64_t at = 0; at < tail(box); ++at) {
    JournalEntry entry;
    if (decoder.decode(log.slots()[at & (log.header.capacity - 1)], at, entry) !=
        JournalDecoder::Status::Input)
      continue;
    if (at < at_complete) continue;
    EXPECT_NE(from_payload<PaperEntry>(entry.payload).what, PaperWhat::Placed) << at;
  }
}

TEST(Rearm, NeedsOperatorReasonAndTheExactWord) {
  Box box(flood());
  start_stages(box);
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  Market market(box.name(), Process::Feed);
  ASSERT_TRUE(
      pump_until(market, [&] { return box.counter(Process::Gateway, "sent_verdicts") > 3; }));
  KillPage& page = *box.objects().kill;
  ASSERT_EQ(box.ctl({"kill"}).exit_code, 0);
  const auto hex = [](std::uint64_t word) {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(word));
    return std::string(text);
  };
  const std::string stale = hex(page.words[0].load());
  ASSERT_EQ(box.ctl({"kill", "--level", "CANCEL"}).exit_code, 0);
  const std::string word = hex(page.words[0].load());
  const std::string reason = "checked positions by hand, all flat";
  market.pump();
  const auto refused = [&](const std::vector<std::string>& words, const std::string& because) {
    market.pump();
    const Outcome outcome = box.ctl(words);
    EXPECT_NE(outcome.exit_code, 0) << outcome.out;
    EXPECT_NE(outcome.out.find(because), std::string::npos) << outcome.out;
    EXPECT_EQ(page.read(0).level, KillLevel::Cancel);
  };
  refused({"rearm", "--word", stale, "--operator", "ann", "--reason", reason}, "stale");
  refused({"rearm", "--word", word, "--reason", reason}, "operator");
  refused({"rearm", "--word", word, "--operator", "ann", "--reason", "short"}, "reason");
  Outcome done;
  ASSERT_TRUE(pump_until(market, [&] {
    done = box.ctl({"rearm", "--word", word, "--operator", "ann", "--reason", reason});
    return done.exit_code == 0;
  })) << done.out;
  EXPECT_EQ(page.read(0).level, KillLevel::Run);
  const std::uint64_t before = box.counter(Process::Gateway, "sent_verdicts");
  EXPECT_TRUE(pump_until(market, [&] {
    return box.counter(Process::Gateway, "sent_verdicts") > before;
  })) << "it trades again";
  market.leave();
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

}  // namespace
}  // namespace sluice::e2e
