#include "bench/baseline/document.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstring>

#include "core/build.hpp"
#include "core/crc32c.hpp"
#include "core/error.hpp"
#include "tools/ctl/json.hpp"

namespace sluice::bench {
namespace {

constexpr std::string_view kBegin = "{\"baseline\":";
constexpr std::string_view kCheck = "\"check\":\"";
constexpr std::string_view kEnd = "\"}\n";
constexpr std::size_t kDigits = 8;

// Padded with zeros to whole words, the length behind them.
std::string checksum(std::string_view text) {
  std::vector<std::uint64_t> words(text.size() / 8 + 2);
  std::memcpy(words.data(), text.data(), text.size());
  words.back() = text.size();
  return fmt::format("{:08x}", crc32c(words));
}

std::string compiler() {
#ifdef __OPTIMIZE__
  return __VERSION__;
#else
  return __VERSION__ ", not optimised";
#endif
}

constexpr std::array kRoles{Role::Judged, Role::JudgedInTurns, Role::JudgedApart, Role::Shown,
                            Role::Condition};
std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::Judged: return "judged";
    case Role::JudgedInTurns: return "judged in turns";
    case Role::JudgedApart: return "judged apart";
    case Role::Shown: return "shown";
    case Role::Condition: return "condition";
  }
  return "?";
}

// ---- writing

void write_metric(ctl::Json& json, const Series& series) {
  const Metric& metric = series.metric;
  json.object()
      .field("name", metric.name)
      .field("unit", metric.unit)
      .field("better", metric.better == Better::Lower ? "lower" : "higher")
      .field("quantile", metric.quantile)
      .field("resolution", metric.resolution)
      .field("role", name_of(metric.role));
  json.key("runs").array();
  for (const Run& run : series.runs) {
    json.array();
    for (const double sample : run) json.value(sample);
    json.end();
  }
  json.end().end();
}

void write_list(ctl::Json& json, std::string_view name, const std::vector<std::string>& list) {
  json.key(name).array();
  for (const std::string& text : list) json.value(text);
  json.end();
}

// ---- reading

class Reader {
 public:
  Reader(simdjson::dom::element element, std::string_view whose, std::string path)
      : element_(element), whose_(whose), path_(std::move(path)) {}

  [[nodiscard]] Reader at(std::string_view name) const {
    simdjson::dom::element found;
    if (element_.at_key(name).get(found) != simdjson::SUCCESS)
      refuse(fmt::format("{}{}", path_, name), "is missing");
    return {found, whose_, fmt::format("{}{}.", path_, name)};
  }
  template <class T>
  [[nodiscard]] T as() const {
    T value{};
    if (element_.get<T>().get(value) != simdjson::SUCCESS) refuse(here(), "has another type");
    return value;
  }
  [[nodiscard]] std::string text() const { return std::string(as<std::string_view>()); }
  [[nodiscard]] std::vector<Reader> list() const {
    std::vector<Reader> items;
    for (const simdjson::dom::element item : as<simdjson::dom::array>())
      items.emplace_back(item, whose_, fmt::format("{}[{}].", here(), items.size()));
    return items;
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> items;
    for (const Reader& item : list()) items.push_back(item.text());
    return items;
  }
  [[noreturn]] void refuse(std::string_view what, std::string_view why) const {
    throw Error(
        Exit::Unqualified,
        fmt::format("{}: {} {}: not written by this program; save it anew", whose_, what, why));
  }
  [[nodiscard]] std::string here() const { return path_.substr(0, path_.size() - 1); }

 private:
  simdjson::dom::element element_;
  std::string_view whose_;
  std::string path_;
};

Role read_role(const Reader& from) {
  for (const Role role : kRoles)
    if (from.text() == name_of(role)) return role;
  from.refuse(from.here(), "is none of those there are");
}

Series read_metric(const Reader& from) {
  Series series;
  Metric& metric = series.metric;
  metric.name = from.at("name").text();
  metric.unit = from.at("unit").text();
  const std::string better = from.at("better").text();
  if (better != "lower" && better != "higher")
    from.refuse(from.at("better").here(), "is neither lower nor higher");
  metric.better = better == "lower" ? Better::Lower : Better::Higher;
  metric.quantile = from.at("quantile").as<double>();
  if (!(metric.quantile >= 0 && metric.quantile <= 1))
    from.refuse(from.at("quantile").here(), "is not between 0 and 1");
  metric.resolution = from.at("resolution").as<double>();
  metric.role = read_role(from.at("role"));
  for (const Reader& run : from.at("runs").list()) {
    Run& samples = series.runs.emplace_back();
    for (const Reader& sample : run.list()) samples.push_back(sample.as<double>());
  }
  return series;
}

