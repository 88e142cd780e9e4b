// Finds a row of a table by the id of its order: open addressing with linear probing, at most half
// full, removal by shifting back, so that no tombstones pile up. Plain bytes without padding: a
// part of checkpoints.
//
// Writer and reader: the stage that owns the table. The ids themselves stand in its rows,
// `rows[i].id`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/records.hpp"
#include "core/segment_header.hpp"

namespace sluice {

template <std::size_t Rows>
class IdIndex {
 public:
  static constexpr std::size_t kPlaces = 2 * Rows;
  static_assert((kPlaces & (kPlaces - 1)) == 0 && Rows < 0xffff);

  // `Rows` if no row has this id.
  template <class Table>
  [[nodiscard]] std::size_t find(OrderId id, const Table& rows) const noexcept {
    for (std::size_t i = home(id); places_[i] != 0; i = next(i))
      if (rows[places_[i] - 1u].id == id) return places_[i] - 1u;
    return Rows;
  }
  // Precondition: no row with this id is in the index, and fewer than `Rows` are.
  void add(OrderId id, std::size_t row) noexcept {
    std::size_t i = home(id);
    while (places_[i] != 0) i = next(i);
    places_[i] = static_cast<std::uint16_t>(row + 1);
  }
  // Precondition: a row with this id is in the index.
  template <class Table>
  void remove(OrderId id, const Table& rows) noexcept {
    std::size_t gap = home(id);
    while (places_[gap] == 0 || rows[places_[gap] - 1u].id != id) gap = next(gap);
    for (std::size_t i = next(gap); places_[i] != 0; i = next(i)) {
      const std::size_t from_home = (i - home(rows[places_[i] - 1u].id)) % kPlaces;
      const std::size_t from_gap = (i - gap) % kPlaces;
      if (from_home < from_gap) continue;  // its home lies behind the gap
      places_[gap] = places_[i];
      gap = i;
    }
    places_[gap] = 0;
  }

 private:
  static std::size_t home(OrderId id) noexcept { return mix(id.raw) % kPlaces; }
  static std::size_t next(std::size_t i) noexcept { return (i + 1) % kPlaces; }

  std::array<std::uint16_t, kPlaces> places_{};  // 1 + row; 0 = free
};

}  // namespace sluice
