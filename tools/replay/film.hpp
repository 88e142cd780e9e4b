// One journal as it lies on disk, read from its first entry on and believed only as far as its
// checksums hold. Damage is never skipped and nothing is invented behind it: reading stops at the
// first damaged entry; what follows is only searched for more damage, so that all of it can be
// reported.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/journal_file.hpp"
#include "core/pipeline.hpp"

namespace sluice::replay {

struct Damage {
  std::uint64_t position = 0;
  std::string where;   // file and byte
  std::string what;    // what is wrong with it
  std::string record;  // what it claims to be, and its fields
};

struct FilmReport {
  std::string journal;
  std::uint64_t entries = 0;  // read and believed, fillers included
  std::uint64_t inputs = 0;
  std::uint64_t fillers = 0;
  std::uint64_t torn_bytes = 0;  // of a last entry that is not whole; dropped
  std::uint64_t unread = 0;      // entries from the first damaged one on
  std::uint64_t damaged = 0;     // how many of these are damaged
  std::vector<Damage> damages;   // the first kDamagesShown of them
  HostTime first_at;
  HostTime last_at;

  // The journal may have held more than was read: what only it could explain is not an error.
  [[nodiscard]] bool cut_short() const noexcept { return damaged != 0 || torn_bytes != 0; }
};

class Film {
 public:
  static constexpr std::size_t kDamagesShown = 1'000;

  // `takes`: the edges its entries may belong to. Throws Error(Unqualified) if there is no such
  // journal, it was written by another build, or its first entries are gone.
  Film(const std::filesystem::path& dir, const std::string& journal, std::vector<Edge> takes,
       const PipelineConfig* names);

  // The next input; fillers are passed over. False at the end, or at the first damaged entry.
  bool next(JournalEntry& out);

  [[nodiscard]] const FilmReport& report() const noexcept { return report_; }
  [[nodiscard]] const JournalFileHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::string where(std::uint64_t position) const { return files_.where(position); }

 private:
  [[nodiscard]] bool belongs(Edge edge) const noexcept;
  void note(const JournalSlot& raw, std::uint64_t position, std::string what);
  void search_the_rest(std::uint64_t from);

  JournalFiles files_;
  std::vector<Edge> takes_;
  const PipelineConfig* names_;
  JournalDecoder decoder_;
  JournalFileHeader header_{};
  FilmReport report_;
  std::uint64_t position_ = 0;
  bool stopped_ = false;
};

// The files of a journal, with errors that say what to do. Throws Error(Unqualified), or Error(No)
// if the files are there and damaged.
JournalFiles open_journal(const std::filesystem::path& dir, const std::string& journal);

// "seat0->risk Intent: id=... side=..." for an entry that may or may not be true.
std::string claim_of(const JournalSlot& raw, const PipelineConfig* names);

}  // namespace sluice::replay
