// Checkpoints on disk: the newest whole one is found; what is torn, damaged or foreign is refused
// by name and an older one is taken.
#include "core/checkpoint_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/names.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kRun = 77;

class CheckpointFileTest : public testing::Test {
 protected:
  int store(std::uint64_t position, std::uint64_t run = kRun) {
    JournalFileHeader identity{};
    identity.run_id = run;
    return store_checkpoint(dir_.path(), "risk", identity, at(position));
  }
  static Checkpoint at(std::uint64_t position) {
    return {position, {position, position + 1, position * 3}};
  }
  FiledCheckpoint newest(std::uint64_t limit = ~std::uint64_t{0}) {
    return newest_filed_checkpoint(dir_.path(), "risk", kRun, limit);
  }
  fs::path file(const std::string& digits) {
    return dir_.path() / ("risk.00000000000" + digits + ".checkpoint");
  }
  const test::TempDir dir_;
};

TEST_F(CheckpointFileTest, TheNewestNotAboveTheLimitIsFound) {
  EXPECT_FALSE(newest().found);
  ASSERT_EQ(store(100), 0);
  ASSERT_EQ(store(200), 0);
  EXPECT_EQ(newest().found->position, 200u);
  EXPECT_EQ(newest().found->words, at(200).words);
  EXPECT_EQ(newest(199).found->position, 100u);
  EXPECT_FALSE(newest(99).found);
  EXPECT_TRUE(newest(99).refused.empty());
}

TEST_F(CheckpointFileTest, ATornOneIsRefusedByNameAndTheOlderTaken) {
  ASSERT_EQ(store(100), 0);
  ASSERT_EQ(store(200), 0);
  for (std::uintmax_t size = fs::file_size(file("200")); size-- > 0;) {
    fs::resize_file(file("200"), size);
    const FiledCheckpoint got = newest();
    ASSERT_TRUE(got.found) << size;
    EXPECT_EQ(got.found->position, 100u) << size;
    ASSERT_EQ(got.refused.size(), 1u) << size;
    EXPECT_NE(got.refused[0].find("200.checkpoint: is torn"), std::string::npos) << got.refused[0];
  }
}

TEST_F(CheckpointFileTest, EveryDamagedByteIsSeen) {
  ASSERT_EQ(store(200), 0);
  const auto size = static_cast<std::streamoff>(fs::file_size(file("200")));
  for (std::streamoff byte = 0; byte < size; ++byte) {
    std::fstream io(file("200"), std::ios::in | std::ios::out | std::ios::binary);
    io.seekg(byte);
    const int was = io.get();
    io.seekp(byte);
    io.put(static_cast<char>(was ^ 0x10));
    io.flush();
    EXPECT_FALSE(newest().found) << "byte " << byte;
    EXPECT_EQ(newest().refused.size(), 1u) << "byte " << byte;
    io.seekp(byte);
    io.put(static_cast<char>(was));
  }
  EXPECT_TRUE(newest().found);
}

TEST_F(CheckpointFileTest, AnotherRunsIsRefused) {
  ASSERT_EQ(store(200, kRun + 1), 0);
  EXPECT_FALSE(newest().found);
  EXPECT_NE(newest().refused.at(0).find("another run"), std::string::npos);
}

TEST_F(CheckpointFileTest, WhatCannotBeWrittenLeavesNothingUnderItsName) {
  JournalFileHeader identity{};
  EXPECT_EQ(store_checkpoint(dir_.path() / "none", "risk", identity, at(1)), ENOENT);
  fs::create_directories(file("200"));  // the rename fails
  EXPECT_NE(store(200), 0);
  EXPECT_FALSE(fs::exists(file("200").string() + ".new"));
}

}  // namespace
}  // namespace sluice
