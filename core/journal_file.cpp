#include "core/journal_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <span>

#include "core/error.hpp"
#include "core/run_files.hpp"
#include "core/segment.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::uint64_t kFileMagic = 0x014c4e524a434c53;  // "SLCJRNL" and a version
struct File {
  fs::path path;
  std::uint64_t first = 0;
  std::uint64_t entries = 0;  // whole entries
  std::uint64_t torn = 0;     // bytes behind them
  JournalFileHeader header{};
};

[[noreturn]] void cannot_read(const fs::path& path, int error) {
  throw Error(path.string() + ": cannot be read: " + std::strerror(error));
}

// A file shorter than its header is one whose creation was cut short: it holds nothing. One that
// cannot be read may hold anything: that is never taken for nothing.
std::optional<File> inspect(const fs::path& path) {
  File file{path};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) cannot_read(path, errno);
  struct stat info {};
  const bool sized = ::fstat(fd, &info) == 0;
  const ssize_t got = sized ? ::pread(fd, &file.header, sizeof file.header, 0) : -1;
  const int error = errno;
  ::close(fd);
  if (got < 0) cannot_read(path, error);
  if (got < static_cast<ssize_t>(sizeof file.header)) {
    if (info.st_size >= static_cast<off_t>(sizeof file.header)) cannot_read(path, EIO);
    return std::nullopt;
  }
  if (file.header.magic != kFileMagic || file.header.check != file.header.checksum())
    throw Error(path.string() + ": is not a journal, or its header is damaged");
  if (file.header.layout_hash != schema_hash())
    throw Error(path.string() +
                ": was written by another build (layout hash differs); read it with that build");
  const auto bytes = static_cast<std::uint64_t>(info.st_size) - sizeof file.header;
  file.first = file.header.first_position;
  file.entries = bytes / sizeof(JournalSlot);
  file.torn = bytes % sizeof(JournalSlot);
  return file;
}

// Newest first: the recorder may append and rotate meanwhile, but everything older than a file that
// exists is final.
std::vector<File> inspect_all(const fs::path& dir, const std::string& journal) {
  std::error_code error;
  const std::vector<fs::path> paths = run_files(dir, journal, kJournalSuffix, error);
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(dir.string() + ": cannot be read: " + error.message());
  std::vector<File> files;
  for (const fs::path& path : paths)
    if (auto file = inspect(path)) files.push_back(*std::move(file));
  std::reverse(files.begin(), files.end());
  for (std::size_t i = 1; i < files.size(); ++i)
    if (files[i].first != files[i - 1].first + files[i - 1].entries)
      throw Error(files[i].path.string() + ": starts at entry " + std::to_string(files[i].first) +
                  ", but the file before it ends at " +
                  std::to_string(files[i - 1].first + files[i - 1].entries) +
                  ": entries are missing");
  return files;
}

}  // namespace

std::uint64_t JournalFileHeader::checksum() const noexcept {
  std::array<std::uint64_t, sizeof(JournalFileHeader) / sizeof(std::uint64_t)> words;
  std::memcpy(words.data(), this, sizeof *this);
  return crc32c(std::span(words).first(words.size() - 1));
}

fs::path run_directory(const fs::path& state_dir, std::uint16_t run_ordinal) {
  std::array<char, 16> digits;
  std::snprintf(digits.data(), digits.size(), "%05u", static_cast<unsigned>(run_ordinal));
  return state_dir / "runs" / digits.data();
}

// ---- writing

struct JournalFileWriter::State {
  fs::path dir;
  std::string journal;
  JournalFileHeader identity{};
  std::uint64_t rotate_bytes = 0;
  int fd = -1;
  std::uint64_t first = 0;  // of the present file
  std::uint64_t next = 0;
  std::uint64_t file_bytes = 0;  // where the next byte goes; what a failed call left above it is
                                 // overwritten
  bool sync_failed = false;

  int create(const fs::path& path, int& opened) noexcept;
  int open_next() noexcept;
  void resume(const File& last);
};

// Never over a file that holds entries: what may be there under this name is one whose creation
// was cut short.
int JournalFileWriter::State::create(const fs::path& path, int& opened) noexcept {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  opened = ::open(path.c_str(), kFlags | O_EXCL, 0640);
  if (opened >= 0) return 0;
  if (errno != EEXIST) return errno;
  opened = ::open(path.c_str(), kFlags, 0640);
  if (opened < 0) return errno;
  struct stat info {};
  int error = ::fstat(opened, &info) != 0 ? errno : 0;
  if (error == 0 && info.st_size > static_cast<off_t>(sizeof identity)) error = EEXIST;
  if (error != 0) ::close(opened);
  return error;
}

