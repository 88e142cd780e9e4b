// A small tape in plain text for the venue tests, and the recorded one.
#pragma once

#include <string>

#include "tools/venue/tape.hpp"

namespace sluice::venue::test {

inline std::string trade(std::int64_t ms, int number) {
  return std::to_string(ms * 1'000'000) + R"( {"stream":"btcusdt@trade","data":{"e":"trade","E":)" +
         std::to_string(ms + 1'000) + R"(,"s":"BTCUSDT","t":)" + std::to_string(number) + "}}\n";
}
inline std::string depth(std::int64_t ms, int first, int last, const std::string& bids,
                         const std::string& asks) {
  return std::to_string(ms * 1'000'000) +
         R"( {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate",)" +
         R"("s":"BTCUSDT","U":)" + std::to_string(first) + R"(,"u":)" + std::to_string(last) +
         R"(,"b":[)" + bids + R"(],"a":[)" + asks + "]}}\n";
}
inline constexpr const char* kSnapshotJson =
    R"({"lastUpdateId":20,"bids":[["100.00000000","1.00000000"],["99.00000000","2.00000000"]],)"
    R"("asks":[["101.00000000","3.00000000"]]})";

// 1 depth 10-15, 2 trade, 3 depth 16-22, 4 snapshot 20, 5 trade, 6 depth 23-25, 7 trade, 8 depth
// 26-30
inline std::string small_text() {
  return depth(1'000, 10, 15, R"(["98.00000000","9.00000000"])", "") + trade(1'010, 1) +
         depth(1'020, 16, 22, R"(["100.00000000","1.50000000"])", "") + "1030000000 " +
         kSnapshotJson + "\n" + trade(1'040, 2) +
         depth(2'000, 23, 25, R"(["99.00000000","0.00000000"],["100.50000000","4.00000000"])",
               R"(["101.00000000","0.25000000"],["102.00000000","8.00000000"])") +
         trade(3'000, 3) + depth(4'000, 26, 30, "", R"(["101.00000000","0.00000000"])");
}
inline Tape small_tape() {
  return Tape::parse(small_text(), "small");
}

}  // namespace sluice::venue::test
