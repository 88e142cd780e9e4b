// A supervisor of a test instance that answers one request and keeps what was asked.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "tests/unit/tools/ctl_support.hpp"
#include "tools/supervisor/protocol.hpp"

namespace sluice::ctl {

// A supervisor that answers one request.
class FakeSupervisor {
 public:
  FakeSupervisor(const TestInstance& instance, int code, const char* text,
                 std::function<void()> then = {}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = supervisor_socket(instance.state_dir()).string();
    std::memcpy(address.sun_path, path.data(), path.size());
    listen_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listen_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listen_, 8), 0);
    thread_ = std::thread([this, code, text, then = std::move(then)] {
      const int fd = ::accept(listen_, nullptr, nullptr);
      if (fd < 0) return;
      SupervisorReply reply;
      reply.exit_code = code;
      std::strncpy(reply.text.data(), text, reply.text.size() - 1);
      if (::recv(fd, &request_, sizeof request_, 0) == static_cast<ssize_t>(sizeof request_))
        ::send(fd, &reply, sizeof reply, MSG_NOSIGNAL);
      ::close(fd);
      if (then) then();
    });
  }
  ~FakeSupervisor() { request(); }
  // What was asked; waits for it, or stops listening.
  const SupervisorRequest& request() {
    if (thread_.joinable()) {
      ::shutdown(listen_, SHUT_RDWR);
      thread_.join();
      ::close(listen_);
    }
    return request_;
  }

 private:
  int listen_ = -1;
  SupervisorRequest request_{};
  std::thread thread_;
};

}  // namespace sluice::ctl
