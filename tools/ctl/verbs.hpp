// The verbs: one table from which come dispatch, each verb's options and all help.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ctl/console.hpp"
#include "tools/ctl/options.hpp"

namespace sluice::ctl {

// Which flags a verb takes: rows of flags.cpp with one of these bits.
enum Takes : std::uint32_t {
  kTakesLevel = 1u << 0,
  kTakesScope = 1u << 1,
  kTakesWait = 1u << 2,  // --no-wait
  kTakesTimeout = 1u << 3,
  kTakesWord = 1u << 4,
  kTakesWho = 1u << 5,  // --operator, --reason
  kTakesCount = 1u << 6,
  kTakesFollow = 1u << 7,
  kTakesAll = 1u << 8,
  kTakesWatch = 1u << 9,
  kTakesConf = 1u << 10,
  kTakesFix = 1u << 11,
  kTakesDryRun = 1u << 12,
  kTakesAlways = 1u << 31  // every verb
};

struct Verb {
  std::string_view name;
  std::string_view first;  // name of the first positional; in [] if it may be left out; empty: none
  std::string_view second;
  std::uint32_t takes;
  std::string_view does;  // one sentence
  std::string_view when;  // one sentence: when to use it
  std::string_view example;
  int (*run)(const Options&, Console&);
};

std::span<const Verb> verbs() noexcept;
const Verb* find_verb(std::string_view name) noexcept;
std::string guide();  // what `sluicectl` alone prints

// One function per verb, each in the file of its group. They return an exit code of core/error.hpp
// or throw Error with one.
int run_kill(const Options& options, Console& console);
int run_status(const Options& options, Console& console);
int run_why(const Options& options, Console& console);
int run_rearm(const Options& options, Console& console);
int run_cap(const Options& options, Console& console);
int run_start(const Options& options, Console& console);
int run_stop(const Options& options, Console& console);
int run_restart(const Options& options, Console& console);
int run_positions(const Options& options, Console& console);
int run_orders(const Options& options, Console& console);
int run_counters(const Options& options, Console& console);
int run_tap(const Options& options, Console& console);
int run_latency(const Options& options, Console& console);
int run_doctor(const Options& options, Console& console);
int run_clean(const Options& options, Console& console);
int run_check(const Options& options, Console& console);
int run_completion(const Options& options, Console& console);
int run_man(const Options& options, Console& console);

// The whole program but main: parses, runs, prints at most one error. Returns the exit code.
int run(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err);

}  // namespace sluice::ctl
