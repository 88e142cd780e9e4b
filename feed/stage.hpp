// The feed stage: frames of one venue connection, with the host time at which they were in hand ->
// ticks. Pure: the same frames give the same ticks, whatever the replay speed. Its replay input is
// the capture of frames, not a journal; host time reaches a tick only as rx_time and as the age in
// STATUS stale.
//
// One source of truth per kind: where bookTicker is subscribed it is the only source of QUOTE, and
// the book checks it and finds gaps; without it the book emits a QUOTE when its top changes. A
// bookTicker carries no time: it gets the highest venue time that its connection has shown so far,
// and kTimeInferred.
//
// Every call hands out at most one tick. What else it caused waits in a small queue:
//   bool got = stage.on_frame(bytes, rx, tick);
//   for (; got; got = stage.next(tick)) publish(tick);
// The queue must be emptied before the next input; it overflowing is a programmer error and aborts.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/records.hpp"
#include "core/rows.hpp"
#include "core/stage.hpp"
#include "feed/book.hpp"
#include "feed/config.hpp"
#include "feed/counters.hpp"
#include "feed/decode.hpp"
#include "feed/top_check.hpp"

namespace sluice {

class FeedStage {
 public:
  static constexpr std::size_t kMaxUpdateLevels = 5'000;  // per side, of one message
  static constexpr std::size_t kBookBufferBytes =
      512 * 1024;                                       // differences that wait for a snapshot
  static constexpr std::uint64_t kMessagesPerRow = 64;  // rows are views: not written each time

  // Setup: takes all memory. Throws Error. `effects` must outlive the stage.
  FeedStage(const FeedConfig& config, Effects& effects);

  // True: `out` holds a tick. Nothing here allocates, throws or reads a clock.
  bool on_frame(std::span<const char> bytes, HostTime rx_time, Tick& out) noexcept;
  // Body of GET /api/v3/depth for this instrument.
  bool on_snapshot(InstrumentIndex instrument, std::span<const char> body, HostTime now,
                   Tick& out) noexcept;
  // The protocol's word on the connection, not a guess from traffic. Repeating the same is ignored.
  bool on_connection(bool up, HostTime now, Tick& out) noexcept;
  // Call it regularly: finds that nothing has arrived for too long.
  bool on_idle(HostTime now, Tick& out) noexcept;
  // A recorded source has no more.
  bool on_end_of_data(HostTime now, Tick& out) noexcept;

  [[nodiscard]] bool pending() const noexcept { return queued_ != taken_; }
  bool next(Tick& out) noexcept;

  // The source should fetch a depth snapshot. Stays true until one fits.
  [[nodiscard]] bool wants_snapshot(InstrumentIndex instrument) const noexcept;

  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] bool stale() const noexcept { return stale_; }
  [[nodiscard]] std::size_t instruments() const noexcept { return lines_.size(); }
  // 0: none so far. Precondition: instrument < instruments().
  [[nodiscard]] HostTime last_message(InstrumentIndex instrument) const noexcept {
    return lines_[instrument].row.last_message;
  }
  // Null if depth is not subscribed.
  [[nodiscard]] const Book* book(InstrumentIndex instrument) const noexcept;

 private:
  // What is known of one instrument.
  struct Line {
    std::uint64_t trade_id =
        0;  // last one; kept over connections, so that what was missed is counted
    bool trade_heard = false;     // on this connection
    std::uint64_t ticker_id = 0;  // last one on this connection
    Top shown{};                  // last top emitted from the book
    TopCheck check;
    SessionRow row{};
  };

  void take(const Update& update, HostTime rx_time) noexcept;
  void on_trade(const Update& update, HostTime rx_time) noexcept;
  void on_ticker(const Update& update, HostTime rx_time) noexcept;
  void on_depth(const Update& update, HostTime rx_time) noexcept;
  void show_book(InstrumentIndex instrument, MarketTime time, std::uint8_t flags,
                 HostTime rx_time) noexcept;
  void verdict(TopCheck::Verdict verdict) noexcept;
  void note_book(const Book& book, std::uint64_t dropped, std::uint64_t overflows) noexcept;
  void observe_time(MarketTime time) noexcept;
  bool good(const Top& top) noexcept;

  void gap(InstrumentIndex instrument, std::uint64_t expected, std::uint64_t got,
           HostTime now) noexcept;
  void status(InstrumentIndex instrument, StatusCode code, HostTime now, std::int64_t count = 0,
              std::int64_t detail = 0, std::int64_t more = 0) noexcept;
  void push(const Tick& tick, FeedCounter counter) noexcept;
  [[nodiscard]] LevelBuffer levels() noexcept;

  void note_message(const Update& update, HostTime rx_time) noexcept;
  void write_rows() noexcept;
  void write_row(InstrumentIndex instrument) noexcept;

  Effects& fx_;
  Duration stale_after_;
  std::uint16_t source_;
  bool tickers_;  // bookTicker is the source of QUOTE
  bool connected_ = false;
  bool stale_ = false;
  HostTime heard_{};     // last message that made sense, or the connect
  MarketTime newest_{};  // highest venue time of this connection
  SessionRow session_{};
  FeedDecoder decoder_;
  std::vector<BookLevel> bids_;
  std::vector<BookLevel> asks_;
  std::vector<Line> lines_;
  std::vector<Book> books_;  // empty without depth

  // At most four records per input: Fresh, VenueGap or Resynced, and one tick.
  static constexpr std::size_t kQueue = 8;
  std::array<Tick, kQueue> queue_{};
  std::size_t queued_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace sluice
