#include "tools/supervisor/latch.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include "core/decimal.hpp"
#include "tools/supervisor/state_file.hpp"

namespace fs = std::filesystem;

namespace sluice {
namespace {

constexpr std::array<KillLevel, 5> kRaised{KillLevel::ReduceOnly, KillLevel::Halt,
                                           KillLevel::Cancel, KillLevel::Flatten, KillLevel::Sever};

}  // namespace

std::string scope_name(const ControlPage& control, Scope scope) {
  switch (scope.kind) {
    case ScopeKind::Global: return "global";
    case ScopeKind::Gateway:
      return std::string("gateway:") + control.gateway_names[scope.index].data();
    case ScopeKind::Strategy:
      return std::string("strategy:") + control.strategy_names[scope.index].data();
    case ScopeKind::Instrument:
      return std::string("instrument:") + control.instrument[scope.index].name.data();
  }
  return "?";
}

std::vector<LatchedLevel> load_latch(const fs::path& state_dir) {
  std::vector<LatchedLevel> levels;
  std::ifstream file = open_state(state_dir / "kill.latch");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string scope;
    std::string level;
    if (!(words >> scope >> level)) continue;
    // An unreadable level counts as HALT: a latch is never lost to a typing mistake.
    LatchedLevel latched{scope, KillLevel::Halt};
    for (const KillLevel candidate : kRaised)
      if (level == name_of(candidate)) latched.level = candidate;
    levels.push_back(latched);
  }
  return levels;
}

bool store_latch(const fs::path& state_dir, const std::vector<LatchedLevel>& levels) noexcept {
  try {
    std::string text;
    for (const LatchedLevel& latched : levels)
      text.append(latched.scope).append(" ").append(name_of(latched.level)).append("\n");
    return write_synced(state_dir / "kill.latch", text);
  } catch (...) {
    return false;
  }
}

void add_levels(std::vector<LatchedLevel>& to, const std::vector<LatchedLevel>& more) {
  for (const LatchedLevel& level : more)
    if (std::find(to.begin(), to.end(), level) == to.end()) to.push_back(level);
}

std::vector<LatchedLevel> raised_levels(const KillPage& kill, const ControlPage& control) {
  std::vector<LatchedLevel> levels;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    const KillWord word = kill.read(slot);
    if (word.level != KillLevel::Run && word.level != KillLevel::Ended)
      levels.push_back({scope_name(control, scope_at(slot)), word.level});
  }
  return levels;
}

namespace {

struct Held {
  std::size_t slot;
  std::string scope;
  std::uint64_t word;  // as kept; ENDED once it is exchanged
};

void end_exactly(KillPage& kill, std::vector<Held> words, std::vector<LatchedLevel>& held,
                 const std::function<void()>& keep) {
  for (bool more = true; more;) {
    more = false;
    for (Held& of : words) {
      of.word = kill.words[of.slot].load(std::memory_order_acquire);
      const KillWord word = decode_kill(kill.run_id(), of.slot, of.word);
      if (word.level != KillLevel::Run && word.level != KillLevel::Ended)
        add_levels(held, {{of.scope, word.level}});
    }
    keep();
    for (const Held& of : words) {
      const std::uint64_t ended =
          encode_kill(kill.run_id(), of.slot, KillLevel::Ended, KillCause::None, 0xffff'ffff);
      std::uint64_t exactly = of.word;
      more = !kill.words[of.slot].compare_exchange_strong(exactly, ended) || more;
    }
  }
}

}  // namespace

void end_words(KillPage& kill, const ControlPage& control, std::vector<LatchedLevel>& held,
               const std::function<void()>& keep) {
  std::vector<Held> words;
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (control.scope_exists(scope_at(slot)))
      words.push_back({slot, scope_name(control, scope_at(slot)), 0});
  end_exactly(kill, std::move(words), held, keep);
}

void end_global_word(KillPage& kill, std::vector<LatchedLevel>& held,
                     const std::function<void()>& keep) {
  end_exactly(kill, {{0, "global", 0}}, held, keep);
}

std::vector<LatchedCap> load_caps(const fs::path& state_dir) {
  std::vector<LatchedCap> caps;
  std::ifstream file = open_state(state_dir / "cap.latch");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string scope;
    std::string amount;
    if (!(words >> scope)) continue;
    words >> amount;
    std::int64_t raw = 0;
    if (parse_decimal(amount, raw) != DecimalError::None || raw < 0) raw = 0;
    set_latched(caps, scope, Notional{raw});
  }
  return caps;
}

bool store_caps(const fs::path& state_dir, const std::vector<LatchedCap>& caps) noexcept {
  try {
    std::string text;
    for (const LatchedCap& latched : caps) {
      DecimalText amount;
      text.append(latched.scope)
          .append(" ")
          .append(format_decimal(latched.cap.raw, amount))
          .append("\n");
    }
    return write_synced(state_dir / "cap.latch", text);
  } catch (...) {
    return false;
  }
}

Notional starting_cap(const std::vector<LatchedCap>& latched, const std::string& scope,
                      Notional configured) noexcept {
  for (const LatchedCap& cap : latched)
    if (cap.scope == scope) return std::min(cap.cap, configured);
  return configured;
}

void set_latched(std::vector<LatchedCap>& caps, const std::string& scope, Notional cap) {
  for (LatchedCap& present : caps)
    if (present.scope == scope) {
      present.cap = cap;
      return;
    }
  caps.push_back({scope, cap});
}

}  // namespace sluice
