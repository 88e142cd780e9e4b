#include "bench/pipeline/spans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "gateway/stage.hpp"
#include "risk/explain.hpp"

namespace sluice::bench {
namespace {

const std::string kVenue = "paper";  // its log is empty if nothing was ever sent

// What is known of one order, or of an intent that became none.
struct Path {
  HostTime origin;
  HostTime decided_at{};
  HostTime approved_at{};
  HostTime taken_at{};  // by the gateway
  HostTime sent_at{};
  OrderKind kind{};
  bool intent = false;
  bool refused = false;  // by risk
  bool verdict = false;
  bool sent = false;
};
// An intent and its order have one id: the runs measured here cut no order into slices.
using Paths = std::unordered_map<std::uint64_t, Path>;

template <class Take>
void each(const std::filesystem::path& dir, const std::string& journal, Take&& take) {
  JournalFiles files(dir, journal);
  if (files.end() == 0 && journal != kVenue)
    throw Error(fmt::format("{}: there is no journal '{}'", dir.string(), journal));
  if (files.first() != 0 || files.torn_bytes() != 0)
    throw Error(fmt::format("{}: the journal '{}' is not whole", dir.string(), journal));
  JournalDecoder decoder;
  for (std::uint64_t at = 0; at < files.end(); ++at) {
    JournalSlot raw{};
    JournalEntry entry;
    const bool read = files.read(at, raw);
    const auto status = read ? decoder.decode(raw, at, entry) : JournalDecoder::Status::Corrupt;
    if (status == JournalDecoder::Status::Corrupt)
      throw Error("journal entry cannot be read: " + files.where(at));
    if (status == JournalDecoder::Status::Input) take(entry);
  }
}

// True for a tick whose way here is a latency; the rest is told by a gap.
bool count(TicksTaken& taken, const Tick& tick) noexcept {
  if (tick.kind == TickKind::Status && tick.status() == StatusCode::Gap) {
    taken.missed += static_cast<std::uint64_t>(tick.count());
    return false;
  }
  const bool after_gap = (tick.flags & kAfterGap) != 0;
  ++(after_gap ? taken.after_gap : taken.live);
  return !after_gap;
}

class Reader {
 public:
  Reader(const std::filesystem::path& dir, HostTime from, HostTime until)
      : dir_(dir), from_(from), until_(until) {}

  Spans read() {
    seat();
    risk();
    gateway();
    venue();
    for (const auto& [id, path] : paths_) judge(OrderId{id}, path);
    for (auto& samples : spans_.ns) std::sort(samples.begin(), samples.end());
    return std::move(spans_);
  }

 private:
  void seat() {
    each(dir_, "seat0", [this](const JournalEntry& entry) {
      if (record_of(entry.edge) == RecordKind::Tick) {
        const auto tick = from_payload<Tick>(entry.payload);
        if (count(spans_.seat, tick)) add(Hop::TickToSeat, tick.rx_time, tick.rx_time, entry.now);
      } else if (record_of(entry.edge) == RecordKind::Report) {
        const auto report = from_payload<Report>(entry.payload);
        if (report.kind != ReportKind::Reject) return;
        refusals_.emplace(report.id.raw, report.reason);
      }
    });
  }

  void risk() {
    each(dir_, "risk", [this](const JournalEntry& entry) {
      if (record_of(entry.edge) == RecordKind::Tick) {
        count(spans_.risk, from_payload<Tick>(entry.payload));
      } else if (record_of(entry.edge) == RecordKind::Intent) {
        const auto intent = from_payload<Intent>(entry.payload);
        ++spans_.intents;
        Path& path = paths_[intent.id.raw];
        path.intent = true;
        path.origin = intent.origin;
        path.decided_at = intent.decided_at;
      }
    });
  }

