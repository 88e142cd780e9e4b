// Under which user the supervisor works, and what its state directory lets others do, when the
// configuration has [access].
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>

#include "core/access.hpp"

namespace sluice {

// Started as root, it makes the state directory, becomes the configured supervisor and keeps three
// capabilities: setuid and setgid (to start children under their users) and kill (to fence them).
// Started as that user, it stays as it is. Throws Error if it is somebody else, or should start
// children and may not.
void become_supervisor(const AccessConfig& access, const std::filesystem::path& state_dir,
                       bool spawn);

// The user of each process that the supervisor starts.
std::map<Process, User> users_of_processes(const AccessConfig& access);
// In a child, between fork and exec: only calls. False: it must not go on.
bool become(const User& user) noexcept;

// Readers see the directory and the supervisor's files; stages may pass through it.
void open_state_dir(const std::filesystem::path& state_dir, const Identities& who);
// The recorder files journals there; stages read them to recover, readers look at them.
void open_run_dir(const std::filesystem::path& run_dir, const Identities& who);

}  // namespace sluice
