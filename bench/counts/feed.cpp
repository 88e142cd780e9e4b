#include "bench/pieces/feed.hpp"

#include "bench/counts/count.hpp"

namespace sluice::bench {

void count_feed(const std::string& only) {
  count_all(FeedPieces{}, only);
}

}  // namespace sluice::bench
