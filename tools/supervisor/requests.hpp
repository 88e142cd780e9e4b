// The supervisor's socket: AF_UNIX SEQPACKET in the state directory, one request and one reply per
// packet, peer credentials read from the kernel.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>

#include "tools/supervisor/protocol.hpp"

namespace sluice {

class Requests {
 public:
  using Handler = std::function<SupervisorReply(const SupervisorRequest&, uid_t)>;

  explicit Requests(const std::filesystem::path& socket);  // throws Error
  ~Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // Waits up to timeout_ms for something to do and answers it.
  void poll(int timeout_ms, const Handler& handler);

 private:
  void serve(int fd, const Handler& handler);

  std::filesystem::path path_;
  int listen_ = -1;
};

}  // namespace sluice
