// The ring stress over one weakened memory order. Built under ThreadSanitizer only, where every
// mutant must be reported (the test is registered as WILL_FAIL) and "none" must not.
#include <cstdio>
#include <string_view>

#include "tests/stress/ring_stress.hpp"

namespace {

using sluice::RingOrders;

struct RelaxedPublish : RingOrders {
  static constexpr std::memory_order kPublish = std::memory_order_relaxed;
};
struct RelaxedAwait : RingOrders {
  static constexpr std::memory_order kAwait = std::memory_order_relaxed;
};
struct RelaxedFree : RingOrders {
  static constexpr std::memory_order kFree = std::memory_order_relaxed;
};
struct RelaxedCredit : RingOrders {
  static constexpr std::memory_order kCredit = std::memory_order_relaxed;
};

template <class Orders>
int run() {
  // Without a tap: its acquire loads would order threads that the ring itself leaves unordered.
  const auto result =
      sluice::test::RingStress<Orders>({.capacity = 4, .count = 20'000, .seed = 5, .tap = false})
          .run();
  return result.wrong == 0 && result.corrupt == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mutant = argc == 2 ? argv[1] : "";
  if (mutant == "none") return run<RingOrders>();
  if (mutant == "publish") return run<RelaxedPublish>();
  if (mutant == "await") return run<RelaxedAwait>();
  if (mutant == "free") return run<RelaxedFree>();
  if (mutant == "credit") return run<RelaxedCredit>();
  std::fputs("usage: ring_mutant none|publish|await|free|credit\n", stderr);
  return 0;  // a mistake in the command line must not pass as a found mutant
}
