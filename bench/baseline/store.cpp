#include "bench/baseline/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "core/run_files.hpp"

namespace fs = std::filesystem;

namespace sluice::bench {
namespace {

int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

int replace(const fs::path& path, std::string_view text) {
  const fs::path fresh = fmt::format("{}.{}.new", path.string(), ::getpid());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  int error = write_all(fd, text);
  ::close(fd);
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(fresh.c_str());
    return error;
  }
  return sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

}  // namespace

void save(const fs::path& path, const Document& document) {
  if (const int error = replace(path, to_text(document)); error != 0)
    throw Error(fmt::format("{}: cannot be written: {}; nothing was saved", path.string(),
                            std::strerror(error)));
}

Document load(const fs::path& path) {
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (fs::is_directory(path, ignored) || !file)
    throw Error(Exit::Usage,
                fmt::format("{}: no such file, or not readable; 'sluice-bench baseline save {}' "
                            "makes one",
                            path.string(), path.string()));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_text(text, path.string());
}

}  // namespace sluice::bench
