#include "core/run_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::size_t kPositionChars = 15;  // the dot and 14 digits

}  // namespace

std::string run_file_name(const std::string& journal, std::uint64_t position,
                          std::string_view suffix) {
  std::array<char, 32> digits;
  std::snprintf(digits.data(), digits.size(), ".%014llu",
                static_cast<unsigned long long>(position));
  return journal + digits.data() + std::string(suffix);
}

bool is_run_file(const std::string& name, const std::string& journal,
                 std::string_view suffix) noexcept {
  return name.size() == journal.size() + kPositionChars + suffix.size() &&
         name.starts_with(journal) && name[journal.size()] == '.' && name.ends_with(suffix);
}

std::vector<fs::path> run_files(const fs::path& dir, const std::string& journal,
                                std::string_view suffix, std::error_code& error) {
  std::vector<fs::path> paths;
  fs::directory_iterator at(dir, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error))
    if (is_run_file(at->path().filename().string(), journal, suffix)) paths.push_back(at->path());
  std::sort(paths.rbegin(), paths.rend());  // names sort by position
  return paths;
}

int sync_directory(const fs::path& dir) noexcept {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  return error;
}

}  // namespace sluice
