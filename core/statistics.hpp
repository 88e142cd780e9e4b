// Counters and log-linear histograms in shared memory, one writer, names beside the numbers so that
// any reader can print them without linking the writer's code.
//
// A histogram holds non-negative int64 values (ns) in 32 linear buckets per power of two: the
// relative error of a quantile is at most 1/32. Values above 2^40 ns (18 minutes) fall into the
// last bucket.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

inline constexpr std::size_t kMaxCounters = 128;
inline constexpr std::size_t kMaxHistograms = 6;
inline constexpr std::size_t kStatisticName = 56;  // with the terminating zero

class Histogram {
 public:
  static constexpr unsigned kSubBits = 5;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr unsigned kTopBit = 40;
  static constexpr std::size_t kBuckets = kSub * (kTopBit - kSubBits + 2);

  static constexpr std::size_t bucket_of(std::int64_t value) noexcept {
    const std::uint64_t v = value < 0 ? 0 : static_cast<std::uint64_t>(value);
    if (v < kSub) return static_cast<std::size_t>(v);
    const auto top = static_cast<unsigned>(std::bit_width(v) - 1);
    if (top > kTopBit) return kBuckets - 1;
    const unsigned shift = top - kSubBits;
    return kSub * (shift + 1) + static_cast<std::size_t>((v >> shift) - kSub);
  }
  // Largest value that falls into the bucket.
  static constexpr std::int64_t upper_of(std::size_t bucket) noexcept {
    if (bucket < kSub) return static_cast<std::int64_t>(bucket);
    const std::size_t shift = bucket / kSub - 1;
    const std::uint64_t low = (kSub + bucket % kSub) << shift;
    return static_cast<std::int64_t>(low + (std::uint64_t{1} << shift) - 1);
  }

  void record(std::int64_t value) noexcept {
    bump(buckets_[bucket_of(value)]);
    bump(count_);
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::int64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  // How many values fell into one bucket, for readers that compare two moments.
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const noexcept {
    return buckets_[i].load(std::memory_order_relaxed);
  }
  // Upper bound of the bucket that holds the quantile (0 < q <= 1 as parts per million); 0 if
  // empty.
  [[nodiscard]] std::int64_t quantile(std::uint64_t ppm) const noexcept;

 private:
  // One writer: a plain load and store, no locked instruction.
  static void bump(std::atomic<std::uint64_t>& word) noexcept {
    word.store(word.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> count_;
  std::atomic<std::int64_t> max_;
  std::atomic<std::uint64_t> buckets_[kBuckets];
};

struct Statistics {
  std::atomic<std::uint64_t> counters_named;  // entries of counter_names in use
  std::atomic<std::uint64_t> histograms_named;
  char counter_names[kMaxCounters][kStatisticName];
  char histogram_names[kMaxHistograms][kStatisticName];
  std::atomic<std::uint64_t> counters[kMaxCounters];
  Histogram histograms[kMaxHistograms];

  // Setup, by the writer. Numbers survive a restart of the same build: names are only written
  // again.
  void name(std::span<const std::string_view> counter_list,
            std::span<const std::string_view> histogram_list) noexcept;

  void add(std::size_t counter, std::uint64_t n) noexcept {
    std::atomic<std::uint64_t>& word = counters[counter];
    word.store(word.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::size_t counter, std::uint64_t value) noexcept {
    counters[counter].store(value, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t counter(std::size_t i) const noexcept {
    return counters[i].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t counter(std::string_view named) const noexcept;  // 0 if there is none
  [[nodiscard]] const Histogram* histogram(std::string_view named) const noexcept;
};

}  // namespace sluice
