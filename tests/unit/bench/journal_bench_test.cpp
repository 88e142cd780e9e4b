// `sluice-bench journal` on few entries: that every window and entry is accounted for, and that a
// file which is not what was appended is reported; never how fast.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <filesystem>
#include <fstream>

#include "bench/journal/journal.hpp"
#include "bench/journal/writer.hpp"
#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;

class JournalBench : public testing::Test {
 protected:
  void SetUp() override {
    if (cpus_allowed() < 2) GTEST_SKIP() << "writer and recorder need a CPU each";
    plan_.cpus = first_two();
  }
  JournalPlan plan_{.conf = SLUICE_SOURCE_DIR "/conf/bench.toml",
                    .dir = testing::TempDir(),
                    .mib = 8,
                    .rotate_mib = 1};
};

TEST_F(JournalBench, EveryEntryIsFiledAndEveryWindowCounted) {
  const JournalResult result = run_journal(plan_);
  EXPECT_EQ(result.wrong, "");
  EXPECT_EQ(result.entries, 8u << 20 >> 6);
  EXPECT_GE(result.files, 7u);
  EXPECT_EQ(result.windows, result.entries / kBlock / 2);
  EXPECT_EQ(result.block_ns.size(), result.windows);
  EXPECT_EQ(result.all.appends, result.windows * kBlock);
  EXPECT_EQ(result.clean.appends, (result.windows - result.switched - result.gaps) * kBlock);
  EXPECT_GT(result.append_ns(), 0.0);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = journal_json(plan_, result);
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_TRUE(bool(root["complete"]));
}

TEST_F(JournalBench, AByteThatIsNotWhatWasAppendedIsReported) {
  plan_.tamper = [](const std::string& dir) {
    fs::path first;
    for (const auto& entry : fs::directory_iterator(dir))
      if (entry.path().extension() == ".journal" && (first.empty() || entry.path() < first))
        first = entry.path();
    std::fstream bytes(first, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(128 + 777 * 64 + 20);
    bytes.put('\x55');
  };
  const JournalResult result = run_journal(plan_);
  EXPECT_NE(result.wrong.find("entry 777,"), std::string::npos) << result.wrong;
  EXPECT_FALSE(result.met());
}

TEST_F(JournalBench, AMissingEndIsReported) {
  plan_.tamper = [](const std::string& dir) {
    fs::path last;
    for (const auto& entry : fs::directory_iterator(dir))
      if (entry.path().extension() == ".journal" && last < entry.path()) last = entry.path();
    fs::resize_file(last, fs::file_size(last) - 64);
  };
  const JournalResult result = run_journal(plan_);
  EXPECT_NE(result.wrong.find("131071 are filed"), std::string::npos) << result.wrong;
}

TEST(JournalBars, BothBoundsAndTheFilesCount) {
  JournalResult result;
  result.block_ns = {kAppendLimitNs};
  result.clean.p999 = kAppendTailLimitNs;
  EXPECT_TRUE(result.met());
  result.block_ns = {kAppendLimitNs + 0.1};
  EXPECT_FALSE(result.met());
  result.block_ns = {kAppendLimitNs};
  result.clean.p999 = kAppendTailLimitNs + 0.1;
  EXPECT_FALSE(result.met());
  result.clean.p999 = kAppendTailLimitNs;
  result.wrong = "an entry";
  EXPECT_FALSE(result.met());
}

TEST(JournalBars, ACpuThatIsNotThereIsSaid) {
  EXPECT_THROW(run_journal({.conf = SLUICE_SOURCE_DIR "/conf/bench.toml", .cpus = {0, 1'000}}),
               Error);
}

}  // namespace
}  // namespace sluice::bench
