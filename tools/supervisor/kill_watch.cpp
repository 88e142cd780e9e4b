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

KillWatch::KillWatch(Objects& objects, Children& children, Audit& audit,
                     const SupervisorConfig& config, std::filesystem::path state_dir,
                     std::function<void(const std::string&)> say)
    : objects_(objects),
      children_(children),
      audit_(audit),
      config_(config),
      state_dir_(std::move(state_dir)),
      say_(std::move(say)) {}

void KillWatch::carry(const std::vector<LatchedLevel>& levels) {
  for (const LatchedLevel& latched : levels) {
    Scope scope;
    // A scope that the new configuration does not have any more stops everything: better than
    // nothing.
    if (!find_scope(*objects_.control, latched.scope, scope)) scope = {};
    raise_kill(*objects_.kill, scope, latched.level, KillCause::PriorRun);
    say_(fmt::format("kill level {} on {} carried over from an earlier run", name_of(latched.level),
                     latched.scope));
  }
}

// First what must be quick (targets, fences), then what goes to disk: an fsync must not delay a
// fence.
void KillWatch::poll(std::uint64_t now_ns) {
  for (const Process gate : kGates)
    pass_obeyed(*objects_.kill, objects_.page(gate).obeyed.load(std::memory_order_acquire));
  const std::size_t told = news_.size();
  bool raised = false;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!objects_.control->scope_exists(scope_at(slot))) continue;
    const std::uint64_t word = objects_.kill->words[slot].load(std::memory_order_acquire);
    if (!watched_[slot].seen || word != watched_[slot].word)
      raised = notice(slot, word, now_ns) || raised;
  }
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (watched_[slot].target != 0 && watched_[slot].complete_ns == 0) complete(slot, now_ns);
  if (raised) latch();
  if (news_.size() == told) return;
  for (const News& news : news_) {
    audit_.write(news.event, "supervisor", news.text);
    say_(news.event + ": " + news.text);
  }
  news_.clear();
}

// True if the word is a raise.
bool KillWatch::notice(std::size_t slot, std::uint64_t word, std::uint64_t now_ns) {
  Watched& watched = watched_[slot];
  const KillWord now = decode_kill(objects_.kill->run_id(), slot, word);
  watched = {.seen = true, .word = word, .seen_ns = now_ns};
  if (now.level == KillLevel::Run && now.valid) return false;
  // The raiser may have died before it took its target: this one is at or above it.
  watched.target = objects_.kill->serial.fetch_add(1) + 1;
  news_.push_back(
      {"kill_raised", fmt::format("{} on {} ({}{})", name_of(now.level),
                                  scope_name(*objects_.control, scope_at(slot)), name_of(now.cause),
                                  now.valid ? "" : ", damaged word")});
  return true;
}

bool KillWatch::obeyed(Process gate, std::uint64_t target) const noexcept {
  return children_.proven_dead(gate) ||
         has_obeyed(*objects_.kill, objects_.page(gate).obeyed.load(std::memory_order_acquire),
                    target);
}

