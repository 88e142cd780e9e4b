#include "bench/pieces/turn.hpp"

#include "bench/counts/count.hpp"

namespace sluice::bench {

void count_turn(const std::string& only, const std::string& conf) {
  count_all(TurnPieces{}, only, conf);
}

}  // namespace sluice::bench
