// The referee of a simulation: reads the paper order log, the oracle, and what the pages say at the
// moment, and never asks a stage. Each broken promise becomes one line.
//
//   I1  no id is placed twice
//   I2  every placed order has exactly one journaled Order at the gateway
//   I3  risk's positions are those of the log
//   I4  nothing is placed that the kill words, the permits or the dead man forbid, nor what was
//   approved
//       before the last change of a kill word
//   I5  capital in use stays below the cap at each approval
//   I6  each record is journaled once, and journals replayed give the same bytes
//   I7  when the faults are over, every order has ended or rests, at risk, gateway and venue alike
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/instance.hpp"

namespace sluice::sim {

class Violations {
 public:
  void add(std::string what);
  [[nodiscard]] bool any() const noexcept { return total_ != 0; }
  [[nodiscard]] std::string text() const;
  // True if one of them is about this invariant ("I4").
  [[nodiscard]] bool about(const std::string& invariant) const;

 private:
  std::vector<std::string> lines_;  // the first ones
  std::size_t total_ = 0;
};

class PaperAuditor {
 public:
  struct LogOrder {
    PaperEntry placed;
    Qty cum;
    bool ended = false;
  };

  PaperAuditor(const Objects& objects, Duration dead_man);

  // Before every step: notes when a kill word last changed.
  void watch(HostTime now);
  // After every turn of the gateway.
  void look(HostTime now, Violations& violations);

  [[nodiscard]] Qty position(StrategyIndex strategy, InstrumentIndex instrument) const;
  [[nodiscard]] const std::vector<PaperEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] const std::unordered_map<std::uint64_t, LogOrder>& orders() const noexcept {
    return orders_;
  }
  [[nodiscard]] std::size_t count(PaperWhat what) const;
  [[nodiscard]] std::size_t placed(OrderClass what) const;

 private:
  struct Cell {
    Qty qty;
    Notional cost;
  };
  void placed(const PaperEntry& entry, HostTime now, Violations& violations);
  void filled(const PaperEntry& entry, Violations& violations);
  void end(const PaperEntry& entry, Violations& violations);
  [[nodiscard]] Notional open_cost() const;

  const Objects& objects_;
  Duration dead_man_;
  JournalDecoder decoder_;
  std::uint64_t position_ = 0;
  std::vector<PaperEntry> entries_;
  std::unordered_map<std::uint64_t, LogOrder> orders_;
  std::map<std::pair<StrategyIndex, InstrumentIndex>, Cell> cells_;
  std::vector<std::size_t> scopes_;  // those that exist: no other word can change or be obeyed
  std::array<std::uint64_t, kScopes> words_{};
  std::array<HostTime, kScopes> changed_{};
};

}  // namespace sluice::sim
