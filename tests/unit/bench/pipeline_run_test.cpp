// The modes of sluice-bench that run the real processes, as a user calls them: counts, exit codes,
// files, and nothing left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <simdjson.h>

#include <algorithm>
#include <fstream>

#include "bench/pipeline/sla.hpp"
#include "core/segment.hpp"
#include "tests/e2e/box.hpp"
#include "tests/support/names.hpp"
#include "tools/demo_run/children.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

class PipelineRun : public testing::Test {
 protected:
  ~PipelineRun() override {
    EXPECT_EQ(orphans(), std::vector<std::string>{}) << "in /dev/shm";
    const auto left = std::filesystem::directory_iterator(dir_.path());
    EXPECT_TRUE(std::none_of(begin(left), end(left), [](const auto& entry) {
      return entry.path().filename().string().starts_with("sluice-bench.");
    }));
  }

  // Runs whose harness is gone: bench-PID-N.
  static std::vector<std::string> orphans() {
    std::vector<std::string> found;
    for (const std::string& name : list_instances())
      if (name.starts_with("bench-") && ::kill(std::stoi(name.substr(6)), 0) != 0)
        found.push_back(name);
    return found;
  }
  static bool runs(pid_t harness) {
    return !list_objects("bench-" + std::to_string(harness) + "-1").empty();
  }
  std::vector<std::string> words(std::vector<std::string> mode) const {
    mode.insert(mode.begin(), e2e::bin("sluice-bench"));
    mode.insert(mode.end(),
                {"--conf", SLUICE_SOURCE_DIR "/conf/bench.toml", "--dir", dir_.path().string()});
    return mode;
  }
  std::vector<std::string> judged(std::vector<std::string> mode, std::int64_t limit_ns) {
    const auto file = (dir_.path() / "sla.toml").string();
    std::ofstream out(file);
    out << "[run]\nrate_min = 500\nbare_percent_max = 100000\n";
    out << "[[hop]]\nname = \"tick_to_sent\"\ncount_min = 5\n";
    for (const char* key : {"p50_ns", "p90_ns", "p99_ns", "p999_ns"})
      out << key << " = " << limit_ns << "\n";
    mode.insert(mode.end(), {"--sla", file, "--unqualified-ok", "--json", json()});
    return words(std::move(mode));
  }
  std::string json() const { return (dir_.path() / "out.json").string(); }
  simdjson::dom::element result() {
    simdjson::dom::element element;
    EXPECT_EQ(parser_.load(json()).get(element), simdjson::SUCCESS);
    return element;
  }

  test::TempDir dir_;
  simdjson::dom::parser parser_;
};

constexpr std::int64_t kGenerous = 1'000'000'000'000;

