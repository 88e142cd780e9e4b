// The allocation counter counts: a guard that never fires would show nothing.
#include "tests/support/alloc_guard.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::test {
namespace {

TEST(AllocGuardTest, CountsEveryWayToAllocate) {
  AllocGuard guard;
  const auto one = std::make_unique<int>(1);
  EXPECT_EQ(guard.count(), 1u);
  std::vector<int> some(100);
  EXPECT_EQ(guard.count(), 2u);
  void* volatile memory = std::malloc(10);  // volatile: a pair that nobody sees may be left out
  EXPECT_EQ(guard.count(), 3u);
  std::free(memory);
  memory = std::aligned_alloc(64, 128);
  EXPECT_EQ(guard.count(), 4u);
  std::free(memory);
  struct alignas(128) Wide {
    char bytes[128];
  };
  const auto wide = std::make_unique<Wide>();
  EXPECT_EQ(guard.count(), 5u);
  EXPECT_NE(wide.get(), nullptr);
}

TEST(AllocGuardTest, CountsNothingWhereNothingIsAllocated) {
  AllocGuard guard;
  volatile int sum = 0;
  for (int i = 0; i < 100; ++i) sum = sum + i;
  EXPECT_EQ(guard.count(), 0u);
}

TEST(AllocGuardTest, CountsItsOwnThreadOnly) {
  std::vector<int> other;
  std::thread thread([] {});
  thread.join();
  AllocGuard guard;
  std::uint64_t there = 0;
  std::thread busy([&] {
    AllocGuard inner;
    other.resize(1'000);
    there = inner.count();
  });
  const std::uint64_t to_start_it = guard.count();
  busy.join();
  EXPECT_EQ(there, 1u);
  EXPECT_EQ(guard.count(), to_start_it);
}

}  // namespace
}  // namespace sluice::test
