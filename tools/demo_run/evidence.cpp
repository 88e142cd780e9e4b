#include "tools/demo_run/evidence.hpp"

#include "core/journal_file.hpp"

namespace sluice::demo {
namespace {

// Calls fn(entry) for each input of a journal; returns the number of entries that are damaged:
// reading stops at the first, what follows cannot be dated.
template <class Fn>
std::uint64_t each(const std::filesystem::path& dir, const std::string& journal, Fn&& fn) {
  JournalFiles files(dir, journal);
  JournalDecoder decoder;
  for (std::uint64_t position = files.first(); position < files.end(); ++position) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files.read(position, raw)) return files.end() - position;
    const JournalDecoder::Status status = decoder.decode(raw, position, entry);
    if (status == JournalDecoder::Status::Corrupt) return files.end() - position;
    if (status == JournalDecoder::Status::Input) fn(entry);
  }
  return 0;
}

void count_tick(const Tick& tick, TickFilm& film) {
  if (tick.kind == TickKind::Status && tick.status() == StatusCode::Gap) {
    ++film.gaps;
    film.gap_counts += static_cast<std::uint64_t>(tick.count());
    return;
  }
  if ((tick.flags & kAfterGap) != 0) ++film.after_gap;
  if (tick.kind == TickKind::Quote) ++film.quotes;
  if (tick.kind == TickKind::Trade) ++film.trades;
  if (tick.kind == TickKind::Status) ++film.statuses;
}

void count_order(const Order& order, Evidence& evidence) {
  if (order.kind == OrderKind::Cancel) return;
  ++evidence.orders;
  if (order.kind != OrderKind::Entry) ++evidence.exits;
}

void count_entry(const JournalEntry& entry, bool by_risk, bool by_gateway, TickFilm& film,
                 Evidence& evidence) {
  switch (record_of(entry.edge)) {
    case RecordKind::Tick: return count_tick(from_payload<Tick>(entry.payload), film);
    case RecordKind::Intent:
      if (by_risk) ++evidence.intents;
      return;
    case RecordKind::Order:
      if (by_gateway && entry.edge == Edge::RiskGateway)
        count_order(from_payload<Order>(entry.payload), evidence);
      return;
    case RecordKind::Report:
      if (by_risk && from_payload<Report>(entry.payload).kind == ReportKind::Fill) ++evidence.fills;
      return;
    case RecordKind::PaperEntry: {
      const auto what = from_payload<PaperEntry>(entry.payload).what;
      if (what == PaperWhat::Placed) ++evidence.placed;
      if (what == PaperWhat::Filled) ++evidence.paper_fills;
      return;
    }
    case RecordKind::Event:
    case RecordKind::Control: return;
  }
}

HostTime told_of_halt(const std::filesystem::path& dir, Process gate) {
  HostTime at;
  each(dir, std::string(name_of(gate)), [&](const JournalEntry& entry) {
    if (entry.edge != Edge::Control || at.ns != 0) return;
    const auto control = from_payload<Control>(entry.payload);
    if (control.kind != ControlKind::Level || control.scope != ScopeKind::Global) return;
    const auto level = static_cast<KillLevel>(control.after);
    // The first Level a gate is told is where it starts from; a raise comes from RUN.
    if (level >= KillLevel::Halt && control.before == static_cast<std::int64_t>(KillLevel::Run))
      at = entry.now;
  });
  return at;
}

}  // namespace

Evidence read_evidence(const std::filesystem::path& run_dir) {
  Evidence evidence;
  evidence.journals = list_journals(run_dir);
  for (const std::string& journal : evidence.journals) {
    TickFilm film;
    film.consumer = journal;
    const bool by_risk = journal == name_of(Process::Risk);
    const bool by_gateway = journal == name_of(Process::Gateway);
    evidence.damaged += each(run_dir, journal, [&](const JournalEntry& entry) {
      ++evidence.entries;
      count_entry(entry, by_risk, by_gateway, film, evidence);
    });
    if (journal != "paper") evidence.ticks.push_back(film);
  }
  return evidence;
}

HaltFilm read_halt(const std::filesystem::path& run_dir) {
  return {told_of_halt(run_dir, Process::Risk), told_of_halt(run_dir, Process::Gateway)};
}

std::uint64_t placed_between(const std::filesystem::path& run_dir, HostTime from, HostTime to) {
  std::uint64_t placed = 0;
  each(run_dir, "paper", [&](const JournalEntry& entry) {
    const auto paper = from_payload<PaperEntry>(entry.payload);
    if (paper.what == PaperWhat::Placed && paper.at > from && paper.at <= to) ++placed;
  });
  return placed;
}

}  // namespace sluice::demo
