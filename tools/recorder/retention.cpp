#include "tools/recorder/retention.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/journal_file.hpp"
#include "core/run_files.hpp"

namespace sluice {

Retention::Retention(const RetentionConfig& config, std::filesystem::path state_dir,
                     std::uint16_t running)
    : config_(config), state_dir_(std::move(state_dir)), running_(running) {}

// False if the directory is there and cannot be read. By name and not by listing `runs`, which
// another user's recorder may only pass through.
bool Retention::list(std::uint16_t ordinal, std::vector<File>& files) const {
  DIR* dir = ::opendir(run_directory(state_dir_, ordinal).c_str());
  if (dir == nullptr) return errno == ENOENT;
  bool whole = true;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir);
    if (entry == nullptr) {
      whole = whole && errno == 0;
      break;
    }
    const std::string name = entry->d_name;
    if (!name.ends_with(kJournalSuffix) && !name.ends_with(kCheckpointSuffix) &&
        !name.ends_with(".checkpoint.new"))
      continue;
    struct stat info {};
    if (::fstatat(::dirfd(dir), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
      files.push_back({name, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec});
    else
      whole = whole && errno == ENOENT;
  }
  ::closedir(dir);
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.name > b.name; });
  return whole;
}

// Finished runs do not change: they are listed once (65 535 names at most, some 2 us each). The
// running one grows.
bool Retention::count(std::uint64_t& total) {
  if (!listed_) {
    std::vector<Run> found;
    for (std::uint32_t n = 1; n < running_; ++n) {
      Run run{static_cast<std::uint16_t>(n), {}};
      if (!list(run.ordinal, run.files)) return false;
      if (!run.files.empty()) found.push_back(std::move(run));
    }
    finished_ = std::move(found);
    listed_ = true;
  }
  std::vector<File> own;
  if (!list(running_, own)) return false;
  total = 0;
  for (const File& file : own) total += file.bytes;
  for (const Run& run : finished_)
    for (const File& file : run.files) total += file.bytes;
  return true;
}

std::optional<Removed> Retention::step(std::int64_t now_s, bool evidence_held) {
  if (config_.budget_bytes == 0) return std::nullopt;
  std::uint64_t total = 0;
  exceeded_ = !count(total) || total > config_.budget_bytes;
  if (!listed_ || total <= config_.budget_bytes || evidence_held ||
      finished_.size() <= config_.keep_runs)
    return std::nullopt;
  Run& oldest = finished_.front();
  for (const File& file : oldest.files)
    if (file.modified_s + config_.keep_s > now_s) return std::nullopt;
  const File file = oldest.files.back();
  const std::string path = (run_directory(state_dir_, oldest.ordinal) / file.name).string();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::nullopt;  // still exceeded
  oldest.files.pop_back();
  if (oldest.files.empty()) finished_.erase(finished_.begin());
  exceeded_ = false;  // on the way: only what cannot be met is trouble
  return Removed{path, file.bytes};
}

}  // namespace sluice
