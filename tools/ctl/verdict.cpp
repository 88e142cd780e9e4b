// What the gates add up to: which processes live, what may trade, and the one line that says so.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/process.hpp"
#include "core/watch.hpp"
#include "tools/ctl/gates.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {
namespace {

template <class Index>
std::vector<Index> pick(std::size_t count, std::string_view wanted, const char* what,
                        std::string (*name)(const ControlPage*, std::uint32_t),
                        const ControlPage& control) {
  std::vector<Index> picked;
  std::string known;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string own = name(&control, i);
    known += " " + own;
    if (wanted.empty() || wanted == own) picked.push_back(static_cast<Index>(i));
  }
  if (picked.empty() && !wanted.empty())
    throw Error(Exit::Usage, fmt::format("there is no {} '{}'; known:{}", what, wanted, known));
  return picked;
}

// A kill reads as a sentence of its own: "kill HALT raised by operator 12 s ago on global".
std::string hint(const GateLine& line) {
  if (!line.gate.starts_with("kill ")) return fmt::format("{}: {}", line.gate, line.value);
  const std::string since = line.since_ns < 0 ? "" : " " + age(line.since_ns) + " ago";
  return fmt::format("kill {}{} on {}", line.value, since, line.gate.substr(5));
}

}  // namespace

std::string_view run_state_name(RunState state) noexcept {
  switch (state) {
    case RunState::Starting: return "starting";
    case RunState::Armed: return "armed";
    case RunState::Paused: return "paused";
    case RunState::Stopping: return "stopping";
    case RunState::Ended: return "ended";
  }
  return "not set";
}

Selection select(const ControlPage& control, std::string_view strategy,
                 std::string_view instrument) {
  return {pick<StrategyIndex>(std::min<std::size_t>(control.strategies, kMaxStrategies), strategy,
                              "strategy", strategy_name, control),
          pick<InstrumentIndex>(std::min<std::size_t>(control.instruments, kMaxInstruments),
                                instrument, "instrument", instrument_name, control)};
}

Verdict verdict_of(const Sight& sight, const Selection& selection,
                   const std::vector<GateLine>& lines) {
  std::vector<std::string> strategies;
  std::vector<std::string> instruments;
  const GateLine* first = nullptr;
  // A raised kill is what the operator must hear of first, whatever else blocks as a consequence.
  for (const GateLine& line : lines)
    if (line.says == Says::Block &&
        (first == nullptr || (line.gate.starts_with("kill ") && !first->gate.starts_with("kill "))))
      first = &line;
  const auto blocked = [&](Scope scope) {
    for (const GateLine& line : lines)
      if (line.says == Says::Block && line.about == scope) return true;
    return false;
  };
  for (const StrategyIndex s : selection.strategies)
    if (!blocked({ScopeKind::Strategy, s}))
      strategies.push_back(strategy_name(sight.objects.control, s));
  for (const InstrumentIndex i : selection.instruments)
    if (!blocked({ScopeKind::Instrument, i}))
      instruments.push_back(instrument_name(sight.objects.control, i));
  if (blocked({}) || strategies.empty() || instruments.empty()) {
    const std::string cause =
        first != nullptr ? hint(*first) : "no strategy or no instrument is configured";
    return {false, fmt::format("NOT TRADING: {} (`sluicectl why` has every gate)", cause)};
  }
  return {true, fmt::format("TRADING: entries allowed for {} on {}", fmt::join(strategies, ", "),
                            fmt::join(instruments, ", "))};
}

Alive alive_of(const Sight& sight, Process process) {
  const StagePage* page = sight.page(process);
  if (page == nullptr) return {false, 0, false, -1, "no page"};
  const LeaseView lease = look(page->lease);
  Alive alive{false,
              lease.pid,
              lease.alive,
              sight.beat_age(page->heartbeat_us.load(std::memory_order_relaxed)),
              {}};
  const StageState state = page->stage_state();
  const bool beats = alive.beat_ns >= 0 && alive.beat_ns <= kBeatLimit.ns;
  alive.ok = lease.alive && state == StageState::Ready && beats;
  if (!lease.alive && state == StageState::Stopped)
    alive.text = "stopped in order, not to be restarted";
  else if (lease.pid == 0)
    alive.text = "not running";
  else if (!lease.alive)
    alive.text = fmt::format("process {} is dead", lease.pid);
  else
    alive.text = fmt::format("{}, beat {}{}", name_of(state), age(alive.beat_ns),
                             alive.beat_ns < 0 ? "" : " ago");
  return alive;
}

}  // namespace sluice::ctl
