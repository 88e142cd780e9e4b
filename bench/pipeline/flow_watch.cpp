#include "bench/pipeline/flow_watch.hpp"

namespace sluice::bench {
namespace {

template <class Record, class Take>
bool follow(RingTap& tap, Take&& take) noexcept {
  for (Payload payload;;) {
    const RingTap::Result result = tap.read(payload);
    if (result.missed != 0) return false;
    if (result.poll != Poll::Record) return true;
    if (!take(from_payload<Record>(payload))) return false;
  }
}

}  // namespace

FlowWatch::FlowWatch(const Objects& objects)
    : log_(*objects.paper_log),
      intents_(objects.edge(seat_risk(0)), published(objects.edge(seat_risk(0)))),
      orders_(objects.edge(Edge::RiskGateway), published(objects.edge(Edge::RiskGateway))),
      reports_(objects.edge(Edge::GatewayRisk), published(objects.edge(Edge::GatewayRisk))) {}

void FlowWatch::begin(HostTime tick) noexcept {
  flow_ = {};
  entry_ = {};
  exit_ = {};
  mark(Mark::Tick, tick);
}

bool FlowWatch::poll() noexcept {
  return follow<Intent>(intents_,
                        [this](const Intent& intent) noexcept {
                          if (flow_.has(Mark::Intent)) return false;
                          entry_ = intent.id;
                          mark(Mark::Intent, intent.decided_at);
                          return true;
                        }) &&
         follow<Order>(orders_, [this](const Order& order) noexcept { return take(order); }) &&
         poll_log() &&
         follow<Report>(reports_, [this](const Report& report) noexcept { return take(report); });
}

bool FlowWatch::take(const Order& order) noexcept {
  const bool entry = order.kind == OrderKind::Entry;
  const Mark which = entry ? Mark::Order : Mark::ExitOrder;
  if (order.kind == OrderKind::Cancel || flow_.has(which) || (entry && order.id != entry_))
    return false;
  if (!entry) exit_ = order.id;
  mark(which, order.approved_at);
  return true;
}

bool FlowWatch::take(const Report& report) noexcept {
  if (report.kind != ReportKind::Ack && report.kind != ReportKind::Fill) return false;
  if (report.kind != ReportKind::Fill) return true;
  if (report.id != entry_ && report.id != exit_) return false;
  mark(report.id == entry_ ? Mark::Report : Mark::ExitReport, report.at);
  return true;
}

bool FlowWatch::take(const PaperEntry& entry) noexcept {
  const bool ours = entry.id == entry_ || entry.id == exit_;
  if (!ours) return false;
  if (entry.what == PaperWhat::Placed)
    mark(entry.id == entry_ ? Mark::Sent : Mark::ExitSent, entry.at);
  else if (entry.what == PaperWhat::Filled)
    mark(entry.id == entry_ ? Mark::Fill : Mark::ExitFill, entry.at);
  return entry.what == PaperWhat::Placed || entry.what == PaperWhat::Filled;
}

bool FlowWatch::poll_log() noexcept {
  const std::uint64_t tail = log_.tail.load(std::memory_order_acquire);  // pairs with commit()
  if (tail - log_at_ > log_.header.capacity) return false;
  for (; log_at_ < tail; ++log_at_) {
    JournalEntry entry;
    const JournalSlot& slot = log_.slots()[log_at_ & (log_.header.capacity - 1)];
    const auto status = decoder_.decode(slot, log_at_, entry);
    if (status == JournalDecoder::Status::Corrupt) return false;
    if (status == JournalDecoder::Status::Input && !take(from_payload<PaperEntry>(entry.payload)))
      return false;
  }
  return true;
}

void FlowWatch::mark(Mark mark, HostTime at) noexcept {
  flow_.at[static_cast<std::size_t>(mark)] = at;
  while (flow_.seen < kMarks && flow_.at[flow_.seen].ns != 0) ++flow_.seen;
}

}  // namespace sluice::bench
