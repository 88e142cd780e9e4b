// One cycle of the synthetic market after the other, through the pipeline in this thread. The first
// tick of a cycle breaks out: the order tick. Its last quarter lies behind the exit phase: the
// quiet ticks.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "bench/pipeline/market.hpp"
#include "bench/turn/one_thread.hpp"
#include "core/error.hpp"

namespace sluice::bench {

template <bool Stamped>
class Cycles {
 public:
  // Runs until the strategy's window has been filled twice. Throws Error if the configuration lets
  // too few orders pass.
  Cycles(const OneThreadConfig& config, std::uint64_t order_every)
      : world_(config), market_(1, order_every), length_(order_every), ticks_(order_every) {
    fill();
    std::uint64_t made = 0, cycles = 0;
    for (; cycles * length_ < 2 * kWarmUp; ++cycles)
      if (run() && cycles * length_ >= kWarmUp) ++made;
    if (made < cycles / 4)
      throw Error(
          fmt::format("{} of {} breakouts made an order: the configuration refuses the "
                      "others",
                      made, cycles / 2));
  }

  // One whole cycle; true if it made an order.
  bool run() {
    const std::uint64_t sent = world_.log_end();
    pass();
    const bool made = world_.log_end() != sent;
    finish();
    return made;
  }
  // What is left of a cycle that has begun.
  void finish() {
    if (next_ == 0) return;
    pass_until(length_);
    close();
  }
  void pass() noexcept {
    const Tick& tick = take();
    world_.publish(tick);
    world_.pass();
    world_.advance(kBetween);
  }
  void pass_until(std::uint64_t place) noexcept {
    while (next_ < place) pass();
  }
  // For a pass in pieces.
  const Tick& take() noexcept { return ticks_[next_++]; }

  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
  [[nodiscard]] bool begun() const noexcept { return next_ > 0; }
  [[nodiscard]] std::uint64_t quiet_from() const noexcept { return length_ - length_ / 4; }
  [[nodiscard]] OneThread<Stamped>& world() noexcept { return world_; }

  static constexpr Duration kBetween = Duration::micros(100);  // ticks: ten thousand a second

 private:
  // The recorder keeps up; the ticks of the next cycle are decoded.
  void close() {
    world_.file();
    ++cycle_;
    fill();
  }

  static constexpr std::uint64_t kWarmUp = 2'000'000'000 / 100'000;  // ticks: two seconds

  void fill() {
    next_ = 0;
    for (std::uint64_t k = 0; k < length_; ++k)
      ticks_[k] = market_.tick(cycle_ * length_ + k,
                               world_.now() + Duration{static_cast<std::int64_t>(k) * kBetween.ns});
  }

  OneThread<Stamped> world_;
  Market market_;
  std::uint64_t length_;
  std::vector<Tick> ticks_;  // of this cycle
  std::uint64_t next_ = 0;
  std::uint64_t cycle_ = 0;
};

}  // namespace sluice::bench
