#include "bench/machine/state_dir.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/error.hpp"

namespace fs = std::filesystem;

namespace sluice::bench {
namespace {

constexpr std::uint64_t kSpare = 64u << 20;  // the configuration's disk_floor_mib

}  // namespace

StateDir::StateDir(const fs::path& base, bool keep) : keep_(keep) {
  std::string name =
      fs::absolute(base.empty() ? fs::temp_directory_path() : base) / "sluice-bench.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw Error(fmt::format("{}: cannot be created: {}; name another directory with --dir", name,
                            std::strerror(errno)));
  path_ = name;
}

StateDir::~StateDir() {
  if (keep_) fmt::print(stderr, "logs and journals are kept in {}\n", path_.string());
  std::error_code ignored;
  if (!keep_) fs::remove_all(path_, ignored);
}

void must_have_room(const fs::path& dir, std::uint64_t bytes, const char* advice) {
  struct statvfs disk {};
  if (::statvfs(dir.c_str(), &disk) != 0)
    throw Error(Exit::Usage, fmt::format("{}: {}; name another directory with --dir", dir.string(),
                                         std::strerror(errno)));
  const std::uint64_t room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (room < bytes + kSpare)
    throw Error(Exit::Usage,
                fmt::format("the journals of this run take up to {} MiB in {}, {} MiB are free: {}",
                            (bytes + kSpare) >> 20, dir.string(), room >> 20, advice));
}

}  // namespace sluice::bench
