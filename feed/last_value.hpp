// The last quote and the last trade of every instrument, in a segment of its own, for whoever wants
// to look without following a ring (sluicectl, the monitor). A view, never an input of a stage.
//
// Writer:  the feed process, through one LastValueWriter.
// Readers: anyone. A reader never disturbs the writer.
// Invariant: a cell's word is 0 while its payload changes, otherwise a version that was never used
// before. Why it is correct: payload words are atomics with release stores, so a reader that saw a
// new payload word
//            also sees the cleared or a newer word when it reads the word again.
// What a crash leaves: a cell that reads as absent until the next tick of its kind.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include "core/records.hpp"
#include "core/ring.hpp"
#include "core/segment_header.hpp"

namespace sluice {

struct LastValueTable {
  struct Row {
    Slot quote;
    Slot trade;
  };

  SegmentHeader header;
  Row rows[kMaxInstruments];

  // Nothing was seen yet, or the cell changes faster than it can be copied (after 64 attempts).
  [[nodiscard]] std::optional<Tick> quote(InstrumentIndex instrument) const noexcept;
  [[nodiscard]] std::optional<Tick> trade(InstrumentIndex instrument) const noexcept;
};
static_assert(std::is_standard_layout_v<LastValueTable>);
static_assert(sizeof(LastValueTable::Row) == 2 * kCacheLine &&
              alignof(LastValueTable) == kCacheLine);
static_assert(offsetof(LastValueTable, rows) == sizeof(SegmentHeader));
static_assert(sizeof(LastValueTable) == sizeof(SegmentHeader) + kMaxInstruments * 2 * kCacheLine);

class LastValueWriter {
 public:
  // `epoch` of the writer's lease: it rises from owner to owner, so that a version which was lost
  // in a crash between clearing a cell and publishing it is not given out again.
  LastValueWriter(LastValueTable& table, std::uint64_t epoch) noexcept
      : table_(&table), version_(epoch << 40) {}

  // Keeps a QUOTE or a TRADE; anything else, and an instrument beyond the table, is ignored.
  void write(const Tick& tick) noexcept;

 private:
  LastValueTable* table_;
  std::uint64_t version_;
};

}  // namespace sluice
