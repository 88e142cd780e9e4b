// One event loop: one libwebsockets context, served by the thread that calls poll() or wait().
//
// Everything in core/net lives on a Loop and calls its handlers from inside poll() or wait(), never
// from another thread and never from inside the call that started the operation. A Loop must
// outlive the clients and servers built on it. SIGPIPE is ignored in the process from the first
// Loop on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/types.hpp"

namespace sluice::net {

struct LoopOptions {
  std::uint32_t connections = 256;  // most sockets at a time, listeners included
  std::string ca_file;              // PEM bundle for wss and https; empty: the system's
  // Warnings and errors of the network library, one line each, without its newline. The library's
  // log is per process: a line goes to the Loop that is at work in this thread.
  std::function<void(std::string_view)> log;
};

class Loop {
 public:
  explicit Loop(LoopOptions options = {});
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // One turn without blocking (about 0.4 us when nothing is ready): what a spinning driver calls.
  void poll() noexcept;
  // One turn that sleeps until something is ready, a signal arrives, or `max` has passed (rounded
  // down to whole milliseconds, at least 1; other timers of the loop may end it sooner).
  void wait(Duration max) noexcept;

  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::net
