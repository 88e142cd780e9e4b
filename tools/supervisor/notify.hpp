// Tells systemd how the supervisor is (Type=notify, WatchdogSec=): one datagram to the socket in
// NOTIFY_SOCKET, no library. Without that variable nothing happens. The stages have no such thing:
// they cannot open a socket at all, and the supervisor watches their heartbeats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

class Notify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC and removes them: children are not to use them.
  Notify();
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  // "READY=1", "STOPPING=1", "STATUS=..."; lost without a trace if nobody takes it.
  void tell(std::string_view message) noexcept;
  // From the loop: WATCHDOG=1 twice within the deadline that systemd has named.
  void alive(std::uint64_t now_ns) noexcept;

 private:
  std::string address_;  // as in sockaddr_un: "/path", or a leading zero for an abstract one
  int fd_ = -1;
  std::uint64_t every_ns_ = 0;  // 0: no watchdog
  std::uint64_t next_ns_ = 0;
};

}  // namespace sluice
