#include "bench/pipeline/source.hpp"

#include <algorithm>

#include "bench/pipeline/market.hpp"
#include "bench/pipeline/schedule.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr Duration kLead = Duration::millis(1);  // between begin() and the first tick
constexpr std::uint64_t kNapAfterNs = 2'000'000'000;

// As the stages have chosen: theirs is what the rig was asked for, resolved.
WaitStrategy wait_of(Rig& rig) {
  return static_cast<WaitStrategy>(rig.objects().page(Process::Seat0).wait.load());
}

}  // namespace

Source::Source(Rig& rig)
    : wait_(wait_of(rig)),
      feed_(rig.instance().name(), rig.placement().feed, wait_),
      thread_([this, cpu = rig.placement().feed] { work(cpu); }) {}

Source::~Source() {
  leave();
}

void Source::begin(const Load& load) {
  load_ = load;
  load_.order_every = std::max(load.order_every, kShortestCycle);
  halt_.store(false, std::memory_order_relaxed);
  state_.store(State::Running, std::memory_order_release);  // pairs with work()
}

void Source::halt() {
  halt_.store(true, std::memory_order_relaxed);
  while (running()) std::this_thread::yield();
}

Sent Source::sent() const {
  Sent all = sent_;
  all.ticks = feed_.produced();
  all.dropped_seat = feed_.dropped(feed_seat(0));
  all.dropped_risk = feed_.dropped(Edge::FeedRisk);
  all.dropped_gateway = feed_.dropped(Edge::FeedGateway);
  return all;
}

void Source::leave() {
  if (!thread_.joinable()) return;
  halt();
  state_.store(State::Leaving, std::memory_order_release);
  thread_.join();
  feed_.leave();
}

void Source::work(int cpu) {
  static_cast<void>(pin_to(cpu));  // the rig has pinned a process there already
  Waiter waiter(wait_, kNapAfterNs);
  for (;;) {
    switch (state_.load(std::memory_order_acquire)) {  // pairs with begin() and leave()
      case State::Leaving: return;
      case State::Idle:
        feed_.turn();
        waiter.idle();
        break;
      case State::Running:
        waiter.busy();
        load_.rate > 0 ? send_open(load_) : send_closed(load_);
        sent_.last_sent = feed_.clock().now();
        while (feed_.behind() && !halted()) feed_.turn();
        state_.store(State::Idle, std::memory_order_release);  // pairs with running()
        break;
    }
  }
}

void Source::send_open(const Load& load) noexcept {
  const Market market(load.seed, load.order_every);
  const std::uint64_t from = market_at_;
  const std::uint64_t end = load.ticks != 0 ? load.ticks : ~std::uint64_t{0};
  sent_.first_due = feed_.clock().now() + kLead;
  Schedule<> schedule(sent_.first_due, load.rate);
  Waiter waiter(wait_, 0);
  while (schedule.next() < end && !halted()) {
    const std::uint64_t count = schedule.pump(
        feed_.clock().now(), end,
        [&](std::uint64_t i, HostTime at) { feed_.publish(market.tick(from + i, at)); });
    feed_.turn();
    count != 0 ? waiter.busy() : waiter.idle();
  }
  market_at_ = from + schedule.next();
  sent_.late_max = schedule.late_max();
}

void Source::send_closed(const Load& load) noexcept {
  constexpr std::uint64_t kBurst = 16;
  const Market market(load.seed, load.order_every);
  const std::uint64_t end = load.ticks != 0 ? market_at_ + load.ticks : ~std::uint64_t{0};
  sent_.first_due = feed_.clock().now();
  sent_.late_max = {};
  Waiter waiter(wait_, 0);
  while (market_at_ < end && !halted()) {
    feed_.turn();
    if (!feed_.room(kBurst)) {
      waiter.idle();
      continue;
    }
    waiter.busy();
    for (std::uint64_t i = 0; i < kBurst && market_at_ < end; ++i, ++market_at_)
      feed_.publish(market.tick(market_at_, feed_.clock().now()));
  }
}

}  // namespace sluice::bench
