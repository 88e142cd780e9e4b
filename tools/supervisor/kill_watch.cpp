#include "tools/supervisor/kill_watch.hpp"

#include <fmt/format.h>

namespace sluice {
namespace {

constexpr std::array<Process, 2> kGates{Process::Risk, Process::Gateway};
constexpr std::size_t kReasonLength = 20;

// The text form of the latch's scope back to a scope of this run; nothing if it no longer exists.
bool find_scope(const ControlPage& control, const std::string& name, Scope& out) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const Scope scope = scope_at(slot);
    if (!control.scope_exists(scope) || scope_name(control, scope) != name) continue;
    out = scope;
    return true;
  }
  return false;
}

}  // namespace

KillWatch::KillWatch(Objects& objects, Children& children, Audit& audit, const SupervisorConfig& config,
                     std::filesystem::path state_dir, std::function<void(const std::string&)> say)
    : objects_(objects), children_(children), audit_(audit), config_(config),
      state_dir_(std::move(state_dir)), say_(std::move(say)) {
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    watched_[slot].word = objects_.kill->words[slot].load(std::memory_order_acquire);
}

void KillWatch::carry(const std::vector<LatchedLevel>& levels) {
  for (const LatchedLevel& latched : levels) {
    Scope scope;
    // A scope that the new configuration does not have any more stops everything: better than nothing.
    if (!find_scope(*objects_.control, latched.scope, scope)) scope = {};
    raise_kill(*objects_.kill, scope, latched.level, KillCause::PriorRun);
    say_(fmt::format("kill level {} on {} carried over from an earlier run", name_of(latched.level),
                     latched.scope));
  }
}

void KillWatch::poll(std::uint64_t now_ns) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects_.control->scope_exists(scope_at(slot))) continue;
    const std::uint64_t word = objects_.kill->words[slot].load(std::memory_order_acquire);
    if (word != watched_[slot].word) notice(slot, word, now_ns);
    if (watched_[slot].target != 0 && watched_[slot].complete_ns == 0) complete(slot, now_ns);
  }
}

void KillWatch::notice(std::size_t slot, std::uint64_t word, std::uint64_t now_ns) {
  Watched& watched = watched_[slot];
  const KillWord now = decode_kill(objects_.kill->run_id(), slot, word);
  watched = {word, now_ns, 0, 0, false};
  if (now.level == KillLevel::Run && now.valid) return;
  // The raiser may have died before it took its target: this one is at or above it.
  watched.target = objects_.kill->serial.fetch_add(1) + 1;
  const std::string what =
      fmt::format("{} on {} ({}{})", name_of(now.level), scope_name(*objects_.control, scope_at(slot)),
                  name_of(now.cause), now.valid ? "" : ", damaged word");
  say_("kill raised: " + what);
  latch();
  audit_.write("kill_raised", name_of(now.cause), what);
}

bool KillWatch::obeyed(Process gate, std::uint64_t target) const noexcept {
  return !children_.alive(gate) ||
         objects_.page(gate).obeyed.load(std::memory_order_acquire) >= target;
}

void KillWatch::complete(std::size_t slot, std::uint64_t now_ns) {
  Watched& watched = watched_[slot];
  const KillWord word = decode_kill(objects_.kill->run_id(), slot, watched.word);
  const bool overdue = now_ns - watched.seen_ns > static_cast<std::uint64_t>(config_.ack_deadline.ns);
  bool all = true;
  for (const Process gate : kGates) {
    if (obeyed(gate, watched.target)) continue;
    all = false;
    if (!overdue || word.level < KillLevel::Halt || watched.fenced) continue;
    say_(fmt::format("{} has not obeyed within {} ms: fencing it", name_of(gate),
                     config_.ack_deadline.ns / 1'000'000));
    children_.fence_process(gate);
    audit_.write("fenced", "supervisor", name_of(gate));
  }
  if (overdue) watched.fenced = true;
  if (!all) return;
  watched.complete_ns = now_ns;
  const std::string what = fmt::format("{} on {}, {} us after it was noticed here", name_of(word.level),
                                       scope_name(*objects_.control, scope_at(slot)),
                                       (now_ns - watched.seen_ns) / 1'000);
  say_("KILL_COMPLETE " + what);
  audit_.write("kill_complete", "supervisor", what);
}

void KillWatch::latch() {
  std::vector<LatchedLevel> levels;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects_.control->scope_exists(scope_at(slot))) continue;
    const KillWord word = objects_.kill->read(slot);
    if (word.level != KillLevel::Run && word.level != KillLevel::Ended)
      levels.push_back({scope_name(*objects_.control, scope_at(slot)), word.level});
  }
  if (!store_latch(state_dir_, levels))
    say_("the kill latch cannot be written: the level holds in this run, but would not survive it");
}

