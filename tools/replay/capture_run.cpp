#include "tools/replay/capture_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/error.hpp"
#include "feed/counters.hpp"
#include "risk/counters.hpp"
#include "strategies/counters.hpp"
#include "tools/replay/pipeline.hpp"
#include "tools/venue/book.hpp"
#include "tools/venue/tape.hpp"

namespace sluice::replay {
namespace {

constexpr HostTime kStart{10'000'000'000};
constexpr Duration kWarmUp = Duration::millis(10);    // before the first frame
constexpr Duration kLinger = Duration::seconds(1);    // behind the last one, for what is under way
constexpr Duration kStep = Duration::millis(10);      // well below what a gate calls suspended
constexpr Duration kAskAgain = Duration::millis(50);  // for a snapshot that did not fit
constexpr std::uint64_t kSettleRounds = 100'000;

std::int64_t steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Streams of the tape that this configuration subscribes to, from the URL that it would connect to;
// what it asks for in vain becomes a warning.
venue::StreamMask subscribed(const venue::Tape& tape, const venue::Part& part,
                             const FeedConfig& feed, std::vector<std::string>& warnings) {
  venue::StreamMask there = 0;
  for (std::size_t i = part.first; i < part.last; ++i) there |= tape.lines()[i].stream;
  venue::StreamMask mask = 0;
  for (std::size_t i = 0; i < feed.symbols.size(); ++i) {
    FeedConfig one = feed;
    one.symbols = {feed.symbols[i]};
    const std::string url = stream_url(one);
    std::string_view names = std::string_view(url).substr(url.find('=') + 1);
    std::string silent;
    venue::StreamMask found = 0;
    while (!names.empty()) {
      const std::size_t end = std::min(names.find('/'), names.size());
      const std::string_view name = names.substr(0, end);
      const venue::StreamMask stream = tape.stream(name).value_or(0) & there;
      if (stream == 0) silent += fmt::format("{}{}", silent.empty() ? "" : ", ", name);
      found |= stream;
      names.remove_prefix(std::min(end + 1, names.size()));
    }
    if (found == 0)
      warnings.push_back(fmt::format("symbol {} never occurs in the capture", feed.symbols[i]));
    else if (!silent.empty())
      warnings.push_back(fmt::format("never in the capture: {}", silent));
    mask |= found;
  }
  return mask;
}

// "x" of rejects_total{reason="x"}; a name without a label stands for itself.
std::string label_of(std::string_view name) {
  const std::size_t from = name.find("=\"");
  if (from == std::string_view::npos) return std::string(name);
  return std::string(name.substr(from + 2, name.rfind('"') - from - 2));
}

// What never happened is left out; several seats are added up.
void add_count(std::vector<Count>& out, std::string_view name, std::uint64_t n) {
  if (n == 0) return;
  const std::string label = label_of(name);
  for (Count& known : out)
    if (known.name == label) {
      known.n += n;
      return;
    }
  out.push_back({label, n});
}

template <std::size_t N>
void add_family(const Statistics& statistics, const std::array<std::string_view, N>& names,
                std::string_view family, std::vector<Count>& out) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i].starts_with(family)) add_count(out, names[i], statistics.counter(i));
}

class Run {
 public:
  Run(const venue::Tape& tape, const venue::Part& part, const RunConfig& config)
      : tape_(tape),
        part_(part),
        config_(config),
        memory_(config.pipeline, {0x51u, 1, config.hash, {}}),
        objects_(memory_.objects()),
        clock_(kStart),
        supervisor_(objects_, clock_),
        book_(tape) {
    result_.pipeline = config.pipeline;
    result_.config_hash = config.hash;
    mask_ = subscribed(tape, part, config.feed, result_.warnings);
    if (config.cap.raw == 0)
      result_.warnings.emplace_back("supervisor.cap is 0: no entry is approved");
    order_.push_back(Process::Feed);
    for (SeatIndex seat = 0; seat < kSeats; ++seat)
      if (config.pipeline.seat_taken(seat)) order_.push_back(seat_process(seat));
    order_.push_back(Process::Risk);
    order_.push_back(Process::Gateway);
  }

  RunResult play() {
    if (mask_ == 0)
      throw Error(fmt::format("none of the configured symbols occurs in the capture: {}",
                              fmt::join(config_.feed.symbols, ", ")));
    start();
    play_frames();
    pass_until(clock_.now() + kLinger);
    processes_.feed->on_end_of_data(clock_.now());
    settle();
    finish();
    return std::move(result_);
  }