[[noreturn]] void refuse(std::string_view whose, const std::string& why) {
  throw Error(Exit::Unqualified, fmt::format("{}: {}", whose, why));
}

// Everything before the checksum, if that is right. The schema comes first: another one may end
// otherwise.
std::string_view checked(std::string_view text, std::string_view whose) {
  if (text.empty()) refuse(whose, "is empty: save it anew");
  if (!text.starts_with(kBegin))
    refuse(whose, "is no baseline: it does not begin with " + std::string(kBegin));
  const std::string_view number = text.substr(kBegin.size(), text.find(',') - kBegin.size());
  if (number != std::to_string(kDocumentSchema))
    refuse(whose,
           fmt::format("has schema {}, this build reads {}: save it anew with this build, or "
                       "compare with the one that wrote it",
                       number.substr(0, 20), kDocumentSchema));
  const std::size_t tail = kCheck.size() + kDigits + kEnd.size();
  const std::size_t body = text.size() - std::min(tail, text.size());
  if (!ends_document(text.substr(body)))
    refuse(whose, fmt::format("is cut off: its {} bytes do not end with a checksum; save it anew",
                              text.size()));
  const std::string is = checksum(text.substr(0, body));
  const std::string_view said = text.substr(body + kCheck.size(), kDigits);
  if (is != said)
    refuse(whose, fmt::format("is damaged or was edited: bytes 0 to {} have checksum {}, the last "
                              "line says {}; save it anew",
                              body, is, said));
  return text;
}

}  // namespace

Document describe_build() {
  Document document;
  document.build = build_id();
  document.compiler = compiler();
  return document;
}

std::string to_text(const Document& document) {
  std::string text;
  ctl::Json json;
  // A field per line, its comma at the end of the line before.
  const auto line = [&] {
    std::string field = json.take();
    if (field.starts_with(',')) {
      text.insert(text.size() - 1, 1, ',');
      field.erase(0, 1);
    }
    text += field + "\n";
  };
  json.object().field("baseline", kDocumentSchema), line();
  json.field("build", document.build), line();
  json.field("compiler", document.compiler), line();
  json.field("date", document.date), line();
  json.field("command", document.command), line();
  write_list(json, "sources", document.sources), line();
  json.key("cpus").array().value(document.cpus.mine).value(document.cpus.peer).end(), line();
  json.field("slowed_percent", document.slowed_percent), line();
  write_list(json, "unfit", document.unfit), line();
  json.key("machine").array();
  for (const Trait& trait : document.machine)
    json.array().value(trait.name).value(trait.value).end();
  json.end(), line();
  json.key("metrics").array(), line();
  for (const Series& series : document.series) write_metric(json, series), line();
  json.end(), line();
  text.insert(text.size() - 1, 1, ',');
  return sealed(std::move(text));
}

std::string sealed(std::string text) {
  return fmt::format("{}{}{}{}", text, kCheck, checksum(text), kEnd);
}

Document parse_text(std::string_view text, std::string_view whose) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::padded_string padded(checked(text, whose));
  if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS)
    refuse(whose, fmt::format("is not JSON: {}; save it anew", simdjson::error_message(error)));
  const Reader from(root, whose, "");
  Document document;
  document.build = from.at("build").text();
  document.compiler = from.at("compiler").text();
  document.date = from.at("date").text();
  document.command = from.at("command").text();
  document.sources = from.at("sources").texts();
  const std::vector<Reader> cpus = from.at("cpus").list();
  if (cpus.size() != 2) from.refuse("cpus", "are not two");
  document.cpus = {static_cast<int>(cpus[0].as<std::int64_t>()),
                   static_cast<int>(cpus[1].as<std::int64_t>())};
  document.slowed_percent = from.at("slowed_percent").as<double>();
  document.unfit = from.at("unfit").texts();
  for (const Reader& trait : from.at("machine").list()) {
    const std::vector<std::string> both = trait.texts();
    if (both.size() != 2) from.refuse(trait.here(), "is not a name and a value");
    document.machine.push_back({both[0], both[1]});
  }
  for (const Reader& metric : from.at("metrics").list())
    document.series.push_back(read_metric(metric));
  return document;
}

bool ends_document(std::string_view line) noexcept {
  return line.size() == kCheck.size() + kDigits + kEnd.size() && line.starts_with(kCheck) &&
         line.ends_with(kEnd);
}

}  // namespace sluice::bench
