// What the disk budget may remove, and what it may never: each rule from both sides.
#include "tools/recorder/retention.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "core/journal_file.hpp"
#include "tests/support/names.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kFile = 1'000;
constexpr std::int64_t kDay = 86'400;
constexpr std::uint16_t kRunning = 6;

class RetentionTest : public testing::Test {
 protected:
  // Runs 1 to 6, two files each; the last is the running one.
  RetentionTest() {
    for (std::uint16_t run = 1; run <= kRunning; ++run)
      for (const char* name : {"risk.00000000000000.journal", "risk.00000000000100.checkpoint"})
        add(run, name);
    for (std::uint16_t run = 1; run <= kRunning; ++run) add(run, "pipeline.toml");
  }
  void add(std::uint16_t run, const std::string& name) {
    const fs::path dir = run_directory(dir_.path(), run);
    fs::create_directories(dir);
    std::ofstream(dir / name) << "x";
    fs::resize_file(dir / name, kFile);
  }
  void age(std::uint16_t run, std::int64_t days) {
    for (const auto& entry : fs::directory_iterator(run_directory(dir_.path(), run)))
      fs::last_write_time(entry.path(),
                          fs::file_time_type::clock::now() - std::chrono::hours(24 * days));
  }
  // Files of journals and checkpoints that are left, by run.
  std::string left() {
    std::string text;
    for (std::uint16_t run = 1; run <= kRunning; ++run) {
      int files = 0;
      for (const auto& entry : fs::directory_iterator(run_directory(dir_.path(), run)))
        files += entry.path().filename() != "pipeline.toml";
      text += std::to_string(files);
    }
    return text;
  }
  int work(Retention& retention, bool evidence = false) {
    int removed = 0;
    for (int i = 0; i < 20; ++i)
      if (retention.step(::time(nullptr), evidence)) ++removed;
    return removed;
  }
  Retention make(std::uint64_t budget, std::uint64_t keep_runs = 1, std::int64_t keep_s = 0) {
    return {{keep_runs, keep_s, budget}, dir_.path(), kRunning};
  }
  const test::TempDir dir_;
};

TEST_F(RetentionTest, WithoutABudgetNothingIsEverRemoved) {
  Retention retention = make(0);
  EXPECT_EQ(work(retention), 0);
  EXPECT_FALSE(retention.exceeded());
}

TEST_F(RetentionTest, OldestFirstAndNoMoreThanTheBudgetAsks) {
  Retention enough = make(12 * kFile);
  EXPECT_EQ(work(enough), 0) << "exactly the budget";
  Retention retention = make(12 * kFile - 1);
  EXPECT_EQ(work(retention), 1);
  EXPECT_EQ(left(), "122222");
  Retention less = make(7 * kFile);
  EXPECT_EQ(work(less), 4);
  EXPECT_EQ(left(), "001222");
  EXPECT_FALSE(less.exceeded());
  EXPECT_TRUE(fs::exists(run_directory(dir_.path(), 1) / "pipeline.toml"));
}

TEST_F(RetentionTest, OneStepRemovesOneFileAndNamesIt) {
  Retention retention = make(1);
  const auto removed = retention.step(::time(nullptr), false);
  ASSERT_TRUE(removed);
  EXPECT_NE(removed->path.find("00001/risk.00000000000000.journal"), std::string::npos)
      << removed->path;
  EXPECT_EQ(removed->bytes, kFile);
  EXPECT_EQ(left(), "122222");
}

TEST_F(RetentionTest, TheNewestFinishedRunsAndTheRunningOneStayThoughTheBudgetIsExceeded) {
  Retention retention = make(1, 3);
  EXPECT_EQ(work(retention), 4);
  EXPECT_EQ(left(), "002222");
  EXPECT_TRUE(retention.exceeded()) << "the condition disk_low";
}

TEST_F(RetentionTest, AYoungRunStays) {
  age(1, 11);
  age(2, 9);
  age(3, 11);
  Retention retention = make(1, 1, 10 * kDay);
  EXPECT_EQ(work(retention), 2);
  EXPECT_EQ(left(), "022222") << "nor is an older run behind a younger one taken out of turn";
  EXPECT_TRUE(retention.exceeded());
}

TEST_F(RetentionTest, NothingGoesWhileAKillStands) {
  Retention retention = make(1);
  EXPECT_EQ(work(retention, true), 0);
  EXPECT_EQ(left(), "222222");
  EXPECT_TRUE(retention.exceeded());
  EXPECT_EQ(work(retention, false), 8) << "rearmed";
}

}  // namespace
}  // namespace sluice
