// See pipeline.hpp. Every relation is checked between sound values only, so that one mistake in the
// file is one fault in the list.
#include "core/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "core/decimal.hpp"

namespace sluice {

namespace {

constexpr std::int64_t kMaxRing = 1'048'576;
// Below it the entries kept for Controls leave no room for anything else.
constexpr std::int64_t kMinJournal = 64;
constexpr std::size_t kMaxInstance = 20;
constexpr std::size_t kMaxName = 23;  // names travel in 24-byte fields of the shared pages
constexpr std::size_t kMaxSymbol = 63;
constexpr std::size_t kMaxUser = 31;

constexpr bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool lower_name(char c) noexcept {
  return is_lower(c) || is_digit(c) || c == '_' || c == '-';
}
constexpr bool upper_name(char c) noexcept {
  return is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
}
constexpr bool visible(char c) noexcept {
  return c > ' ' && c < 0x7f;
}

std::string read_name(const config::Table& table, std::string_view key, std::size_t longest,
                      bool (*allowed_char)(char), std::string_view alphabet) {
  std::string name = table.text(key);
  if (!table.sound(key)) return name;
  const bool good = !name.empty() && name.size() <= longest &&
                    std::all_of(name.begin(), name.end(), allowed_char);
  if (!good) {
    table.fault(
        key, fmt::format("expected 1 to {} characters of {}, got \"{}\"", longest, alphabet, name));
  }
  return name;
}

// Notes a fault if an earlier entry has the same value under this key.
template <class Entry>
void require_unique(const config::Table& table, std::string_view key, std::string_view list,
                    const std::vector<Entry>& entries, std::string Entry::*member,
                    const std::string& value) {
  if (!table.sound(key)) return;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].*member != value) continue;
    table.fault(key,
                fmt::format("expected a name of its own, got \"{}\" as in {}[{}]", value, list, i));
    return;
  }
}

void read_instance(const config::Table& root, PipelineConfig& config) {
  const config::Table table = root.table("instance");
  config.instance = read_name(table, "name", kMaxInstance, lower_name, "a-z 0-9 _ -");
  constexpr std::array kModes{Mode::Shadow, Mode::Paper, Mode::Live};
  config.mode = kModes[table.choice("mode", {"SHADOW", "PAPER", "LIVE"})];
  config.state_dir = table.text("state_dir");
  if (table.sound("state_dir") && config.state_dir.empty())
    table.fault("state_dir", "expected a directory, got \"\"");
}

std::uint32_t read_ring(const config::Table& table, std::string_view key, std::int64_t least = 2) {
  const std::int64_t capacity = table.integer(key, least, kMaxRing);
  if (table.sound(key) && !std::has_single_bit(static_cast<std::uint64_t>(capacity)))
    table.fault(key, fmt::format("expected a power of two, got {}", capacity));
  return static_cast<std::uint32_t>(capacity);
}

void read_rings(const config::Table& root, PipelineConfig& config) {
  const config::Table table = root.table("rings");
  config.tick_ring = read_ring(table, "ticks");
  config.order_ring = read_ring(table, "orders");
  config.report_ring = read_ring(table, "reports");
  config.intent_ring = read_ring(table, "intents");
  config.journal_ring = read_ring(table, "journal", kMinJournal);
}

std::string decimal_text(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

Instrument read_instrument(const config::Table& table, const std::vector<Instrument>& earlier) {
  constexpr std::int64_t kMost =
      1'000'000'000 * kScale;  // 1e9 units: products saturate, sums do not
  Instrument out;
  out.name = read_name(table, "name", kMaxName, upper_name, "A-Z 0-9 . _ -");
  out.venue_symbol = read_name(table, "venue_symbol", kMaxSymbol, visible, "visible ASCII");
  require_unique(table, "name", "instrument", earlier, &Instrument::name, out.name);
  require_unique(table, "venue_symbol", "instrument", earlier, &Instrument::venue_symbol,
                 out.venue_symbol);
  out.tick.raw = table.decimal("tick", 1, kMost);
  out.lot.raw = table.decimal("lot", 1, kMost);
  out.freeze.raw = table.decimal("freeze", 1, kMost);
  if (table.sound("lot") && table.sound("freeze") && out.freeze.raw % out.lot.raw != 0) {
    table.fault("freeze", fmt::format("expected a multiple of lot ({}), got {}",
                                      decimal_text(out.lot.raw), decimal_text(out.freeze.raw)));
  }
  return out;
}

void read_instruments(const config::Table& root, PipelineConfig& config) {
  const std::vector<config::Table> tables = root.tables("instrument");
  const bool said = root.has("instrument") && !root.sound("instrument");
  if (tables.empty() && !said)
    root.fault("instrument", "expected at least one [[instrument]], got none");
  if (tables.size() > kMaxInstruments) {
    tables[kMaxInstruments].fault(
        "", fmt::format("expected at most {} instruments, got {}", kMaxInstruments, tables.size()));
  }
  for (const config::Table& table : tables)
    config.instruments.push_back(read_instrument(table, config.instruments));
}

std::vector<InstrumentIndex> read_universe(const config::Table& table,
                                           const std::vector<Instrument>& instruments) {
  std::vector<InstrumentIndex> out;
  const std::vector<std::string> names = table.texts("instruments");
  if (!table.sound("instruments")) return out;
  if (names.empty()) table.fault("instruments", "expected at least one instrument, got []");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto place = fmt::format("instruments[{}]", i);
    const auto it = std::find_if(instruments.begin(), instruments.end(),
                                 [&](const Instrument& known) { return known.name == names[i]; });
    const auto index = static_cast<InstrumentIndex>(it - instruments.begin());
    if (it == instruments.end()) {
      table.fault(place,
                  fmt::format("expected the name of an [[instrument]], got \"{}\"", names[i]));
    } else if (std::find(out.begin(), out.end(), index) != out.end()) {
      table.fault(place, fmt::format("expected each instrument once, got \"{}\" again", names[i]));
    } else {
      out.push_back(index);
    }
  }
  return out;
}