 private:
  void start() {
    supervisor_.set_cap(config_.cap);
    supervisor_.beat();
    supervisor_.permit_all();
    const auto nothing = [](JournalSlot&, std::uint64_t) { return false; };
    processes_.feed = std::make_unique<FeedProcess<Producer>>(
        config_.feed, config_.pipeline, objects_,
        [](Edge, RingMemory& ring) { return Producer(ring, 0); });
    for (const Process process : order_) {
      const ProcessPlace place{objects_, config_.pipeline, clock_, process};
      if (is_seat(process)) {
        processes_.seat(process) = std::make_unique<SeatProcess>(place);
        processes_.seat(process)->driver.recover(nothing);
      } else if (process == Process::Risk) {
        processes_.risk = std::make_unique<RiskProcess>(config_.risk, place);
        processes_.risk->driver.recover(nothing);
      } else if (process == Process::Gateway) {
        processes_.gateway = std::make_unique<GatewayProcess<ReconcilingSession&>>(
            config_.gateway, place, *objects_.kill);
        processes_.gateway->recover(nothing, nothing, 0);
      }
      supervisor_.mark(process, StageState::Ready);
    }
    processes_.feed->on_connection(true, clock_.now());
    pass_until(clock_.now() + kWarmUp);
  }

  void play_frames() {
    const HostTime origin = clock_.now();
    const std::int64_t first_ns = tape_.lines()[part_.first].recv_ns;
    const std::int64_t rate =
        config_.pipeline.rate_ppm == 0 ? 1'000'000 : config_.pipeline.rate_ppm;
    for (std::size_t i = part_.first; i < part_.last; ++i) {
      const venue::Line& line = tape_.lines()[i];
      if ((line.stream & mask_) == 0) continue;
      const detail::Wide since = detail::Wide{line.recv_ns - first_ns} * 1'000'000 / rate;
      const std::int64_t before = steady_ns();
      pass_until(origin + Duration{detail::clamp(since)});
      processes_.feed->on_frame(line.text, clock_.now());
      settle();
      answer_snapshots(i + 1);
      note_profit();
      result_.message_ns.push_back(steady_ns() - before);
    }
    result_.market = {tape_.lines()[part_.last - 1].recv_ns - first_ns};
  }

  // Time passes up to `end`, stopping wherever something is due.
  void pass_until(HostTime end) {
    while (clock_.now() < end) {
      HostTime next = std::min(end, clock_.now() + kStep);
      next = std::min({next, processes_.risk->stage.deadline(),
                       processes_.gateway->venue_due(config_.gateway)});
      // What is due and did not go away waits for the next step.
      if (next <= clock_.now()) next = std::min(end, clock_.now() + kStep);
      clock_.advance(next - clock_.now());
      supervisor_.beat_if_due();
      settle();
    }
  }

  // Turns of all, without time passing, until nobody has anything to do.
  void settle() {
    for (std::uint64_t round = 0; round < kSettleRounds; ++round) {
      bool worked = false;
      for (const Process process : order_)
        worked = processes_.turn(process, clock_.now()) || worked;
      file();
      if (!worked) return;
    }
    throw Error("the pipeline does not come to rest: this is a defect");
  }

  void answer_snapshots(std::size_t position) {
    for (InstrumentIndex i = 0; i < config_.feed.symbols.size(); ++i) {
      if (config_.feed.symbols[i] != tape_.symbol()) continue;
      if (!processes_.feed->stage.wants_snapshot(i) || clock_.now() < ask_at_) continue;
      ask_at_ = clock_.now() + kAskAgain;
      const std::string body = book_.snapshot(position, config_.feed.book_levels);
      processes_.feed->on_snapshot(i, body, clock_.now());
      settle();
    }
  }

  // In the place of the recorder: what is committed is taken note of and its room given back. The
  // gateway's first, so that an order is known before its fills.
  void file() {
    file(objects_.journal_of(Process::Gateway), gateway_film_, [this](const JournalEntry& entry) {
      if (entry.edge == Edge::RiskGateway) ledger_.on(from_payload<Order>(entry.payload));
    });
    file(objects_.journal_of(Process::Risk), risk_film_, [this](const JournalEntry& entry) {
      if (entry.edge == Edge::GatewayRisk) ledger_.on(from_payload<Report>(entry.payload));
      if (record_of(entry.edge) == RecordKind::Intent)
        result_.intents.push_back(from_payload<Intent>(entry.payload));
    });
    for (const Process process : order_)
      if (is_seat(process)) drop(objects_.journal_of(process));
    drop(*objects_.paper_log);
  }
  static void drop(JournalMemory& journal) noexcept { journal.head.store(journal.tail.load()); }

