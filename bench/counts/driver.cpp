#include "bench/pieces/driver.hpp"

#include "bench/counts/count.hpp"

namespace sluice::bench {

void count_driver(const std::string& only) {
  count_all(DriverPieces{}, only);
}

}  // namespace sluice::bench
