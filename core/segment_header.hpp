// First 256 bytes of every segment: what it is and whose. Written by the supervisor at creation,
// `magic` last (release); checked field by field by everyone who attaches (acquire on magic).
// Read-only afterwards, except that `magic` is cleared when the run ends.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/levels.hpp"
#include "core/records.hpp"

namespace sluice {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

enum class ObjectKind : std::uint8_t {
  Control = 1,
  Kill = 2,
  Stage = 3,
  Ring = 4,
  Journal = 5,
  LastValue = 6,
  Checkpoint = 7
};

inline constexpr std::uint64_t kMagic = 0x0131454349554c53;  // "SLUICE1" and a version

struct SegmentHeader {
  std::atomic<std::uint64_t>
      magic;  // 0 = being created or ended. Pairs: release in create, acquire in attach
  std::uint64_t layout_hash;  // of every record and page of this build
  std::uint64_t size;         // bytes of the segment
  std::uint64_t run_id;       // random per run
  std::uint16_t run_ordinal;  // counts runs of this instance; first 16 bits of every id
  Mode mode;
  ObjectKind kind;
  std::uint8_t edge;  // Ring: the Edge. Journal, Stage: the Process
  std::array<std::uint8_t, 3> reserved0;
  std::array<char, 24> instance;  // zero-terminated
  std::array<char, 40> boot_id;   // text of /proc/sys/kernel/random/boot_id
  std::uint64_t capacity;         // Ring, Journal: slots
  std::array<std::uint64_t, 18> reserved1;

  [[nodiscard]] std::string_view instance_name() const noexcept {
    return {instance.data(), std::char_traits<char>::length(instance.data())};
  }
};
static_assert(sizeof(SegmentHeader) == 256);

// Splits 64 bits into well-mixed ones (splitmix64's finaliser: Steele, Lea, Flood 2014). Checks of
// kill words and permits: a fingerprint against accidents, not against malice.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace sluice
