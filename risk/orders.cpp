#include "risk/orders.hpp"

namespace sluice::risk {

std::size_t OrderTable::add(const LiveOrder& order) noexcept {
  std::size_t place = kNoOrder;
  if (used_ < kOrders) {
    place = used_++;
  } else if (reused_ < ended_) {
    place = ended_rows_[reused_++ % kOrders];
    index_.remove(rows_[place].id, rows_);
  } else {
    return kNoOrder;
  }
  rows_[place] = order;
  rows_[place].ended = 0;
  index_.add(order.id, place);
  bits_[place / 64] |= std::uint64_t{1} << place % 64;
  reserved_ += order.reserved;
  ++working_;
  if (order.deadline < deadline_) deadline_ = order.deadline;
  return place;
}

void OrderTable::end(std::size_t index) noexcept {
  if (!rows_[index].works()) return;
  reserve(index, {});
  ended_rows_[ended_ % kOrders] = static_cast<std::uint16_t>(index);
  rows_[index].ended = ++ended_;
  rows_[index].cancel_due = 0;
  rows_[index].in_doubt = 0;
  bits_[index / 64] &= ~(std::uint64_t{1} << index % 64);
  --working_;
  refresh_deadline();
}

void OrderTable::reserve(std::size_t index, Notional amount) noexcept {
  reserved_ += amount - rows_[index].reserved;
  rows_[index].reserved = amount;
}

void OrderTable::refresh_deadline() noexcept {
  deadline_ = HostTime::never();
  each_working([this](std::size_t, const LiveOrder& order) {
    if (order.deadline < deadline_) deadline_ = order.deadline;
  });
}

}  // namespace sluice::risk