void KillWatch::complete(std::size_t slot, std::uint64_t now_ns) {
  Watched& watched = watched_[slot];
  const KillWord word = decode_kill(objects_.kill->run_id(), slot, watched.word);
  const auto patience = static_cast<std::uint64_t>(config_.ack_deadline.ns);
  const bool overdue = now_ns - watched.seen_ns > patience;
  // A fence that failed: neither its line in the audit log nor its wait belongs into every turn.
  const bool again = now_ns - watched.fenced_ns > patience;
  bool all = true;
  for (const Process gate : kGates) {
    // SEVER means that the gateway is gone, whether it obeys or not.
    const bool sever = word.level == KillLevel::Sever && gate == Process::Gateway;
    if (sever ? children_.proven_dead(gate) : obeyed(gate, watched.target)) continue;
    all = false;
    if (!again || (!sever && (!overdue || word.level < KillLevel::Halt))) continue;
    watched.fenced_ns = now_ns;
    const pid_t pid = children_.pid_of(gate);
    const bool done = children_.fence_process(gate);
    news_.push_back({done ? "fenced" : "not_fenced",
                     done ? std::string(name_of(gate))
                     : pid > 0
                         ? fmt::format("{}: run `sudo kill -KILL {}`", name_of(gate), pid)
                         : fmt::format("{}: its lease names a process that does not hold its page",
                                       name_of(gate))});
  }
  if (!all) return;
  watched.complete_ns = now_ns;
  news_.push_back({"kill_complete",
                   fmt::format("{} on {}, {} us after it was noticed here", name_of(word.level),
                               scope_name(*objects_.control, scope_at(slot)),
                               (now_ns - watched.seen_ns) / 1'000)});
}

void KillWatch::latch() {
  if (!store_latch(state_dir_, raised_levels(*objects_.kill, *objects_.control)))
    say_("the kill latch cannot be written: the level holds in this run, but would not survive it");
}

bool KillWatch::any_raised() const noexcept {
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    if (objects_.control->scope_exists(scope_at(slot)) &&
        objects_.kill->read(slot).level != KillLevel::Run)
      return true;
  return false;
}

std::string KillWatch::unsigned_by(std::string_view who, std::string_view reason) {
  std::string list;
  if (who.empty()) list += "  - no operator (--operator NAME)\n";
  if (reason.size() < kReasonLength)
    list += fmt::format("  - the reason has {} characters, {} or more are needed (--reason TEXT)\n",
                        reason.size(), kReasonLength);
  return list;
}

std::string KillWatch::failing(std::size_t slot, std::uint64_t word, std::string_view who,
                               std::string_view reason, std::uint64_t now_ns) const {
  const Watched& watched = watched_[slot];
  const std::uint64_t present = objects_.kill->words[slot].load(std::memory_order_acquire);
  std::string list;
  const auto fails = [&](const std::string& line) { list += "  - " + line + "\n"; };
  if (word != present)
    fails(word == 0
              ? std::string("no word was named (--word)")
              : fmt::format("word {:016x} is stale: the scope now holds {:016x}", word, present));
  list += unsigned_by(who, reason);
  if (watched.word != present || watched.complete_ns == 0)
    fails("the kill is not complete: a gate has not obeyed it yet");
  else if (now_ns - watched.complete_ns < static_cast<std::uint64_t>(config_.cool_off.ns))
    fails(fmt::format("cool-off: {} s left", (static_cast<std::uint64_t>(config_.cool_off.ns) -
                                              (now_ns - watched.complete_ns)) /
                                                     1'000'000'000 +
                                                 1));
  for (const Process gate : kGates)
    if (!children_.ready(gate, now_ns))
      fails(fmt::format("{} is not ready: its positions cannot be trusted", name_of(gate)));
  const auto session = objects_.page(Process::Gateway).read_row<SessionRow>(RowTable::Summary, 0);
  if (!session || session->connected != 1) fails("the gateway's session is not reconciled");
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
      "sluicectl rearm --scope {} --word {:016x} --operator NAME --reason \"20 characters or "
      "more\"\n",
      name, holds);
  const std::string why_not = failing(slot, word, who, reason, now_ns);
  if (!why_not.empty())
    return {false, fmt::format("{} stays at {}:\n{}the complete command:\n  {}", name,
                               name_of(present.level), why_not, command)};
  // What loosens is on disk before it takes effect.
  if (!audit_.write("rearm", who,
                    fmt::format("{} from {}: {}", name, name_of(present.level), reason)))
    return {false, "the audit log cannot be written: nothing was changed\n"};
  if (rearm_kill(*objects_.kill, slot, word) == 0)
    return {false, name + ": another kill was raised in the meantime; nothing was changed\n"};
  latch();
  return {true, fmt::format("{} is RUN again (was {})\n", name, name_of(present.level))};
}

void KillWatch::end() {
  if (ended_) return;  // the words say ENDED by now: that must not overwrite the latch
  ended_ = true;
  std::vector<LatchedLevel> held;
  bool kept = true;
  end_words(*objects_.kill, *objects_.control, held, [&] { kept = store_latch(state_dir_, held); });
  if (!kept) say_("the kill latch cannot be written");
}

}  // namespace sluice
