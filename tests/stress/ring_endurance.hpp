// The ring between processes for as many records as are asked for: a producer, a consumer and a
// tap, each a process of its own, over one mapping. Every record says in each of its words which
// one it is, so that a record that is torn, lost, doubled or out of order is told apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::test {

// What a producer does wrong, from record to record, to show that it is noticed.
enum class RingFault : std::uint8_t {
  None = 0,
  NotCleared = 1,  // the payload changes under a word that still stands: only a tap can see it
  WordFirst = 2,   // the word before its payload
  Lost = 3,        // one record in 1000 is skipped
  Doubled = 4      // one record in 1000 is pushed in the place of the next one
};
std::string_view name_of(RingFault fault) noexcept;

struct EndurancePlan {
  std::uint64_t capacity = 64;
  std::uint64_t start = 0;  // sequence of the first record
  std::uint64_t records = 100'000;
  RingFault fault = RingFault::None;
};

struct EnduranceResult {
  std::uint64_t published = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;     // the consumer was given a later record than the one it awaited
  std::uint64_t doubled = 0;  // or an earlier one
  std::uint64_t torn = 0;     // or words of several
  std::uint64_t corrupt = 0;
  std::uint64_t tap_read = 0;
  std::uint64_t tap_missed = 0;
  std::uint64_t tap_torn = 0;  // or of another sequence than it was said to be
  double seconds = 0;
  bool ended = false;  // false: somebody died, or nothing moved for ten seconds

  // Empty: every record arrived once, in order and whole, and the tap read or counted each.
  [[nodiscard]] std::string fault() const;
};

// Throws Error if processes or memory cannot be had.
EnduranceResult endure(const EndurancePlan& plan);

}  // namespace sluice::test
