#include "core/statistics.hpp"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

void copy_name(char (&to)[kStatisticName], std::string_view from) noexcept {
  const std::size_t n = std::min(from.size(), kStatisticName - 1);
  std::memcpy(to, from.data(), n);
  std::memset(to + n, 0, kStatisticName - n);
}

}  // namespace

std::int64_t Histogram::quantile(std::uint64_t ppm) const noexcept {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  // The smallest rank whose share is at least ppm; the writer may add while we read: never past the
  // end.
  const std::uint64_t rank = std::max<std::uint64_t>(1, (total * ppm + 999'999) / 1'000'000);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= rank) return i + 1 == kBuckets ? max() : std::min(upper_of(i), max());
  }
  return max();
}

void Statistics::name(std::span<const std::string_view> counter_list,
                      std::span<const std::string_view> histogram_list) noexcept {
  const std::size_t c = std::min(counter_list.size(), kMaxCounters);
  const std::size_t h = std::min(histogram_list.size(), kMaxHistograms);
  for (std::size_t i = 0; i < c; ++i) copy_name(counter_names[i], counter_list[i]);
  for (std::size_t i = 0; i < h; ++i) copy_name(histogram_names[i], histogram_list[i]);
  counters_named.store(c, std::memory_order_release);
  histograms_named.store(h, std::memory_order_release);
}

std::uint64_t Statistics::counter(std::string_view named) const noexcept {
  const std::size_t n =
      std::min<std::size_t>(counters_named.load(std::memory_order_acquire), kMaxCounters);
  for (std::size_t i = 0; i < n; ++i)
    if (named == counter_names[i]) return counter(i);
  return 0;
}

const Histogram* Statistics::histogram(std::string_view named) const noexcept {
  const std::size_t n =
      std::min<std::size_t>(histograms_named.load(std::memory_order_acquire), kMaxHistograms);
  for (std::size_t i = 0; i < n; ++i)
    if (named == histogram_names[i]) return &histograms[i];
  return nullptr;
}

}  // namespace sluice
