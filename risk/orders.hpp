// The orders risk has let out: a fixed table of working ones, and the most recent ended ones behind
// them.
//
// An entry reserves capital at its limit price until it is filled, cancelled or refused. An ended
// order stays until its place is needed, so that a fill which overtook its cancel still finds its
// position.
#pragma once

#include <array>

#include "core/id_index.hpp"
#include "risk/rules.hpp"

namespace sluice::risk {

inline constexpr std::size_t kOrders = 256;
inline constexpr std::size_t kNoOrder = kOrders;

struct LiveOrder {
  OrderId id{};
  Price price{};
  Qty qty{};
  Qty cum_qty{};
  Notional reserved{};  // of what is not filled; entries only
  HostTime deadline{};  // when the remainder is cancelled; asked again each time to live
  HostTime origin{};
  std::uint64_t ended = 0;  // how many had ended with it; 0 = works
  PairIndex pair = kNoPair;
  Side side = Side::Buy;
  OrderKind kind = OrderKind::Entry;
  std::uint8_t cancel_due = 0;  // a cancel is to be sent
  std::uint8_t in_doubt = 0;
  std::array<std::uint8_t, 3> reserve{};

  [[nodiscard]] constexpr bool works() const noexcept { return id.raw != 0 && ended == 0; }
  [[nodiscard]] constexpr Qty remaining() const noexcept {
    return cum_qty < qty ? qty - cum_qty : Qty{};
  }
};

class OrderTable {
 public:
  // kNoOrder if there is none with this id.
  [[nodiscard]] std::size_t find(OrderId id) const noexcept {
    return id.raw == 0 ? kNoOrder : index_.find(id, rows_);
  }
  [[nodiscard]] const LiveOrder& at(std::size_t index) const noexcept { return rows_[index]; }
  [[nodiscard]] LiveOrder& at(std::size_t index) noexcept { return rows_[index]; }

  // Takes a free place or that of the order that ended first; kNoOrder if every place works. The id
  // is new.
  std::size_t add(const LiveOrder& order) noexcept;
  void end(std::size_t index) noexcept;
  // Sets what an entry still reserves.
  void reserve(std::size_t index, Notional amount) noexcept;

  [[nodiscard]] std::uint32_t working() const noexcept { return working_; }
  [[nodiscard]] Notional reserved() const noexcept { return reserved_; }

  // Calls f(index, order) for every working order, in the order of the table.
  template <class F>
  void each_working(F&& f) const noexcept {
    for (std::size_t w = 0; w < bits_.size(); ++w)
      for (std::uint64_t left = bits_[w]; left != 0; left &= left - 1) {
        const std::size_t index = w * 64 + static_cast<std::size_t>(__builtin_ctzll(left));
        f(index, rows_[index]);
      }
  }

  // Earliest deadline of a working order; never() if none works.
  [[nodiscard]] HostTime deadline() const noexcept { return deadline_; }
  void refresh_deadline() noexcept;

 private:
  std::array<LiveOrder, kOrders> rows_{};
  IdIndex<kOrders> index_{};
  std::array<std::uint16_t, kOrders> ended_rows_{};  // a queue: the one that ended first in front
  std::array<std::uint64_t, kOrders / 64> bits_{};   // working
  std::uint64_t ended_ = 0;                          // orders that have ended
  std::uint64_t reused_ = 0;                         // of their places, how many were taken again
  std::uint64_t used_ = 0;                           // places ever taken
  Notional reserved_{};
  HostTime deadline_ = HostTime::never();
  std::uint32_t working_ = 0;
  std::uint32_t reserve_ = 0;
};

}  // namespace sluice::risk
