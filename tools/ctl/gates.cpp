#include "tools/ctl/gates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/process.hpp"
#include "risk/explain.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {
namespace {

// After this a refusal for a passing reason (a wide spread, a late intent) is history, not a gate.
constexpr std::int64_t kRecentNs = 5'000'000'000;

class Walk {
 public:
  Walk(const Sight& sight, const Selection& selection) : sight_(sight), selection_(selection) {}

  std::vector<GateLine> take() {
    feed();
    for (const StrategyIndex s : selection_.strategies) strategy(s);
    supervisor();
    for (const std::size_t slot : slots()) permit(slot);
    for (const std::size_t slot : slots()) kill_word(slot);
    stage(Process::Risk);
    stage(Process::Gateway);
    journals();
    for (const InstrumentIndex i : selection_.instruments) guard(i);
    caps();
    order_ring();
    session();
    return std::move(lines_);
  }

 private:
  void add(GateLine line) { lines_.push_back(std::move(line)); }
  [[nodiscard]] std::string command(std::string_view text) const {
    return fmt::format("sluicectl {} -i {}", text, sight_.instance);
  }
  [[nodiscard]] std::string instrument(InstrumentIndex i) const {
    return instrument_name(sight_.objects.control, i);
  }

  // Global, gateways, then the selected strategies and instruments.
  [[nodiscard]] std::vector<std::size_t> slots() const {
    std::vector<std::size_t> slots{0};
    for (std::uint32_t g = 0; g < sight_.control().gateways && g < kMaxGateways; ++g)
      slots.push_back(scope_slot({ScopeKind::Gateway, g}));
    for (const StrategyIndex s : selection_.strategies)
      slots.push_back(scope_slot({ScopeKind::Strategy, s}));
    for (const InstrumentIndex i : selection_.instruments)
      slots.push_back(scope_slot({ScopeKind::Instrument, i}));
    return slots;
  }
  // Whom a blocked scope blocks: a strategy or an instrument alone, or everything (there is one
  // gateway).
  static Scope about(Scope scope) noexcept {
    return scope.kind == ScopeKind::Strategy || scope.kind == ScopeKind::Instrument ? scope
                                                                                    : Scope{};
  }

  void process(std::string gate, Process p, Scope concerns = {}) {
    const Alive alive = alive_of(sight_, p);
    const StagePage* page = sight_.page(p);
    const bool stopped = page != nullptr && page->stage_state() == StageState::Stopped;
    const std::string start = fmt::format("start {}", name_of(p));
    add({std::move(gate), alive.ok ? Says::Pass : Says::Block, alive.text,
         "ready, beat within 500 ms", alive.ok ? -1 : alive.beat_ns,
         alive.ok  ? ""
         : stopped ? command(start)
                   : "the supervisor restarts it; if it died too often: its log, then " +
                         command(start + " --operator NAME --reason TEXT"),
         concerns});
  }

  void feed() {
    process("feed process", Process::Feed);
    const StagePage* page = sight_.page(Process::Feed);
    if (page == nullptr) return;
    const auto row = page->read_row<SessionRow>(RowTable::Summary, 0);
    const bool up = row && row->connected == 1;
    add({"feed connected",
         up ? Says::Pass : Says::Block,
         row ? fmt::format("{}, connected {} times", up ? "up" : "down", row->connects)
             : "never connected",
         "up",
         row ? sight_.age_of(row->last_message) : -1,
         up ? "" : "the feed reconnects by itself; check the venue",
         {}});
    for (const InstrumentIndex i : selection_.instruments) quote(*page, i);
  }

  void quote(const StagePage& page, InstrumentIndex i) {
    const auto row = page.read_row<SessionRow>(RowTable::Instrument, i);
    const bool seen = row && row->last_message.ns != 0;
    const bool fresh = seen && row->stale == 0;
    const std::int64_t since = seen ? sight_.age_of(row->last_message) : -1;
    const Scope concerns{ScopeKind::Instrument, i};
    add({"feed fresh " + instrument(i), fresh ? Says::Pass : Says::Block,
         !seen   ? "no message yet"
         : fresh ? "fresh"
                 : "stale",
         "fresh", fresh ? -1 : since, fresh ? "" : "wait for the venue; check the subscription",
         concerns});
    if (!seen) return;
    add({"last quote " + instrument(i), Says::Note, age(since) + " ago", "", since, "", concerns});
  }