  template <class Take>
  static void file(JournalMemory& journal, JournalDecoder& decoder, Take&& take) {
    const std::uint64_t tail = journal.tail.load();
    for (std::uint64_t at = journal.head.load(); at < tail; ++at) {
      JournalEntry entry;
      const JournalSlot& slot = journal.slots()[at & (journal.header.capacity - 1)];
      const JournalDecoder::Status status = decoder.decode(slot, at, entry);
      if (status == JournalDecoder::Status::Corrupt)
        throw Error(fmt::format("journal entry {} fails its checksum: this is a defect", at));
      if (status == JournalDecoder::Status::Input) take(entry);
    }
    journal.head.store(tail);
  }

  void note_profit() noexcept {
    const Notional now = processes_.risk->stage.state().positions.pnl();
    peak_ = std::max(peak_, now);
    result_.max_drawdown = std::max(result_.max_drawdown, peak_ - now);
  }

  void finish() {
    note_profit();
    count_feed();
    count_seats();
    const Statistics& risk = objects_.page(Process::Risk).statistics;
    add_family(risk, risk::kCounterNames, "exits_total{", result_.exits_by_kind);
    add_family(risk, risk::kCounterNames, "rejects_total{", result_.rejects);
    const risk::RiskStage& stage = processes_.risk->stage;
    stage.state().positions.open().each([&](risk::PairIndex pair) {
      const risk::Pair& where = stage.rules().pair[pair];
      ledger_.mark_open(where.strategy, where.instrument, stage.state().positions.at(pair).mark);
    });
    if (ledger_.orphans() != 0)
      result_.warnings.push_back(fmt::format(
          "{} fills of orders that the gateway never took: this is a defect", ledger_.orphans()));
    result_.entries = ledger_.entries();
    result_.exits = ledger_.exits();
    result_.cancels = ledger_.cancels();
    result_.fills = ledger_.fills();
    result_.trades = ledger_.trades();
    result_.realised = stage.state().positions.realised();
    result_.open = stage.state().positions.unrealised();
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      if (!objects_.control->scope_exists(scope_at(slot))) continue;
      const KillWord word = objects_.kill->read(slot);
      if (word.level != KillLevel::Run)
        result_.warnings.push_back(fmt::format("the pipeline stopped itself: {} because of {}",
                                               name_of(word.level), name_of(word.cause)));
    }
  }

  void count_feed() {
    const Statistics& feed = objects_.page(Process::Feed).statistics;
    const auto n = [&](FeedCounter counter) {
      return feed.counter(static_cast<std::size_t>(counter));
    };
    result_.messages = n(FeedCounter::Messages);
    result_.quotes = n(FeedCounter::TicksQuote);
    result_.trade_ticks = n(FeedCounter::TicksTrade);
    result_.statuses = n(FeedCounter::TicksStatus);
    result_.gaps = n(FeedCounter::Gaps);
    result_.missing_updates = n(FeedCounter::MissingUpdates);
    for (const Edge edge : kFanoutEdges) result_.dropped += processes_.feed->fanout.dropped(edge);
    add_family(feed, kFeedCounterNames, "decode_errors_total{", result_.refused_messages);
  }

  void count_seats() {
    for (const Process process : order_) {
      if (!is_seat(process)) continue;
      const Statistics& seat = objects_.page(process).statistics;
      result_.signals += seat.counter(static_cast<std::size_t>(strategies::Counter::Signals));
      // The reasons that reports bring back are risk's, and counted there.
      for (const auto local :
           {strategies::Counter::Superseded, strategies::Counter::RefusedRingFull,
            strategies::Counter::RefusedOutstanding, strategies::Counter::RefusedMissingData,
            strategies::Counter::RefusedMinGap}) {
        const auto index = static_cast<std::size_t>(local);
        add_count(result_.not_formed, strategies::kCounterNames[index], seat.counter(index));
      }
    }
  }

  const venue::Tape& tape_;
  const venue::Part part_;
  const RunConfig& config_;
  MemoryInstance memory_;
  Objects& objects_;
  VirtualClock clock_;
  SimulatedSupervisor supervisor_;
  venue::Book book_;
  venue::StreamMask mask_ = 0;
  std::vector<Process> order_;  // of turns
  Processes<Producer, ReconcilingSession&> processes_;
  JournalDecoder gateway_film_;
  JournalDecoder risk_film_;
  Ledger ledger_;
  HostTime ask_at_{};
  Notional peak_{};
  RunResult result_;
};

}  // namespace

RunResult run_tape(const venue::Tape& tape, const venue::Part& part, const RunConfig& config) {
  return Run(tape, part, config).play();
}

RunResult run_capture(const RunOptions& options) {
  const RunConfig config = load_run_config(options.conf);
  const venue::Tape tape = venue::Tape::load(options.capture);
  const venue::Part part = venue::part_of(tape, options.from, options.to, options.seconds);
  RunResult result = run_tape(tape, part, config);
  result.capture = options.capture.string();
  result.first_line = part.first + 1;
  result.last_line = part.last;
  return result;
}

}  // namespace sluice::replay
