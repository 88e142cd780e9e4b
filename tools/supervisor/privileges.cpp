#include "tools/supervisor/privileges.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::uint8_t kPass = 1;  // of directories: go through, without a listing
constexpr std::uint8_t kList = 5;
constexpr std::uint8_t kFill = 7;

class Directory {
 public:
  // Never through a link: root gives away what it opens here.
  explicit Directory(const fs::path& path)
      : path_(path.string()),
        fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) {
    if (fd_ < 0 || ::fstat(fd_, &info_) != 0) fail(std::strerror(errno));
  }
  ~Directory() {
    if (fd_ >= 0) ::close(fd_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[noreturn]] void fail(const std::string& why) const { throw Error(path_ + ": " + why); }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const struct stat& info() const noexcept { return info_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  int fd_;
  struct stat info_ {};
};

// A directory of root's that holds something else is a mistake in the configuration.
bool may_give_away(const Directory& dir) {
  return fs::is_empty(dir.path()) || fs::exists(fs::path(dir.path()) / "supervisor.lock");
}

void give_state_dir(const fs::path& path, const User& supervisor) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(path.string() + ": cannot create the state directory: " + error.message());
  const Directory dir(path);
  if (dir.info().st_uid == supervisor.uid) return;
  if (dir.info().st_uid != 0)
    dir.fail("belongs to user " + std::to_string(dir.info().st_uid) +
             ", neither root nor the supervisor of [access]: name another state directory");
  if (!may_give_away(dir))
    dir.fail("is root's and holds something else: name an empty state directory");
  if (::fchown(dir.fd(), supervisor.uid, supervisor.gid) != 0) dir.fail(std::strerror(errno));
}

[[noreturn]] void cannot(const char* what) {
  throw Error(std::string("[access]: cannot ") + what + ": " + std::strerror(errno));
}

constexpr std::uint32_t bit(unsigned capability) noexcept {
  return 1u << capability;
}
static_assert(CAP_KILL < 32 && CAP_SETUID < 32 && CAP_SETGID < 32);

void keep_only(std::uint32_t capabilities) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = capabilities;
  if (::syscall(SYS_capset, &header, &data) != 0) cannot("give up capabilities");
}

bool has(unsigned capability) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  return ::syscall(SYS_capget, &header, &data) == 0 && (data[0].effective & bit(capability)) != 0;
}

// From root to the supervisor's user. Its memory limit goes first: children inherit it.
void leave_root(const AccessConfig& access, const User& user, bool spawn) {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);  // refused in some containers: stages say so
  const Identities who = resolve(access);
  std::vector<gid_t> groups = user.groups;
  for (const Role role : {Role::Readers, Role::Kill, Role::Admin}) groups.push_back(who[role]);
  if (::setgroups(groups.size(), groups.data()) != 0) cannot("set the supervisor's groups");
  if (::setresgid(user.gid, user.gid, user.gid) != 0) cannot("become the supervisor's group");
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) cannot("keep capabilities");
  if (::setresuid(user.uid, user.uid, user.uid) != 0) cannot("become the supervisor's user");
  keep_only(bit(CAP_KILL) | (spawn ? bit(CAP_SETUID) | bit(CAP_SETGID) : 0));
}

}  // namespace

void become_supervisor(const AccessConfig& access, const fs::path& state_dir, bool spawn) {
  const User user = user_of(access, Role::Supervisor);
  if (::geteuid() == 0 && user.uid != 0) {
    give_state_dir(state_dir, user);
    leave_root(access, user, spawn);
  }
  if (::geteuid() != user.uid)
    throw Error(Exit::Usage, "[access] supervisor: is user " + std::to_string(user.uid) +
                                 ", this is user " + std::to_string(::geteuid()) +
                                 ": start it as root or as that user");
  if (spawn && !(has(CAP_SETUID) && has(CAP_SETGID)))
    throw Error(Exit::Usage,
                "[access]: only root may start processes under other users: start the supervisor "
                "as root, or with --manual and every process under its own user (conf/systemd)");
}

std::map<Process, User> users_of_processes(const AccessConfig& access) {
  std::map<Process, User> users;
  for (const Process p : kProcesses)
    if (p != Process::Supervisor) users[p] = user_of(access, role_of(p));
  return users;
}

bool become(const User& user) noexcept {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 &&
         ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0 &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// ---- the state directory

// New files get the readers' group from it (setgid) and their own mode, 0640.
void open_state_dir(const fs::path& state_dir, const Identities& who) {
  AccessList list{who[Role::Readers], kFill, kList, {}, {}};
  for (const Role role :
       {Role::Feed, Role::Strategy, Role::Risk, Role::Gateway, Role::Recorder, Role::Admin})
    list.allow(role, kPass, who);
  for (const fs::path& path : {state_dir, state_dir / "runs", state_dir / "log"}) {
    fs::create_directory(path);
    const Directory dir(path);
    apply(dir.fd(), list, dir.path());
    struct stat info {};
    if (::fstat(dir.fd(), &info) != 0 || ::fchmod(dir.fd(), (info.st_mode & 0777) | S_ISGID) != 0)
      dir.fail(std::strerror(errno));
  }
}

void open_run_dir(const fs::path& run_dir, const Identities& who) {
  AccessList list{who[Role::Readers], kFill, kList, {}, {}};
  AccessList files{who[Role::Readers], kFill, 4, {}, {}};
  for (const Role role : {Role::Strategy, Role::Risk, Role::Gateway}) {
    list.allow(role, kList, who);
    files.allow(role, 4, who);
  }
  list.allow(Role::Recorder, kFill, who);
  files.users[::geteuid()] = 4;  // the recorder owns what it writes there; we may look
  const Directory dir(run_dir);
  apply(dir.fd(), list, dir.path());
  apply(dir.fd(), files, dir.path(), true);
}

}  // namespace sluice
