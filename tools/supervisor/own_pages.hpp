// What nobody but the supervisor stores, as it stored it: the headers of the control and kill
// pages, and the caps. It looks again in each turn. A changed header hides the kill page from
// `sluicectl kill` while gates go on by its words; a cap has no check of its own, so a wild store
// may raise it.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "core/instance.hpp"

namespace sluice {

class OwnPages {
 public:
  // As they are now: of a new run before it is published, of an adopted one as it was attached to.
  explicit OwnPages(const Objects& objects) noexcept;
  void cap_is(std::size_t slot, Notional cap) noexcept { caps_[slot] = cap.raw; }
  [[nodiscard]] Notional cap(std::size_t slot) const noexcept { return {caps_[slot]}; }

  // What has changed, and what to do about it; empty if nothing has.
  [[nodiscard]] std::string damage() const;

 private:
  using Header = std::array<unsigned char, sizeof(SegmentHeader)>;
  static Header copy(const SegmentHeader& header) noexcept;

  const Objects& objects_;
  Header control_;
  Header kill_;
  std::array<std::int64_t, kScopes> caps_;
};

}  // namespace sluice
