// sluice-feed: bytes from the venue in, ticks out.
#include <list>
#include <memory>

#include "core/stage_host.hpp"
#include "core/wiring.hpp"
#include "feed/config.hpp"
#include "feed/live.hpp"

using namespace sluice;

namespace {

Exit run(StageHost& host, const PipelineConfig& pipeline, const FeedConfig& config,
         const StageOptions&) {
  AttachedInstance& instance = host.instance();
  instance.attach_last_value(Access::ReadWrite);
  Objects& objects = host.objects();
  host.page().statistics.name(kFeedCounterNames, kFeedHistogramNames);
  const auto epoch = static_cast<std::uint32_t>(host.page().lease.word.load() >> 32);
  const auto feed = std::make_unique<LiveFeed>(
      config, host.clock(), host.page(), *static_cast<LastValueTable*>(objects.last_value), epoch);
  std::list<Producer> rings;  // a feed has no journal: it goes on behind what is published
  for (const EdgeInfo& edge : kTopology) {
    if (edge.from != Process::Feed || !edge_used(edge, pipeline)) continue;
    instance.attach_ring(edge.edge, Access::ReadWrite);
    RingMemory& ring = objects.edge(edge.edge);
    feed->attach(edge.edge, rings.emplace_back(ring, published(ring)));
  }
  host.ready();
  bool stopping = false;
  return host.loop([&] { return feed->turn(); },
                   [&](Duration quiet) {
                     if (!stopping) feed->stop();
                     stopping = true;
                     return feed->idle() && quiet > Duration::millis(20);
                   },
                   [] { return false; });
}

}  // namespace

int main(int argc, char** argv) {
  return stage_main(
      argc, argv,
      {"sluice-feed", "Receives the venue's market data and publishes ticks.", {}, false, {}},
      Process::Feed,
      [](const config::Document& document, const PipelineConfig& pipeline, const StageOptions&) {
        return parse_feed(document.root().table("feed"), pipeline);
      },
      run);
}
