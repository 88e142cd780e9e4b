// Everything that runs on the gateway's hot thread, with a counting operator new underneath.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/unit/gateway/gateway_support.hpp"

namespace {
std::size_t allocations = 0;
}

// Not inlined: a compiler that sees through malloc takes the pair for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sluice::test {
namespace {

struct FixedLog {
  std::array<PaperEntry, 20'000> entries{};
  std::size_t count = 0;
  bool append(const PaperEntry& e) noexcept {
    if (count == entries.size()) return false;
    entries[count++] = e;
    return true;
  }
};

TEST(GatewayAllocation, TheCounterCounts) {
  const std::size_t before = allocations;
  auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

TEST(GatewayAllocation, HotPathNeverAllocates) {
  const Pages pages;
  GatewayConfig config;
  auto page = std::make_unique<StagePage>();
  auto log = std::make_unique<FixedLog>();
  auto out = std::make_unique<Outputs>();
  auto stage = std::make_unique<GatewayStage>(config);
  Effects fx(page.get());
  LastLook look(*pages.control, *pages.kill, 0, config.order_age_max);
  auto session = std::make_unique<PaperSession<FixedLog>>(config, look, *log, fx);
  out->open(Edge::Command);
  out->open(Edge::GatewayRisk);

  HostTime now = at_us(10);
  const auto in = [&](const auto& record) {
    out->begin_input();
    Context ctx{now, *out, fx};
    stage->on(record, ctx);
    for (std::uint32_t k = 0; k < out->lane(0).count; ++k)
      session->execute(from_payload<Order>(out->lane(0).records[k]), now, 0);
    out->clear();
  };
  const std::size_t before = allocations;
  ASSERT_TRUE(session->reconcile(stage->state()));
  for (std::uint32_t i = 1; i <= 2'000; ++i) {
    now = now + Duration::micros(400);
    in(entry(i, lots(3), now));
    if (i % 3 == 0) in(cancel_of(OrderId::make(1, 1, i)));
    if (i % 500 == 0) in(level(ScopeKind::Global, 0, KillLevel::Cancel));
    session->on_tick(quote(px(98), lots(2), px(99 + i % 3), lots(1 + i % 4), now), now);
    session->poll(now);
    while (session->has_event()) in(session->next_event());
    while (stage->wants_continue()) in(control(ControlKind::Continue));
  }
  in(control(ControlKind::Recovered, 1));
  EXPECT_EQ(allocations, before);
  EXPECT_GT(log->count, 4'000u) << "the loop has traded";
}

}  // namespace
}  // namespace sluice::test
