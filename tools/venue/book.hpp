// The order book of a tape at any position: what GET /api/v3/depth answers.
//
// Up to the recorded snapshot (and while no later update is known) the answer is that snapshot
// verbatim; from there on it is the snapshot plus the recorded updates before the position. Levels
// are exact integers at 1e-8 and are written with eight decimals, as the venue writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "tools/venue/tape.hpp"

namespace sluice::venue {

class Book {
 public:
  explicit Book(const Tape& tape) : tape_(tape) { rewind(); }

  // The book after the tape's first `position` lines; at most `limit` levels a side.
  std::string snapshot(std::size_t position, std::size_t limit);
  [[nodiscard]] std::uint64_t last_update_id() const noexcept { return last_update_id_; }

 private:
  void rewind();
  void advance(std::size_t position);
  void apply(const Line& line);

  const Tape& tape_;
  std::size_t position_ = 0;  // lines applied
  bool changed_ = false;      // since the recorded snapshot
  std::uint64_t last_update_id_ = 0;
  std::map<std::int64_t, std::int64_t, std::greater<>> bids_;  // price -> quantity, best first
  std::map<std::int64_t, std::int64_t> asks_;
};

}  // namespace sluice::venue
