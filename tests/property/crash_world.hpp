// The two pages that decide, as a crash test shares them with the child that dies on them.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>

#include "core/instance.hpp"
#include "core/watch.hpp"
#include "tests/support/crash_points.hpp"
#include "tools/supervisor/grants.hpp"

namespace sluice::test {

inline constexpr std::uint64_t kRun = 0x1122'3344'5566'7788;
inline constexpr std::uint16_t kLease = 4;
inline constexpr std::uint64_t kNowUs = 10'000'000;

struct TwoPages {
  ControlPage control;
  KillPage kill;
  std::array<KillLevel, kScopes> latched;  // what stands for the file
};

// A run with one scope of each kind, permitted by the supervisor of lease epoch 4, at RUN.
class PagesWorld : public Shared<TwoPages> {
 public:
  PagesWorld() {
    control().header.run_id = kill().header.run_id = kRun;
    control().instruments = control().strategies = control().gateways = 1;
    beat(control(), kLease, kNowUs);
    grant_permits(control(), kLease, {});
    fill_kill(kill(), control());
  }
  [[nodiscard]] ControlPage& control() const { return (**this).control; }
  [[nodiscard]] KillPage& kill() const { return (**this).kill; }
  // The four scopes of the one order there can be.
  static constexpr std::array<std::size_t, 4> kOrder = order_scopes(0, 0, 0);

  // What a gate learns in its next scan, and nothing else.
  [[nodiscard]] PageWatch::Told seen_by_a_gate(std::uint64_t* serial = nullptr) const {
    PageWatch watch;
    watch.attach({&control(), &kill(), nullptr, nullptr});
    const bool complete = watch.scan(HostTime{1}, kNowUs, false, [&](const Control& told) {
      watch.observe(told);
      return true;
    });
    EXPECT_TRUE(complete);
    if (serial != nullptr) *serial = watch.serial();
    return watch.told();
  }
  [[nodiscard]] int permits() const {
    const PageWatch::Told told = seen_by_a_gate();
    int valid = 0;
    for (const std::size_t slot : kOrder) valid += told.permits[slot].valid ? 1 : 0;
    return valid;
  }
};

// No fault, and deaths of each of these kinds.
inline void expect_ends(const CrashPoints& points, const char* what,
                        std::initializer_list<Left> ends = {Left::Nothing, Left::Part, Left::All}) {
  points.print(what);
  EXPECT_EQ(points.fault, "");
  for (const Left end : ends) EXPECT_GT(points.of(end), 0u) << static_cast<int>(end);
}

}  // namespace sluice::test
