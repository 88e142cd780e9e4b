#include "core/mapping.hpp"

#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/process.hpp"

namespace sluice {

// Lines of maps: address perms offset major:minor inode path, numbers in hexadecimal but the inode.
Mapped mapped_by(pid_t pid, const std::set<FileId>& files) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  // Opened or gone is an answer; refused is none.
  if (!maps) return start_ticks_of(pid) != 0 ? Mapped::Unknown : Mapped::No;
  Mapped found = Mapped::No;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string skip;
    std::string permissions;
    std::string device;
    ino_t inode = 0;
    fields >> skip >> permissions >> skip >> device >> inode;
    const std::size_t colon = device.find(':');
    if (inode == 0 || colon == std::string::npos) continue;
    const auto major = static_cast<unsigned>(std::stoul(device.substr(0, colon), nullptr, 16));
    const auto minor = static_cast<unsigned>(std::stoul(device.substr(colon + 1), nullptr, 16));
    if (!files.contains({makedev(major, minor), inode})) continue;
    if (permissions.size() == 4 && permissions[1] == 'w' && permissions[3] == 's')
      return Mapped::Writable;
    found = Mapped::ReadOnly;
  }
  return found;
}

}  // namespace sluice
