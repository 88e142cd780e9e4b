#include "tools/supervisor/requests.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace sluice {

Requests::Requests(const std::filesystem::path& socket) : path_(socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.string().size() >= sizeof address.sun_path)
    throw Error(Exit::Usage, path_.string() +
                                 ": the state directory's path is too long for a socket (107 "
                                 "characters): choose a shorter --state-dir");
  std::memcpy(address.sun_path, path_.c_str(), path_.string().size());
  listen_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ::unlink(path_.c_str());  // the lock on the state directory says that nobody listens on it
  if (listen_ < 0 || ::bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listen_, 8) != 0)
    throw Error(path_.string() + ": cannot listen: " + std::strerror(errno));
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
  const SupervisorReply reply = handler(request, peer.uid);
  ::send(fd, &reply, sizeof reply, MSG_NOSIGNAL);
}

}  // namespace sluice