bool KillWatch::any_raised() const noexcept {
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (objects_.control->scope_exists(scope_at(slot)) && objects_.kill->read(slot).level != KillLevel::Run)
      return true;
  return false;
}

std::string KillWatch::failing(std::size_t slot, std::uint64_t word, std::string_view who,
                               std::string_view reason, std::uint64_t now_ns) const {
  const Watched& watched = watched_[slot];
  const std::uint64_t present = objects_.kill->words[slot].load(std::memory_order_acquire);
  std::string list;
  const auto fails = [&](const std::string& line) { list += "  - " + line + "\n"; };
  if (word != present)
    fails(word == 0 ? std::string("no word was named (--word)")
                    : fmt::format("word {:016x} is stale: the scope now holds {:016x}", word, present));
  if (who.empty()) fails("no operator (--operator NAME)");
  if (reason.size() < kReasonLength)
    fails(fmt::format("the reason has {} characters, {} or more are needed (--reason TEXT)", reason.size(),
                      kReasonLength));
  if (watched.word != present || watched.complete_ns == 0)
    fails("the kill is not complete: a gate has not obeyed it yet");
  else if (now_ns - watched.complete_ns < static_cast<std::uint64_t>(config_.cool_off.ns))
    fails(fmt::format("cool-off: {} s left", (static_cast<std::uint64_t>(config_.cool_off.ns) -
                                              (now_ns - watched.complete_ns)) / 1'000'000'000 + 1));
  for (const Process gate : kGates)
    if (!children_.ready(gate, now_ns))
      fails(fmt::format("{} is not ready: its positions cannot be trusted", name_of(gate)));
  if ((objects_.page(Process::Gateway).conditions.load(std::memory_order_relaxed) & kSessionDown) != 0)
    fails("the gateway's session is not reconciled");
  return list;
}

KillWatch::Rearm KillWatch::rearm(Scope scope, std::uint64_t word, std::string_view who,
                                  std::string_view reason, std::uint64_t now_ns) {
  const std::size_t slot = scope_slot(scope);
  if (slot >= kScopes || !objects_.control->scope_exists(scope)) return {false, "no such scope\n"};
  const std::string name = scope_name(*objects_.control, scope);
  const KillWord present = objects_.kill->read(slot);
  if (present.level == KillLevel::Run) return {true, name + " is RUN already\n"};
  const std::uint64_t holds = objects_.kill->words[slot].load(std::memory_order_acquire);
  const std::string command = fmt::format(
      "sluicectl rearm --scope {} --word {:016x} --operator NAME --reason \"20 characters or more\"\n", name,
      holds);
  const std::string why_not = failing(slot, word, who, reason, now_ns);
  if (!why_not.empty())
    return {false, fmt::format("{} stays at {}:\n{}the complete command:\n  {}", name,
                               name_of(present.level), why_not, command)};
  // What loosens is on disk before it takes effect.
  if (!audit_.write("rearm", who, fmt::format("{} from {}: {}", name, name_of(present.level), reason)))
    return {false, "the audit log cannot be written: nothing was changed\n"};
  if (rearm_kill(*objects_.kill, slot, word) == 0)
    return {false, name + ": another kill was raised in the meantime; nothing was changed\n"};
  latch();
  return {true, fmt::format("{} is RUN again (was {})\n", name, name_of(present.level))};
}

void KillWatch::end() {
  const std::vector<LatchedLevel> held = end_words(*objects_.kill, *objects_.control);
  if (!store_latch(state_dir_, held)) say_("the kill latch cannot be written");
}

}  // namespace sluice