  void gateway() {
    each(dir_, "gateway", [this](const JournalEntry& entry) {
      switch (record_of(entry.edge)) {
        case RecordKind::Tick: count(spans_.gateway, from_payload<Tick>(entry.payload)); break;
        case RecordKind::Order: take(from_payload<Order>(entry.payload), entry.now); break;
        case RecordKind::Event: take(from_payload<Event>(entry.payload)); break;
        case RecordKind::Intent:
        case RecordKind::Report:
        case RecordKind::Control:
        case RecordKind::PaperEntry: break;
      }
    });
  }
  void take(const Order& order, HostTime now) {
    if (order.kind == OrderKind::Cancel) {
      ++spans_.cancels;
      return;
    }
    ++(order.kind == OrderKind::Entry ? spans_.entries : spans_.exits);
    Path& path = paths_[order.id.raw];
    path.origin = order.origin;
    path.approved_at = order.approved_at;
    path.taken_at = now;
    path.kind = order.kind;
  }
  void take(const Event& event) {
    if (event.kind == EventKind::Fill) ++spans_.fills;
    if (event.kind != EventKind::Sent && event.kind != EventKind::Refused) return;
    Path& path = paths_[event.id.raw];
    path.verdict = true;
    path.sent = event.kind == EventKind::Sent;
    if (path.sent) ++spans_.sent;
  }

  void venue() {
    std::uint64_t placed = 0;
    each(dir_, kVenue, [&](const JournalEntry& entry) {
      const auto what = from_payload<PaperEntry>(entry.payload);
      if (what.what != PaperWhat::Placed) return;
      ++placed;
      paths_[what.id.raw].sent_at = what.at;
    });
    if (placed != spans_.sent)
      throw Error(
          fmt::format("the venue's log has {} orders, the gateway sent {}", placed, spans_.sent));
  }

  void judge(OrderId id, const Path& path) {
    const bool ordered = path.kind != OrderKind{};
    if (const auto refusal = refusals_.find(id.raw); refusal != refusals_.end())
      ++spans_.rejects[fmt::format("{}:{}", ordered ? "gateway" : "risk", name(refusal->second))];
    else if (!ordered)
      throw Error(fmt::format("intent {:016x}: neither an order nor a refusal", id.raw));
    if (!ordered) return;
    if (!path.verdict) throw Error(fmt::format("order {:016x}: no verdict", id.raw));
    if (!path.sent) return;
    if (path.kind != OrderKind::Entry)
      return add(Hop::TickToExit, path.origin, path.origin, path.sent_at);
    if (!path.intent) throw Error(fmt::format("entry {:016x}: no intent", id.raw));
    add(Hop::TickToIntent, path.origin, path.origin, path.decided_at);
    add(Hop::IntentToOrder, path.origin, path.decided_at, path.approved_at);
    add(Hop::OrderToGateway, path.origin, path.approved_at, path.taken_at);
    add(Hop::OrderToSent, path.origin, path.approved_at, path.sent_at);
    add(Hop::TickToSent, path.origin, path.origin, path.sent_at);
  }

  void add(Hop hop, HostTime stamp, HostTime begin, HostTime end) {
    if (stamp < from_ || stamp >= until_) return;
    spans_.ns[static_cast<std::size_t>(hop)].push_back((end - begin).ns);
  }

  static std::string name(Reason reason) {
    for (const risk::ReasonText& text : risk::kReasons)
      if (text.reason == reason) return std::string(text.name);
    return fmt::format("reason {}", static_cast<int>(reason));
  }

  const std::filesystem::path& dir_;
  HostTime from_;
  HostTime until_;
  Spans spans_;
  Paths paths_;
  std::unordered_map<std::uint64_t, Reason> refusals_;
};

void reconcile(std::string_view consumer, const TicksTaken& taken, std::uint64_t sent,
               std::uint64_t dropped) {
  if (taken.live + taken.missed == sent && taken.missed == dropped) return;
  throw Error(fmt::format(
      "{}: {} ticks were sent and {} dropped; {} were journaled and {} told as "
      "missing: {} unaccounted for",
      consumer, sent, dropped, taken.live, taken.missed,
      static_cast<std::int64_t>(sent) - static_cast<std::int64_t>(taken.live + taken.missed)));
}

}  // namespace

Spans read_spans(const std::filesystem::path& run_dir, HostTime from, HostTime until) {
  return Reader(run_dir, from, until).read();
}

void reconcile(const Spans& spans, const Sent& sent) {
  reconcile("strategy", spans.seat, sent.ticks, sent.dropped_seat);
  reconcile("risk", spans.risk, sent.ticks, sent.dropped_risk);
  reconcile("gateway", spans.gateway, sent.ticks, sent.dropped_gateway);
}

std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double part) noexcept {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(part * static_cast<double>(sorted.size()));
  return sorted[std::min(static_cast<std::size_t>(std::max(rank, 1.0)), sorted.size()) - 1];
}

}  // namespace sluice::bench
