// What comes from outside and is wrong: a venue that misbehaves, a configuration with faults, a
// machine without room or permission. Each gives one clear line and either a
// safe way on or an exit code of its own; nothing crashes, nothing is left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <regex>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"

namespace fs = std::filesystem;

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr std::array kStages{Process::Feed, Process::Seat0, Process::Risk, Process::Gateway,
                             Process::Recorder};

std::vector<pid_t> pids_of(Box& box) {
  std::vector<pid_t> pids;
  for (const Process p : kStages) pids.push_back(box.pid_of(p));
  return pids;
}

std::string demo_conf() {
  return std::string(SLUICE_SOURCE_DIR) + "/conf/demo.toml";
}

// A directory of its own that goes with the test.
class Scratch {
 public:
  Scratch() : dir_(fs::temp_directory_path() / ("sluice-bad-" + std::to_string(::getpid()))) {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }

 private:
  fs::path dir_;
};

// ---- A venue that misbehaves

struct VenueFault {
  std::string kind;
  std::string counter;             // of the feed, that must have counted it
  std::optional<StatusCode> told;  // what the stages are told
  std::string line;                // what the feed says, if it is for a person
};
void PrintTo(const VenueFault& fault, std::ostream* out) {
  *out << fault.kind;
}

class BadVenue : public testing::TestWithParam<VenueFault> {};

// From a status that takes the feed away until the next quote no entry is approved: what of risk's
// journal and of the gateway's says otherwise is counted. `told` counts the statuses.
std::size_t entries_while_blind(const fs::path& dir, StatusCode code, std::size_t& told) {
  struct Blind {
    HostTime from;
    HostTime to = HostTime::never();
  };
  std::vector<Blind> blind;
  for (const JournalEntry& entry : read_journal(dir, "risk")) {
    if (entry.edge != Edge::FeedRisk) continue;
    const auto tick = from_payload<Tick>(entry.payload);
    const bool open = !blind.empty() && blind.back().to == HostTime::never();
    if (tick.kind == TickKind::Status && tick.status() == code) {
      ++told;
      if (!open) blind.push_back({entry.now});
    } else if (tick.kind == TickKind::Quote && open) {
      blind.back().to = entry.now;
    }
  }
  std::size_t entries = 0;
  for (const Order& order : records_of<Order>(read_journal(dir, "gateway"), Edge::RiskGateway))
    for (const Blind& time : blind)
      if (order.kind == OrderKind::Entry && order.approved_at > time.from &&
          order.approved_at < time.to)
        ++entries;
  return entries;
}

