#include "gateway/order_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace sluice {
namespace {

TEST(OrderTable, FindsWhatWasAdded) {
  auto table = std::make_unique<OrderTable>();
  EXPECT_EQ(table->find(OrderId{5}), kNoSlot);
  const SlotIndex slot = table->add(OrderId{5});
  EXPECT_EQ(table->find(OrderId{5}), slot);
  EXPECT_EQ(table->at(slot).id, OrderId{5});
}

TEST(OrderTable, FullUntilOneHasEnded) {
  auto table = std::make_unique<OrderTable>();
  for (std::uint64_t i = 1; i <= kGatewayOrders; ++i) ASSERT_NE(table->add(OrderId{i}), kNoSlot);
  EXPECT_EQ(table->add(OrderId{9'999}), kNoSlot);
  table->finish(table->find(OrderId{7}));
  EXPECT_NE(table->add(OrderId{9'999}), kNoSlot);
  EXPECT_EQ(table->find(OrderId{7}), kNoSlot);
}

TEST(OrderTable, OwedOrdersAreNotRecycled) {
  auto table = std::make_unique<OrderTable>();
  for (std::uint64_t i = 1; i <= kGatewayOrders; ++i) ASSERT_NE(table->add(OrderId{i}), kNoSlot);
  const SlotIndex slot = table->find(OrderId{7});
  table->finish(slot);
  table->at(slot).set(kQueuedTell);
  EXPECT_EQ(table->add(OrderId{9'999}), kNoSlot);
  table->at(slot).clear(kQueuedTell);
  EXPECT_NE(table->add(OrderId{9'999}), kNoSlot);
}

// Index with removal by shifting back against a map, over many generations of ids.
TEST(OrderTable, EqualsAMapOverManyGenerations) {
  const std::uint64_t seed = 20'240'607;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  auto table = std::make_unique<OrderTable>();
  std::map<std::uint64_t, SlotIndex> open;
  std::uint64_t next = 1;
  for (int step = 0; step < 40'000; ++step) {
    if (open.size() < 1'000 && random() % 2 == 0) {
      const OrderId id{next += 1 + random() % 5};
      const SlotIndex slot = table->add(id);
      ASSERT_NE(slot, kNoSlot);
      open[id.raw] = slot;
    } else if (!open.empty()) {
      auto it = open.lower_bound(random() % next);
      if (it == open.end()) it = open.begin();
      table->finish(it->second);
      open.erase(it);
    }
    if (step % 200 != 0) continue;
    for (const auto& [id, slot] : open) ASSERT_EQ(table->find(OrderId{id}), slot);
  }
}

}  // namespace
}  // namespace sluice