TEST_F(PipelineRun, LatencyCountsEveryTickAndMeetsAGenerousSla) {
  const std::string svg = (dir_.path() / "out.svg").string();
  const e2e::Outcome outcome = e2e::run(judged(
      {"latency", "--seconds", "2", "--warm-up", "1", "--rate", "2000", "--svg", svg}, kGenerous));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  const simdjson::dom::element json = result();
  EXPECT_EQ(json["ticks"].get_uint64().value(), 4'000u);
  EXPECT_GE(json["entries"].get_uint64().value(), 10u);
  EXPECT_LE(json["intents"].get_uint64().value(), 40u);
  EXPECT_EQ(json["hops"].at(0)["count"].get_uint64().value(), 2'000u) << "without the warm-up";
  EXPECT_TRUE(json["sla_met"].get_bool().value());
  EXPECT_GT(std::filesystem::file_size(svg), 1'000u);
  for (const std::string_view text : {"tick_to_sent", "wait ", "build ", "SLA met"})
    EXPECT_NE(outcome.out.find(text), std::string::npos) << outcome.out;
}

TEST_F(PipelineRun, AnImpossibleSlaIsMissedByName) {
  const e2e::Outcome outcome =
      e2e::run(judged({"latency", "--seconds", "2", "--warm-up", "1", "--rate", "1000"}, 1));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  EXPECT_NE(outcome.out.find("missed  tick_to_sent p50 ns"), std::string::npos) << outcome.out;
}

TEST_F(PipelineRun, BlocksAlternateWithTheBareTopology) {
  const e2e::Outcome outcome = e2e::run(
      judged({"latency", "--bare", "--blocks", "2", "--seconds", "4", "--rate", "1000"}, kGenerous),
      60s);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  const simdjson::dom::element bare = result()["bare"];
  EXPECT_EQ(bare["blocks"].get_array().size(), 2u);
  EXPECT_EQ(bare["records"].get_uint64().value(), 2'000u);
  EXPECT_GT(bare["ratio"].get_double().value(), 0);
}

TEST_F(PipelineRun, EveryFlowCompletes) {
  const e2e::Outcome outcome =
      e2e::run(words({"flow", "--iterations", "25", "--unqualified-ok", "--json", json()}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_EQ(result()["flows"].get_uint64().value(), 25u);
  EXPECT_EQ(result()["phases"].get_array().size(), 10u);
}

TEST_F(PipelineRun, AFlowThatCannotCompleteFailsAndSaysWhere) {
  std::ifstream shipped(SLUICE_SOURCE_DIR "/conf/bench.toml");
  std::string text((std::istreambuf_iterator<char>(shipped)), {});
  const std::size_t at = text.find("cap = \"200000\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 14, "cap = \"0\"");
  const std::string conf = (dir_.path() / "nothing.toml").string();
  std::ofstream(conf) << text;
  std::vector<std::string> line = words({"flow", "--iterations", "2"});
  *(std::find(line.begin(), line.end(), "--conf") + 1) = conf;
  const e2e::Outcome outcome = e2e::run(line);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  EXPECT_NE(outcome.out.find("nothing for 2 s in place of 'order'"), std::string::npos)
      << outcome.out;
}

TEST_F(PipelineRun, ThroughputDropsNothing) {
  const e2e::Outcome outcome =
      e2e::run(judged({"throughput", "--seconds", "2", "--warm-up", "1"}, kGenerous));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_EQ(result()["dropped"]["risk"].get_uint64().value(), 0u);
  EXPECT_GT(result()["ticks"].get_uint64().value(), 1'000u);
}

TEST_F(PipelineRun, ARampEndsAtTheHighestRateThatHeld) {
  const e2e::Outcome outcome = e2e::run(judged({"ramp", "--seconds", "2", "--warm-up", "1.2",
                                                "--from", "1000", "--to", "2000", "--factor", "2"},
                                               kGenerous),
                                        60s);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_EQ(result()["highest_rate"].get_uint64().value(), 2'000u) << outcome.out;
}

TEST_F(PipelineRun, TheVenueThroughTheRealFeedIsMeasuredTheSameWay) {
  const e2e::Outcome outcome =
      e2e::run(judged({"latency", "--source", "venue", "--capture", e2e::capture(), "--speed", "12",
                       "--seconds", "3", "--warm-up", "0.5"},
                      kGenerous));
  EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.out;
  EXPECT_GT(result()["ticks"].get_uint64().value(), 100u);
  EXPECT_GT(result()["hops"].at(0)["count"].get_uint64().value(), 100u);
}

TEST_F(PipelineRun, AnUnqualifiedMachineGivesFiguresAndExitCode3) {
  const e2e::Outcome outcome =
      e2e::run(words({"latency", "--seconds", "2", "--warm-up", "1", "--rate", "1000", "--sla",
                      SLUICE_SOURCE_DIR "/conf/sla.toml"}));
  const bool qualified = outcome.out.find("UNQUALIFIED") == std::string::npos;
  EXPECT_EQ(outcome.exit_code, qualified ? 1 : 3) << outcome.out;
  EXPECT_NE(outcome.out.find("SLA missed"), std::string::npos) << "1000 per second are too few";
}

TEST_F(PipelineRun, CtrlCTakesTheRunAway) {
  const auto log = dir_.path() / "log";
  demo::Child child(
      words({"latency", "--seconds", "60", "--sla", SLUICE_SOURCE_DIR "/conf/sla.toml"}), log);
  ASSERT_TRUE(e2e::eventually([&] { return runs(child.pid()); }));
  ::kill(child.pid(), SIGINT);
  EXPECT_TRUE(child.wait(20s));
  EXPECT_EQ(child.exit_code(), 130);
  EXPECT_FALSE(runs(child.pid()));
  EXPECT_NE(demo::file_text(log).find("interrupted"), std::string::npos) << demo::file_text(log);
}

TEST_F(PipelineRun, WrongFlagsAreUsageErrors) {
  const std::vector<std::vector<std::string>> wrong{
      {"latency", "--rate", "0"},
      {"latency", "--seconds", "1", "--warm-up", "1"},
      {"latency", "--source", "moon"},
      {"latency", "--source", "venue"},
      {"latency", "--source", "venue", "--capture", "no/such.gz"},
      {"latency", "--cpus", "1000"},
      {"latency", "--rest-cpu", "1000"},
      {"latency", "--wait", "sleep"},
      {"latency", "--order-every", "2"},
      {"latency", "--json", "/no/such/dir/x.json"},
      {"latency", "--sla", "no/such.toml"},
      {"latency", "--seconds", "86400", "--rate", "10000000"},
      {"throughput", "--source", "venue", "--capture", e2e::capture()},
      {"ramp", "--from", "2000", "--to", "1000"},
      {"flow", "--iterations", "0"}};
  for (std::vector<std::string> line : wrong) {
    std::string said = line[0] + " " + line[1] + " " + line[2];
    const bool has_sla = std::find(line.begin(), line.end(), "--sla") != line.end();
    if (!has_sla) line.insert(line.end(), {"--sla", SLUICE_SOURCE_DIR "/conf/sla.toml"});
    const e2e::Outcome outcome = e2e::run(words(line));
    EXPECT_EQ(outcome.exit_code, 2) << said << "\n" << outcome.out;
    EXPECT_NE(outcome.out, "") << said;
  }
}

}  // namespace
}  // namespace sluice::bench
