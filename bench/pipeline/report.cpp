// The words of a measured run: its table, its verdict, its JSON.
#include <fmt/format.h>

#include "bench/pipeline/picture.hpp"
#include "bench/pipeline/session.hpp"
#include "tools/demo_run/text.hpp"
#include "tools/supervisor/audit.hpp"

namespace sluice::bench {
namespace {

std::string rejects_text(const Spans& spans) {
  std::string text;
  for (const auto& [reason, count] : spans.rejects)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, reason);
  return text.empty() ? "none refused" : "refused: " + text;
}

std::string counts_text(const Measured& m) {
  const Spans& s = m.spans;
  return fmt::format(
      "{} ticks in {:.1f} s, {:.0f} per second; dropped: strategy {}, risk {}, gateway {}\n"
      "{} intents, {} entries, {} exits, {} sent, {} fills; {}\n",
      demo::thousands(m.sent.ticks), m.seconds, m.rate, m.sent.dropped_seat, m.sent.dropped_risk,
      m.sent.dropped_gateway, demo::thousands(s.intents), demo::thousands(s.entries),
      demo::thousands(s.exits), demo::thousands(s.sent), demo::thousands(s.fills), rejects_text(s));
}

std::string hop_json(const HopFigures& hop) {
  return fmt::format(
      "{{\"name\": \"{}\", \"count\": {}, \"p50_ns\": {}, \"p90_ns\": {}, \"p99_ns\": {}, "
      "\"p999_ns\": {}, \"max_ns\": {}}}",
      kHopNames[static_cast<std::size_t>(hop.hop)], hop.count, hop.at[0], hop.at[1], hop.at[2],
      hop.at[3], hop.max);
}

std::string row_json(const SlaRow& row) {
  return fmt::format("{{\"what\": {}, \"limit\": {}, \"seen\": {}, \"met\": {}}}",
                     json_text(row.what), row.limit, row.seen, row.met());
}

template <class Items, class Text>
std::string json_list(const Items& items, Text&& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",\n    ") + text(item);
  return "[" + out + "]";
}

}  // namespace

std::vector<std::string> setting_lines(const Setting& s) {
  std::vector<std::string> lines{
      fmt::format("{}, build {}", s.source, s.build),
      fmt::format("CPU of {}; wait {}", placement_text(s.place), s.wait)};
  lines.push_back(s.unfit.empty() ? "machine qualified"
                                  : fmt::format("UNQUALIFIED: {}", fmt::join(s.unfit, "; ")));
  return lines;
}

std::string table_of(const Measured& m) {
  std::string text = fmt::format("{:<17} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "", "count",
                                 "p50", "p90", "p99", "p99.9", "max");
  for (const HopFigures& hop : m.hops) {
    text += fmt::format("{:<17} {:>10}", kHopNames[static_cast<std::size_t>(hop.hop)],
                        demo::thousands(hop.count));
    for (const std::int64_t ns : hop.at)
      text += fmt::format(" {:>10}", hop.count != 0 ? nanoseconds(ns) : "-");
    text += fmt::format(" {:>10}\n", hop.count != 0 ? nanoseconds(hop.max) : "-");
  }
  text += counts_text(m);
  if (m.sent.late_max.ns > 0)
    text +=
        fmt::format("the source was at most {} late; latencies count from when a tick was due\n",
                    nanoseconds(m.sent.late_max.ns));
  for (const std::string& line : setting_lines(m.setting)) text += line + "\n";
  return text;
}

std::string verdict_of(const std::vector<SlaRow>& rows, bool qualified) {
  std::string text;
  std::size_t missed = 0;
  for (const SlaRow& row : rows) {
    if (row.met()) continue;
    ++missed;
    text += fmt::format("  missed  {:<26} {} {:>12}  seen {:>12}\n", row.what,
                        row.least ? "at least" : "at most ", row.limit, row.seen);
  }
  const char* mark = qualified ? "" : " (UNQUALIFIED)";
  if (missed == 0) return fmt::format("SLA met{}: {} rows\n", mark, rows.size());
  return fmt::format("SLA missed{}: {} of {} rows\n{}", mark, missed, rows.size(), text);
}

std::string setting_json(const Setting& s) {
  return fmt::format(
      "\"mode\": {}, \"build\": {}, \"qualified\": {}, \"unfit\": {},\n  \"cpus\": {}, "
      "\"wait\": {}, \"source\": {}",
      json_text(s.mode), json_text(s.build), s.unfit.empty(),
      json_list(s.unfit, [](const std::string& reason) { return json_text(reason); }),
      json_text(placement_text(s.place)), json_text(s.wait), json_text(s.source));
}

std::string json_of(const Measured& m, const std::vector<SlaRow>& rows, const std::string& more) {
  const Spans& s = m.spans;
  std::string rejects;
  for (const auto& [reason, count] : s.rejects)
    rejects += fmt::format("{}{}: {}", rejects.empty() ? "" : ", ", json_text(reason), count);
  return fmt::format(
      "{{\n  {},\n  \"rate\": {:.1f}, \"seconds\": {:.3f}, \"ticks\": {}, \"late_max_ns\": {},\n"
      "  \"dropped\": {{\"strategy\": {}, \"risk\": {}, \"gateway\": {}}},\n"
      "  {}\"intents\": {}, \"entries\": {}, \"exits\": {}, \"sent\": {}, \"fills\": {}, "
      "\"rejects\": {{{}}},\n  \"hops\": {},\n  \"sla_met\": {},\n  \"sla\": {}\n}}\n",
      setting_json(m.setting), m.rate, m.seconds, m.sent.ticks, m.sent.late_max.ns,
      m.sent.dropped_seat, m.sent.dropped_risk, m.sent.dropped_gateway,
      more.empty() ? more : more + ",\n  ", s.intents, s.entries, s.exits, s.sent, s.fills, rejects,
      json_list(m.hops, hop_json), all_met(rows), json_list(rows, row_json));
}

}  // namespace sluice::bench
