#include "tools/venue/book.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/unit/net/tape_support.hpp"

namespace sluice::venue::test {
namespace {

TEST(VenueBook, IsTheRecordedSnapshotUntilALaterUpdate) {
  const Tape tape = small_tape();
  Book book(tape);
  // Line 3 (updates 16 to 22) came before the snapshot and reaches beyond it.
  for (std::size_t position = 0; position <= 4; ++position) {
    EXPECT_EQ(book.snapshot(position, 1000), kSnapshotJson) << position;
  }
  EXPECT_EQ(book.last_update_id(), 20u);
}

TEST(VenueBook, AppliesTheUpdatesBeforeThePosition) {
  const Tape tape = small_tape();
  Book book(tape);
  EXPECT_EQ(
      book.snapshot(6, 1000),
      R"({"lastUpdateId":25,"bids":[["100.50000000","4.00000000"],["100.00000000","1.50000000"]],)"
      R"("asks":[["101.00000000","0.25000000"],["102.00000000","8.00000000"]]})");
  EXPECT_EQ(book.snapshot(8, 1), R"({"lastUpdateId":30,"bids":[["100.50000000","4.00000000"]],)"
                                 R"("asks":[["102.00000000","8.00000000"]]})");
  EXPECT_EQ(book.snapshot(0, 1000), kSnapshotJson);  // backwards is possible too
}

TEST(VenueBook, CutsTheRecordedSnapshotToTheLimit) {
  const Tape tape = small_tape();
  Book book(tape);
  EXPECT_EQ(book.snapshot(0, 2), kSnapshotJson);
  EXPECT_EQ(book.snapshot(0, 1), R"({"lastUpdateId":20,"bids":[["100.00000000","1.00000000"]],)"
                                 R"("asks":[["101.00000000","3.00000000"]]})");
}

// The quote stream is the oracle: whenever the last quote before a position is as old as the last
// depth update, the book's top must be that quote.
TEST(VenueBook, AgreesWithTheRecordedQuotes) {
  const Tape tape = Tape::load(SLUICE_TEST_CAPTURE);
  Book book(tape);
  simdjson::dom::parser parser;
  std::map<std::uint64_t, std::string>
      quotes;  // by update id: [["bid","qty"]],"asks":[["ask","qty"]]
  const StreamMask stream = tape.stream("btcusdt@bookTicker").value();
  std::uint64_t compared = 0;
  for (std::size_t i = 0; i < tape.lines().size(); ++i) {
    const Line& line = tape.lines()[i];
    if (line.stream == stream) {
      const simdjson::dom::element quote = parser.parse(line.data).value();
      const auto text = [&quote](const char* key) {
        return std::string(quote[key].get_string().value());
      };
      quotes[quote["u"].get_uint64().value()] = "\"bids\":[[\"" + text("b") + "\",\"" + text("B") +
                                                "\"]],\"asks\":[[\"" + text("a") + "\",\"" +
                                                text("A") + "\"]]}";
    }
    if (!line.depth || i % 7 != 0 || i < 100) continue;
    const std::string top = book.snapshot(i + 1, 1);
    // The quote in force at the update id: the one with the greatest id that is not beyond it.
    const auto after = quotes.upper_bound(book.last_update_id());
    if (after == quotes.begin()) continue;
    ++compared;
    ASSERT_EQ(top.substr(top.find("\"bids\"")), std::prev(after)->second) << "line " << i + 1;
  }
  EXPECT_GT(compared, 300u);
}

}  // namespace
}  // namespace sluice::venue::test
