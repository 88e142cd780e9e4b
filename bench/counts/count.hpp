// Rows of calls of a piece, counted. Each subject has a source of its own: how much the compiler
// inlines depends on what else is in a source, and a count must not move because another piece
// came.
#pragma once

#include <cstdio>
#include <string>

#include "bench/counts/counted.hpp"
#include "bench/pieces/piece.hpp"

namespace sluice::bench {

// Pieces whose name contains `only`. On stdout per piece: name and how many items were handled.
void count_core(const std::string& only);
void count_driver(const std::string& only);
void count_gates(const std::string& only);
void count_feed(const std::string& only);
void count_turn(const std::string& only, const std::string& conf);

#ifdef SLUICE_COUNTS_MUTANT
constexpr int kTooMany = 8;  // what the gate must see: instructions of an idle loop in each call
#else
constexpr int kTooMany = 0;
#endif

template <class Piece>
void row(void* piece, std::uint64_t calls) {
  auto& work = *static_cast<Piece*>(piece);
  for (std::uint64_t i = 0; i < calls; ++i) {
    work();
    for (int k = 0; k < kTooMany; ++k) asm volatile("nop");
  }
}

template <class Piece>
void rows(Piece& piece, std::uint64_t count, std::uint64_t calls) {
  for (std::uint64_t i = 0; i < count; ++i) {
    make_ready(piece);
    sluice_counted(&row<Piece>, &piece, calls);
  }
  sluice_count_taken();
}

template <class Piece, class... Argument>
void count(const std::string& only, const Argument&... argument) {
  if (std::string(Piece::kName).find(only) == std::string::npos) return;
  constexpr std::uint64_t kMany = 4'096;
  constexpr std::uint64_t kCalls = calls_of<Piece>(kMany);
  constexpr std::uint64_t kRows = kCalls < kMany ? 40 : 2;  // short ones cost a cycle each
  Piece piece(argument...);
  make_ready(piece);
  row<Piece>(&piece, kCalls);  // whatever only happens once
  rows(piece, kRows, 0);
  rows(piece, kRows, kCalls);
  std::printf("%s %llu\n", Piece::kName,
              static_cast<unsigned long long>(kRows * kCalls * items_of<Piece>()));
}

template <class... Piece, class... Argument>
void count_all(Pieces<Piece...>, const std::string& only, const Argument&... argument) {
  (count<Piece>(only, argument...), ...);
}

}  // namespace sluice::bench
