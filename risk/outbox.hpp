// Reports that could not be emitted at once: the seat's edge has no room, or this input has emitted
// there already. Kept in order, and of each order only the newest state behind its Accepted (which
// alone carries the approved quantity), so a stopped seat costs bounded memory and learns the truth
// when it resumes.
#pragma once

#include <array>

#include "core/records.hpp"

namespace sluice::risk {

class Outbox {
 public:
  static constexpr std::size_t kReports = 512;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t waiting(SeatIndex seat) const noexcept { return waiting_[seat]; }

  // False if there is no place: the report is lost.
  bool add(const Report& report) noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (reports_[i].id != report.id || reports_[i].kind == ReportKind::Accepted) continue;
      if (report.cum_qty >= reports_[i].cum_qty) reports_[i] = report;
      return true;
    }
    if (count_ == kReports) return false;
    reports_[count_++] = report;
    ++waiting_[seat_of(report)];
    return true;
  }

  // The oldest report of the seat, taken out. waiting(seat) > 0.
  Report take(SeatIndex seat) noexcept {
    std::uint32_t at = 0;
    while (seat_of(reports_[at]) != seat) ++at;
    const Report report = reports_[at];
    for (--count_; at < count_; ++at) reports_[at] = reports_[at + 1];
    reports_[count_] = Report{};
    --waiting_[seat];
    return report;
  }

  void clear() noexcept { *this = Outbox{}; }

  static constexpr SeatIndex seat_of(const Report& report) noexcept {
    return static_cast<SeatIndex>(report.id.origin() - 1);
  }

 private:
  std::array<Report, kReports> reports_{};
  std::array<std::uint32_t, kSeats> waiting_{};
  std::uint32_t count_ = 0;
  std::uint32_t reserved_ = 0;
};

}  // namespace sluice::risk
