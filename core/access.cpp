#include "core/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/error.hpp"

namespace sluice {
namespace {

constexpr const char* kAccessAttribute = "system.posix_acl_access";
constexpr const char* kDefaultAttribute = "system.posix_acl_default";

// linux/posix_acl_xattr.h, which is not for user space in Debian 12.
enum Tag : std::uint16_t {
  kUserObject = 1,
  kUser = 2,
  kGroupObject = 4,
  kGroup = 8,
  kMask = 16,
  kOther = 32
};
struct Entry {
  std::uint16_t tag;
  std::uint16_t bits;
  std::uint32_t id;
};
static_assert(sizeof(Entry) == 8);
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kNobody = 0xffff'ffff;

std::optional<std::uint32_t> number(const std::string& text) noexcept {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == kNobody) return {};
  return value;
}

[[noreturn]] void unknown(const AccessConfig& access, Role role) {
  throw Error(Exit::Usage, "[access] " + std::string(name_of(role)) + ": there is no " +
                               (is_group(role) ? "group" : "user") + " '" + access[role] +
                               "' on this machine: systemd-sysusers creates ours");
}

gid_t group_of(const AccessConfig& access, Role role) {
  if (const auto gid = number(access[role])) return *gid;
  const group* found = ::getgrnam(access[role].c_str());  // setup, one thread
  if (found == nullptr) unknown(access, role);
  return found->gr_gid;
}

bool has_edge(Role role, std::uint8_t edge) noexcept {
  const EdgeInfo* info = edge_info(static_cast<Edge>(edge));
  return info != nullptr && (role_of(info->from) == role || role_of(info->to) == role);
}

Grant of_page(Role role, std::uint8_t edge) noexcept {
  const auto process = static_cast<Process>(edge);
  const bool gate = process == Process::Risk || process == Process::Gateway;
  if (role == role_of(process)) return Grant::Write;
  if (role == Role::Gateway) return process == Process::Risk ? Grant::Read : Grant::None;
  if (role == Role::Kill) return gate ? Grant::Read : Grant::None;
  return role == Role::Readers ? Grant::Read : Grant::None;
}

Role writer_of_journal(std::uint8_t edge) noexcept {
  return edge == static_cast<std::uint8_t>(Edge::PaperLog) ? Role::Gateway
                                                           : role_of(static_cast<Process>(edge));
}

}  // namespace

Grant grant_of(Role role, ObjectKind kind, std::uint8_t edge) noexcept {
  if (role == Role::Supervisor) return Grant::Write;
  if (role == Role::Admin) return Grant::None;  // speaks to the supervisor, touches nothing
  const Grant reader = role == Role::Readers ? Grant::Read : Grant::None;
  switch (kind) {
    case ObjectKind::Control: return Grant::Read;
    case ObjectKind::Kill:
      if (role == Role::Feed || role == Role::Recorder) return Grant::None;
      return role == Role::Readers ? Grant::Read : Grant::Write;
    case ObjectKind::Stage: return of_page(role, edge);
    case ObjectKind::Ring: return has_edge(role, edge) ? Grant::Write : reader;
    case ObjectKind::Journal:
      return role == writer_of_journal(edge) || role == Role::Recorder ? Grant::Write : reader;
    case ObjectKind::Checkpoint:
      if (role == Role::Recorder) return Grant::Read;
      return role == role_of(static_cast<Process>(edge)) ? Grant::Write : reader;
    case ObjectKind::LastValue: return role == Role::Feed ? Grant::Write : reader;
  }
  return Grant::None;
}

User user_of(const AccessConfig& access, Role role) {
  User user;
  const std::string& name = access[role];
  const auto uid = number(name);
  const passwd* found = uid ? ::getpwuid(*uid) : ::getpwnam(name.c_str());
  if (found == nullptr && !uid) unknown(access, role);
  user.uid = found != nullptr ? found->pw_uid : *uid;
  user.gid = found != nullptr ? found->pw_gid : *uid;
  user.groups = {user.gid};
  if (found == nullptr) return user;
  const std::string known = found->pw_name;
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(known.c_str(), user.gid, user.groups.data(), &count) < 0)
    throw Error("[access] " + std::string(name_of(role)) + ": " + name + " is in too many groups");
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

Identities resolve(const AccessConfig& access) {
  Identities who;
  for (const Role role : kRoles) {
    const std::uint32_t id = is_group(role) ? group_of(access, role) : user_of(access, role).uid;
    who.ids[static_cast<std::size_t>(role)] = id;
    if (!is_group(role) && role != Role::Supervisor && id == who[Role::Supervisor])
      throw Error(Exit::Usage, "[access] " + std::string(name_of(role)) +
                                   ": is the supervisor's user, who may write everything");
  }
  return who;
}

