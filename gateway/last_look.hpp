// The second gate: taken by the session when the message is built and nothing but the send is left.
// It trusts nobody: it reads the kill words and permits of the order's four scopes itself, compares
// the epochs risk decided with, and checks cap and reduction against the session's own book.
//
// Pages: read-only, plain 8-byte loads. A word equal to the one verified last is not decoded again.
// Invariant: only a valid RUN word and a valid permit in all four scopes let an entry pass;
// whatever else stands there, zero and garbage included, refuses it.
#pragma once

#include <array>
#include <cstdint>

#include "core/control_page.hpp"
#include "core/kill_page.hpp"
#include "gateway/own_book.hpp"

namespace sluice {

class LastLook {
 public:
  LastLook(const ControlPage& control, const KillPage& kill, std::uint32_t gateway,
           Duration order_age_max) noexcept
      : control_(control), kill_(kill), gateway_(gateway), order_age_max_(order_age_max) {}

  // None = it may leave now. `conditions`: Condition bits in force; any bit means REDUCE_ONLY.
  [[nodiscard]] Reason check(const Order& order, HostTime now, std::uint32_t conditions,
                             const OwnBook& book) noexcept;
  // Cancels have no age and no epoch: only SEVER and the end of the run stop them.
  [[nodiscard]] bool may_cancel(StrategyIndex strategy, InstrumentIndex instrument) noexcept;
  [[nodiscard]] bool may_sweep() noexcept;

 private:
  using Scopes = std::array<std::size_t, 4>;
  struct KillSeen {
    std::uint64_t word = 0;
    std::uint32_t epoch = 0;
    KillLevel level = KillLevel::Halt;  // what a zero word means
  };
  struct PermitSeen {
    std::uint64_t word = 0;
    std::uint32_t epoch = 0;
    bool valid = false;
  };
  struct Standing {
    KillLevel level = KillLevel::Run;
    std::uint32_t epoch = 0;
  };

  [[nodiscard]] const KillSeen& kill_at(std::size_t slot) noexcept;
  [[nodiscard]] Standing standing(const Scopes& scopes) noexcept;
  [[nodiscard]] Reason check_permits(const Order& order, const Scopes& scopes) noexcept;
  [[nodiscard]] Reason check_cap(const Order& order, const Scopes& scopes,
                                 const OwnBook& book) const noexcept;

  const ControlPage& control_;
  const KillPage& kill_;
  std::uint32_t gateway_;
  Duration order_age_max_;
  std::uint16_t lease_epoch_ = 0;
  std::array<KillSeen, kScopes> kills_{};
  std::array<PermitSeen, kScopes> permits_{};
};

}  // namespace sluice
