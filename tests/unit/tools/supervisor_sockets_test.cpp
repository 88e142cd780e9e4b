// The supervisor's two sockets: who may ask it, and what it tells systemd.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "core/error.hpp"
#include "tests/support/names.hpp"
#include "tools/supervisor/notify.hpp"
#include "tools/supervisor/requests.hpp"

namespace sluice {
namespace {

// ---- requests

constexpr gid_t kAdmins = 64013;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

class RequestsTest : public testing::Test {
 protected:
  void listen(std::optional<gid_t> admins) {
    ::chmod(dir_.path().c_str(), 0755);
    requests_ = std::make_unique<Requests>(path(), admins);
  }
  std::string path() const { return (dir_.path() / "s").string(); }
  unsigned mode() const {
    struct stat info {};
    ::stat(path().c_str(), &info);
    return info.st_mode & 07777;
  }
  // The reply's exit code to a ping under that user; 100 if it could not connect.
  int ask_as(uid_t uid, const std::vector<gid_t>& groups) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(ping(uid, groups));
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0)
      requests_->poll(5, [this](const SupervisorRequest&, uid_t asked_by) {
        asked_by_ = asked_by;
        SupervisorReply reply;
        reply.exit_code = 0;
        return reply;
      });
    return WEXITSTATUS(status);
  }

  test::TempDir dir_;
  std::unique_ptr<Requests> requests_;
  uid_t asked_by_ = 0xffff'ffff;

 private:
  int ping(uid_t uid, const std::vector<gid_t>& groups) const {
    if (uid != ::geteuid() && (::setgroups(groups.size(), groups.data()) != 0 ||
                               ::setgid(uid) != 0 || ::setuid(uid) != 0))
      return 99;
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(path());
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 100;
    const SupervisorRequest request;
    SupervisorReply reply;
    reply.exit_code = 98;
    if (::send(fd, &request, sizeof request, 0) < 0) return 97;
    ::recv(fd, &reply, sizeof reply, 0);
    return reply.exit_code;
  }
};

TEST_F(RequestsTest, OneUserAloneByDefault) {
  listen({});
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(ask_as(::geteuid(), {}), 0);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become other users";
  EXPECT_EQ(ask_as(64030, {kAdmins}), 100) << "the kernel keeps others out";
}

TEST_F(RequestsTest, TheAdminsGroupMayAsk) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become other users";
  listen(kAdmins);
  EXPECT_EQ(mode(), 0660u);
  EXPECT_EQ(ask_as(64030, {64011, kAdmins}), 0);
  EXPECT_EQ(asked_by_, 64030u);
  EXPECT_EQ(ask_as(64030, {64011}), 100);
}

// The mode of the socket is the first line, the kernel's word on the peer the second.
TEST_F(RequestsTest, WhoGetsThroughTheModeIsStillAskedForHisGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become other users";
  listen(kAdmins);
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  EXPECT_EQ(ask_as(64030, {64011}), 1);
  EXPECT_EQ(asked_by_, 0xffff'ffffu) << "the handler was not asked";
  EXPECT_EQ(ask_as(kAdmins, {}), 0) << "as the primary group";
}

TEST_F(RequestsTest, AGroupThatIsNotOursIsOneClearLine) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ::chmod(dir_.path().c_str(), 0777);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(64001) != 0 || ::setuid(64001) != 0) ::_exit(99);
    try {
      const Requests mine(path(), kAdmins);
      ::_exit(1);
    } catch (const Error& error) {
      ::_exit(std::strstr(error.what(), "a member of the group [access] admin") ? 0 : 2);
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// ---- systemd

class NotifyTest : public testing::Test {
 protected:
  // Listens where NOTIFY_SOCKET says; a leading @ is an abstract name.
  void listen(const std::string& name) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address = address_of(name);
    if (name[0] == '@') address.sun_path[0] = 0;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  void TearDown() override {
    if (fd_ >= 0) ::close(fd_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  std::string heard() const {
    char text[256];
    const ssize_t n = ::recv(fd_, text, sizeof text, 0);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
  }

  test::TempDir dir_;
  int fd_ = -1;
};

TEST_F(NotifyTest, TellsAPathAndAnAbstractName) {
  for (const std::string& name :
       {(dir_.path() / "n").string(), "@" + test::unique_name("sluice-notify-")}) {
    listen(name);
    Notify notify;
    notify.tell("READY=1\nSTATUS=up");
    EXPECT_EQ(heard(), "READY=1\nSTATUS=up") << name;
    EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr) << "children would inherit it";
    ::close(fd_);
    fd_ = -1;
  }
}

TEST_F(NotifyTest, FeedsTheWatchdogTwiceWithinItsDeadline) {
  listen((dir_.path() / "n").string());
  ::setenv("WATCHDOG_USEC", "1000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  Notify notify;
  int beats = 0;
  for (std::uint64_t now = 1'000'000; now < 4'000'000; now += 10'000) {  // three deadlines
    notify.alive(now);
    beats += heard() == "WATCHDOG=1" ? 1 : 0;
  }
  EXPECT_EQ(beats, 6);
}

TEST_F(NotifyTest, AWatchdogOfAnotherProcessIsNotOurs) {
  listen((dir_.path() / "n").string());
  ::setenv("WATCHDOG_USEC", "1000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  Notify notify;
  notify.alive(1'000'000'000);
  EXPECT_EQ(heard(), "");
}

TEST_F(NotifyTest, WithoutSystemdOrWithNonsenseNothingHappens) {
  for (const std::string name : {"", "relative", "@", "/nobody/listens/here"}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    Notify notify;
    notify.tell("READY=1");
    notify.alive(1'000'000'000);
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  Notify too_long;
  too_long.tell("READY=1");
}

}  // namespace
}  // namespace sluice
