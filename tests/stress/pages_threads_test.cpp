// Pages between threads: rows are never torn, and a gate that published a serial has seen every
// raise of it.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "core/kill_page.hpp"
#include "core/stage_page.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

TEST(StagePageThreads, ARowIsNeverTorn) {
  constexpr std::uint64_t kWrites = 20'000;
  const auto page = std::make_unique<StagePage>();
  std::atomic<bool> done{false};
  std::uint64_t torn = 0, fell = 0, read = 0;
  std::thread reader([&] {
    std::int64_t last = 0;
    for (bool more = true; more;) {
      more = !done.load(std::memory_order_acquire);
      const auto row = page->read_row<GateRow>(RowTable::Strategy, 3);
      if (!row) continue;
      ++read;
      if (row->limit != -row->value || row->passed != mix(static_cast<std::uint64_t>(row->value)))
        ++torn;
      if (row->value < last) ++fell;
      last = row->value;
    }
  });
  for (std::uint64_t k = 1; k <= kWrites; ++k) {
    GateRow row{};
    row.value = static_cast<std::int64_t>(k);
    row.limit = -row.value;
    row.passed = mix(k);
    page->write_row(static_cast<std::size_t>(RowTable::Strategy) + 3, to_payload(row));
    if (k % 64 == 0) std::this_thread::yield();
  }
  done.store(true, std::memory_order_release);
  reader.join();
  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(fell, 0u);
  EXPECT_GT(read, 0u);
}

// The protocol of a raise: when the gate has published a serial at or above the target, it has
// acted on the word. The gate's plain flag stands for "no order leaves".
TEST(KillPageThreads, AnObeyedSerialMeansThatTheRaiseWasSeen) {
  constexpr int kRounds = 2'000;
  constexpr std::uint64_t kRun = 99;
  const auto page = std::make_unique<KillPage>();
  page->header.run_id = kRun;
  std::atomic<std::uint64_t> obeyed{0};
  std::atomic<bool> done{false};
  KillLevel acting = KillLevel::Run;  // plain: published by `obeyed`
  std::thread gate([&] {
    std::uint64_t last = ~std::uint64_t{0};
    while (!done.load(std::memory_order_acquire)) {
      const std::uint64_t serial = page->serial.load();
      if (serial == last) {
        std::this_thread::yield();
        continue;
      }
      acting = page->read(0).level;
      obeyed.store(serial, std::memory_order_release);
      last = serial;
      // The raiser owns `acting` until it changes the serial again.
      while (page->serial.load() == serial && !done.load(std::memory_order_acquire))
        std::this_thread::yield();
    }
  });
  int unseen = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto epoch = static_cast<std::uint32_t>(page->serial.load());
    page->words[0].store(encode_kill(kRun, 0, KillLevel::Run, KillCause::None, epoch));
    const RaiseResult raised =
        raise_kill(*page, {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Drill);
    while (obeyed.load(std::memory_order_acquire) < raised.target) std::this_thread::yield();
    if (acting != KillLevel::Halt) ++unseen;
  }
  done.store(true, std::memory_order_release);
  gate.join();
  EXPECT_EQ(unseen, 0);
}

}  // namespace
}  // namespace sluice
