// Users and groups of the access tests: numbers that no account has, so nothing must be created.
#pragma once

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/box.hpp"

namespace sluice::e2e {

inline constexpr uid_t kSupervisorUser = 64001;
inline constexpr gid_t kReaders = 64011;
inline constexpr gid_t kKill = 64012;
inline constexpr gid_t kAdmin = 64013;

struct Somebody {
  std::string role;
  uid_t uid = 0;
  std::vector<gid_t> groups = {};
};
// Whoever appears in the table, and a stranger.
inline const std::vector<Somebody>& everybody() {
  static const std::vector<Somebody> all{
      {"feed", 64002},          {"strategy", 64003},        {"risk", 64004},
      {"gateway", 64005},       {"recorder", 64006},        {"readers", 64021, {kReaders}},
      {"kill", 64022, {kKill}}, {"admin", 64023, {kAdmin}}, {"stranger", 64099}};
  return all;
}
inline const Somebody& somebody(const std::string& role) {
  for (const Somebody& one : everybody())
    if (one.role == role) return one;
  throw std::runtime_error("nobody is " + role);
}

inline std::string access_section() {
  return "\n[access]\nsupervisor = \"64001\"\nfeed = \"64002\"\nstrategy = \"64003\"\n"
         "risk = \"64004\"\ngateway = \"64005\"\nrecorder = \"64006\"\n"
         "readers = \"64011\"\nkill = \"64012\"\nadmin = \"64013\"\n";
}

// The exit code of `body`, run under that user in a process of its own.
inline int as(const Somebody& who, const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const bool became = ::setgroups(who.groups.size(), who.groups.data()) == 0 &&
                        ::setgid(who.uid) == 0 && ::setuid(who.uid) == 0;
    ::_exit(became ? body() : 125);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Words before a command line that make it run under that user.
inline std::vector<std::string> under(const Somebody& who) {
  std::vector<std::string> words{"setpriv", "--reuid", std::to_string(who.uid), "--regid",
                                 std::to_string(who.uid)};
  std::string groups;
  for (const gid_t group : who.groups)
    groups += (groups.empty() ? "" : ",") + std::to_string(group);
  if (groups.empty()) {
    words.emplace_back("--clear-groups");
  } else {
    words.emplace_back("--groups");
    words.push_back(groups);
  }
  return words;
}

inline Outcome ctl_as(const Somebody& who, Box& box, const std::vector<std::string>& words) {
  std::vector<std::string> line = under(who);
  line.push_back(bin("sluicectl"));
  line.insert(line.end(), words.begin(), words.end());
  line.insert(line.end(), {"-i", box.name()});
  return run(line);
}

// Why these tests cannot run here; empty if they can.
inline std::string no_users() {
  if (::geteuid() != 0) return "needs root to become other users";
  if (run({"setpriv", "--version"}).exit_code != 0) return "needs setpriv (util-linux)";
  if (as(somebody("stranger"), [] { return ::access(bin("sluicectl").c_str(), X_OK); }) != 0)
    return "other users cannot execute " + bin("sluicectl");
  return {};
}

}  // namespace sluice::e2e
