#include "tools/supervisor/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/error.hpp"
#include "core/run_files.hpp"

namespace fs = std::filesystem;

namespace sluice {

bool write_synced(const fs::path& path, const std::string& text) noexcept {
  try {
    const fs::path temporary = path.string() + ".new";
    const int fd =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) return false;
    const bool written =
        ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) return false;
    const int error = sync_directory(path.parent_path());
    if (error != 0) errno = error;
    return error == 0;
  } catch (...) {  // no memory for a path
    return false;
  }
}

std::ifstream open_state(const fs::path& path) {
  std::ifstream file(path);
  if (!file && fs::exists(path))
    throw Error(path.string() + ": cannot be read: " + std::strerror(errno));
  return file;
}

int lock_state_dir(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir / "log", error);
  if (error) throw Error(dir.string() + ": cannot create the state directory: " + error.message());
  const fs::path path = dir / "supervisor.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) throw Error(path.string() + ": " + std::strerror(errno));
  // One that was killed holds it until the kernel has taken its memory apart: who is started right
  // behind a kill -9 waits for that, not for a supervisor that lives.
  for (int tries = 0; tries < 100; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::close(fd);
  throw Error(path.string() +
              ": another supervisor uses this state directory; stop it, or name another "
              "one with --state-dir");
}

}  // namespace sluice
