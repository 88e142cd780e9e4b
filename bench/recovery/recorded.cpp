#include "bench/recovery/recorded.hpp"

#include "core/error.hpp"
#include "feed/stage.hpp"
#include "tools/venue/tape.hpp"

namespace sluice::bench {

Recorded::Recorded(const std::string& capture, const FeedConfig& feed) {
  const venue::Tape tape = venue::Tape::load(capture);
  Effects unseen;
  FeedStage stage(feed, unseen);
  Tick tick;
  const auto keep = [&](bool got) {
    for (; got; got = stage.next(tick))
      if (tick.kind == TickKind::Quote || tick.kind == TickKind::Trade) ticks_.push_back(tick);
  };
  HostTime now{10'000'000'000};
  keep(stage.on_connection(true, now, tick));
  for (const venue::Line& line : tape.lines()) {
    now = now + Duration::millis(1);
    keep(line.stream == 0 ? stage.on_snapshot(0, line.text, now, tick)
                          : stage.on_frame(line.text, now, tick));
  }
  if (ticks_.empty()) throw Error(capture + ": no tick of a configured instrument");
}

}  // namespace sluice::bench