TEST_P(BadVenue, IsCountedToldAndSurvived) {
  const VenueFault& fault = GetParam();
  const bool mute = fault.kind == "mute";
  Box box({.venue_flags = {"--fault", fault.kind + ":@3000"},
           .conf = {{"stale_ms", mute ? "300" : "2000"}}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const std::vector<pid_t> pids = pids_of(box);
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Feed, fault.counter) > 0; }, 30s))
      << fault.counter << " stays 0\n"
      << box.log("feed") << box.log("sluice-venue");
  EXPECT_EQ(pids_of(box), pids) << "somebody died of it";
  EXPECT_TRUE(box.wait_armed()) << "a venue's fault is not the permit's business";
  if (mute) {
    const pid_t feed = box.pid_of(Process::Feed);
    // The connection stands and answers pings: only a new one can help.
    EXPECT_EQ(box.counter(Process::Feed, "disconnects_total"), 0u);
    ASSERT_EQ(::kill(feed, SIGKILL), 0);
    ASSERT_TRUE(eventually(
        [&] { return box.pid_of(Process::Feed) > 0 && box.pid_of(Process::Feed) != feed; }));
    ASSERT_TRUE(box.wait_armed());
  }
  const std::uint64_t sent = box.counter(Process::Gateway, "sent_verdicts");
  EXPECT_TRUE(
      eventually([&] { return box.counter(Process::Gateway, "sent_verdicts") > sent; }, 30s))
      << "it does not trade again\n"
      << box.ctl({"why"}).out;
  EXPECT_NE(box.log("feed").find(fault.line), std::string::npos) << box.log("feed");
  EXPECT_LE(lines_of(box.log("feed")).size(), 12u) << "one clear line, not many:\n"
                                                   << box.log("feed");
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  if (!fault.told) return;
  std::size_t told = 0;
  EXPECT_EQ(entries_while_blind(box.run_dir(), *fault.told, told), 0u)
      << "entries were approved without a feed";
  EXPECT_GT(told, 0u) << "risk was never told";
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadVenue,
    testing::Values(
        VenueFault{"malformed-json", "decode_errors_total{error=\"malformed\"}", {}, ""},
        VenueFault{"oversize", "reconnects_total", StatusCode::SessionDown, "message too big"},
        VenueFault{"invalid-utf8", "reconnects_total", StatusCode::SessionDown, "invalid UTF-8"},
        VenueFault{"close-mid-message", "reconnects_total", StatusCode::SessionDown,
                   "closed within a message"},
        VenueFault{"drop", "reconnects_total", StatusCode::SessionDown, "connection lost"},
        VenueFault{"gap", "gaps_total", StatusCode::VenueGap, ""},
        VenueFault{"mute", "stale_total", StatusCode::Stale, ""}),
    [](const auto& param) {
      std::string name = param.param.kind;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(BadInput, AnInstrumentTheVenueDoesNotKnowIsSaidAndNothingTrades) {
  Box box({.conf = {{"venue_symbol", "\"NOSUCHUSDT\""}, {"stale_ms", "300"}}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const std::vector<pid_t> pids = pids_of(box);
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Feed, "stale_total") > 0; }))
      << box.log("feed");
  EXPECT_TRUE(eventually([&] {
    return box.log("feed").find("nothing received of NOSUCHUSDT") != std::string::npos;
  })) << box.log("feed");
  EXPECT_EQ(pids_of(box), pids);
  EXPECT_EQ(box.counter(Process::Gateway, "sent_verdicts"), 0u);
  const Outcome why = box.ctl({"why"});
  EXPECT_EQ(why.exit_code, 1) << why.out;
  EXPECT_NE(why.out.find("BLOCK"), std::string::npos) << why.out;
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

TEST(BadInput, AMissingCaptureIsOneLine) {
  expect_one_line(run({bin("sluice-venue"), "--capture", "/nonexistent.gz", "--port", "0"}), 2,
                  {"sluice-venue: ", "/nonexistent.gz"});
}

TEST(BadInput, ABusyPortIsOneLineThatNamesIt) {
  Box box({});
  const std::string port = lines_of(text_of_file(box.dir() / "port")).at(0);
  expect_one_line(run({bin("sluice-venue"), "--capture", capture(), "--port", port}), 1,
                  {"sluice-venue: ", port});
}

// ---- The machine

// Runs the supervisor with a /dev/shm of its own, mounted with these options, and lists what it
// leaves there.
Outcome supervise_in(const std::string& mount_options, const Scratch& scratch) {
  const std::string name = "bad-" + std::to_string(::getpid());
  return run({"unshare", "-m", "sh", "-c",
              "mount -t tmpfs -o " + mount_options + " none /dev/shm && { " +
                  bin("sluice-supervisor") + " --conf " + demo_conf() + " --instance " + name +
                  " --state-dir " + scratch.path("state") +
                  "; code=$?; ls -A /dev/shm; exit $code; }"});
}

bool can_mount() {
  return run({"unshare", "-m", "sh", "-c", "mount -t tmpfs none /dev/shm"}).exit_code == 0;
}

TEST(BadMachine, AFullDevShmIsOneLineAndLeavesNothing) {
  if (!can_mount()) GTEST_SKIP() << "needs a mount namespace of its own (root)";
  const Scratch scratch;
  expect_one_line(supervise_in("size=4m", scratch), 1,
                  {"/dev/shm/sluice.bad-", "KiB free", "cannot allocate"});
}

TEST(BadMachine, ADevShmThatCannotBeWrittenIsOneLine) {
  if (!can_mount()) GTEST_SKIP() << "needs a mount namespace of its own (root)";
  const Scratch scratch;
  expect_one_line(supervise_in("ro", scratch), 1,
                  {"/dev/shm/sluice.bad-", "cannot create", "writable"});
}

