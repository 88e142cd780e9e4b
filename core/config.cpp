// The only user of toml++: the tree, typed reads that note a fault and return a placeholder, and
// the search for keys that nobody asked for. Setup only; not thread-safe.
#include "core/config.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>

#include "core/config_text.hpp"
#include "core/decimal.hpp"
#include "core/error.hpp"
#include "core/layout.hpp"

namespace sluice::config {

constexpr int kMaxRepairs = 24;
constexpr std::size_t kMaxBytes = 1 << 20;

struct Source {
  std::string name;
  std::string bytes;
  toml::table root;
  bool parsed = false;
  std::vector<Fault> faults;
  using Keys = std::set<std::string, std::less<>>;
  struct Known {
    bool read = false;  // a key of the table was asked for to be used
    Keys asked;
    Keys ignored;  // asked, and the content belongs to others
    Keys faulty;
  };
  mutable std::map<const toml::table*, Known> known;
};

struct Node {
  std::shared_ptr<Source> source;
  const toml::table* table = nullptr;  // null: absent or set aside, the fault is noted already
  std::string path;                    // "risk.limits", "" for the root
  toml::source_position at;

  [[nodiscard]] std::string full(std::string_view key) const {
    return path.empty() || key.empty() ? path + std::string(key) : fmt::format("{}.{}", path, key);
  }
  void note(toml::source_position where, std::string_view key, std::string_view text) const {
    const std::string name = full(key);
    source->faults.push_back(
        {where.line, where.column,
         name.empty() ? std::string(text) : fmt::format("{}: {}", name, text)});
    if (table) source->known[table].faulty.emplace(key.substr(0, key.find('[')));
  }
};

namespace {

// ---- tolerant parse

void parse_tolerantly(Source& source) {
  if (auto binary = find_binary(source.bytes)) {
    source.faults.push_back(std::move(*binary));
    return;
  }
  Repair repair(source.bytes);
  for (int repairs = 0; repairs <= kMaxRepairs; ++repairs) {
    try {
      const std::string text = repair.text();
      source.root = toml::parse(std::string_view(text), std::string_view(source.name));
      source.parsed = true;
      return;
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      if (!repair.set_aside({at.line, at.column, std::string(error.description())}, source.faults))
        return;
    }
  }
  source.faults.push_back(
      {1, 1, fmt::format("more than {} syntax errors; the rest was not looked at", kMaxRepairs)});
}

// ---- typed reads

std::string describe(const toml::node& value) {
  switch (value.type()) {
    case toml::node_type::string: return quote(value.as_string()->get());
    case toml::node_type::integer: return fmt::format("{}", value.as_integer()->get());
    case toml::node_type::floating_point:
      return fmt::format("{}, a floating-point number", value.as_floating_point()->get());
    case toml::node_type::boolean: return value.as_boolean()->get() ? "true" : "false";
    case toml::node_type::array: return "an array";
    case toml::node_type::table: return "a table";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    case toml::node_type::none: return "nothing";
  }
  return "something else";
}

bool set_aside(const toml::node& value) {
  return value.is_string() && value.as_string()->get() == kAside;
}

// The value of a key that must be there; null, with the fault noted, if it is not.
const toml::node* find(const Node& node, std::string_view key, std::string_view expected) {
  if (!node.table) return nullptr;
  Source::Known& known = node.source->known[node.table];
  known.read = true;
  known.asked.emplace(key);
  const toml::node* value = node.table->get(key);
  if (!value) node.note(node.at, key, fmt::format("expected {}, got no such key", expected));
  return value && !set_aside(*value) ? value : nullptr;
}

// The value that "key" or "key[2]" names; null if there is none.
const toml::node* element(const toml::table& table, std::string_view key) {
  const std::size_t bracket = key.find('[');
  const toml::node* value = table.get(key.substr(0, bracket));
  const toml::array* list = value ? value->as_array() : nullptr;
  if (!list || bracket == std::string_view::npos) return value;
  std::size_t index = 0;
  std::from_chars(key.data() + bracket + 1, key.data() + key.size(), index);
  return index < list->size() ? list->get(index) : value;
}

void note_wrong(const Node& node, std::string_view key, const toml::node& value,
                std::string_view expected) {
  node.note(value.source().begin, key,
            fmt::format("expected {}, got {}", expected, describe(value)));
}

std::string decimal_text(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

std::string_view describe(DecimalError error) {
  switch (error) {
    case DecimalError::None: return "";
    case DecimalError::Empty: return " (no digits)";
    case DecimalError::Syntax: return " (not a decimal number)";
    case DecimalError::TooPrecise: return " (more than 8 decimal places)";
    case DecimalError::Overflow: return " (too large)";
  }
  return "";
}

// A string holding a decimal within bounds; nullopt, with the fault noted, otherwise.
std::optional<std::int64_t> read_decimal(const Node& node, std::string_view key, std::int64_t low,
                                         std::int64_t high, std::string_view what) {
  const std::string expected =
      fmt::format("{} in quotes from {} to {}", what, decimal_text(low), decimal_text(high));
  const toml::node* value = find(node, key, expected);
  if (!value) return std::nullopt;
  std::int64_t raw = 0;
  DecimalError error = DecimalError::None;
  if (value->is_string()) error = parse_decimal(value->as_string()->get(), raw);
  if (value->is_string() && error == DecimalError::None && raw >= low && raw <= high) return raw;
  node.note(value->source().begin, key,
            fmt::format("expected {}, got {}{}", expected, describe(*value), describe(error)));
  return std::nullopt;
}

struct Unit {
  std::string_view suffix;
  std::int64_t ns;
};
constexpr std::array<Unit, 6> kUnits{{{"_ns", 1},
                                      {"_us", 1'000},
                                      {"_ms", 1'000'000},
                                      {"_s", 1'000'000'000},
                                      {"_m", 60'000'000'000},
                                      {"_h", 3'600'000'000'000}}};

const Unit& unit_of(std::string_view key) {
  for (const Unit& unit : kUnits)
    if (key.ends_with(unit.suffix)) return unit;
  throw Error(
      fmt::format("configuration: the key {} is read as a duration and names no unit", key));
}

// True if the file has the same duration under another unit; that is the one fault then.
bool wrong_unit(const Node& node, std::string_view key, const Unit& unit) {
  if (!node.table || node.table->contains(key)) return false;
  const std::string_view stem = key.substr(0, key.size() - unit.suffix.size());
  const auto offered = [&](std::string_view suffix) {
    const std::string other = fmt::format("{}{}", stem, suffix);
    const auto it = node.table->find(other);
    if (other == key || it == node.table->end()) return false;
    Source::Known& known = node.source->known[node.table];
    if (!known.asked.insert(other).second) return false;  // a key in its own right
    known.read = true;
    known.asked.emplace(key);
    node.note(it->first.source().begin, other,
              fmt::format("expected the unit {} ({}), got {}", unit.suffix.substr(1), key,
                          suffix.empty() ? "a key without unit" : suffix.substr(1)));
    return true;
  };
  return offered("") || std::any_of(kUnits.begin(), kUnits.end(),
                                    [&](const Unit& other) { return offered(other.suffix); });
}

// ---- unknown keys

// The nearest key that was asked for here and is not in the file; "" if none is near.
std::string suggestion(const toml::table& table, const Source::Known& known, std::string_view key) {
  std::string best;
  std::size_t best_distance = 3;
  for (const std::string& candidate : known.asked) {
    if (table.contains(candidate)) continue;
    const std::size_t distance = edit_distance(key, candidate);
    if (distance >= best_distance || distance >= candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  return best.empty() ? "" : fmt::format(" (did you mean {}?)", best);
}

void find_unknown(const Source& source, const toml::table& table, const std::string& path,
                  std::vector<Fault>& out) {
  const Source::Known& known = source.known[&table];
  const auto descend = [&](const toml::node& value, const std::string& name, bool quiet) {
    const toml::table* inner = value.as_table();
    if (inner && (!quiet || source.known[inner].read)) find_unknown(source, *inner, name, out);
  };
  for (const auto& [key, value] : table) {
    if (key.str().starts_with(kAside)) continue;
    const std::string name =
        path.empty() ? std::string(key) : fmt::format("{}.{}", path, key.str());
    const bool ignored = known.ignored.contains(key.str());
    if (!ignored && !known.asked.contains(key.str())) {
      const toml::source_position at = key.source().begin;
      const bool is_table = value.is_table() || value.is_array_of_tables();
      out.push_back({at.line, at.column,
                     fmt::format("{}: unknown {}{}", name, is_table ? "table" : "key",
                                 suggestion(table, known, key.str()))});
      continue;
    }
    const bool quiet = ignored || known.faulty.contains(key.str());
    descend(value, name, quiet);
    if (const toml::array* list = value.as_array()) {
      for (std::size_t i = 0; i < list->size(); ++i)
        descend((*list)[i], fmt::format("{}[{}]", name, i), quiet);
    }
  }
}

std::shared_ptr<Source> make_source(std::string bytes, std::string name) {
  auto source = std::make_shared<Source>();
  source->bytes = std::move(bytes);
  source->name = std::move(name);
  return source;
}

std::string read_file(const std::filesystem::path& path) {
  const auto refuse = [&](std::string_view why) {
    throw Error(Exit::Usage,
                fmt::format("{}: cannot be read as configuration: {}", path.string(), why));
  };
  struct ::stat status {};
  if (::stat(path.c_str(), &status) != 0) refuse(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) refuse("it is a directory, not a file");
  if (!S_ISREG(status.st_mode)) refuse("it is not a regular file");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(std::strerror(errno));
  std::ostringstream content;
  if (status.st_size > 0 && !(content << file.rdbuf())) refuse("an error while reading it");
  std::string bytes = std::move(content).str();
  if (bytes.empty()) refuse("it is empty");
  if (bytes.size() > kMaxBytes) refuse("it is larger than 1 MiB");
  return bytes;
}

}  // namespace

// ---- Table

const Node& Table::node() const {
  if (!node_) throw Error("configuration: a table of no document was read");
  return *node_;
}

std::int64_t Table::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const std::string expected = fmt::format("an integer from {} to {}", low, high);
  const toml::node* value = find(node(), key, expected);
  if (!value) return low;
  const auto* number = value->as_integer();
  if (number && number->get() >= low && number->get() <= high) return number->get();
  note_wrong(node(), key, *value, expected);
  return low;
}

bool Table::boolean(std::string_view key) const {
  const toml::node* value = find(node(), key, "true or false");
  if (!value) return false;
  if (!value->is_boolean()) note_wrong(node(), key, *value, "true or false");
  return value->is_boolean() && value->as_boolean()->get();
}

std::string Table::text(std::string_view key) const {
  const toml::node* value = find(node(), key, "a string");
  if (!value) return {};
  if (value->is_string()) return value->as_string()->get();
  note_wrong(node(), key, *value, "a string");
  return {};
}

std::size_t Table::choice(std::string_view key, const std::vector<std::string_view>& words) const {
  std::string expected = words.size() == 1 ? "" : "one of ";
  for (std::size_t i = 0; i < words.size(); ++i) expected += (i ? ", " : "") + quote(words[i]);
  const toml::node* value = find(node(), key, expected);
  if (!value) return 0;
  if (value->is_string()) {
    const auto it = std::find(words.begin(), words.end(), value->as_string()->get());
    if (it != words.end()) return static_cast<std::size_t>(it - words.begin());
  }
  note_wrong(node(), key, *value, expected);
  return 0;
}

std::vector<std::string> Table::texts(std::string_view key) const {
  const toml::node* value = find(node(), key, "an array of strings");
  if (!value) return {};
  std::vector<std::string> out;
  const toml::array* list = value->as_array();
  if (!list) note_wrong(node(), key, *value, "an array of strings");
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const toml::node& element = (*list)[i];
    if (element.is_string()) {
      out.push_back(element.as_string()->get());
    } else {
      note_wrong(node(), fmt::format("{}[{}]", key, i), element, "a string");
    }
  }
  return out;
}

std::int64_t Table::decimal(std::string_view key, std::int64_t low, std::int64_t high) const {
  return read_decimal(node(), key, low, high, "a decimal").value_or(low);
}

Ppm Table::fraction(std::string_view key, std::string_view low, std::string_view high) const {
  constexpr std::int64_t kRawPerPpm = kScale / 1'000'000;
  std::int64_t low_raw = 0;
  std::int64_t high_raw = 0;
  if (parse_decimal(low, low_raw) != DecimalError::None ||
      parse_decimal(high, high_raw) != DecimalError::None) {
    throw Error(fmt::format("configuration: the bounds of {} are no decimals", key));
  }
  const auto raw = read_decimal(node(), key, low_raw, high_raw, "a fraction");
  if (raw && *raw % kRawPerPpm == 0) return {*raw / kRawPerPpm};
  if (raw) note_wrong(node(), key, *node().table->get(key), "at most 6 decimal places");
  return {low_raw / kRawPerPpm};
}

Duration Table::duration(std::string_view key, std::int64_t low, std::int64_t high) const {
  const Unit& unit = unit_of(key);
  const std::int64_t count = wrong_unit(node(), key, unit) ? low : integer(key, low, high);
  return {detail::clamp(detail::Wide{count} * unit.ns)};
}

bool Table::has(std::string_view key) const {
  if (!node().table) return false;
  Source::Known& known = node().source->known[node().table];
  known.read = true;
  known.asked.emplace(key);
  return node().table->contains(key);
}

Table Table::table(std::string_view key) const {
  const toml::node* value = find(node(), key, "a table");
  const toml::table* inner = value ? value->as_table() : nullptr;
  if (value && !inner) note_wrong(node(), key, *value, "a table");
  toml::source_position at = inner ? inner->source().begin : node().at;
  if (!at) at = node().at;  // a table that only dotted keys or sub-tables imply
  return Table(std::make_shared<Node>(Node{node().source, inner, node().full(key), at}));
}

std::vector<Table> Table::tables(std::string_view key) const {
  if (!has(key)) return {};
  const toml::node* value = find(node(), key, "an array of tables");
  if (!value) return {};
  const toml::array* list = value->as_array();
  if (!list)
    note_wrong(node(), key, *value, fmt::format("an array of tables, [[{}]]", node().full(key)));
  std::vector<Table> out;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const toml::node& element = (*list)[i];
    const std::string place = fmt::format("{}[{}]", key, i);
    if (!element.is_table()) note_wrong(node(), place, element, "a table");
    out.push_back(Table(std::make_shared<Node>(
        Node{node().source, element.as_table(), node().full(place), element.source().begin})));
  }
  return out;
}

void Table::fault(std::string_view key, std::string_view what) const {
  if (!node().table) return;  // that the table is absent has been said
  const toml::node* value = element(*node().table, key);
  node().note(value ? value->source().begin : node().at, key, what);
}

bool Table::sound(std::string_view key) const {
  if (!node().table) return false;
  const toml::node* value = node().table->get(key);
  return value && !set_aside(*value) && !node().source->known[node().table].faulty.contains(key);
}

void Table::ignore(std::string_view key) const {
  if (!node().table) return;
  Source::Known& known = node().source->known[node().table];
  known.asked.emplace(key);
  known.ignored.emplace(key);
}

// ---- Document

Document Document::load(const std::filesystem::path& path) {
  auto source = make_source(read_file(path), path.string());
  parse_tolerantly(*source);
  return Document(std::move(source));
}

Document Document::parse(std::string_view toml, std::string name) {
  auto source = make_source(std::string(toml), std::move(name));
  parse_tolerantly(*source);
  return Document(std::move(source));
}

Table Document::root() const {
  return Table(std::make_shared<Node>(
      Node{source_, source_->parsed ? &source_->root : nullptr, "", {1, 1}}));
}

std::uint64_t Document::hash() const noexcept {
  return fnv1a(source_->bytes);
}
const std::string& Document::bytes() const noexcept {
  return source_->bytes;
}

std::vector<Fault> Document::faults() const {
  std::vector<Fault> all = source_->faults;
  if (source_->parsed) find_unknown(*source_, source_->root, "", all);
  const auto key = [](const Fault& f) { return std::tie(f.line, f.column, f.text); };
  std::sort(all.begin(), all.end(),
            [&](const Fault& a, const Fault& b) { return key(a) < key(b); });
  const auto same = [&](const Fault& a, const Fault& b) { return key(a) == key(b); };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

void Document::check() const {
  const std::vector<Fault> all = faults();
  if (all.empty()) return;
  std::string text;
  for (const Fault& fault : all)
    text += fmt::format("{}:{}:{}: {}\n", source_->name, fault.line, fault.column, fault.text);
  text += fmt::format("{}: {} fault{}", source_->name, all.size(), all.size() == 1 ? "" : "s");
  throw Error(Exit::Usage, text);
}

}  // namespace sluice::config
