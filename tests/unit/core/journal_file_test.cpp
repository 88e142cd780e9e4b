// Journals on disk: what was written is read back across rotations and restarts; what is torn is
// cut off, what is damaged is refused, and a failing disk leaves whole entries.
#include "core/journal_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/error.hpp"
#include "tests/support/names.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kHeader = sizeof(JournalFileHeader), kEntry = sizeof(JournalSlot);

JournalSlot slot_of(std::uint64_t position) noexcept {
  JournalSlot slot{};
  for (std::size_t i = 0; i < kPayloadWords; ++i) slot.payload[i] = mix(position * 7 + i);
  slot.word = journal_word(Edge::FeedRisk, static_cast<std::uint32_t>(position % 1'000), position,
                           slot.payload);
  return slot;
}

class JournalFileTest : public testing::Test {
 protected:
  JournalFileWriter writer(std::uint64_t rotate_bytes = 1 << 20) {
    JournalFileHeader identity{};
    identity.run_id = run_id_;
    identity.run_ordinal = 3;
    identity.process = static_cast<std::uint8_t>(Process::Risk);
    identity.mode = Mode::Paper;
    return {dir_.path(), "risk", identity, rotate_bytes};
  }
  static int append(JournalFileWriter& writer, std::uint64_t count) {
    std::vector<JournalSlot> slots;
    for (std::uint64_t i = 0; i < count; ++i) slots.push_back(slot_of(writer.next() + i));
    return writer.write(slots.data(), slots.size());
  }
  void expect_readable(std::uint64_t count) {
    JournalFiles files(dir_.path(), "risk");
    EXPECT_EQ(files.end(), count);
    for (std::uint64_t at = 0; at < count; ++at) {
      JournalSlot got{};
      ASSERT_TRUE(files.read(at, got)) << at;
      const JournalSlot expected = slot_of(at);
      ASSERT_EQ(std::memcmp(&got, &expected, sizeof got), 0) << at;
    }
    JournalSlot beyond{};
    EXPECT_FALSE(files.read(count, beyond));
  }
  fs::path file(std::uint64_t first) const {
    char name[64];
    std::snprintf(name, sizeof name, "risk.%014llu.journal",
                  static_cast<unsigned long long>(first));
    return dir_.path() / name;
  }
  static void overwrite(const fs::path& path, std::uint64_t at, const void* bytes, std::size_t n) {
    std::FILE* f = std::fopen(path.c_str(), "r+b");
    ASSERT_NE(f, nullptr);
    std::fseek(f, static_cast<long>(at), SEEK_SET);
    ASSERT_EQ(std::fwrite(bytes, 1, n, f), n);
    std::fclose(f);
  }

  test::TempDir dir_;
  std::uint64_t run_id_ = 0xabc;
};

TEST_F(JournalFileTest, NothingWrittenIsAnEmptyJournal) {
  JournalFiles none(dir_.path(), "risk");
  EXPECT_EQ(none.end(), 0u);
  EXPECT_FALSE(none.header());
  writer();
  expect_readable(0);
  JournalFiles empty(dir_.path(), "risk");
  ASSERT_TRUE(empty.header());
  EXPECT_EQ(empty.header()->run_id, run_id_);
  EXPECT_EQ(empty.header()->layout_hash, schema_hash());
}

TEST_F(JournalFileTest, AppendsRotatesAndReadsBack) {
  auto w = writer(kHeader + 10 * kEntry);
  for (int i = 0; i < 40; ++i) ASSERT_EQ(append(w, 3), 0);
  const int fd = w.duplicate();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::fdatasync(fd), 0);
  ::close(fd);
  EXPECT_EQ(w.next(), 120u);
  expect_readable(120);
  // A file takes what is asked as long as it is below the limit: 4 times 3 entries.
  for (std::uint64_t first = 0; first < 120; first += 12)
    EXPECT_EQ(fs::file_size(file(first)), kHeader + 12 * kEntry);
  struct stat info {};
  ASSERT_EQ(::stat(file(0).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0007, 0u) << "not for others";
}

TEST_F(JournalFileTest, ResumesWhereItEnded) {
  for (int i = 0; i < 10; ++i) {
    auto w = writer(kHeader + 8 * kEntry);
    EXPECT_EQ(w.next(), static_cast<std::uint64_t>(i) * 5);
    ASSERT_EQ(append(w, 5), 0);
  }
  expect_readable(50);
}

TEST_F(JournalFileTest, ATornTailOfAnyLengthIsCutOff) {
  for (std::uint64_t bytes = 0; bytes <= kEntry; ++bytes) {
    for (const auto& old : fs::directory_iterator(dir_.path())) fs::remove(old);
    {
      auto w = writer();
      ASSERT_EQ(append(w, 5), 0);
    }
    fs::resize_file(file(0), kHeader + 4 * kEntry + bytes);
    const std::uint64_t whole = bytes == kEntry ? 5 : 4;
    EXPECT_EQ(JournalFiles(dir_.path(), "risk").torn_bytes(), bytes % kEntry);
    expect_readable(whole);
    {
      auto w = writer();
      EXPECT_EQ(w.next(), whole) << bytes;
      EXPECT_EQ(fs::file_size(file(0)), kHeader + whole * kEntry);
      ASSERT_EQ(append(w, 2), 0);
    }
    expect_readable(whole + 2);
  }
}

TEST_F(JournalFileTest, ATornHeaderIsAFileThatNeverWas) {
  for (std::uint64_t bytes = 0; bytes < kHeader; bytes += 9) {
    {
      auto w = writer(kHeader + 4 * kEntry);
      ASSERT_EQ(append(w, 4), 0);
    }
    const std::uint64_t next = JournalFiles(dir_.path(), "risk").end();
    std::FILE* f = std::fopen(file(next).c_str(), "wb");
    ASSERT_NE(f, nullptr);
    for (std::uint64_t i = 0; i < bytes; ++i) std::fputc(0x5a, f);
    std::fclose(f);
    expect_readable(next);
  }
}

TEST_F(JournalFileTest, BlocksZeroedByAPowerLossAreCutOffBeforeAppending) {
  {
    auto w = writer();
    ASSERT_EQ(append(w, 20), 0);
  }
  const std::array<char, 3 * kEntry> zeros{};
  overwrite(file(0), kHeader + 17 * kEntry, zeros.data(), zeros.size());
  auto w = writer();
  EXPECT_EQ(w.next(), 17u);
  ASSERT_EQ(append(w, 3), 0);
  expect_readable(20);
}

TEST_F(JournalFileTest, ADamagedHeaderIsRefused) {
  {
    auto w = writer();
    ASSERT_EQ(append(w, 2), 0);
  }
  for (std::size_t at = 0; at < kHeader; at += 5) {
    std::FILE* f = std::fopen(file(0).c_str(), "rb");
    std::fseek(f, static_cast<long>(at), SEEK_SET);
    const int byte = std::fgetc(f);
    std::fclose(f);
    const char bad = static_cast<char>(byte ^ 0x10), good = static_cast<char>(byte);
    overwrite(file(0), at, &bad, 1);
    EXPECT_THROW(JournalFiles(dir_.path(), "risk"), Error) << at;
    EXPECT_THROW(writer(), Error) << at;
    overwrite(file(0), at, &good, 1);
  }
  expect_readable(2);
}

TEST_F(JournalFileTest, AnotherRunsFilesAreNotContinued) {
  {
    auto w = writer();
    ASSERT_EQ(append(w, 2), 0);
  }
  run_id_ += 1;
  EXPECT_THROW(writer(), Error);
  expect_readable(2);
}

TEST_F(JournalFileTest, AMissingFileInTheMiddleIsRefusedOneAtTheFrontIsNot) {
  {
    auto w = writer(kHeader + 4 * kEntry);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(append(w, 4), 0);
  }
  fs::rename(file(4), dir_.path() / "aside");
  EXPECT_THROW(JournalFiles(dir_.path(), "risk"), Error);
  EXPECT_THROW(writer(), Error);
  fs::rename(dir_.path() / "aside", file(4));
  fs::remove(file(0));  // retention
  JournalFiles files(dir_.path(), "risk");
  EXPECT_EQ(files.first(), 4u);
  EXPECT_EQ(files.end(), 12u);
  JournalSlot slot{};
  EXPECT_FALSE(files.read(3, slot));
  EXPECT_TRUE(files.read(4, slot));
}

// The soft limit on file size, for as long as it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) : ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, ignored_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*ignored_)(int);
};

