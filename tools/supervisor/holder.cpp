#include "tools/supervisor/holder.hpp"

#include <sys/stat.h>

#include <string>

namespace sluice {

bool is_holder(pid_t pid, Process process, FileId page, const Identities* who) {
  const Mapped mapped = mapped_by(pid, {page});
  if (mapped != Mapped::Unknown || who == nullptr) return mapped == Mapped::Writable;
  struct stat info {};
  return ::stat(("/proc/" + std::to_string(pid)).c_str(), &info) == 0 &&
         info.st_uid == (*who)[role_of(process)];
}

}  // namespace sluice
