// Records: size, tiling, hashes, the level x action table, and the golden layout.
#include "core/records.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "core/topology.hpp"

namespace sluice {
namespace {

template <class R>
class Records : public ::testing::Test {};
using AllRecords = ::testing::Types<Tick, Intent, Order, Report, Event, Control, PaperEntry>;
TYPED_TEST_SUITE(Records, AllRecords);

TYPED_TEST(Records, FillALineWithTheWord) {
  static_assert(Record<TypeParam>);
  static_assert(fields_tile<TypeParam>());
  EXPECT_EQ(sizeof(TypeParam) + sizeof(std::uint64_t), kCacheLine);
}

TYPED_TEST(Records, SurviveTheTripThroughAPayload) {
  Payload payload{};
  auto* bytes = reinterpret_cast<unsigned char*>(payload.data());
  for (std::size_t i = 0; i < sizeof payload; ++i)
    bytes[i] = static_cast<unsigned char>(i * 37 + 1);
  EXPECT_EQ(to_payload(from_payload<TypeParam>(payload)), payload);
}

TYPED_TEST(Records, NameEveryField) {
  std::set<std::string_view> names;
  for (const Field& field : Layout<TypeParam>::kFields) {
    EXPECT_FALSE(field.name.empty());
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
  }
}

// Offsets that readers outside this tree may rely on: a change here is a breaking change.
template <class R>
std::string layout_text() {
  std::string out(Layout<R>::kName);
  for (const Field& field : Layout<R>::kFields)
    out += " " + std::string(field.name) + "@" + std::to_string(field.offset) + ":" +
           std::to_string(field.size);
  return out;
}

TEST(Layouts, AreGolden) {
  EXPECT_EQ(
      layout_text<Tick>(),
      "Tick instrument@0:4 kind@4:1 flags@5:1 source@6:2 venue_time@8:8 rx_time@16:8 value@24:32");
  EXPECT_EQ(
      layout_text<Intent>(),
      "Intent id@0:8 instrument@8:4 seat@12:1 strategy@13:1 side@14:1 action@15:1 price@16:8 "
      "quantity@24:8 origin@32:8 decided_at@40:8 parameter_epoch@48:4 reason@52:2 flags@54:2");
  EXPECT_EQ(layout_text<Order>(),
            "Order id@0:8 instrument@8:4 strategy@12:1 side@13:1 kind@14:1 flags@15:1 price@16:8 "
            "qty@24:8 "
            "origin@32:8 approved_at@40:8 kill_epoch@48:4 limits_epoch@52:4");
  EXPECT_EQ(layout_text<Report>(),
            "Report id@0:8 instrument@8:4 strategy@12:1 side@13:1 kind@14:1 reason@15:1 price@16:8 "
            "qty@24:8 "
            "cum_qty@32:8 venue_time@40:8 at@48:8");
}

TEST(Layouts, HashesDiffer) {
  const std::set<std::uint64_t> hashes{
      layout_hash<Tick>(),  layout_hash<Intent>(),  layout_hash<Order>(),     layout_hash<Report>(),
      layout_hash<Event>(), layout_hash<Control>(), layout_hash<PaperEntry>()};
  EXPECT_EQ(hashes.size(), 7u);
  EXPECT_EQ(hashes.count(0), 0u);
}

struct Gap {
  std::uint32_t a;
  std::uint32_t b;
};
struct Shifted {
  std::uint32_t a;
  std::uint32_t b;
};

}  // namespace

template <>
struct Layout<Gap> {
  static constexpr std::string_view kName = "Gap";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::array kFields{SLUICE_FIELD(Gap, b, Integer)};
};
template <>
struct Layout<Shifted> {
  static constexpr std::string_view kName = "Gap";
  static constexpr std::uint32_t kVersion = 2;
  static constexpr std::array kFields{SLUICE_FIELD(Shifted, b, Integer)};
};

namespace {

TEST(Layouts, TilingFindsAGapAndTheVersionIsHashed) {
  static_assert(!fields_tile<Gap>());
  EXPECT_NE(layout_hash<Gap>(), layout_hash<Shifted>());
}

// The table of the design, row by row: entry, strategy exit, protective exit, cancel.
TEST(Allowed, IsTheLevelTable) {
  struct Row {
    KillLevel level;
    bool entry, exit, protective, cancel;
  };
  constexpr std::array<Row, 7> kRows{{{KillLevel::Run, true, true, true, true},
                                      {KillLevel::ReduceOnly, false, true, true, true},
                                      {KillLevel::Halt, false, false, false, true},
                                      {KillLevel::Cancel, false, false, false, true},
                                      {KillLevel::Flatten, false, false, false, true},
                                      {KillLevel::Sever, false, false, false, false},
                                      {KillLevel::Ended, false, false, false, false}}};
  for (const Row& row : kRows) {
    EXPECT_EQ(allowed(row.level, OrderClass::Entry), row.entry) << name_of(row.level);
    EXPECT_EQ(allowed(row.level, OrderClass::StrategyExit), row.exit) << name_of(row.level);
    EXPECT_EQ(allowed(row.level, OrderClass::ProtectiveExit), row.protective) << name_of(row.level);
    EXPECT_EQ(allowed(row.level, OrderClass::Cancel), row.cancel) << name_of(row.level);
  }
}

TEST(Allowed, ZeroAndGarbageLevelsLetNothingPass) {
  for (const int level : {0, 7, 14, 16, 255})
    for (const OrderClass what : {OrderClass::Entry, OrderClass::StrategyExit, OrderClass::Cancel})
      EXPECT_FALSE(allowed(static_cast<KillLevel>(level), what)) << level;
}

TEST(Allowed, AnUnknownKindIsAnEntry) {
  EXPECT_EQ(class_of(OrderKind::StopLoss), OrderClass::ProtectiveExit);
  EXPECT_EQ(class_of(OrderKind::StrategyExit), OrderClass::StrategyExit);
  EXPECT_EQ(class_of(OrderKind::Cancel), OrderClass::Cancel);
  EXPECT_EQ(class_of(static_cast<OrderKind>(0)), OrderClass::Entry);
  EXPECT_EQ(class_of(static_cast<OrderKind>(99)), OrderClass::Entry);
}

TEST(Scopes, SlotsAreABijection) {
  std::set<std::size_t> seen;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    EXPECT_EQ(scope_slot(scope_at(slot)), slot);
    seen.insert(scope_slot(scope_at(slot)));
  }
  EXPECT_EQ(seen.size(), kScopes);
  EXPECT_EQ(scope_slot({ScopeKind::Global, 1}), kScopes);
  EXPECT_EQ(scope_slot({ScopeKind::Gateway, kMaxGateways}), kScopes);
  EXPECT_EQ(scope_slot({ScopeKind::Strategy, kMaxStrategies}), kScopes);
  EXPECT_EQ(scope_slot({ScopeKind::Instrument, kMaxInstruments}), kScopes);
  EXPECT_EQ(scope_slot({ScopeKind::Instrument, kMaxInstruments - 1}), kScopes - 1);
}

TEST(Topology, NamesEachEdgeOnce) {
  std::set<Edge> edges;
  for (const EdgeInfo& info : kTopology) {
    EXPECT_TRUE(edges.insert(info.edge).second);
    EXPECT_EQ(info.capacity & (info.capacity - 1), 0u);
    EXPECT_LT(static_cast<std::size_t>(info.edge), kEdgeSpan);
    EXPECT_EQ(edge_info(info.edge), &info);
    EXPECT_NE(info.from, info.to);
  }
  EXPECT_EQ(edge_info(Edge::None), nullptr);
}

}  // namespace
}  // namespace sluice