void read_strategies(const config::Table& root, PipelineConfig& config) {
  const std::vector<config::Table> tables = root.tables("strategy");
  if (tables.size() > kMaxStrategies) {
    tables[kMaxStrategies].fault(
        "", fmt::format("expected at most {} strategies, got {}", kMaxStrategies, tables.size()));
  }
  for (const config::Table& table : tables) {
    StrategyEntry out;
    out.name = read_name(table, "name", kMaxName, lower_name, "a-z 0-9 _ -");
    require_unique(table, "name", "strategy", config.strategies, &StrategyEntry::name, out.name);
    out.kind = read_name(table, "kind", kMaxName, lower_name, "a-z 0-9 _ -");
    out.seat = static_cast<SeatIndex>(table.integer("seat", 0, kSeats - 1));
    out.priority = static_cast<std::uint32_t>(table.integer("priority", 0, 1'000'000));
    out.instruments = read_universe(table, config.instruments);
    out.parameters = table.table("parameters");
    table.ignore("parameters");  // only the processes that run this strategy read them
    config.strategies.push_back(std::move(out));
  }
}

void read_processes(const config::Table& root, PipelineConfig& config) {
  if (!root.has("process")) return;
  const config::Table all = root.table("process");
  for (const Process process : kProcesses) {
    if (!all.has(name_of(process))) continue;
    const config::Table table = all.table(name_of(process));
    ProcessEntry& entry = config.processes[static_cast<std::size_t>(process)];
    if (table.has("cpu")) entry.cpu = static_cast<int>(table.integer("cpu", -1, 1023));
    if (table.has("wait"))
      entry.wait =
          static_cast<WaitStrategy>(table.choice("wait", {"auto", "spin", "yield", "nap"}));
  }
}

// Users and groups that must be somebody else's: whoever is in both gets the rights of both.
void require_apart(const config::Table& table, const AccessConfig& access, Role role,
                   std::initializer_list<Role> others) {
  for (const Role other : others)
    if (table.sound(name_of(role)) && access[role] == access[other])
      table.fault(name_of(role),
                  fmt::format("expected another {} than that of {}, got \"{}\"",
                              is_group(role) ? "group" : "user", name_of(other), access[role]));
}

void read_access(const config::Table& root, PipelineConfig& config) {
  if (!root.has("access")) return;
  const config::Table table = root.table("access");
  AccessConfig& access = config.access.emplace();
  for (const Role role : kRoles)
    access.names[static_cast<std::size_t>(role)] =
        read_name(table, name_of(role), kMaxUser, lower_name, "a-z 0-9 _ -");
  for (const Role role : kRoles)
    if (!is_group(role) && role != Role::Supervisor)
      require_apart(table, access, role, {Role::Supervisor});
  require_apart(table, access, Role::Kill, {Role::Readers});
  require_apart(table, access, Role::Admin, {Role::Readers, Role::Kill});
}

}  // namespace

bool PipelineConfig::seat_taken(SeatIndex seat) const noexcept {
  return std::any_of(strategies.begin(), strategies.end(),
                     [seat](const StrategyEntry& entry) { return entry.seat == seat; });
}

std::uint32_t PipelineConfig::capacity(const EdgeInfo& edge) const noexcept {
  const auto configured = [&]() -> std::uint32_t {
    switch (edge.record) {
      case RecordKind::Tick: return tick_ring;
      case RecordKind::Intent: return intent_ring;
      case RecordKind::Order: return order_ring;
      case RecordKind::Report: return report_ring;
      case RecordKind::Event:
      case RecordKind::Control:
      case RecordKind::PaperEntry: return 0;  // no ring of the topology carries them
    }
    return 0;
  }();
  return configured != 0 ? configured : edge.capacity;
}

PipelineConfig parse_pipeline(const config::Document& document) {
  const config::Table root = document.root();
  PipelineConfig config;
  read_instance(root, config);
  // Market ns per host ns: exact to a millionth; 0 = market time moves with ticks only.
  config.rate_ppm = root.table("market").fraction("rate", "0", "100000").raw;
  read_rings(root, config);
  read_instruments(root, config);
  read_strategies(root, config);
  read_processes(root, config);
  read_access(root, config);
  for (const char* section : {"feed", "risk", "gateway", "recorder", "supervisor"})
    root.ignore(section);
  return config;
}

}  // namespace sluice