TEST_F(JournalFileTest, AFailingDiskLeavesWholeEntriesAndTheWriterGoesOn) {
  for (const std::uint64_t extra : {0u, 1u, 17u, 63u}) {
    for (const auto& old : fs::directory_iterator(dir_.path())) fs::remove(old);
    auto w = writer();
    ASSERT_EQ(append(w, 3), 0);
    {
      FileSizeLimit limit(kHeader + 7 * kEntry + extra);
      EXPECT_EQ(append(w, 10), EFBIG);
      EXPECT_EQ(w.next(), 7u) << "what was written before the failure counts";
      EXPECT_EQ(append(w, 1), EFBIG);
      EXPECT_EQ(w.next(), 7u);
    }
    EXPECT_EQ(fs::file_size(file(0)), kHeader + 7 * kEntry) << extra;
    EXPECT_EQ(append(w, 5), 0);
    EXPECT_EQ(w.next(), 12u);
    expect_readable(12);
  }
}

TEST_F(JournalFileTest, AFailingRotationIsReportedAndTriedAgain) {
  auto w = writer(kHeader + 4 * kEntry);
  ASSERT_EQ(append(w, 4), 0);
  for (const auto& [bytes, error] : {std::pair{0u, EFBIG}, std::pair{40u, ENOSPC}}) {
    FileSizeLimit limit(bytes);
    errno = 0;
    EXPECT_EQ(append(w, 4), error) << bytes;
    EXPECT_FALSE(fs::exists(file(4))) << "no half header is left";
  }
  EXPECT_EQ(append(w, 4), 0);
  expect_readable(8);
}

