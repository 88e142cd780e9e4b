#include "tools/demo_run/view.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/clock.hpp"
#include "core/process.hpp"
#include "core/watch.hpp"
#include "feed/last_value.hpp"

namespace sluice::demo {
namespace {

std::uint64_t load(const std::atomic<std::uint64_t>& word) noexcept {
  return word.load(std::memory_order_acquire);
}

// Records are published in order: the depth is found by halving. `head` is published late on
// purpose (every eighth of the ring and when idle), so a busy ring looks up to that much deeper
// than it is.
std::uint64_t depth_of(const RingMemory& ring) noexcept {
  const std::uint64_t capacity = ring.header.capacity;
  const std::uint64_t head = load(ring.head);
  std::uint64_t low = 0;  // so many are published for certain
  std::uint64_t high = capacity;
  while (low < high) {
    const std::uint64_t middle = (low + high + 1) / 2;
    const std::uint64_t word = load(ring.slots()[(head + middle - 1) & (capacity - 1)].word);
    if (word >= head + middle)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

std::string short_name(RecordKind kind) {
  switch (kind) {
    case RecordKind::Tick: return "ticks";
    case RecordKind::Intent: return "intents";
    case RecordKind::Order: return "orders";
    case RecordKind::Report: return "reports";
    case RecordKind::Event:
    case RecordKind::Control:
    case RecordKind::PaperEntry: break;
  }
  return "?";
}

// Counters named `prefix{label="x"}`, by x; zeros are left out, the largest comes first.
Counts labelled(const Statistics& numbers, std::string_view prefix) {
  Counts counts;
  const std::uint64_t named = std::min<std::uint64_t>(load(numbers.counters_named), kMaxCounters);
  for (std::size_t i = 0; i < named; ++i) {
    const std::string_view name(numbers.counter_names[i]);
    if (!name.starts_with(prefix) || !name.substr(prefix.size()).starts_with('{')) continue;
    const std::size_t from = name.find('"');
    const std::size_t to = name.rfind('"');
    if (from < to && numbers.counter(i) != 0)
      counts.emplace_back(name.substr(from + 1, to - from - 1), numbers.counter(i));
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return counts;
}

void add_counts(Counts& to, const Counts& more) {
  for (const auto& [name, n] : more) {
    const auto known =
        std::find_if(to.begin(), to.end(), [&](const auto& c) { return c.first == name; });
    if (known != to.end())
      known->second += n;
    else
      to.emplace_back(name, n);
  }
}

std::uint64_t sum(const Counts& counts) noexcept {
  std::uint64_t total = 0;
  for (const auto& count : counts) total += count.second;
  return total;
}

Latency latency_of(const Statistics& numbers, std::string_view name) noexcept {
  const Histogram* histogram = numbers.histogram(name);
  if (histogram == nullptr) return {};
  return {histogram->count(), histogram->quantile(500'000), histogram->quantile(990'000),
          histogram->quantile(999'000), histogram->max()};
}

}  // namespace

std::uint64_t cpu_ticks_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (pid <= 0 || !std::getline(file, text)) return 0;
  const std::size_t name_end = text.rfind(')');  // the name may contain anything
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return user + system;
}

std::uint64_t Sample::rejected() const noexcept {
  return sum(rejects);
}
std::uint64_t Sample::dropped_ticks() const noexcept {
  return sum(dropped);
}

Latency Sample::hop(std::string_view name) const noexcept {
  for (const auto& [known, latency] : hops)
    if (known == name) return latency;
  return {};
}

bool Sample::drained() const noexcept {
  return std::all_of(processes.begin(), processes.end(), [](const ProcessView& p) {
    return p.journal_lag == 0 && std::all_of(p.inputs.begin(), p.inputs.end(),
                                             [](const RingDepth& r) { return r.depth == 0; });
  });
}

View::View(AttachedInstance instance) : instance_(std::move(instance)) {
  instance_.attach_kill(Access::ReadOnly);
  instance_.attach_last_value(Access::ReadOnly);
  processes_ = {Process::Feed};
  for (SeatIndex seat = 0; seat < kSeats; ++seat)
    if ((control().seats_taken >> seat & 1u) != 0) processes_.push_back(seat_process(seat));
  processes_.insert(processes_.end(),
                    {Process::Risk, Process::Gateway, Process::Recorder, Process::Supervisor});
  for (const Process p : processes_) {
    instance_.attach_page(p, Access::ReadOnly);
    if (has_journal(p)) instance_.attach_journal(p, Access::ReadOnly);
  }
  instance_.attach_paper_log(Access::ReadOnly);
  const auto here = [this](Process p) {
    return std::find(processes_.begin(), processes_.end(), p) != processes_.end();
  };
  for (const EdgeInfo& edge : kTopology) {
    if (!here(edge.from) || !here(edge.to)) continue;
    instance_.attach_ring(edge.edge, Access::ReadOnly);
    edges_.push_back(edge.edge);
  }
}

ProcessView View::process(Process p, std::uint64_t now_us) const {
  const Objects& objects = instance_.objects();
  const StagePage& page = objects.page(p);
  const LeaseView lease = look(page.lease);
  ProcessView view;
  view.process = p;
  view.pid = lease.alive ? lease.pid : 0;
  view.state = page.stage_state();
  view.turns = load(page.turns);
  view.beat_age_us = heartbeat_age_us(now_us, page.heartbeat_us.load(std::memory_order_relaxed));
  view.cpu_ticks = cpu_ticks_of(view.pid);
  view.restarts = lease.epoch > 1 ? lease.epoch - 1 : 0;
  view.conditions = load(page.conditions);
  view.wait = name_of(static_cast<WaitStrategy>(load(page.wait)));
  view.fault = std::string(page.fault.data(), strnlen(page.fault.data(), page.fault.size()));
  if (has_journal(p)) {
    const JournalMemory& journal = objects.journal_of(p);
    const std::uint64_t head = load(journal.head);
    view.journal_lag = load(journal.tail) - std::min(head, load(journal.tail));
  }
  for (const Edge edge : edges_) {
    const EdgeInfo& info = *edge_info(edge);
    if (info.to != p) continue;
    const RingMemory& ring = objects.edge(edge);
    view.inputs.push_back({short_name(info.record), depth_of(ring), ring.header.capacity});
  }
  return view;
}

void View::feed(Sample& sample) const {
  const Statistics& n = instance_.objects().page(Process::Feed).statistics;
  sample.frames = n.counter("messages_total");
  sample.decode_errors = sum(labelled(n, "decode_errors_total"));
  sample.messages = sample.frames - std::min(sample.frames, sample.decode_errors +
                                                                n.counter("venue_answers_total") +
                                                                n.counter("venue_errors_total") +
                                                                n.counter("venue_shutdowns_total"));
  sample.quotes = n.counter("ticks_total{kind=\"quote\"}");
  sample.trades = n.counter("ticks_total{kind=\"trade\"}");
  sample.statuses = n.counter("ticks_total{kind=\"status\"}");
  sample.venue_gaps = n.counter("gaps_total");
  sample.missing_updates = n.counter("missing_updates_total");
  sample.reconnects = n.counter("reconnects_total");
  sample.snapshots = n.counter("snapshots_total");
  for (const Edge edge : edges_)
    if (edge_info(edge)->record == RecordKind::Tick) {
      const std::string name = object_of(edge).substr(5);  // behind "ring."
      sample.dropped.emplace_back(name, n.counter("ticks_dropped_total{edge=\"" + name + "\"}"));
    }
  const auto& values = *static_cast<const LastValueTable*>(instance_.objects().last_value);
  if (const auto trade = values.trade(0)) sample.last = trade->price();
}

void View::seats(Sample& sample) const {
  for (const Process p : processes_) {
    if (!is_seat(p)) continue;
    const Statistics& n = instance_.objects().page(p).statistics;
    sample.signals += n.counter("signals_generated_total");
    add_counts(sample.not_formed,
               {{"seat_ring_full", n.counter("signals_rejected_total{reason=\"seat_ring_full\"}")},
                {"outstanding", n.counter("signals_rejected_total{reason=\"outstanding\"}")},
                {"missing_data", n.counter("signals_rejected_total{reason=\"missing_data\"}")},
                {"min_gap", n.counter("signals_rejected_total{reason=\"min_gap\"}")},
                {"superseded", n.counter("signals_superseded_total")}});
  }
  std::erase_if(sample.not_formed, [](const auto& count) { return count.second == 0; });
}

void View::risk(Sample& sample) const {
  const StagePage& page = instance_.objects().page(Process::Risk);
  const Statistics& n = page.statistics;
  sample.intents = n.counter("intents_total");
  sample.entries = n.counter("orders_total{kind=\"entry\"}");
  sample.exits = n.counter("orders_total{kind=\"exit\"}");
  sample.cancels = n.counter("orders_total{kind=\"cancel\"}");
  sample.fills = n.counter("fills_total");
  sample.exits_by_kind = labelled(n, "exits_total");
  sample.rejects = labelled(n, "rejects_total");
  for (std::size_t i = 0; i < row_capacity(RowTable::Position); ++i)
    if (const auto row = page.read_row<PositionRow>(RowTable::Position, i); row && row->used == 1)
      sample.position += row->qty;
  if (const auto account = page.read_row<AccountRow>(RowTable::Summary, 0)) {
    sample.realised = account->realised;
    sample.unrealised = account->unrealised;
  }
  sample.sent = instance_.objects().page(Process::Gateway).statistics.counter("sent_verdicts");
}

void View::hops(Sample& sample) const {
  const auto add = [&](Process p, std::string_view name) {
    const Statistics& numbers = instance_.objects().page(p).statistics;
    if (numbers.histogram(name) != nullptr)
      sample.hops.emplace_back(name, latency_of(numbers, name));
  };
  add(Process::Feed, "feed_decode_ns");
  for (const Process p : processes_)
    if (is_seat(p)) {
      add(p, "tick_to_intent_ns");
      break;  // the demo has one seat; the JSON names hops, not seats
    }
  add(Process::Risk, "intent_to_order_ns");
  add(Process::Risk, "tick_to_approve_ns");
  add(Process::Gateway, "approve_to_send_ns");
  add(Process::Gateway, "tick_to_send_ns");
}

Sample View::take() const {
  Sample sample;
  sample.at = std::chrono::steady_clock::now();
  sample.run_ordinal = control().header.run_ordinal;
  sample.state = static_cast<RunState>(control().state.load(std::memory_order_acquire));
  sample.level = instance_.objects().kill->read(0).level;
  const std::uint64_t now_us = boottime_ns() / 1'000;
  for (const Process p : processes_) sample.processes.push_back(process(p, now_us));
  feed(sample);
  seats(sample);
  risk(sample);
  hops(sample);
  return sample;
}

}  // namespace sluice::demo
