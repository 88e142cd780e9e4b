// What people decided and no restart may forget: kill levels that were raised and never rearmed,
// caps that were lowered. Text files in the state directory, one line per scope, replaced
// atomically and synced. Writer: the supervisor.
//
//   kill.latch   "<scope> <LEVEL>"
//   cap.latch    "<scope> <decimal>"
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/control_page.hpp"
#include "core/kill_page.hpp"

namespace sluice {

// "global", "gateway:paper", "strategy:momentum_buying", "instrument:BTCUSDT"
std::string scope_name(const ControlPage& control, Scope scope);

struct LatchedLevel {
  std::string scope;
  KillLevel level = KillLevel::Halt;
  friend bool operator==(const LatchedLevel&, const LatchedLevel&) = default;
};

// A level that cannot be read counts as HALT. Throws Error if the file is there and cannot be read.
std::vector<LatchedLevel> load_latch(const std::filesystem::path& state_dir);
bool store_latch(const std::filesystem::path& state_dir,
                 const std::vector<LatchedLevel>& levels) noexcept;
void add_levels(std::vector<LatchedLevel>& to, const std::vector<LatchedLevel>& more);
std::vector<LatchedLevel> raised_levels(const KillPage& kill, const ControlPage& control);
// Makes every word ENDED (a raiser that meets it raises in the next run), each only as the disk
// knows it: what the words hold is added to `held` and kept (`keep`, which throws if it cannot),
// then exactly those words are exchanged; a raise in between fails its exchange and is kept first
// as well. So at any moment a raise stands in its word or on the disk (tests/model/ending.pml).
void end_words(KillPage& kill, const ControlPage& control, std::vector<LatchedLevel>& held,
               const std::function<void()>& keep);
// The same for the global word alone, of a page whose control page was never published: nobody can
// have raised another scope.
void end_global_word(KillPage& kill, std::vector<LatchedLevel>& held,
                     const std::function<void()>& keep);

struct LatchedCap {
  std::string scope;
  Notional cap;
  friend bool operator==(const LatchedCap&, const LatchedCap&) = default;
};

// An amount that cannot be read counts as 0: no new risk in that scope.
std::vector<LatchedCap> load_caps(const std::filesystem::path& state_dir);
bool store_caps(const std::filesystem::path& state_dir,
                const std::vector<LatchedCap>& caps) noexcept;
// What a run starts with in this scope: the configured cap, or less if an operator left less.
Notional starting_cap(const std::vector<LatchedCap>& latched, const std::string& scope,
                      Notional configured) noexcept;
// Replaces the scope's line, or adds it.
void set_latched(std::vector<LatchedCap>& caps, const std::string& scope, Notional cap);

}  // namespace sluice