int JournalFileWriter::State::open_next() noexcept {
  // What was written must be durable before the next file begins: a gap could not be explained.
  if (fd >= 0 && ::fdatasync(fd) != 0) {
    sync_failed = true;
    return errno;
  }
  identity.magic = kFileMagic;
  identity.first_position = next;
  identity.check = identity.checksum();
  const fs::path path = dir / run_file_name(journal, next, kJournalSuffix);
  int opened = -1;
  if (const int error = create(path, opened); error != 0) return error;
  const ssize_t written = ::pwrite(opened, &identity, sizeof identity, 0);
  if (written != static_cast<ssize_t>(sizeof identity)) {
    const int error = written < 0 ? errno : ENOSPC;  // a short write sets no errno
    ::close(opened);
    ::unlink(path.c_str());
    return error;
  }
  if (const int error = sync_directory(dir); error != 0) {  // the name is durable only with it
    ::close(opened);
    ::unlink(path.c_str());
    return error;
  }
  if (fd >= 0) ::close(fd);
  fd = opened;
  first = next;
  file_bytes = sizeof identity;
  return 0;
}

// Continues the last file: a torn tail is cut off before anything is appended.
void JournalFileWriter::State::resume(const File& last) {
  if (last.header.run_id != identity.run_id)
    throw Error(last.path.string() + ": belongs to another run; the directory is not this run's");
  fd = ::open(last.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) throw Error(last.path.string() + ": " + std::strerror(errno));
  first = last.first;
  next = last.first + last.entries;
  file_bytes = sizeof identity + last.entries * sizeof(JournalSlot);
  // Entries at the end may be damaged by a power loss (zeroed blocks): keep the valid prefix only.
  JournalSlot slot;
  JournalDecoder decoder;
  JournalEntry entry;
  while (next > last.first) {
    const auto at = static_cast<off_t>(file_bytes - sizeof slot);
    if (::pread(fd, &slot, sizeof slot, at) != static_cast<ssize_t>(sizeof slot))
      cannot_read(last.path, errno);
    if (decoder.decode(slot, next - 1, entry) != JournalDecoder::Status::Corrupt) break;
    --next;
    file_bytes -= sizeof slot;
  }
  if (::ftruncate(fd, static_cast<off_t>(file_bytes)) != 0)
    throw Error(last.path.string() + ": cannot cut off the torn tail: " + std::strerror(errno));
}

JournalFileWriter::JournalFileWriter(fs::path dir, std::string journal,
                                     const JournalFileHeader& identity, std::uint64_t rotate_bytes)
    : state_(std::make_unique<State>()) {
  state_->dir = std::move(dir);
  state_->journal = std::move(journal);
  state_->identity = identity;
  state_->identity.layout_hash = schema_hash();
  state_->rotate_bytes = rotate_bytes;
  std::error_code error;
  fs::create_directories(state_->dir, error);
  if (error) throw Error(state_->dir.string() + ": cannot create: " + error.message());
  const std::vector<File> files = inspect_all(state_->dir, state_->journal);
  if (!files.empty()) {
    state_->resume(files.back());
    return;
  }
  if (const int code = state_->open_next(); code != 0)
    throw Error(state_->dir.string() + ": cannot write journals: " + std::strerror(code));
}

JournalFileWriter::~JournalFileWriter() {
  if (state_ && state_->fd >= 0) ::close(state_->fd);
}
JournalFileWriter::JournalFileWriter(JournalFileWriter&&) noexcept = default;

std::uint64_t JournalFileWriter::next() const noexcept {
  return state_->next;
}
std::uint64_t JournalFileWriter::file_first() const noexcept {
  return state_->first;
}
const std::string& JournalFileWriter::journal() const noexcept {
  return state_->journal;
}

