#include "bench/pieces/core.hpp"

#include "bench/counts/count.hpp"

namespace sluice::bench {

void count_core(const std::string& only) {
  count_all(CorePieces{}, only);
}

}  // namespace sluice::bench