  void strategy(StrategyIndex s) {
    const SeatIndex seat = sight_.control().strategy_seat[s];
    const Process p = seat_process(seat < kSeats ? seat : SeatIndex{0});
    const std::string name = strategy_name(sight_.objects.control, s);
    const Scope concerns{ScopeKind::Strategy, s};
    process(fmt::format("{} process ({})", name_of(p), name), p, concerns);
    const StagePage* page = sight_.page(p);
    const auto row = page ? page->read_row<GateRow>(RowTable::Strategy, s) : std::nullopt;
    if (!row || row->at.ns == 0) {
      add({"strategy " + name, Says::Note, "has not looked at a tick yet", "", -1,
           "wait for the feed", concerns});
      return;
    }
    const std::string_view change = row->armed == 1
                                        ? "its value must cross the limit"
                                        : "it has taken its edge: it arms again by itself";
    add({"strategy " + name, Says::Note,
         fmt::format("{}, {} at {}", row->armed == 1 ? "armed" : "not armed",
                     instrument(row->instrument), decimal(row->value)),
         decimal(row->limit), sight_.age_of(row->at), std::string(change), concerns});
  }

  void supervisor() {
    const ControlPage& control = sight_.control();
    const LeaseView lease = look(control.supervisor);
    const std::int64_t beat = sight_.beat_age(control.beat().at_us);
    const bool fresh = beat >= 0 && beat <= kBeatLimit.ns;
    add({"supervisor lease",
         lease.alive ? Says::Pass : Says::Block,
         lease.pid == 0
             ? "nobody holds it"
             : fmt::format("process {} {}", lease.pid, lease.alive ? "lives" : "is gone"),
         "alive",
         -1,
         lease.alive ? "" : "start sluice-supervisor: it ends this run and starts a new one",
         {}});
    add({"supervisor heartbeat",
         fresh ? Says::Pass : Says::Block,
         beat < 0 ? "never" : age(beat) + " old",
         "500 ms",
         fresh ? -1 : beat,
         fresh ? "" : "continue or restart sluice-supervisor",
         {}});
    const auto state = static_cast<RunState>(control.state.load(std::memory_order_acquire));
    const bool armed = state == RunState::Armed;
    add({"run state",
         armed ? Says::Pass : Says::Block,
         std::string(run_state_name(state)),
         "armed",
         -1,
         armed
             ? ""
             : "the supervisor arms when every process is ready; sluicectl status shows who is not",
         {}});
  }

  void permit(std::size_t slot) {
    const ControlPage& control = sight_.control();
    const Scope scope = scope_at(slot);
    const Permit permit = control.permit(slot, control.beat().lease_epoch);
    add({"permit " + scope_text(&control, scope), permit.valid ? Says::Pass : Says::Block,
         permit.valid ? fmt::format("valid, epoch {}", permit.epoch) : "void", "valid", -1,
         permit.valid
             ? ""
             : command("rearm --scope " + scope_text(&control, scope)) + " says what is missing",
         about(scope)});
  }

  void kill_word(std::size_t slot) {
    const Scope scope = scope_at(slot);
    const std::string name = scope_text(sight_.objects.control, scope);
    const KillPage* page = sight_.objects.kill;
    if (page == nullptr) {
      if (slot == 0)
        add({"kill " + name,
             Says::Block,
             "the kill page cannot be read",
             "RUN",
             -1,
             "check /dev/shm",
             {}});
      return;
    }
    const KillWord word = page->read(slot);
    const bool run = word.valid && word.level == KillLevel::Run;
    if (run) return add({"kill " + name, Says::Pass, "RUN", "RUN", -1, "", about(scope)});
    const std::string value =
        word.valid ? fmt::format("{} raised by {}", name_of(word.level), name_of(word.cause))
                   : "HALT: the word is not valid";
    add({"kill " + name, Says::Block, value, "RUN", level_age(sight_, slot, word),
         command("rearm --scope " + name), about(scope)});
  }

  void stage(Process p) {
    process(fmt::format("{} process", name_of(p)), p);
    const StagePage* page = sight_.page(p);
    if (page == nullptr) return;
    const std::uint64_t bits = page->conditions.load(std::memory_order_relaxed);
    add({fmt::format("{} conditions", name_of(p)),
         bits == 0 ? Says::Pass : Says::Block,
         conditions_text(bits),
         "none",
         -1,
         bits == 0 ? "" : "each lifts by itself when its cause is gone",
         {}});
  }

  void journals() {
    process("recorder process", Process::Recorder);
    // Seats are judged by their strategies: a seat that stands still stops its own only.
    journal(Process::Risk, {});
    journal(Process::Gateway, {});
    for (const StrategyIndex s : selection_.strategies)
      if (const SeatIndex seat = sight_.control().strategy_seat[s]; seat < kSeats)
        journal(seat_process(seat), {ScopeKind::Strategy, s});
  }

