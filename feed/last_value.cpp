// See last_value.hpp.
#include "feed/last_value.hpp"

namespace sluice {

namespace {

std::optional<Tick> read(const Slot& cell) noexcept {
  for (int attempt = 0; attempt < 64; ++attempt) {
    const std::uint64_t version =
        cell.word.load(std::memory_order_acquire);  // pairs with write's last store
    if (version != 0) {
      Payload payload;
      for (std::size_t i = 0; i < kPayloadWords; ++i)
        payload[i] =
            cell.payload[i].load(std::memory_order_acquire);  // pairs with write's release stores
      if (cell.word.load(std::memory_order_relaxed) == version) return from_payload<Tick>(payload);
    }
    cpu_pause();
  }
  return std::nullopt;
}

}  // namespace

void LastValueWriter::write(const Tick& tick) noexcept {
  if (tick.instrument >= kMaxInstruments) return;
  if (tick.kind != TickKind::Quote && tick.kind != TickKind::Trade) return;
  LastValueTable::Row& row = table_->rows[tick.instrument];
  Slot& cell = tick.kind == TickKind::Quote ? row.quote : row.trade;
  const Payload payload = to_payload(tick);
  cell.word.store(0, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    cell.payload[i].store(payload[i], std::memory_order_release);  // pairs with read
  cell.word.store(++version_, std::memory_order_release);          // pairs with read
}

std::optional<Tick> LastValueTable::quote(InstrumentIndex instrument) const noexcept {
  return instrument < kMaxInstruments ? read(rows[instrument].quote) : std::nullopt;
}

std::optional<Tick> LastValueTable::trade(InstrumentIndex instrument) const noexcept {
  return instrument < kMaxInstruments ? read(rows[instrument].trade) : std::nullopt;
}

}  // namespace sluice
