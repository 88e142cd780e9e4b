// `sluice-replay run` and `export` as a person calls them: the same bytes from two processes, one
// line and an exit code for what cannot be, and the journals of a real run as CSV.
#include <gtest/gtest.h>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() / ("sluice-replay-run-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

std::string demo_conf() {
  return std::string(SLUICE_SOURCE_DIR) + "/conf/demo.toml";
}

// Only what goes to stdout.
Outcome data_of(const std::vector<std::string>& words) {
  std::vector<std::string> all{"sh", "-c", "exec \"$@\" 2>/dev/null", "sh"};
  all.insert(all.end(), words.begin(), words.end());
  return run(all, std::chrono::seconds(60));
}

std::vector<std::string> replay_run(const std::vector<std::string>& more) {
  std::vector<std::string> words{bin("sluice-replay"), "run", capture(), "--conf", demo_conf()};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(ReplayRun, TwoProcessesPrintAndWriteTheSameBytes) {
  const Folder folder;
  for (const char* form : {"--json", "--to=41249"}) {
    const Outcome first = data_of(replay_run({form, "--trades", folder / "first.csv"}));
    const Outcome second = data_of(replay_run({form, "--trades", folder / "second.csv"}));
    ASSERT_EQ(first.exit_code, 0);
    EXPECT_GT(first.out.size(), 500u);
    EXPECT_EQ(first.out, second.out) << form;
    const std::string trades = text_of_file(folder / "first.csv");
    EXPECT_GT(lines_of(trades).size(), 10u);
    EXPECT_EQ(trades, text_of_file(folder / "second.csv"));
  }
  // What differs is said elsewhere.
  const Outcome all = run(replay_run({"--to", "2000"}));
  EXPECT_EQ(lines_of(all.out).back().rfind("sluice-replay: 1999 messages in ", 0), 0u) << all.out;
}

TEST(ReplayRun, WhatCannotBeIsOneLineAndAnExitCode) {
  const Folder folder;
  const std::string replay = bin("sluice-replay");
  expect_one_line(run({replay, "run", "/no/such.gz", "--conf", demo_conf()}), 2,
                  {"sluice-replay: ", "/no/such.gz", "no such file"});
  expect_one_line(run({replay, "run", demo_conf(), "--conf", demo_conf()}), 2, {"not a gzip file"});
  const std::string whole = text_of_file(capture());
  std::ofstream(folder / "torn.gz", std::ios::binary) << whole.substr(0, whole.size() - 1'000);
  expect_one_line(run({replay, "run", folder / "torn.gz", "--conf", demo_conf()}), 1,
                  {"torn.gz", "torn"});
  expect_one_line(run({replay, "run", capture(), "--conf", "/no/such.toml"}), 2, {"/no/such.toml"});
  expect_one_line(run({replay, "run", capture()}), 2, {"--conf"});
  expect_one_line(run(replay_run({"--from", "50000"})), 2, {"--from 50000", "1 to 41249"});
  expect_one_line(run(replay_run({"--to", "5", "--seconds", "1"})), 2, {"--seconds"});
  expect_one_line(run(replay_run({"--to", "50", "--trades", "/no/such/dir/t.csv"})), 1,
                  {"/no/such/dir/t.csv", "cannot be written"});
  expect_one_line(run({replay, "export", "/no/such", "--csv", folder / "out"}), 3, {"/no/such"});
  expect_one_line(run({replay, "export", "/no/such"}), 2, {"--csv"});
  expect_one_line(run({replay, "export", "/no/such", "--csv"}), 2, {"--journal"});
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST(ReplayRun, TheJournalsOfARealRunAsCsv) {
  Box box({.venue_flags = {"--once", "--linger", "1", "--from", "26619", "--seconds", "40"}});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  ASSERT_TRUE(box.wait_venue_end()) << box.log("sluice-venue");
  ASSERT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  const std::string out = (box.dir() / "csv").string();
  const Outcome exported =
      run({bin("sluice-replay"), "export", box.state().string(), "--csv", out});
  ASSERT_EQ(exported.exit_code, 0) << exported.out;
  EXPECT_EQ(lines_of(exported.out).size(), 4u) << exported.out;
  for (const std::string journal : {"seat0", "risk", "gateway", "paper"}) {
    std::map<std::string, std::size_t> in_journal;
    for (const JournalEntry& entry : read_journal(box.run_dir(), journal))
      ++in_journal[std::string(name_of(record_of(entry.edge)))];
    std::map<std::string, std::size_t> in_file;
    const std::string text = text_of_file(fs::path(out) / (journal + ".csv"));
    std::vector<std::string> lines = lines_of(text);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines[0].rfind("position,now_ns,edge,record,", 0), 0u) << lines[0];
    for (std::size_t i = 1; i < lines.size(); ++i) {
      std::istringstream cells(lines[i]);
      std::string record;
      for (int cell = 0; cell < 4; ++cell) std::getline(cells, record, ',');
      ++in_file[record];
    }
    EXPECT_EQ(in_file, in_journal) << journal;
    EXPECT_GT(in_file.size(), journal == "paper" ? 0u : 2u) << journal;
    const Outcome one = data_of(
        {bin("sluice-replay"), "export", box.run_dir().string(), "--csv", "--journal", journal});
    EXPECT_EQ(one.out, text) << journal << " to stdout";
  }
}

}  // namespace
}  // namespace sluice::e2e
