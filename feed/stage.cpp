// See stage.hpp.
#include "feed/stage.hpp"

#include <algorithm>
#include <cstdlib>

namespace sluice {

FeedStage::FeedStage(const FeedConfig& config, Effects& effects)
    : fx_(effects),
      stale_after_(config.stale),
      source_(config.source),
      tickers_(config.book_ticker),
      decoder_(config.symbols,
               std::max(config.max_message_bytes, config.depth ? snapshot_bytes(config) : 0)),
      bids_(config.depth ? kMaxUpdateLevels : 0),
      asks_(config.depth ? kMaxUpdateLevels : 0),
      lines_(config.symbols.size()) {
  if (!config.depth) return;
  books_.reserve(lines_.size());
  for (std::size_t i = 0; i < lines_.size(); ++i)
    books_.emplace_back(config.book_levels, kBookBufferBytes);  // setup
}

LevelBuffer FeedStage::levels() noexcept {
  return {bids_, asks_};
}

const Book* FeedStage::book(InstrumentIndex instrument) const noexcept {
  return instrument < books_.size() ? &books_[instrument] : nullptr;
}

bool FeedStage::wants_snapshot(InstrumentIndex instrument) const noexcept {
  return connected_ && instrument < books_.size() && books_[instrument].wants_snapshot();
}

// ---- Messages

bool FeedStage::on_frame(std::span<const char> bytes, HostTime rx_time, Tick& out) noexcept {
  fx_.count(FeedCounter::Messages);
  fx_.count(FeedCounter::Bytes, bytes.size());
  ++session_.messages;
  Update update;
  DecodeError error = decoder_.decode(bytes, levels(), update);
  // A snapshot is an answer to a request. As a frame it would be the partial depth of a stream that
  // is never subscribed, and it does not say of which symbol.
  if (error == DecodeError::None && update.kind == UpdateKind::Snapshot)
    error = DecodeError::UnknownEvent;
  if (error != DecodeError::None) {
    fx_.count(counter_of(error));
    ++session_.errors;
  } else {
    note_message(update, rx_time);
    take(update, rx_time);
  }
  if (session_.messages % kMessagesPerRow == 1) fx_.row(RowTable::Summary, 0, session_);
  return next(out);
}

void FeedStage::note_message(const Update& update, HostTime rx_time) noexcept {
  heard_ = rx_time;
  session_.last_message = rx_time;
  if (update.event_time.ns != 0) observe_time(update.event_time);
  if (stale_) {
    stale_ = false;
    session_.stale = 0;
    status(kWholeConnection, StatusCode::Fresh, rx_time);
    write_rows();
  }
  if (update.instrument >= lines_.size()) return;
  SessionRow& row = lines_[update.instrument].row;
  row.last_message = rx_time;
  row.last_venue_time = update.event_time.ns != 0 ? update.event_time : newest_;
  if (row.messages++ % kMessagesPerRow == 0) write_row(update.instrument);
}

void FeedStage::observe_time(MarketTime time) noexcept {
  if (time < newest_) return fx_.count(FeedCounter::TimeBackwards);
  newest_ = time;
  session_.last_venue_time = time;
}

void FeedStage::take(const Update& update, HostTime rx_time) noexcept {
  switch (update.kind) {
    case UpdateKind::Trade: return on_trade(update, rx_time);
    case UpdateKind::BookTicker: return on_ticker(update, rx_time);
    case UpdateKind::Depth: return on_depth(update, rx_time);
    case UpdateKind::Answer: return fx_.count(FeedCounter::Answers);
    case UpdateKind::Shutdown: return fx_.count(FeedCounter::Shutdowns);
    case UpdateKind::VenueError: {
      ++session_.errors;
      return fx_.count(FeedCounter::VenueErrors);
    }
    case UpdateKind::None:
    case UpdateKind::Snapshot: return;  // on_frame refuses it
  }
}

// Trade ids are consecutive. The first one of a connection may lie anywhere: above the last one it
// tells how many were missed meanwhile, below it the venue has started to count anew.
void FeedStage::on_trade(const Update& update, HostTime rx_time) noexcept {
  Line& line = lines_[update.instrument];
  const std::uint64_t id = update.last_id;
  if (line.trade_heard && id <= line.trade_id) return fx_.count(FeedCounter::Duplicates);
  if (line.trade_id != 0 && id > line.trade_id + 1)
    gap(update.instrument, line.trade_id + 1, id, rx_time);
  line.trade_heard = true;
  line.trade_id = id;
  if (update.price.raw <= 0 || update.qty.raw <= 0) return fx_.count(FeedCounter::RefusedZero);
  const auto flags = static_cast<std::uint8_t>(update.buyer_is_maker ? kBuyerIsMaker : 0);
  push({update.instrument,
        TickKind::Trade,
        flags,
        source_,
        update.event_time,
        rx_time,
        {update.price.raw, update.qty.raw, 0, 0}},
       FeedCounter::TicksTrade);
}

void FeedStage::on_ticker(const Update& update, HostTime rx_time) noexcept {
  Line& line = lines_[update.instrument];
  if (line.ticker_id != 0 && update.last_id <= line.ticker_id)
    return fx_.count(FeedCounter::Duplicates);
  line.ticker_id = update.last_id;
  if (!books_.empty()) verdict(line.check.on_ticker(update.last_id, update.top));
  if (!tickers_ || !good(update.top)) return;
  const Top& top = update.top;
  push({update.instrument,
        TickKind::Quote,
        kTimeInferred,
        source_,
        newest_,
        rx_time,
        {top.bid.raw, top.ask.raw, top.bid_qty.raw, top.ask_qty.raw}},
       FeedCounter::TicksQuote);
}

void FeedStage::on_depth(const Update& update, HostTime rx_time) noexcept {
  if (update.instrument >= books_.size()) return;
  Book& book = books_[update.instrument];
  const std::uint64_t dropped = book.levels_dropped();
  const std::uint64_t overflows = book.overflows();
  const DiffOutcome outcome = book.on_diff(update);
  note_book(book, dropped, overflows);
  switch (outcome.result) {
    case DiffResult::Buffered: return;
    case DiffResult::Old: return fx_.count(FeedCounter::DepthOld);
    case DiffResult::Gap: return gap(update.instrument, outcome.expected, outcome.got, rx_time);
    case DiffResult::Applied: return show_book(update.instrument, update.event_time, 0, rx_time);
  }
}

bool FeedStage::on_snapshot(InstrumentIndex instrument, std::span<const char> body, HostTime now,
                            Tick& out) noexcept {
  if (instrument >= books_.size()) return next(out);
  Update update;
  const DecodeError error = decoder_.decode(body, levels(), update);
  if (error != DecodeError::None || update.kind != UpdateKind::Snapshot) {
    if (error != DecodeError::None) fx_.count(counter_of(error));
    fx_.count(FeedCounter::SnapshotsRefused);
    return next(out);
  }
  Book& book = books_[instrument];
  const bool again = book.state() == BookState::Broken;
  const std::uint64_t dropped = book.levels_dropped();
  const SnapshotResult result = book.on_snapshot(update);
  note_book(book, dropped, book.overflows());
  if (result != SnapshotResult::Synced) {
    fx_.count(FeedCounter::SnapshotsRefused);
    return next(out);
  }
  fx_.count(FeedCounter::Snapshots);
  if (again) {
    status(instrument, StatusCode::Resynced, now, static_cast<std::int64_t>(update.last_id));
    write_row(instrument);
  }
  show_book(instrument, newest_, kTimeInferred, now);
  return next(out);
}

// The book has changed: compare it with the venue's top, or emit its own.
void FeedStage::show_book(InstrumentIndex instrument, MarketTime time, std::uint8_t flags,
                          HostTime rx_time) noexcept {
  Line& line = lines_[instrument];
  Top top;
  if (!books_[instrument].top(top)) return;
  if (tickers_) return verdict(line.check.on_book(books_[instrument].last_id(), top));
  if (top == line.shown || !good(top)) return;
  line.shown = top;
  push({instrument,
        TickKind::Quote,
        flags,
        source_,
        time,
        rx_time,
        {top.bid.raw, top.ask.raw, top.bid_qty.raw, top.ask_qty.raw}},
       FeedCounter::TicksQuote);
}

void FeedStage::verdict(TopCheck::Verdict verdict) noexcept {
  if (verdict == TopCheck::Verdict::Unknown) return;
  fx_.count(FeedCounter::BookChecks);
  if (verdict == TopCheck::Verdict::Different) fx_.count(FeedCounter::BookMismatch);
}

void FeedStage::note_book(const Book& book, std::uint64_t dropped,
                          std::uint64_t overflows) noexcept {
  if (book.levels_dropped() != dropped)
    fx_.count(FeedCounter::BookLevelsDropped, book.levels_dropped() - dropped);
  if (book.overflows() != overflows)
    fx_.count(FeedCounter::BookOverflows, book.overflows() - overflows);
}

bool FeedStage::good(const Top& top) noexcept {
  if (top.bid.raw <= 0 || top.ask.raw <= 0 || top.bid_qty.raw <= 0 || top.ask_qty.raw <= 0) {
    fx_.count(FeedCounter::RefusedZero);
    return false;
  }
  if (top.bid < top.ask) return true;
  fx_.count(FeedCounter::RefusedCrossed);
  return false;
}

// ---- Connection

bool FeedStage::on_connection(bool up, HostTime now, Tick& out) noexcept {
  if (up == connected_) return next(out);
  connected_ = up;
  session_.connected = up ? 1 : 0;
  for (Book& book : books_) book.reset();
  for (Line& line : lines_) {
    line.trade_heard = false;
    line.ticker_id = 0;
    line.shown = {};
    line.check.reset();
    line.row.connected = session_.connected;
  }
  if (up) {
    if (session_.connects++ != 0) fx_.count(FeedCounter::Reconnects);
    heard_ = now;
    newest_ = {};
    status(kWholeConnection, StatusCode::SessionUp, now, session_.connects);
  } else {
    fx_.count(FeedCounter::Disconnects);
    status(kWholeConnection, StatusCode::SessionDown, now);
  }
  write_rows();
  return next(out);
}

bool FeedStage::on_idle(HostTime now, Tick& out) noexcept {
  const Duration age = now - heard_;
  if (connected_ && !stale_ && age >= stale_after_) {
    stale_ = true;
    session_.stale = 1;
    fx_.count(FeedCounter::StalePeriods);
    status(kWholeConnection, StatusCode::Stale, now, age.ns / 1'000'000);
    write_rows();
  }
  return next(out);
}

bool FeedStage::on_end_of_data(HostTime now, Tick& out) noexcept {
  status(kWholeConnection, StatusCode::EndOfData, now);
  write_rows();
  return next(out);
}

// ---- Output

void FeedStage::gap(InstrumentIndex instrument, std::uint64_t expected, std::uint64_t got,
                    HostTime now) noexcept {
  const std::uint64_t missing = got - expected;
  fx_.count(FeedCounter::Gaps);
  fx_.count(FeedCounter::MissingUpdates, missing);
  ++session_.gaps;
  ++lines_[instrument].row.gaps;
  lines_[instrument].shown = {};  // the next top of the book is news whatever it is
  status(instrument, StatusCode::VenueGap, now, static_cast<std::int64_t>(missing),
         static_cast<std::int64_t>(expected), static_cast<std::int64_t>(got));
  write_row(instrument);
  fx_.row(RowTable::Summary, 0, session_);
}

void FeedStage::status(InstrumentIndex instrument, StatusCode code, HostTime now,
                       std::int64_t count, std::int64_t detail, std::int64_t more) noexcept {
  push({instrument,
        TickKind::Status,
        kTimeInferred,
        source_,
        newest_,
        now,
        {static_cast<std::int64_t>(code), count, detail, more}},
       FeedCounter::TicksStatus);
}

void FeedStage::push(const Tick& tick, FeedCounter counter) noexcept {
  if (queued_ - taken_ == kQueue)
    std::abort();  // the caller did not empty it: better no feed than a hole
  queue_[queued_++ % kQueue] = tick;
  fx_.count(counter);
}

bool FeedStage::next(Tick& out) noexcept {
  if (queued_ == taken_) return false;
  out = queue_[taken_++ % kQueue];
  return true;
}

void FeedStage::write_row(InstrumentIndex instrument) noexcept {
  Line& line = lines_[instrument];
  line.row.connects = session_.connects;
  line.row.stale = session_.stale;
  fx_.row(RowTable::Instrument, instrument, line.row);
}

void FeedStage::write_rows() noexcept {
  fx_.row(RowTable::Summary, 0, session_);
  for (std::size_t i = 0; i < lines_.size(); ++i) write_row(static_cast<InstrumentIndex>(i));
}

}  // namespace sluice
