// Journals on disk. The recorder appends what the rings hold; recovery, replay and tools read it
// back.
//
//   <state_dir>/runs/<ordinal>/<journal>.<first position>.journal
//   128-byte header, then the 64-byte entries exactly as in the ring, position after position
//
// Because an entry's checksum covers its absolute position, a file needs no index and no trailer: a
// torn last entry is cut off, anything else that fails its checksum is reported and never skipped.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/journal.hpp"

namespace sluice {

struct JournalFileHeader {
  std::uint64_t magic;
  std::uint64_t layout_hash;
  std::uint64_t run_id;
  std::uint64_t first_position;
  std::uint64_t config_hash;
  std::uint16_t run_ordinal;
  std::uint8_t process;  // Process, or Edge::PaperLog
  Mode mode;
  std::uint32_t reserved0;
  std::array<char, 24> instance;
  std::array<char, 48> build_id;
  std::uint64_t check;  // checksum()

  [[nodiscard]] std::uint64_t checksum() const noexcept;  // crc32c of the fifteen words before it
};
static_assert(sizeof(JournalFileHeader) == 128);

std::filesystem::path run_directory(const std::filesystem::path& state_dir,
                                    std::uint16_t run_ordinal);

// Appends. Opened by the recorder for one journal; continues where the files end.
class JournalFileWriter {
 public:
  // Throws Error if the directory cannot be written or existing files are corrupt or of another
  // run.
  JournalFileWriter(std::filesystem::path dir, std::string journal,
                    const JournalFileHeader& identity, std::uint64_t rotate_bytes);
  ~JournalFileWriter();
  JournalFileWriter(JournalFileWriter&&) noexcept;

  // Position behind the last entry that is in the files.
  [[nodiscard]] std::uint64_t next() const noexcept;
  // First position of the present file: changes with every rotation.
  [[nodiscard]] std::uint64_t file_first() const noexcept;
  // Writes count entries that continue at next(). Returns 0, or the errno of the failed call; whole
  // entries written before the failure count (next() says how many).
  int write(const JournalSlot* entries, std::size_t count) noexcept;
  // A rotation could not sync what was written. Latched: the page cache cannot be trusted any more.
  [[nodiscard]] bool sync_failed() const noexcept;
  // A descriptor of the present file for fdatasync elsewhere; the caller closes it. -1: no
  // descriptor left.
  [[nodiscard]] int duplicate() const noexcept;
  [[nodiscard]] const std::string& journal() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads all files of one journal, in order of position.
class JournalFiles {
 public:
  // No file at all gives an empty journal. Throws Error for a file that is not a journal of this
  // build.
  JournalFiles(const std::filesystem::path& dir, const std::string& journal);
  ~JournalFiles();
  JournalFiles(JournalFiles&&) noexcept;

  [[nodiscard]] std::uint64_t first() const noexcept;
  [[nodiscard]] std::uint64_t end() const noexcept;         // behind the last whole entry
  [[nodiscard]] std::uint64_t torn_bytes() const noexcept;  // a torn tail that was left out
  [[nodiscard]] std::optional<JournalFileHeader> header() const noexcept;
  bool read(std::uint64_t position, JournalSlot& out);
  // File name and byte offset of an entry, for reports.
  [[nodiscard]] std::string where(std::uint64_t position) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Journals that have files in the directory ("risk", "gateway", "seat0", "paper"), sorted.
std::vector<std::string> list_journals(const std::filesystem::path& dir);

}  // namespace sluice
