// Who may do what with the objects of an instance when each role runs under a user of its own
// ([access] in the configuration): one table, from which the supervisor sets owner, group and
// access list at creation, and by which a stage checks what it attaches.
//
// The supervisor owns everything. Three classes (owner, group, others) cannot say "these two write,
// those read", so each object carries a POSIX access list: an owner may set one without privileges,
// and a process that has none keeps none. Setup only.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/segment_header.hpp"
#include "core/topology.hpp"

namespace sluice {

// Users first, then groups.
enum class Role : std::uint8_t {
  Supervisor = 1,
  Feed = 2,
  Strategy = 3,  // every seat
  Risk = 4,
  Gateway = 5,
  Recorder = 6,
  Readers = 7,  // group: sees everything
  Kill = 8,     // group: raises, and sees whether the gates have obeyed
  Admin = 9     // group: rearm, cap, stop through the supervisor's socket
};
inline constexpr std::array kRoles{Role::Supervisor, Role::Feed,    Role::Strategy,
                                   Role::Risk,       Role::Gateway, Role::Recorder,
                                   Role::Readers,    Role::Kill,    Role::Admin};
inline constexpr std::size_t kRoleSpan = 10;  // of tables by Role
constexpr bool is_group(Role role) noexcept {
  return role >= Role::Readers;
}
constexpr std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::Supervisor: return "supervisor";
    case Role::Feed: return "feed";
    case Role::Strategy: return "strategy";
    case Role::Risk: return "risk";
    case Role::Gateway: return "gateway";
    case Role::Recorder: return "recorder";
    case Role::Readers: return "readers";
    case Role::Kill: return "kill";
    case Role::Admin: return "admin";
  }
  return "?";
}
constexpr Role role_of(Process p) noexcept {
  switch (p) {
    case Process::Feed: return Role::Feed;
    case Process::Risk: return Role::Risk;
    case Process::Gateway: return Role::Gateway;
    case Process::Recorder: return Role::Recorder;
    case Process::Supervisor: return Role::Supervisor;
    case Process::Seat0: break;  // with the other seats
  }
  return Role::Strategy;
}

// As mode bits.
enum class Grant : std::uint8_t { None = 0, Read = 4, Write = 6 };

// What the role may do with an object; `edge` as in its header. The table of ARCHITECTURE.md is
// compared with this function by the test Access.TheTableOfTheDocumentIsTheCode.
Grant grant_of(Role role, ObjectKind kind, std::uint8_t edge) noexcept;

// The [access] section: names, or numbers for users and groups without a name.
struct AccessConfig {
  std::array<std::string, kRoleSpan> names;  // by Role
  [[nodiscard]] const std::string& operator[](Role role) const noexcept {
    return names[static_cast<std::size_t>(role)];
  }
};

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // all of them, the primary one included
};
// Throws Error naming the key and the user.
User user_of(const AccessConfig& access, Role role);

// uid of a user role, gid of a group role.
struct Identities {
  std::array<std::uint32_t, kRoleSpan> ids{};
  [[nodiscard]] std::uint32_t operator[](Role role) const noexcept {
    return ids[static_cast<std::size_t>(role)];
  }
};
Identities resolve(const AccessConfig& access);

// Owner's rights, one owning group, named users and groups; others never have any.
struct AccessList {
  gid_t group = 0;
  std::uint8_t owner_bits = 6;
  std::uint8_t group_bits = 0;
  std::map<uid_t, std::uint8_t> users;
  std::map<gid_t, std::uint8_t> groups;

  void allow(Role role, std::uint8_t bits, const Identities& who);
  [[nodiscard]] std::uint8_t mask() const noexcept;
  [[nodiscard]] mode_t mode() const noexcept;  // as stat shows it
};
AccessList access_list(ObjectKind kind, std::uint8_t edge, const Identities& who);

// Sets group, mode and list of an open file or directory that we own; `inherited`: of what is
// created in the directory, instead. Throws Error naming `what`.
void apply(int fd, const AccessList& list, const std::string& what, bool inherited = false);
// True if somebody may do more with the open file than the list says, or it cannot be told.
bool looser(int fd, const AccessList& list) noexcept;

// True if the calling process is in this group.
bool member_of(gid_t group) noexcept;

}  // namespace sluice
