// `sluice-bench baseline` and `sluice-bench ab` as a person or a script runs them: exit codes,
// words, files; and that nothing stays behind. No figure is judged here.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "bench/baseline/store.hpp"
#include "core/error.hpp"

namespace fs = std::filesystem;

namespace sluice::bench {
namespace {

constexpr const char* kProgram = SLUICE_BENCH_PROGRAM;

struct Ended {
  int code = -1;
  std::string words;  // both streams
};

// A started program, its output in a pipe.
class Running {
 public:
  explicit Running(const std::vector<std::string>& words) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::alarm(120);
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      std::vector<char*> arguments{const_cast<char*>(kProgram)};
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      ::execv(kProgram, arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    from_ = ends[0];
  }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The output ends when the last process that holds it has ended: no child outlives the program.
  Ended end() {
    Ended ended;
    char chunk[4'096];
    for (ssize_t n = 0; (n = ::read(from_, chunk, sizeof chunk)) > 0;)
      ended.words.append(chunk, static_cast<std::size_t>(n));
    ::close(from_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ended;
  }
  // Until that is among its words.
  bool await(const std::string& word) {
    char c = 0;
    while (seen_.find(word) == std::string::npos && ::read(from_, &c, 1) == 1) seen_ += c;
    return seen_.find(word) != std::string::npos;
  }

 private:
  pid_t pid_ = -1;
  int from_ = -1;
  std::string seen_;
};
Ended run(const std::vector<std::string>& words) {
  return Running(words).end();
}

class BaselineCommand : public testing::Test {
 protected:
  BaselineCommand()
      : folder_(fs::temp_directory_path() / ("baseline-cmd." + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~BaselineCommand() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  // A program that answers each turn as this script says.
  std::string impostor(const std::string& script, const char* as = "impostor") {
    const std::string name = path(as);
    std::ofstream(name) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(name, fs::perms::owner_all);
    return name;
  }
  // Of this machine, with a metric of so much in every run.
  std::string file(const char* name, double value, const char* kernel = nullptr,
                   std::size_t runs = 5, std::size_t samples = 3) {
    Document document;
    document.sources = {"core"};
    document.machine = this_machine();
    if (kernel != nullptr)
      for (Trait& trait : document.machine)
        if (trait.name == "kernel") trait.value = kernel;
    document.series = {
        {{.name = "core.a", .unit = "x"}, std::vector(runs, bench::Run(samples, value))}};
    save(path(name), document);
    return path(name);
  }

 private:
  fs::path folder_;
};

void expect(const Ended& ended, int code, const char* words) {
  EXPECT_EQ(ended.code, code) << ended.words;
  EXPECT_NE(ended.words.find(words), std::string::npos) << ended.words;
}

TEST_F(BaselineCommand, TwoFilesHaveEachExitCode) {
  const std::string a = file("a", 100);
  expect(run({"baseline", "compare", a, file("b", 105)}), 0, "no regression above +10.0 %");
  expect(run({"baseline", "compare", a, file("b", 115)}), 1, "REGRESSION above");
  expect(run({"baseline", "compare", a, file("b", 115), "--threshold", "20"}), 0, "no regression");
  expect(run({"baseline", "compare", a, file("b", 160)}), 1, "rollback class");
  expect(run({"baseline", "compare", a, file("b", 100), "--json", "-"}), 0, "{\"exit\":0,");
}

TEST_F(BaselineCommand, AnotherMachineIsRefusedWithWhatDiffers) {
  const std::string a = file("a", 100, "2.4");
  expect(run({"baseline", "compare", a}), 3, "another machine (kernel: 2.4 there");
  expect(run({"baseline", "compare", a, file("b", 100)}), 3, "two machines (kernel: 2.4 there");
  for (const double value : {100.0, 200.0})
    expect(run({"baseline", "compare", a, file("b", value), "--any-machine"}), 3,
           "not alike: kernel: 2.4 there");
}

TEST_F(BaselineCommand, ADamagedFileIsRefused) {
  const std::string a = file("a", 100);
  fs::resize_file(a, fs::file_size(a) - 10);
  expect(run({"baseline", "compare", a}), 3, "is cut off");
  expect(run({"baseline", "compare", path("none")}), 2, "no such file");
}

TEST_F(BaselineCommand, WrongWordsAreUsageErrors) {
  expect(run({"baseline"}), 2, "subcommand");
  expect(run({"baseline", "save"}), 2, "FILE");
  expect(run({"baseline", "measure", "--runs", "4"}), 2, "--runs");
  expect(run({"baseline", "compare", path("a"), "--threshold", "0"}), 2, "--threshold");
  expect(run({"baseline", "measure", "--source", "moon"}), 2, "there are: core");
  expect(run({"baseline", "measure", "--by-turns", "--source", "hop", "--slow", "15"}), 2,
         "cannot be slowed down");
  expect(run({"ab", "--a", kProgram}), 2, "--b");
  expect(run({"baseline", "measure", "--cpu", "100000", "--peer-cpu", "0"}), 2, "CPU 100000");
}

TEST_F(BaselineCommand, WhatWasSavedIsMeasuredAgain) {
  const std::string a = path("a.json");
  expect(run({"baseline", "save", a, "--runs", "5"}), 0, "saved in");
  EXPECT_EQ(files(), 1u);
  const Document saved = load(a);
  EXPECT_EQ(saved.sources.front(), "core");
  ASSERT_FALSE(saved.series.empty());
  EXPECT_EQ(saved.series[0].runs.size(), 5u);
  EXPECT_TRUE(differences(saved.machine, this_machine()).empty());
  const Ended again = run({"baseline", "compare", a, "--runs", "5", "--json", path("b.json")});
  EXPECT_TRUE(again.code == 0 || again.code == 1 || again.code == 3) << again.words;
  EXPECT_NE(again.words.find("core.push_poll"), std::string::npos) << again.words;
  EXPECT_GT(fs::file_size(path("b.json")), 100u);
}

TEST_F(BaselineCommand, MeasuredSamplesGoToStandardOutput) {
  const Ended ended = run(
      {"baseline", "measure", "--source", "core", "--runs", "5", "--slow", "15", "--json", "-"});
  ASSERT_EQ(ended.code, 0) << ended.words;
  EXPECT_EQ(parse_text(ended.words, "stdout").slowed_percent, 15);
}

TEST_F(BaselineCommand, ABinaryThatIsNoSluiceBenchIsNamed) {
  const auto beside = [&](const std::string& other) {
    return run({"ab", "--a", kProgram, "--b", other, "--runs", "5", "--source", "core"});
  };
  expect(beside(path("none")), 1, "none: cannot be started");
  expect(beside(impostor("exit 2")), 3, "does not know what it is asked for");
  expect(beside(impostor("exit 7")), 1, "ended with exit code 7");
  expect(beside(impostor("kill -9 $$")), 1, "died of signal 9");
  expect(beside(impostor("read turn; cat " + file("many", 1))), 1, "core.a is not one sample");
  expect(beside(impostor("read turn; echo '\"check\":\"00000000\"}'; read turn")), 3,
         "is no baseline");
}

// Both say what they always say, and write down when they were asked.
TEST_F(BaselineCommand, TwoSidesTakeTurnsInTheOrderAbbaBaab) {
  const auto build = [&](const char* name, double value) {
    const std::string answer = file((std::string(name) + ".answer").c_str(), value, nullptr, 1, 1);
    return impostor("while read turn; do printf " + std::string(name) + " >> " + path("asked") +
                        "; cat " + answer + "; done",
                    name);
  };
  const auto beside = [&](double a, double b) {
    fs::remove(path("asked"));
    return run(
        {"ab", "--a", build("a", a), "--b", build("b", b), "--source", "core", "--runs", "5"});
  };
  expect(beside(100, 100), 0, "no regression");
  expect(beside(100, 109), 0, "no regression");
  expect(beside(100, 115), 1, "REGRESSION above");
  expect(beside(115, 100), 0, "no regression");
  std::string asked;
  std::ifstream(path("asked")) >> asked;
  EXPECT_EQ(asked.size(), 5u * 6 * 4);  // runs, turns of the source, ABBA
  for (std::size_t i = 0; i + 8 <= asked.size(); i += 8) EXPECT_EQ(asked.substr(i, 8), "abbabaab");
}

TEST_F(BaselineCommand, TwoBuildsHaveAVerdict) {
  const Ended ended = run({"ab", "--a", kProgram, "--b", kProgram, "--runs", "5", "--runs-max", "5",
                           "--source", "core"});
  EXPECT_TRUE(ended.code == 0 || ended.code == 1 || ended.code == 3) << ended.words;
  EXPECT_NE(ended.words.find("core.append"), std::string::npos) << ended.words;
}

TEST_F(BaselineCommand, InterruptedItLeavesNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Running proving({"baseline", "prove", "--source", "core", "--trials", "1000"});
    ASSERT_TRUE(proving.await("slowed"));
    ::kill(proving.pid(), signal);
    expect(proving.end(), 130, "interrupted");
  }
  Running saving({"baseline", "save", path("a"), "--source", "core", "--runs", "1000"});
  ::kill(saving.pid(), SIGKILL);
  EXPECT_EQ(saving.end().code, 128 + SIGKILL);
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace sluice::bench
