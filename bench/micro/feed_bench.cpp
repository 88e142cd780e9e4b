// What a frame costs in decoding.
#include "bench/micro/micro.hpp"
#include "bench/pieces/feed.hpp"

namespace sluice::bench {
namespace {

const int kFeed = time_all(FeedPieces{});

}  // namespace
}  // namespace sluice::bench

BENCHMARK_MAIN();