  void journal(Process p, Scope concerns) {
    const JournalMemory* memory = sight_.journal(p);
    if (memory == nullptr) return;
    const std::uint64_t head = memory->head.load(std::memory_order_acquire);
    const std::uint64_t tail = memory->tail.load(std::memory_order_acquire);
    const std::uint64_t behind = tail > head ? tail - head : 0;
    const std::uint64_t most = memory->header.capacity / 2;
    const bool disk = (memory->flags.load(std::memory_order_relaxed) & kRecorderDiskTrouble) != 0;
    const bool bad = disk || behind > most;
    add({fmt::format("journal {}", name_of(p)), bad ? Says::Block : Says::Pass,
         fmt::format("{} entries behind{}", behind, disk ? ", disk trouble" : ""),
         fmt::format("{}", most), -1,
         disk  ? "free disk space under the state directory"
         : bad ? "check sluice-recorder"
               : "",
         concerns});
  }

  void guard(InstrumentIndex i);
  void last_refusal(InstrumentIndex i, const std::vector<GateRow>& now);
  void caps();
  void order_ring();
  void session();

  const Sight& sight_;
  const Selection& selection_;
  std::vector<GateLine> lines_;
};

std::string in_unit(std::int64_t value, risk::Unit unit) {
  switch (unit) {
    case risk::Unit::None: return "";
    case risk::Unit::Money:
    case risk::Unit::Quantity: return decimal(value);
    case risk::Unit::Ppm: return fmt::format("{} ppm", value);
    case risk::Unit::Nanos: return age(value);
    case risk::Unit::Level: return std::string(name_of(static_cast<KillLevel>(value)));
    case risk::Unit::Bits: return fmt::format("{:#x}", value);
    case risk::Unit::Edge: return fmt::format("edge {}", value);
    case risk::Unit::Count:
    case risk::Unit::Id: return fmt::format("{}", value);
  }
  return fmt::format("{}", value);
}

// Reasons that the guard's answer of now covers: a past refusal for one of them is history.
constexpr bool lasts(Reason reason) noexcept {
  return reason == Reason::DailyLoss || reason == Reason::SameSide ||
         reason == Reason::OpenOrders || reason == Reason::AllocatorZero ||
         reason == Reason::SizeLimit || reason == Reason::NotionalLimit ||
         reason == Reason::CapitalCap || reason == Reason::UnknownInstrument ||
         reason == Reason::StrategyDisabled || reason == Reason::TableFull;
}
constexpr bool has_own_gate(Reason reason) noexcept {
  return reason == Reason::NoPermit || reason == Reason::KillLevel || reason == Reason::Condition ||
         reason == Reason::NoPosition || reason == Reason::UnknownTarget;
}

std::string_view refused_side(const GateRow& row) noexcept {
  return row.detail == kSellPasses ? "a buy" : row.detail == kBuyPasses ? "a sell" : "an entry";
}

// The guard of now, as risk publishes it. An instrument is blocked when every selected strategy
// that trades it would be refused.
void Walk::guard(InstrumentIndex i) {
  const StagePage* page = sight_.page(Process::Risk);
  if (page == nullptr) return;
  const Scope concerns{ScopeKind::Instrument, i};
  const std::string gate = "risk guard " + instrument(i);
  std::vector<GateRow> rows;
  bool told = false;
  for (std::size_t pair = 0; pair < row_capacity(RowTable::Position); ++pair) {
    const auto row = page->read_row<GateRow>(RowTable::Standing, pair);
    told = told || (row && row->armed == 1);
    if (row && row->armed == 1 && row->instrument == i &&
        std::ranges::find(selection_.strategies, row->strategy) != selection_.strategies.end())
      rows.push_back(*row);
  }
  const bool one_pair = selection_.strategies.size() == 1 && selection_.instruments.size() == 1;
  if (rows.empty() && !told) {
    add({gate, Says::Note, "risk has not said yet what it would answer", "", -1, "", concerns});
  } else if (rows.empty()) {
    add({gate, one_pair ? Says::Block : Says::Note, "no selected strategy trades it", "", -1,
         "[strategy] instruments in the configuration", concerns});
  }
  const bool blocked =
      std::ranges::none_of(rows, [](const GateRow& row) { return row.detail != 0; });
  for (const GateRow& row : rows) {
    const std::string who = strategy_name(sight_.objects.control, row.strategy);
    const std::int64_t since = sight_.age_of(row.at);
    if (row.reason == Reason::None) {
      add({gate, Says::Pass, "an entry of " + who + " would pass", "", since, "", concerns});
      continue;
    }
    const risk::ReasonText& why = risk::explain(row.reason);
    add({gate, blocked ? Says::Block : Says::Note,
         fmt::format("{} of {} would be refused: {}: {}; {}", refused_side(row), who, why.name,
                     why.meaning, in_unit(row.value, why.unit)),
         in_unit(row.limit, why.unit), since, std::string(why.remedy), concerns});
  }
  last_refusal(i, rows);
}

// A refusal for a lasting reason is history unless the guard would still give it to that strategy,
// whose side is not known: then it is as good as the strategy's next try.
void Walk::last_refusal(InstrumentIndex i, const std::vector<GateRow>& now) {
  const auto row = sight_.page(Process::Risk)->read_row<GateRow>(RowTable::Instrument, i);
  if (!row || row->reason == Reason::None) return;
  const risk::ReasonText& why = risk::explain(row->reason);
  const std::int64_t since = sight_.age_of(row->at);
  const bool still = std::ranges::any_of(now, [&](const GateRow& standing) {
    return standing.strategy == row->strategy && standing.reason == row->reason;
  });
  const bool blocks = !has_own_gate(row->reason) && (still || !lasts(row->reason)) && since >= 0 &&
                      since < kRecentNs;
  const std::string value = in_unit(row->value, why.unit);
  add({"last refusal " + instrument(i),
       blocks ? Says::Block : Says::Note,
       fmt::format("of {} to {}: {}{}{}", strategy_name(sight_.objects.control, row->strategy),
                   why.name, why.meaning, value.empty() ? "" : "; ", value),
       in_unit(row->limit, why.unit),
       since,
       std::string(why.remedy),
       {ScopeKind::Instrument, i}});
}

void Walk::caps() {
  const ControlPage& control = sight_.control();
  const StagePage* page = sight_.page(Process::Risk);
  const auto account = page ? page->read_row<AccountRow>(RowTable::Summary, 0) : std::nullopt;
  const Notional used = account ? account->reserved_capital + account->open_cost : Notional{};
  const std::int64_t cap = control.caps[0].load(std::memory_order_acquire);
  const auto command_for = [&](Scope scope) {
    return command(fmt::format("cap VALUE --scope {} --operator NAME --reason TEXT",
                               scope_text(&control, scope)));
  };
  const bool room = cap > 0 && used.raw < cap;
  add({"cap global",
       room ? Says::Pass : Says::Block,
       decimal(used.raw) + " in use",
       decimal(cap),
       -1,
       room      ? ""
       : cap > 0 ? "exits free capital; or " + command_for({})
                 : command_for({}),
       {}});
  for (const StrategyIndex s : selection_.strategies) {
    const Scope scope{ScopeKind::Strategy, s};
    const std::int64_t own = control.caps[scope_slot(scope)].load(std::memory_order_acquire);
    add({"cap " + scope_text(&control, scope), own > 0 ? Says::Pass : Says::Block,
         own > 0 ? "above 0" : "0: no new risk", decimal(own), -1,
         own > 0 ? "" : command_for(scope), scope});
  }
}

void Walk::order_ring() {
  const RingMemory* ring = sight_.objects.ring[static_cast<std::size_t>(Edge::RiskGateway)];
  if (ring == nullptr) return;
  const std::uint64_t head = ring->head.load(std::memory_order_acquire);
  const std::uint64_t newest = published(*ring);
  const std::uint64_t depth = newest > head ? newest - head : 0;
  const std::uint64_t corrupt = ring->corrupt.load(std::memory_order_relaxed);
  const bool full = depth + 4 > ring->header.capacity;
  const bool bad = full || corrupt != 0;
  add({"ring risk-gateway",
       bad ? Says::Block : Says::Pass,
       corrupt != 0 ? fmt::format("corrupt at record {}", corrupt - 1)
                    : fmt::format("{} orders wait", depth),
       fmt::format("{}", ring->header.capacity),
       -1,
       bad ? "the gateway is stopped or slow: see its process" : "",
       {}});
}

void Walk::session() {
  const StagePage* page = sight_.page(Process::Gateway);
  if (page == nullptr) return;
  const auto row = page->read_row<SessionRow>(RowTable::Summary, 0);
  const bool up = row && row->connected == 1;
  const bool reconciled = row && row->connects > 0;
  add({"gateway session",
       up ? Says::Pass : Says::Block,
       up ? "connected" : "not connected",
       "connected",
       row && !up ? sight_.age_of(row->last_message) : -1,
       up ? "" : "the gateway connects by itself; see its log",
       {}});
  add({"gateway reconciled",
       reconciled ? Says::Pass : Says::Block,
       fmt::format("{} reconciliations", row ? row->connects : 0),
       "1",
       -1,
       reconciled ? "" : "wait for the startup reconciliation, or clear what it found",
       {}});
}

}  // namespace

std::vector<GateLine> walk(const Sight& sight, const Selection& selection) {
  return Walk(sight, selection).take();
}

}  // namespace sluice::ctl
