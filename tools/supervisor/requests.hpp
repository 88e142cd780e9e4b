// The supervisor's socket: AF_UNIX SEQPACKET in the state directory, one request and one reply per
// packet, peer credentials read from the kernel.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tools/supervisor/protocol.hpp"

namespace sluice {

class Requests {
 public:
  using Handler = std::function<SupervisorReply(const SupervisorRequest&, uid_t)>;

  // `admins`: the group that may ask, beside root and our own user. Throws Error.
  explicit Requests(const std::filesystem::path& socket, std::optional<gid_t> admins = {});
  ~Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // Waits up to timeout_ms for something to do and answers it.
  void poll(int timeout_ms, const Handler& handler);

 private:
  void serve(int fd, const Handler& handler);
  void open_to_admins() const;
  // Root, our own user, or a member of the admins' group.
  [[nodiscard]] bool may_ask(int fd, uid_t uid, gid_t gid) const noexcept;

  std::filesystem::path path_;
  std::optional<gid_t> admins_;
  int listen_ = -1;
};

}  // namespace sluice
