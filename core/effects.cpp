// The shared-memory side of Effects (core/stage.hpp).
#include "core/stage.hpp"
#include "core/stage_page.hpp"

namespace sluice {

void Effects::add(std::size_t counter, std::uint64_t n) noexcept {
  if (page_ && counter < kMaxCounters) page_->statistics.add(counter, n);
}

void Effects::set(std::size_t counter, std::uint64_t value) noexcept {
  if (page_ && counter < kMaxCounters) page_->statistics.set(counter, value);
}

void Effects::sample(std::size_t histogram, std::int64_t ns) noexcept {
  if (page_ && histogram < kMaxHistograms) page_->statistics.histograms[histogram].record(ns);
}

void Effects::write_row(RowTable table, std::size_t index, const Payload& payload) noexcept {
  if (page_ && index < row_capacity(table))
    page_->write_row(static_cast<std::size_t>(table) + index, payload);
}

}  // namespace sluice