TEST(BadMachine, ACpuThatIsNotThereIsSaidAndTheStageRunsUnpinned) {
  Box box({.venue = false, .manual = true});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  box.start({bin("sluice-risk"), "--conf", box.conf(), "--instance", box.name(), "--state-dir",
             box.state().string(), "--cpu", "999"});
  ASSERT_TRUE(eventually([&] {
    return box.objects().page(Process::Risk).stage_state() == StageState::Ready;
  })) << box.log("sluice-risk");
  EXPECT_EQ(box.objects().page(Process::Risk).cpu.load(), 0u);
  const std::string log = box.log("sluice-risk");
  EXPECT_NE(log.find("cannot use CPU 999"), std::string::npos) << log;
  EXPECT_NE(log.find("running unpinned"), std::string::npos) << log;
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

TEST(BadMachine, OneCpuForAllIsEnoughAndNobodySpinsOnIt) {
  Box box({.supervisor_prefix = {"taskset", "-c", "0"}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  for (const Process p : kStages) {
    EXPECT_EQ(box.objects().page(p).cpu.load(), 1u) << name_of(p);
    EXPECT_EQ(box.objects().page(p).wait.load(), static_cast<std::uint64_t>(WaitStrategy::Yield))
        << name_of(p);
  }
  EXPECT_TRUE(eventually([&] { return box.counter(Process::Gateway, "sent_verdicts") > 0; }, 30s));
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

TEST(BadMachine, WithoutPermissionToLockMemoryItSaysSoAndTrades) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to become somebody with less";
  const std::vector<std::string> nobody{"prlimit",       "--memlock=65536:65536", "setpriv",
                                        "--reuid=65534", "--regid=65534",         "--clear-groups"};
  std::vector<std::string> probe = nobody;
  probe.insert(probe.end(), {"test", "-x", bin("sluice-supervisor")});
  if (run(probe).exit_code != 0)
    GTEST_SKIP() << "nobody cannot execute " << bin("sluice-supervisor");
  Box box({.supervisor_prefix = nobody});
  ASSERT_EQ(::chown(box.state().c_str(), 65534, 65534), 0);
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor") << box.log("risk");
  for (const Process p : {Process::Risk, Process::Gateway, Process::Feed}) {
    const std::vector<std::string> log = lines_of(box.log(std::string(name_of(p))));
    EXPECT_EQ(std::count_if(log.begin(), log.end(),
                            [](const std::string& line) {
                              return line.find("memory is not locked") != std::string::npos &&
                                     line.find("ulimit -l") != std::string::npos;
                            }),
              1)
        << name_of(p);
  }
  EXPECT_TRUE(eventually([&] { return box.counter(Process::Gateway, "sent_verdicts") > 0; }, 30s));
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
}

// ---- Configuration and command line

// The demo's configuration with ten mistakes of ten kinds. Each is {what the fault must say, what
// must stand on the line that it points to}.
struct Mistake {
  std::string says;
  std::string on_line;
};

std::string with_mistakes() {
  std::string text = text_of_file(demo_conf());
  const auto replace = [&text](const std::string& from, const std::string& to) {
    const std::size_t at = text.find("\n" + from);
    ASSERT_NE(at, std::string::npos) << from;
    const std::size_t end = text.find('\n', at + 1);
    text.replace(at + 1, end - at - 1, to);
  };
  replace("mode = ", "mode = \"PAPER\"\nmode = \"PAPER\"");
  replace("tick = ", "tick = \"0.0x\"");
  replace("reports = ", "reports = 1000");
  replace("instruments = ", "instruments = [\"ETHUSDT\"]");
  replace("equity = ", "equity = 5000000");
  replace("max_spread = ", "colour = 1");
  replace("max_same_side = ", "max_same_side = 0");
  replace("cooldown_s = ", "cooldown_ms = 2000");
  replace("entry_slip = ", "entry_slip = \"0.02\"");
  text += "\n[riks]\nequity = \"1\"\n";
  return text;
}

TEST(BadConfiguration, TenFaultsAreToldInOneRunEachWithItsPlace) {
  const Scratch scratch;
  const std::string path = scratch.path("ten.toml");
  const std::string text = with_mistakes();
  std::ofstream(path) << text;
  const std::vector<Mistake> mistakes{{"mode", "mode = "},
                                      {"tick", "tick = \"0.0x\""},
                                      {"rings.reports", "reports = 1000"},
                                      {"ETHUSDT", "instruments = "},
                                      {"risk.equity", "equity = 5000000"},
                                      {"risk.max_spread", "[risk]"},
                                      {"risk.colour", "colour = 1"},
                                      {"risk.max_same_side", "max_same_side = 0"},
                                      {"risk.cooldown", "cooldown_ms"},
                                      {"risk.entry_slip", "entry_slip"},
                                      {"riks", "[riks]"}};
  const Outcome check = run({bin("sluicectl"), "check", path});
  EXPECT_EQ(check.exit_code, 2) << check.out;
  const std::vector<std::string> source = lines_of(text);
  std::vector<std::string> faults = lines_of(check.out);
  const std::regex place("^[^:]+:([0-9]+):([0-9]+): .+");
  for (const Mistake& mistake : mistakes) {
    const auto found = std::find_if(faults.begin(), faults.end(), [&](const std::string& fault) {
      std::smatch match;
      if (!std::regex_match(fault, match, place) || fault.find(mistake.says) == std::string::npos)
        return false;
      const auto line = static_cast<std::size_t>(std::stoul(match[1]));
      return line >= 1 && line <= source.size() &&
             source[line - 1].find(mistake.on_line) != std::string::npos;
    });
    ASSERT_NE(found, faults.end()) << "\"" << mistake.says << "\" is not told with its line:\n"
                                   << check.out;
    faults.erase(found);
  }
  ASSERT_EQ(faults.size(), 1u) << "one mistake, one fault:\n" << check.out;
  EXPECT_NE(faults[0].find(std::to_string(mistakes.size()) + " faults"), std::string::npos)
      << check.out;
  // A stage refuses it as well, before it touches anything.
  const Outcome risk = run({bin("sluice-risk"), "--conf", path, "--wait", "0"});
  EXPECT_EQ(risk.exit_code, 2) << risk.out;
  EXPECT_NE(risk.out.find(path + ":"), std::string::npos) << risk.out;
}

const std::vector<std::string> kWithConf{"sluice-supervisor", "sluice-recorder", "sluice-feed",
                                         "sluice-risk",       "sluice-gateway",  "sluice-strategy"};

std::vector<std::string> command(const std::string& program, std::vector<std::string> words) {
  if (program == "sluice-strategy") words.insert(words.begin(), {"--seat", "0"});
  words.insert(words.begin(), bin(program));
  return words;
}

TEST(BadCommandLine, AMissingConfigurationIsOneLine) {
  for (const std::string& program : kWithConf)
    expect_one_line(run(command(program, {"--conf", "/nonexistent.toml"})), 2,
                    {program + ": ", "/nonexistent.toml"});
  expect_one_line(run({bin("sluicectl"), "check", "/nonexistent.toml"}), 2,
                  {"sluicectl check: ", "/nonexistent.toml"});
}

TEST(BadCommandLine, AWrongFlagIsOneLine) {
  for (const std::string& program : kWithConf)
    expect_one_line(run(command(program, {"--conf", demo_conf(), "--no-such-flag"})), 2,
                    {program + ": ", "--no-such-flag"});
  expect_one_line(run({bin("sluice-venue"), "--capture", capture(), "--no-such-flag"}), 2,
                  {"sluice-venue: ", "--no-such-flag"});
  expect_one_line(run({bin("sluicectl"), "--no-such-flag"}), 2, {"sluicectl: ", "--no-such-flag"});
  const Outcome replay = run({bin("sluice-replay"), "verify", "--no-such-flag"});
  EXPECT_EQ(replay.exit_code, 2) << replay.out;
}

TEST(BadCommandLine, AStageWithoutItsInstanceWaitsAndSaysWhatItWaitsFor) {
  const std::string name = "bad-" + std::to_string(::getpid());
  for (const std::string& program : kWithConf) {
    if (program == "sluice-supervisor") continue;
    const Outcome outcome =
        run(command(program, {"--conf", demo_conf(), "--instance", name, "--wait", "1"}));
    EXPECT_EQ(outcome.exit_code, 5) << program << ": " << outcome.out;
    const std::vector<std::string> lines = lines_of(outcome.out);
    ASSERT_EQ(lines.size(), 2u) << outcome.out;
    EXPECT_NE(lines[0].find("waiting up to 1 s"), std::string::npos) << outcome.out;
    EXPECT_NE(lines[1].find(program + ": instance '" + name + "'"), std::string::npos)
        << outcome.out;
    EXPECT_NE(lines[1].find("start sluice-supervisor"), std::string::npos) << outcome.out;
  }
}

}  // namespace
}  // namespace sluice::e2e
