// What happened, read from the files of a run by nothing but the journal format: the judge of the
// tests.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/journal_file.hpp"
#include "core/records.hpp"

namespace sluice::e2e {

using PositionKey = std::pair<std::uint32_t, std::uint32_t>;  // strategy, instrument

inline std::vector<JournalEntry> read_journal(const std::filesystem::path& dir,
                                              const std::string& name) {
  JournalFiles files(dir, name);
  JournalDecoder decoder;
  std::vector<JournalEntry> entries;
  for (std::uint64_t at = files.first(); at < files.end(); ++at) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files.read(at, raw))
      throw std::runtime_error(name + ": cannot read entry " + std::to_string(at));
    const auto status = decoder.decode(raw, at, entry);
    if (status == JournalDecoder::Status::Corrupt)
      throw std::runtime_error(name + ": entry " + std::to_string(at) + " is corrupt");
    if (status == JournalDecoder::Status::Input) entries.push_back(entry);
  }
  return entries;
}

struct PaperTruth {
  std::vector<PaperEntry> entries;
  std::size_t placed = 0;
  std::size_t fills = 0;
  std::size_t duplicates = 0;  // ids placed more than once
  std::map<PositionKey, std::int64_t> positions;
};

inline PaperTruth read_paper(const std::filesystem::path& dir) {
  PaperTruth truth;
  std::set<std::uint64_t> ids;
  for (const JournalEntry& raw : read_journal(dir, "paper")) {
    const auto entry = from_payload<PaperEntry>(raw.payload);
    truth.entries.push_back(entry);
    if (entry.what == PaperWhat::Placed) {
      ++truth.placed;
      if (!ids.insert(entry.id.raw).second) ++truth.duplicates;
    }
    if (entry.what != PaperWhat::Filled) continue;
    ++truth.fills;
    truth.positions[{entry.strategy, entry.instrument}] +=
        entry.side == Side::Buy ? entry.qty.raw : -entry.qty.raw;
  }
  return truth;
}

// Positions from the gateway's journal alone: orders it was given, fills it was told of.
inline std::map<PositionKey, std::int64_t> positions_from_gateway(
    const std::filesystem::path& dir) {
  std::map<std::uint64_t, Order> orders;
  std::map<std::uint64_t, std::int64_t> filled;
  std::map<PositionKey, std::int64_t> positions;
  for (const JournalEntry& raw : read_journal(dir, "gateway")) {
    if (raw.edge == Edge::RiskGateway) {
      const auto order = from_payload<Order>(raw.payload);
      if (order.kind != OrderKind::Cancel) orders[order.id.raw] = order;
    }
    if (raw.edge != Edge::Event) continue;
    const auto event = from_payload<Event>(raw.payload);
    if (event.kind != EventKind::Fill) continue;
    const Order& order = orders.at(event.id.raw);
    std::int64_t& known = filled[event.id.raw];
    if (event.cum_qty.raw <= known) continue;
    const std::int64_t more = event.cum_qty.raw - known;
    known = event.cum_qty.raw;
    positions[{order.strategy, order.instrument}] += order.side == Side::Buy ? more : -more;
  }
  return positions;
}

template <class R>
std::vector<R> records_of(const std::vector<JournalEntry>& journal, Edge edge) {
  std::vector<R> records;
  for (const JournalEntry& entry : journal)
    if (entry.edge == edge) records.push_back(from_payload<R>(entry.payload));
  return records;
}

}  // namespace sluice::e2e
