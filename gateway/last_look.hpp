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
  // What the pages say now of the four scopes: everything that any single store can change.
  struct Pages {
    KillLevel level = KillLevel::Halt;
    std::uint32_t kill_epoch = 0;
    bool permitted = false;
    std::uint32_t limits_epoch = 0;
  };
  // Precondition: both exist.
  [[nodiscard]] const Pages& look(StrategyIndex strategy, InstrumentIndex instrument) noexcept;

  // Cancels have no age and no epoch: only SEVER and the end of the run stop them.
  [[nodiscard]] bool may_cancel(StrategyIndex strategy, InstrumentIndex instrument) const noexcept;
  [[nodiscard]] bool may_sweep() const noexcept;

 private:
  using Scopes = std::array<std::size_t, 4>;
  // The words of one strategy on one instrument as they were looked at last, and what they meant.
  struct Seen {
    std::uint64_t pair = ~std::uint64_t{0};
    std::array<std::uint64_t, 4> kills{};
    std::array<std::uint64_t, 4> permits{};
    Pages pages;
  };
  static constexpr std::size_t kSeen = 64;  // pairs remembered, by a hash
  void refresh(Seen& seen, std::uint64_t pair, const Scopes& scopes,
               std::uint16_t lease_epoch) noexcept;
  [[nodiscard]] Reason check_cap(const Order& order, const Scopes& scopes,
                                 const OwnBook& book) const noexcept;

  const ControlPage& control_;
  const KillPage& kill_;
  std::uint32_t gateway_;
  Duration order_age_max_;
  std::uint16_t lease_epoch_ = 0;  // of the supervisor that the seen permits came from
  std::array<Seen, kSeen> seen_{};
};

}  // namespace sluice