TEST_F(JournalFileTest, ADirectoryThatCannotBeIsAnError) {
  const fs::path blocked = dir_.path() / "blocked";
  std::fclose(std::fopen(blocked.c_str(), "wb"));
  EXPECT_THROW(JournalFileWriter(blocked / "runs", "risk", {}, 1 << 20), Error);
}

TEST_F(JournalFileTest, WhereNamesFileAndByte) {
  auto w = writer(kHeader + 4 * kEntry);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(append(w, 4), 0);
  JournalFiles files(dir_.path(), "risk");
  EXPECT_EQ(files.where(0), "risk.00000000000000.journal at byte 128");
  EXPECT_EQ(files.where(6), "risk.00000000000004.journal at byte 256");
  EXPECT_EQ(files.where(12), "beyond the files");
}

TEST_F(JournalFileTest, ListsJournalsByName) {
  for (const char* name : {"seat0", "risk", "paper"})
    JournalFileWriter(dir_.path(), name, {}, 1 << 20);
  std::fclose(std::fopen((dir_.path() / "risk.journal").c_str(), "wb"));
  std::fclose(std::fopen((dir_.path() / "notes.txt").c_str(), "wb"));
  EXPECT_EQ(list_journals(dir_.path()), (std::vector<std::string>{"paper", "risk", "seat0"}));
  EXPECT_TRUE(list_journals(dir_.path() / "nowhere").empty());
}

TEST_F(JournalFileTest, ManyEntriesAreReadInAnyOrder) {
  {
    auto w = writer(kHeader + 20'000 * kEntry);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(append(w, 1'000), 0);
  }
  JournalFiles files(dir_.path(), "risk");
  for (const std::uint64_t at :
       {49'999u, 0u, 16'383u, 16'384u, 19'999u, 20'000u, 3u, 40'000u, 39'999u}) {
    JournalSlot got{};
    ASSERT_TRUE(files.read(at, got)) << at;
    EXPECT_EQ(got.word, slot_of(at).word) << at;
  }
}

}  // namespace
}  // namespace sluice
