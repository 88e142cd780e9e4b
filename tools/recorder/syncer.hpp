// fdatasync on a thread of its own: it may take hundreds of milliseconds, and the recorder's loop
// must go on writing and beating meanwhile. One batch of descriptors at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "core/statistics.hpp"

namespace sluice {

class Syncer {
 public:
  // `synced` and `failed` count calls, `duration` their time; this thread is their only writer.
  Syncer(Statistics& statistics, std::size_t synced, std::size_t failed, std::size_t duration);
  ~Syncer();
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  [[nodiscard]] bool idle();
  // Takes the descriptors over: they are synced and closed. Only while idle.
  void start(std::vector<int> descriptors);
  void wait_idle();
  // Latched: after a failed fsync the page cache cannot be trusted any more.
  [[nodiscard]] bool failed();

 private:
  void work();

  Statistics& statistics_;
  std::size_t synced_;
  std::size_t failed_counter_;
  std::size_t duration_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> batch_;
  bool busy_ = false;
  bool failed_ = false;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace sluice
