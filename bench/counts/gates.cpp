#include "bench/pieces/gates.hpp"

#include "bench/counts/count.hpp"

namespace sluice::bench {

void count_gates(const std::string& only) {
  count_all(GatePieces{}, only);
}

}  // namespace sluice::bench
