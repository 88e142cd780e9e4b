// The feed's place in a run, held by this program: its lease, its page, its rings, and the feed's
// own fan-out, so that what finds no room is counted and told as a feed counts and tells it.
// One thread at a time.
#pragma once

#include <list>
#include <string>

#include "core/clock.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"
#include "feed/fanout.hpp"

namespace sluice::bench {

class SyntheticFeed {
 public:
  // Takes the lease and is Ready. `cpu` and `wait` are shown on the page. Throws Error.
  SyntheticFeed(const std::string& instance, int cpu, WaitStrategy wait);
  ~SyntheticFeed() { leave(); }
  SyntheticFeed(const SyntheticFeed&) = delete;
  SyntheticFeed& operator=(const SyntheticFeed&) = delete;

  void publish(const Tick& tick) noexcept { fanout_.publish(tick); }
  // Every ring has room for so many: nothing of them would be dropped.
  [[nodiscard]] bool room(std::uint64_t ticks) noexcept;
  // Heartbeat once per millisecond, and what an edge is owed after a drop.
  void turn() noexcept;
  // What a feed does when it is asked to drain.
  void leave() noexcept;

  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] std::uint64_t produced() const noexcept { return fanout_.produced(); }
  [[nodiscard]] std::uint64_t dropped(Edge edge) const noexcept { return fanout_.dropped(edge); }
  // Some edge has not been told yet what it missed.
  [[nodiscard]] bool behind() const noexcept;

 private:
  struct Attached : AttachedInstance {
    explicit Attached(const std::string& instance);
  };

  Attached attached_;
  StagePage& page_;
  Clock clock_;
  Effects effects_;
  std::list<Producer> rings_;  // of the edges below, which the fan-out refers to
  std::vector<Edge> edges_;
  Fanout<Producer> fanout_;
  HostTime beat_at_;
  bool left_ = false;
};

}  // namespace sluice::bench
