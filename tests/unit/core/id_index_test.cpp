// The index beside an order table, against a map that cannot be wrong.
#include "core/id_index.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "tests/support/seed.hpp"

namespace sluice {
namespace {

constexpr std::size_t kRows = 64;

struct Row {
  OrderId id;
};

TEST(IdIndex, FindsWhatIsThereAndNothingElse) {
  test::Random random(test::draw_seed());
  std::array<Row, kRows> rows{};
  std::map<std::uint64_t, std::size_t> truth;
  IdIndex<kRows> index;
  for (int step = 0; step < 200'000; ++step) {
    const std::size_t row = random.below(kRows);
    if (rows[row].id.raw != 0) {
      index.remove(rows[row].id, rows);
      truth.erase(rows[row].id.raw);
      rows[row] = {};
    } else {
      // Few ids, so that they collide and come back.
      const OrderId id{1 + random.below(500)};
      if (truth.contains(id.raw)) continue;
      rows[row].id = id;
      index.add(id, row);
      truth[id.raw] = row;
    }
    const OrderId asked{1 + random.below(500)};
    const auto known = truth.find(asked.raw);
    ASSERT_EQ(index.find(asked, rows), known == truth.end() ? kRows : known->second)
        << "step " << step;
  }
}

TEST(IdIndex, HoldsAsManyAsThereAreRows) {
  std::array<Row, kRows> rows{};
  IdIndex<kRows> index;
  for (std::size_t row = 0; row < kRows; ++row) {
    rows[row].id = OrderId::make(1, 1, static_cast<std::uint32_t>(row + 1));
    index.add(rows[row].id, row);
  }
  for (std::size_t row = 0; row < kRows; ++row) EXPECT_EQ(index.find(rows[row].id, rows), row);
  EXPECT_EQ(index.find(OrderId::make(1, 1, kRows + 1), rows), kRows);
}

}  // namespace
}  // namespace sluice
