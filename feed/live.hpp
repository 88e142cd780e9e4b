// The feed's driver: frames from the source through the stage to the rings and the last-value
// table. Not journaled: the feed's replay input is the capture of its frames.
//
// From frame bytes in hand to publish: no allocation, no system call, no lock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/ring.hpp"
#include "core/stage_page.hpp"
#include "feed/fanout.hpp"
#include "feed/last_value.hpp"
#include "feed/source.hpp"
#include "feed/stage.hpp"

namespace sluice {

class LiveFeed final : public FeedSourceHandler {
 public:
  LiveFeed(const FeedConfig& config, const Clock& clock, StagePage& page,
           LastValueTable& last_values, std::uint32_t lease_epoch);

  void attach(Edge edge, Producer& ring) noexcept { fanout_.attach(edge, ring); }

  bool turn() noexcept;  // true if anything arrived
  // First step of an orderly stop; idle() says when the connection is closed.
  void stop() { source_.stop(); }
  [[nodiscard]] bool idle() const noexcept { return source_.idle(); }

  void on_connection(bool up) override;
  void on_frame(std::span<const char> bytes) override;
  void on_snapshot(InstrumentIndex instrument, std::span<const char> body) override;
  [[nodiscard]] bool wants_snapshot(InstrumentIndex instrument) override {
    return stage_.wants_snapshot(instrument);
  }
  void on_mute() override { effects_.count(FeedCounter::MuteConnections); }
  void on_trouble(std::string_view line) override;

 private:
  void publish(bool got, Tick& tick) noexcept;
  void name_the_silent(HostTime now);

  // So many times the time after which silence is staleness, an instrument may be quiet after
  // connecting.
  static constexpr std::int64_t kQuietPeriods = 5;

  const Clock& clock_;
  StagePage& page_;
  Effects effects_;
  FeedStage stage_;
  Fanout<Producer> fanout_;
  LastValueWriter last_values_;
  FeedSource source_;
  std::vector<std::string> symbols_;  // setup
  Duration quiet_;
  HostTime connected_at_{};
  HostTime beat_at_{};
  bool named_ = true;  // who has been silent since connecting was said, or there is no connection
  bool worked_ = false;
};

}  // namespace sluice
