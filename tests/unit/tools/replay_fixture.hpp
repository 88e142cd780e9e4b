// A run's files for each test to damage and forge, and helpers to do so.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/unit/tools/replay_support.hpp"
#include "tools/replay/verify.hpp"

namespace sluice::replay {

namespace fs = std::filesystem;

inline constexpr std::array<std::string_view, 4> kJournals{"seat0", "risk", "gateway", "paper"};

// Bytes of a file in place.
inline void patch(const fs::path& path, std::uint64_t offset, const void* bytes, std::size_t size) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  ASSERT_TRUE(file.good()) << path;
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class ReplayTest : public testing::Test {
 protected:
  // The run is made once per process; each test has a copy of its files.
  static void SetUpTestSuite() {
    original_ = new test::TempDir;
    test::ReplayRig rig;
    rig.trade(500);
    rig.crash_gateway();
    rig.trade(100);
    rig.cancel_with_an_order_open();
    rig.file(original_->path());
  }
  static void TearDownTestSuite() {
    delete original_;
    original_ = nullptr;
  }
  void SetUp() override {
    fs::copy(original_->path(), temp_.path(), fs::copy_options::recursive);
    dir_ = run_directory(temp_.path(), test::ReplayRig::kRunOrdinal);
  }

  struct Place {
    fs::path file;
    std::uint64_t offset;
  };
  Place place_of(const JournalFiles& files, std::uint64_t position) const {
    const std::string where = files.where(position);
    const std::size_t at = where.find(" at byte ");
    return {dir_ / where.substr(0, at), std::stoull(where.substr(at + 9))};
  }
  std::vector<JournalEntry> entries_of(std::string_view journal) const {
    JournalFiles files(dir_, std::string(journal));
    std::vector<JournalEntry> entries;
    JournalDecoder decoder;
    for (std::uint64_t p = 0; p < files.end(); ++p) {
      JournalSlot raw{};
      JournalEntry entry;
      EXPECT_TRUE(files.read(p, raw));
      if (decoder.decode(raw, p, entry) == JournalDecoder::Status::Input) entries.push_back(entry);
    }
    return entries;
  }
  std::vector<JournalEntry> entries_of(std::string_view journal, Edge edge) const {
    std::vector<JournalEntry> entries = entries_of(journal);
    std::erase_if(entries, [edge](const JournalEntry& entry) { return entry.edge != edge; });
    return entries;
  }
  // Changes a record and makes its checksum fit again: what no checksum can find.
  template <class R, class Change>
  void forge(std::string_view journal, const JournalEntry& entry, Change&& change) {
    JournalFiles files(dir_, std::string(journal));
    JournalSlot raw{};
    ASSERT_TRUE(files.read(entry.position, raw));
    auto record = from_payload<R>(raw.payload);
    change(record);
    raw.payload = to_payload(record);
    raw.word = journal_word(entry.edge, static_cast<std::uint32_t>(raw.word >> 40), entry.position,
                            raw.payload);
    const Place place = place_of(files, entry.position);
    patch(place.file, place.offset, &raw, sizeof raw);
  }
  std::string toml() const {
    std::ifstream file(dir_ / "pipeline.toml");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static const EdgeReport& edge(const Verification& result, std::string_view title) {
    for (const EdgeReport& report : result.edges)
      if (report.title == title) return report;
    throw Error("no edge " + std::string(title));
  }
  template <class Call>
  static std::pair<Exit, std::string> error_of(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      return {error.code(), error.what()};
    }
    return {Exit::Ok, ""};
  }
  std::pair<Exit, std::string> verify_error() const {
    return error_of([this] { static_cast<void>(verify(dir_)); });
  }

  static inline test::TempDir* original_ = nullptr;
  test::TempDir temp_;
  fs::path dir_;
};

}  // namespace sluice::replay
