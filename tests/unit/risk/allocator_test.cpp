#include "risk/allocator.hpp"

#include <gtest/gtest.h>

namespace sluice::risk {
namespace {

// One lot costs 100; 2 of it are at risk.
AllocationRequest plenty() {
  return {.equity = Notional::whole(1'000'000),
          .cash = Notional::whole(1'000'000),
          .cap_left = Notional::whole(1'000'000),
          .alloc = {1'000'000},
          .risk = {1'000'000},
          .stop = {20'000},
          .price = Price::whole(100),
          .lot = Qty::whole(1),
          .freeze = Qty::whole(1'000'000),
          .multiplier = 1,
          .max_lots = 1'000'000};
}

void expect(const AllocationRequest& request, std::int64_t lots, Binding binding) {
  const Allocation found = allocate(request);
  EXPECT_EQ(found.lots, lots) << name_of(binding);
  EXPECT_EQ(found.binding, binding) << name_of(found.binding);
}

TEST(Allocator, NamesEachBindingConstraintOnBothSides) {
  AllocationRequest r = plenty();
  r.alloc = {500};  // 500 of budget
  expect(r, 5, Binding::Alloc);
  r.alloc = {499};
  expect(r, 4, Binding::Alloc);
  r.alloc = {99};
  expect(r, 0, Binding::Alloc);

  r = plenty();
  r.risk = {10};  // 10 may be lost
  expect(r, 5, Binding::Risk);
  r.risk = {1};
  expect(r, 0, Binding::Risk);

  r = plenty();
  r.cap_left = Notional::whole(300);
  expect(r, 3, Binding::Cap);
  r.cap_left -= Notional{1};
  expect(r, 2, Binding::Cap);

  r = plenty();
  r.cash = Notional::whole(100);
  expect(r, 1, Binding::Cash);
  r.cash -= Notional{1};
  expect(r, 0, Binding::Cash);

  r = plenty();
  r.max_lots = 7;
  expect(r, 7, Binding::MaxLots);
  r = plenty();
  r.freeze = Qty::whole(8);
  expect(r, 8, Binding::Freeze);
}

TEST(Allocator, MultipliesBudgetAndRiskOnly) {
  AllocationRequest r = plenty();
  r.alloc = {500};
  r.multiplier = 3;
  expect(r, 15, Binding::Alloc);
  r.cap_left = Notional::whole(1'000);
  expect(r, 10, Binding::Cap);
}

TEST(Allocator, NeverGivesAMinimumLot) {
  AllocationRequest r = plenty();  // the runbook's own first phase: 1 % of 100'000, a lot of 6'000
  r.equity = Notional::whole(100'000);
  r.cap_left = Notional::whole(1'000);
  r.price = Price::whole(120);
  r.lot = Qty::whole(50);
  expect(r, 0, Binding::Cap);
}

TEST(Allocator, BadInputIsZero) {
  for (int what = 0; what < 4; ++what) {
    AllocationRequest r = plenty();
    if (what == 0) r.price = {};
    if (what == 1) r.lot = {};
    if (what == 2) r.stop = {};
    if (what == 3) r.multiplier = 0;
    expect(r, 0, Binding::BadInput);
  }
  AllocationRequest r = plenty();
  r.equity = Notional::whole(-5);
  expect(r, 0, Binding::Alloc);
}

}  // namespace
}  // namespace sluice::risk
