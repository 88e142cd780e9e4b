// The command line of the stages: values, bounds, exit codes.
#include "core/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

struct Outcome {
  std::variant<StageOptions, Exit> result;
  std::string out;
  std::string err;

  [[nodiscard]] const StageOptions& options() const { return std::get<StageOptions>(result); }
  [[nodiscard]] Exit code() const {
    return std::holds_alternative<Exit>(result) ? std::get<Exit>(result) : Exit::No;
  }
};

Outcome run(std::vector<const char*> arguments, StageProgram program = {}) {
  program.name = "sluice-test";
  program.description = "A stage for tests.";
  program.version = "0.1.0 (build abc)";
  arguments.insert(arguments.begin(), "sluice-test");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  auto result = parse_stage_options(static_cast<int>(arguments.size()), arguments.data(), program);
  return {std::move(result), ::testing::internal::GetCapturedStdout(),
          ::testing::internal::GetCapturedStderr()};
}

TEST(Options, HasDefaults) {
  const Outcome outcome = run({"--conf", "a.toml"});
  const StageOptions& options = outcome.options();
  EXPECT_EQ(options.conf, "a.toml");
  EXPECT_FALSE(options.instance || options.state_dir || options.seat || options.cpu);
  EXPECT_EQ(options.wait_deadline_s, 30);
  EXPECT_FALSE(options.check);
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(Options, ReadsEveryFlag) {
  const Outcome outcome = run({"--conf=a", "--instance", "demo", "--state-dir", "/s", "--cpu", "-1",
                               "--wait", "0", "--check", "--seat", "7"},
                              {.name = {}, .description = {}, .version = {}, .has_seat = true});
  const StageOptions& options = outcome.options();
  EXPECT_EQ(options.instance, "demo");
  EXPECT_EQ(options.state_dir, "/s");
  EXPECT_EQ(options.cpu, -1);
  EXPECT_EQ(options.wait_deadline_s, 0);
  EXPECT_TRUE(options.check);
  EXPECT_EQ(options.seat, SeatIndex{7});
}

TEST(Options, ReadsExtraFlags) {
  bool record = false;
  std::string file;
  StageProgram program;
  program.extra = {{"--record", "r", &record, nullptr}, {"--file", "f", nullptr, &file}};
  (void)run({"--conf", "a", "--record", "--file", "x"}, program).options();
  EXPECT_TRUE(record);
  EXPECT_EQ(file, "x");
}

TEST(Options, HelpAndVersionAreOk) {
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.code(), Exit::Ok);
  EXPECT_EQ(version.out, "sluice-test 0.1.0 (build abc)\n");
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.code(), Exit::Ok);
  EXPECT_NE(help.out.find("--conf FILE"), std::string::npos) << help.out;
  EXPECT_EQ(help.err, "");
}

TEST(Options, AWrongLineIsUsageInOneLine) {
  const std::vector<std::vector<const char*>> wrong{
      {},
      {"--conf"},
      {"--conf", "a", "--nonsense"},
      {"--conf", "a", "positional"},
      {"--conf", "a", "--cpu", "x"},
      {"--conf", "a", "--cpu", "-2"},
      {"--conf", "a", "--cpu", "1024"},
      {"--conf", "a", "--wait", "-1"},
      {"--conf", "a", "--seat", "1"},
  };
  for (const auto& arguments : wrong) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code(), Exit::Usage) << ::testing::PrintToString(arguments);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Options, TheSeatIsRequiredAndBounded) {
  StageProgram program;
  program.has_seat = true;
  EXPECT_EQ(run({"--conf", "a"}, program).code(), Exit::Usage);
  EXPECT_EQ(run({"--conf", "a", "--seat", "0"}, program).options().seat, SeatIndex{0});
  EXPECT_EQ(run({"--conf", "a", "--seat", "8"}, program).code(), Exit::Usage);
  EXPECT_EQ(run({"--conf", "a", "--seat", "-1"}, program).code(), Exit::Usage);
}

}  // namespace
}  // namespace sluice
