// A piece of work: made ready by its constructor, which throws Error if the work would not be what
// its name says; done once by each call.
//
//   struct Some {
//     static constexpr const char* kName = "subject.work";
//     static constexpr std::uint64_t kItems = 16;  // optional: of what one call does so many
//     static constexpr std::uint64_t kCalls = 25;  // optional: calls in a row that make sense
//     void ready();                                // optional: before each such row, not measured
//     void operator()() noexcept;
//   };
//
// One definition serves the micro-benchmarks and the counts, so both mean the same by a name.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/ring.hpp"

namespace sluice::bench {

template <class... Piece>
struct Pieces {};

template <class Piece>
constexpr std::uint64_t items_of() noexcept {
  if constexpr (requires { Piece::kItems; }) return Piece::kItems;
  return 1;
}
template <class Piece>
constexpr std::uint64_t calls_of(std::uint64_t otherwise) noexcept {
  if constexpr (requires { Piece::kCalls; }) return Piece::kCalls;
  return otherwise;
}
template <class Piece>
void make_ready(Piece& piece) {
  if constexpr (requires { piece.ready(); }) piece.ready();
}

// The compiler must have this value, and may not know what becomes of it.
template <class T>
void keep(T& value) noexcept {
  asm volatile("" : "+m"(value) : : "memory");
}

// A ring or journal in zeroed memory of its own.
template <class Memory>
std::unique_ptr<Memory, decltype(&std::free)> zeroed(std::uint64_t capacity) {
  const std::size_t bytes = (Memory::bytes(capacity) + kLinePair - 1) / kLinePair * kLinePair;
  void* memory = std::aligned_alloc(kLinePair, bytes);
  std::memset(memory, 0, bytes);
  auto* object = static_cast<Memory*>(memory);
  object->header.capacity = capacity;
  return {object, &std::free};
}

}  // namespace sluice::bench