int JournalFileWriter::write(const JournalSlot* entries, std::size_t count) noexcept {
  State& s = *state_;
  if (s.file_bytes >= s.rotate_bytes)
    if (const int error = s.open_next(); error != 0) return error;
  const char* from = reinterpret_cast<const char*>(entries);
  const std::uint64_t start = s.file_bytes;
  const std::uint64_t size = count * sizeof(JournalSlot);
  std::uint64_t done = 0;
  int error = 0;
  while (done < size && error == 0) {
    const ssize_t n = ::pwrite(s.fd, from + done, size - done, static_cast<off_t>(start + done));
    if (n > 0) done += static_cast<std::uint64_t>(n);
    if (n == 0) error = EIO;
    if (n < 0 && errno != EINTR) error = errno;
  }
  // Only whole entries count. A half-written one is cut off; if even that fails, the next write
  // goes over it, and a reader leaves it out.
  const std::uint64_t whole = done / sizeof(JournalSlot);
  s.next += whole;
  s.file_bytes += whole * sizeof(JournalSlot);
  if (done % sizeof(JournalSlot) != 0)
    static_cast<void>(!::ftruncate(s.fd, static_cast<off_t>(s.file_bytes)));
  return error;
}

bool JournalFileWriter::sync_failed() const noexcept {
  return state_->sync_failed;
}

int JournalFileWriter::duplicate() const noexcept {
  return ::fcntl(state_->fd, F_DUPFD_CLOEXEC, 3);
}

// ---- reading

struct JournalFiles::State {
  std::vector<File> files;
  std::size_t open_index = ~std::size_t{0};
  int fd = -1;
  std::vector<JournalSlot> buffer;
  std::uint64_t buffer_first = 0;

  [[nodiscard]] const File* file_of(std::uint64_t position) const noexcept {
    for (const File& file : files)
      if (position >= file.first && position < file.first + file.entries) return &file;
    return nullptr;
  }
  bool fill(const File& file, std::uint64_t position);
};

bool JournalFiles::State::fill(const File& file, std::uint64_t position) {
  const auto index = static_cast<std::size_t>(&file - files.data());
  if (index != open_index) {
    if (fd >= 0) ::close(fd);
    fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    open_index = index;
  }
  if (fd < 0) return false;
  constexpr std::uint64_t kChunk = 16'384;
  buffer.resize(std::min(kChunk, file.first + file.entries - position));
  const auto at = sizeof(JournalFileHeader) + (position - file.first) * sizeof(JournalSlot);
  const auto want = buffer.size() * sizeof(JournalSlot);
  const ssize_t got = ::pread(fd, buffer.data(), want, static_cast<off_t>(at));
  buffer.resize(got < 0 ? 0 : static_cast<std::size_t>(got) / sizeof(JournalSlot));
  buffer_first = position;
  return !buffer.empty();
}

JournalFiles::JournalFiles(const fs::path& dir, const std::string& journal)
    : state_(std::make_unique<State>()) {
  state_->files = inspect_all(dir, journal);
}
JournalFiles::~JournalFiles() {
  if (state_ && state_->fd >= 0) ::close(state_->fd);
}
JournalFiles::JournalFiles(JournalFiles&&) noexcept = default;

std::uint64_t JournalFiles::first() const noexcept {
  return state_->files.empty() ? 0 : state_->files.front().first;
}
std::uint64_t JournalFiles::end() const noexcept {
  return state_->files.empty() ? 0 : state_->files.back().first + state_->files.back().entries;
}
std::uint64_t JournalFiles::torn_bytes() const noexcept {
  return state_->files.empty() ? 0 : state_->files.back().torn;
}
std::optional<JournalFileHeader> JournalFiles::header() const noexcept {
  if (state_->files.empty()) return std::nullopt;
  return state_->files.front().header;
}

bool JournalFiles::read(std::uint64_t position, JournalSlot& out) {
  State& s = *state_;
  if (position < s.buffer_first || position >= s.buffer_first + s.buffer.size()) {
    const File* file = s.file_of(position);
    if (file == nullptr || !s.fill(*file, position)) return false;
  }
  out = s.buffer[position - s.buffer_first];
  return true;
}

std::string JournalFiles::where(std::uint64_t position) const {
  const File* file = state_->file_of(position);
  if (file == nullptr) return "beyond the files";
  return file->path.filename().string() + " at byte " +
         std::to_string(sizeof(JournalFileHeader) + (position - file->first) * sizeof(JournalSlot));
}

std::vector<std::string> list_journals(const fs::path& dir) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    const std::size_t dot = name.find('.');
    if (dot != std::string::npos && is_run_file(name, name.substr(0, dot), kJournalSuffix))
      names.insert(name.substr(0, dot));
  }
  return {names.begin(), names.end()};
}

}  // namespace sluice
