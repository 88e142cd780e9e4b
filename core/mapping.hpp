// Who maps an object: what the kernel says of a process, whatever the pages say. A lease is a
// number that anybody may write into a page of his own; that a process maps that page writable is
// what no page can claim for it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <utility>

namespace sluice {

using FileId = std::pair<dev_t, ino_t>;

enum class Mapped : std::uint8_t {
  No = 1,        // none of them, or there is no such process
  ReadOnly = 2,  // at least one, all of them for reading
  Writable = 3,  // at least one for writing, shared with others
  Unknown = 4    // this user may not look
};

// Setup. What a process maps of these files.
Mapped mapped_by(pid_t pid, const std::set<FileId>& files);

}  // namespace sluice