// ---- access lists

void AccessList::allow(Role role, std::uint8_t bits, const Identities& who) {
  if (bits == 0 || role == Role::Supervisor) return;
  auto& to = is_group(role) ? groups : users;
  std::uint8_t& known = to[who[role]];
  known = static_cast<std::uint8_t>(known | bits);
}

std::uint8_t AccessList::mask() const noexcept {
  std::uint8_t bits = group_bits;
  for (const auto& [id, more] : users) bits = static_cast<std::uint8_t>(bits | more);
  for (const auto& [id, more] : groups) bits = static_cast<std::uint8_t>(bits | more);
  return bits;
}

mode_t AccessList::mode() const noexcept {
  return static_cast<mode_t>(owner_bits << 6 | mask() << 3);
}

AccessList access_list(ObjectKind kind, std::uint8_t edge, const Identities& who) {
  const Role owning = kind == ObjectKind::Kill ? Role::Kill : Role::Readers;
  AccessList list;
  list.group = who[owning];
  list.group_bits = static_cast<std::uint8_t>(grant_of(owning, kind, edge));
  for (const Role role : kRoles)
    if (role != owning)
      list.allow(role, static_cast<std::uint8_t>(grant_of(role, kind, edge)), who);
  return list;
}

void apply(int fd, const AccessList& list, const std::string& what, bool inherited) {
  std::vector<Entry> entries{{kUserObject, list.owner_bits, kNobody}};
  for (const auto& [id, bits] : list.users) entries.push_back({kUser, bits, id});
  entries.push_back({kGroupObject, list.group_bits, kNobody});
  for (const auto& [id, bits] : list.groups) entries.push_back({kGroup, bits, id});
  entries.push_back({kMask, list.mask(), kNobody});
  entries.push_back({kOther, 0, kNobody});
  std::string bytes(sizeof kVersion + entries.size() * sizeof(Entry), 0);
  std::memcpy(bytes.data(), &kVersion, sizeof kVersion);
  std::memcpy(bytes.data() + sizeof kVersion, entries.data(), entries.size() * sizeof(Entry));
  if (!inherited && ::fchown(fd, static_cast<uid_t>(-1), list.group) != 0)
    throw Error(
        what + ": cannot be given to group " + std::to_string(list.group) + ": " +
        std::strerror(errno) +
        ": the supervisor must be started as root or be a member of the groups in [access]");
  const char* attribute = inherited ? kDefaultAttribute : kAccessAttribute;
  if (::fsetxattr(fd, attribute, bytes.data(), bytes.size(), 0) != 0)
    throw Error(what + ": no access list can be set: " + std::strerror(errno) +
                ": [access] needs a file system with POSIX access lists; without [access] the "
                "instance belongs to one user");
}

namespace {

bool within(const Entry& entry, const AccessList& list) noexcept {
  const auto allowed = [&](const auto& known) {
    const auto found = known.find(entry.id);
    return found == known.end() ? 0 : static_cast<int>(found->second);
  };
  int may = 7;  // the owner's own, and the mask, which only takes away
  if (entry.tag == kUser) may = allowed(list.users);
  if (entry.tag == kGroup) may = allowed(list.groups);
  if (entry.tag == kGroupObject) may = list.group_bits;
  if (entry.tag == kOther) may = 0;
  return (entry.bits & ~may) == 0;
}

}  // namespace

bool looser(int fd, const AccessList& list) noexcept {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || (info.st_mode & S_IRWXO) != 0) return true;
  if (list.group_bits != 0 && info.st_gid != list.group) return true;
  std::array<char, 1024> bytes{};
  const ssize_t size = ::fgetxattr(fd, kAccessAttribute, bytes.data(), bytes.size());
  if (size < 0) {  // no list: the mode is all there is
    if (errno != ENODATA && errno != EOPNOTSUPP) return true;
    return ((info.st_mode >> 3 & 7) & ~static_cast<unsigned>(list.group_bits)) != 0;
  }
  for (std::size_t at = sizeof kVersion; at + sizeof(Entry) <= static_cast<std::size_t>(size);
       at += sizeof(Entry)) {
    Entry entry{};
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    if (!within(entry, list)) return true;
  }
  return false;
}

bool member_of(gid_t group) noexcept {
  if (::getegid() == group) return true;
  std::array<gid_t, 256> groups{};
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return std::find(groups.begin(), groups.begin() + std::max(count, 0), group) !=
         groups.begin() + std::max(count, 0);
}

}  // namespace sluice
