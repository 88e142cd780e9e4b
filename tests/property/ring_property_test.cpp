// Random operations on a ring against a std::deque, with owners that die and are replaced between
// any two of them.
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "core/ring.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice {
namespace {

Payload payload_of(std::uint64_t sequence) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(sequence ^ i << 56);
  return payload;
}

class Model {
 public:
  Model(std::uint64_t capacity, std::uint64_t start, std::uint64_t seed)
      : random_(seed),
        capacity_(capacity),
        ring_(capacity),
        next_(start),
        journaled_(start),
        head_(start),
        tap_next_(start) {
    if (start != 0) test::preset(ring_.get(), start);
    producer_ = Producer(ring_.get(), start);
    consumer_ = Consumer(ring_.get(), start);
    tap_ = std::make_unique<RingTap>(ring_.get(), start);
  }

  void step() {
    switch (random_.below(8)) {
      case 0:
      case 1: return push();
      case 2:
      case 3: return poll();
      case 4:
        consumer_.publish_head();
        head_ = journaled_;
        return;
      case 5: return tap();
      case 6: return die();
      default: return expect_credit();
    }
  }

 private:
  void push() {
    const bool room = queue_.size() + (journaled_ - head_) < capacity_;
    ASSERT_EQ(producer_.try_push(payload_of(next_)), room);
    if (room) queue_.push_back(payload_of(next_++));
  }
  void poll() {
    Payload out;
    const Poll poll = consumer_.poll(out);
    if (queue_.empty()) {
      ASSERT_EQ(poll, Poll::Empty);
      return;
    }
    ASSERT_EQ(poll, Poll::Record);
    ASSERT_EQ(out, queue_.front());
    queue_.pop_front();
    ++journaled_;
    if (random_.one_in(2)) {
      consumer_.publish_head_if_due();
      head_ = ring_.get().head.load();
    }
  }
  void tap() {
    Payload out;
    const auto result = tap_->read(out);
    if (result.poll == Poll::Record) {
      ASSERT_EQ(result.sequence, tap_next_);
      ASSERT_EQ(out, payload_of(result.sequence));
      ++tap_next_;
      return;
    }
    ASSERT_EQ(result.poll, Poll::Empty);
    // It may only miss what is gone: a record still in its slot was readable.
    if (result.missed == 0) {
      ASSERT_EQ(tap_next_, next_);
    }
    if (result.missed != 0) {
      ASSERT_LT(tap_next_ + capacity_, next_);
    }
    tap_next_ += result.missed;
  }
  // A producer knows where it stopped by the ring, a consumer by its journal.
  void die() {
    if (random_.one_in(2)) {
      ASSERT_EQ(published(ring_.get()), next_);
      producer_ = Producer(ring_.get(), published(ring_.get()));
    } else {
      consumer_ = Consumer(ring_.get(), journaled_);
      consumer_.publish_head();
      head_ = journaled_;
    }
  }
  void expect_credit() {
    ASSERT_EQ(producer_.credit(capacity_), capacity_ - queue_.size() - (journaled_ - head_));
    ASSERT_EQ(ring_.get().corrupt.load(), 0u);
  }

  test::Random random_;
  std::uint64_t capacity_;
  test::SharedRing ring_;
  std::deque<Payload> queue_;
  std::uint64_t next_;
  std::uint64_t journaled_;
  std::uint64_t head_;
  std::uint64_t tap_next_;
  Producer producer_;
  Consumer consumer_;
  std::unique_ptr<RingTap> tap_;
};

TEST(RingProperty, BehavesAsADequeThatSurvivesItsOwners) {
  test::Random seeds(test::draw_seed());
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t capacity = std::uint64_t{1} << (1 + seeds.below(6));
    const std::uint64_t starts[] = {0, (std::uint64_t{1} << 32) - seeds.below(200),
                                    ~std::uint64_t{0} - 5'000};
    const std::uint64_t start = starts[seeds.below(3)], seed = seeds.next();
    SCOPED_TRACE("capacity " + std::to_string(capacity) + " start " + std::to_string(start));
    Model model(capacity, start, seed);
    for (int i = 0; i < 4'000 && !testing::Test::HasFatalFailure(); ++i) model.step();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice
