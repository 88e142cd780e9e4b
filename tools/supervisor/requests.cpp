#include "tools/supervisor/requests.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace sluice {

Requests::Requests(const std::filesystem::path& socket, std::optional<gid_t> admins)
    : path_(socket), admins_(admins) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.string().size() >= sizeof address.sun_path)
    throw Error(Exit::Usage, path_.string() +
                                 ": the state directory's path is too long for a socket (107 "
                                 "characters): choose a shorter --state-dir");
  std::memcpy(address.sun_path, path_.c_str(), path_.string().size());
  listen_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ::unlink(path_.c_str());  // the lock on the state directory says that nobody listens on it
  const mode_t before = ::umask(0177);  // nobody else connects before the group is set
  const bool bound =
      listen_ >= 0 && ::bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!bound || ::listen(listen_, 8) != 0)
    throw Error(path_.string() + ": cannot listen: " + std::strerror(errno));
  if (admins_) open_to_admins();
}

void Requests::open_to_admins() const {
  if (::lchown(path_.c_str(), static_cast<uid_t>(-1), *admins_) != 0 ||
      ::chmod(path_.c_str(), 0660) != 0)
    throw Error(
        fmt::format("{}: cannot be given to group {}: {}: the supervisor must be started "
                    "as root or be a member of the group [access] admin",
                    path_.string(), *admins_, std::strerror(errno)));
}

bool Requests::may_ask(int fd, uid_t uid, gid_t gid) const noexcept {
  if (uid == 0 || uid == ::geteuid()) return true;
  if (!admins_) return false;
  std::array<gid_t, 256> groups{};
  socklen_t size = sizeof groups;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) size = 0;
  const auto end = groups.begin() + static_cast<std::ptrdiff_t>(size / sizeof(gid_t));
  return gid == *admins_ || std::find(groups.begin(), end, *admins_) != end;
}

Requests::~Requests() {
  if (listen_ >= 0) ::close(listen_);
  ::unlink(path_.c_str());
}

void Requests::poll(int timeout_ms, const Handler& handler) {
  pollfd listener{listen_, POLLIN, 0};
  if (::poll(&listener, 1, timeout_ms) <= 0) return;
  const int fd = ::accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  serve(fd, handler);
  ::close(fd);
}

// A client that does not speak within 100 ms is dropped: the supervisor's loop must beat.
void Requests::serve(int fd, const Handler& handler) {
  const timeval limit{0, 100'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  SupervisorRequest request;
  if (::recv(fd, &request, sizeof request, 0) != static_cast<ssize_t>(sizeof request) ||
      request.magic != kRequestMagic)
    return;
  request.who.back() = 0;
  request.reason.back() = 0;
  SupervisorReply reply;
  if (may_ask(fd, peer.uid, peer.gid)) {
    reply = handler(request, peer.uid);
  } else {
    const std::string no = fmt::format(
        "user {} may not ask the supervisor of {}: nothing was changed; sluicectl kill needs "
        "nobody's leave\n",
        peer.uid, path_.parent_path().string());
    std::memcpy(reply.text.data(), no.data(), std::min(no.size(), reply.text.size() - 1));
  }
  ::send(fd, &reply, sizeof reply, MSG_NOSIGNAL);
}

}  // namespace sluice
