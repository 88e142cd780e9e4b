#include "tools/supervisor/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace sluice {
namespace {

std::string take(const char* name) {
  const char* value = ::secure_getenv(name);
  const std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

std::uint64_t number(const std::string& text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

}  // namespace

Notify::Notify() : address_(take("NOTIFY_SOCKET")) {
  const std::uint64_t deadline_us = number(take("WATCHDOG_USEC"));
  const std::string pid = take("WATCHDOG_PID");
  const bool good = address_.size() > 1 && address_.size() < sizeof(sockaddr_un::sun_path) &&
                    (address_[0] == '/' || address_[0] == '@');
  if (!good) return;
  if (address_[0] == '@') address_[0] = 0;
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (pid.empty() || number(pid) == static_cast<std::uint64_t>(::getpid()))
    every_ns_ = deadline_us * 1'000 / 2;
}

Notify::~Notify() {
  if (fd_ >= 0) ::close(fd_);
}

void Notify::tell(std::string_view message) noexcept {
  if (fd_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  ::sendto(fd_, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
           size);
}

void Notify::alive(std::uint64_t now_ns) noexcept {
  if (every_ns_ == 0 || now_ns < next_ns_) return;
  next_ns_ = now_ns + every_ns_;
  tell("WATCHDOG=1");
}

}  // namespace sluice
