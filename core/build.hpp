// What this build is: compared between processes before arming, printed by --version.
#pragma once

#include <string_view>

namespace sluice {

std::string_view version() noexcept;
// Commit and a fingerprint of all sources: equal for all executables built from the same sources.
std::string_view build_id() noexcept;

}  // namespace sluice
