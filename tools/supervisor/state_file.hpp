// Small files of the state directory: replaced whole, durable before the call returns.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice {

// False if the text is not on disk under that name; the old file stands then. errno says why.
bool write_synced(const std::filesystem::path& path, const std::string& text) noexcept;

// A file that is there and cannot be read is not an empty file: throws Error.
std::ifstream open_state(const std::filesystem::path& path);

// The lock that makes one supervisor, or one cleaner, the only one in a state directory, which is
// created if need be. Held until the descriptor is closed; throws Error if somebody else holds it
// for a second.
int lock_state_dir(const std::filesystem::path& dir);

}  // namespace sluice
