// `sluice-bench journal`: what an append to a journal costs while the real recorder files and
// rotates it, over a gibibyte, on two CPUs.
//
// The writer does what a driver does (room, append; a commit per batch), in blocks. Before a block
// it waits until the block fits, so that a full journal is counted and never measured. Blocks of
// two kinds alternate: in one the whole block is timed, in the other each append.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/machine/pair.hpp"
#include "core/types.hpp"

namespace sluice::bench {

inline constexpr double kAppendLimitNs = 15;
inline constexpr double kAppendTailLimitNs = 200;

struct JournalPlan {
  std::string conf = "conf/bench.toml";  // sizes of the journal, and what the recorder reads
  std::string dir = {};                  // of the files; empty: with temporary files
  std::uint64_t mib = 1'024;             // of entries
  std::uint64_t rotate_mib = 64;
  Cpus cpus = {};
  // For tests: what happens to the files before they are read.
  std::function<void(const std::string& dir)> tamper = {};
};

// Appends timed one by one, the timer's cost taken off.
struct AppendTail {
  std::uint64_t appends = 0;
  double p50 = 0, p99 = 0, p999 = 0, max = 0;  // ns
};

struct JournalResult {
  std::vector<double> block_ns;  // per append, of the blocks timed as a whole
  AppendTail clean, all;
  std::uint64_t windows = 0;   // blocks with every append timed
  std::uint64_t switched = 0;  // of them: the kernel ran somebody else meanwhile
  std::uint64_t gaps = 0;      // of the others: longer away than an append can be
  std::uint64_t stalls = 0;    // waits for room before a block
  Duration stalled{};
  Duration took{};
  double timer_ns = 0, step_ns = 0;  // a reading of the counter, and what it moves by
  std::uint64_t entries = 0;
  std::uint64_t files = 0;
  // A cache line there and back between the two CPUs, before and behind: a host moves its guests.
  double floor_before_ns = 0, floor_behind_ns = 0;
  std::string wrong;  // with what was filed; empty: every entry is there, in order and whole

  [[nodiscard]] double append_ns() const;  // median of the blocks
  [[nodiscard]] bool met() const {
    return wrong.empty() && append_ns() <= kAppendLimitNs && clean.p999 <= kAppendTailLimitNs;
  }
};

// Throws Error if a CPU is not there, or the disk does not take the journal.
JournalResult run_journal(const JournalPlan& plan);

std::string journal_table(const JournalPlan& plan, const JournalResult& result);
std::string journal_json(const JournalPlan& plan, const JournalResult& result);

}  // namespace sluice::bench
