// What the tests of sluicectl stand on: real instances in a /dev/shm of their own, gates that obey
// or do not, and the program run as a function.
//
// The test process has a private mount of /dev/shm: a bare kill stops every instance it finds
// there.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/instance.hpp"
#include "tools/ctl/sight.hpp"

namespace sluice::ctl {

// True if /dev/shm is this process's own.
bool has_private_shm();

// Two instruments (BTCUSDT, ETHUSDT), two strategies (momo in seat 0, calm in seat 1), small rings.
class TestInstance {
 public:
  TestInstance();
  ~TestInstance();
  TestInstance(const TestInstance&) = delete;
  TestInstance& operator=(const TestInstance&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return config_.instance; }
  [[nodiscard]] Objects& objects() noexcept { return objects_; }
  // As seen at the moment of make_well, however long ago that is; now, if it was never made well.
  [[nodiscard]] Sight sight();
  [[nodiscard]] const std::string& state_dir() const noexcept { return state_dir_; }

  // Everything runs: leases held by this process, heartbeats now, permits, caps, sessions, a fresh
  // feed.
  void make_well();
  void keep_beating();  // heartbeats go on in a thread, for verbs that look at the real time
  void grant(Scope scope);
  [[nodiscard]] KillWord word(Scope scope) const noexcept {
    return objects_.kill->read(scope_slot(scope));
  }
  void remove(const std::string& object);  // unlinks one object, as if it had never been
  // Another run takes this one's place; the memory of the old one stays mapped.
  void next_run(const std::vector<std::string>& strategy_names);

 private:
  void begin(const RunIdentity& run);

  PipelineConfig config_;
  std::string state_dir_;
  std::vector<std::string> names_;
  std::vector<Segment> segments_;
  Objects objects_;
  std::uint64_t well_ns_ = 0;
  std::atomic<bool> stop_{false};
  std::thread beating_;
};

// A gate in a thread of this process: it scans when the serial moves and publishes that it has
// obeyed.
class ObeyingGate {
 public:
  ObeyingGate(TestInstance& instance, Process process);
  ~ObeyingGate();

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// A gate in a process of its own that never obeys.
class DeafGate {
 public:
  DeafGate(TestInstance& instance, Process process, bool stopped);
  ~DeafGate();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The signal that ended it, 0 while it lives.
  int ended_by();

 private:
  pid_t pid_ = 0;
  int signal_ = 0;
};

struct Said {
  int code = -1;
  std::string out;
  std::string err;

  [[nodiscard]] bool has(std::string_view text) const {
    return (out + err).find(text) != std::string::npos;
  }
};
std::ostream& operator<<(std::ostream& stream, const Said& said);

Said sluicectl(std::vector<std::string> arguments);
// True if python's parser takes the text as one JSON document.
bool is_json(const std::string& text);

}  // namespace sluice::ctl
