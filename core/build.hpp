// What this build is: compared between processes before arming, printed by --version.
#pragma once

#include <string_view>

namespace sluice {

std::string_view version() noexcept;
// The linker's build id of sluice's own sources is not comparable between executables, so it is the commit
// and a fingerprint of the schema and compiler: equal for all executables of one build tree.
std::string_view build_id() noexcept;

}  // namespace sluice
