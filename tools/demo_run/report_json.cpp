#include <fmt/format.h>

#include "core/build.hpp"
#include "tools/ctl/json.hpp"
#include "tools/demo_run/report.hpp"
#include "tools/demo_run/text.hpp"

namespace sluice::demo {
namespace {

using ctl::Json;

void counts_object(std::string_view key, const Counts& counts, Json& json) {
  json.key(key).object();
  for (const auto& [name, n] : counts) json.field(name, n);
  json.end();
}

void latency_object(std::string_view key, const Latency& latency, Json& json) {
  json.key(key)
      .object()
      .field("count", latency.count)
      .field("p50", latency.p50)
      .field("p99", latency.p99);
  json.field("p999", latency.p999).field("max", latency.max).end();
}

void market(const Report& r, Json& json) {
  const Sample& s = r.sample;
  json.field("messages", s.messages).field("expected_messages", r.capture.messages);
  json.field("decode_errors", s.decode_errors).key("ticks").object().field("quote", s.quotes);
  json.field("trade", s.trades).field("status", s.statuses).end();
  json.key("gaps")
      .object()
      .field("venue", s.venue_gaps)
      .field("missing_updates", s.missing_updates);
  json.field("dropped_ticks", s.dropped_ticks()).field("explained", explained_gaps(r));
  json.field("unexplained", unexplained_gaps(r)).end();
}

void trading(const Report& r, Json& json) {
  const Sample& s = r.sample;
  json.field("signals", s.signals).field("intents", s.intents).field("orders", s.entries + s.exits);
  json.field("entries", s.entries)
      .field("exits", s.exits)
      .field("sent", s.sent)
      .field("fills", s.fills);
  counts_object("exits_by_kind", s.exits_by_kind, json);
  counts_object("rejects", s.rejects, json);
  counts_object("not_formed", s.not_formed, json);
  json.field("pnl", decimal(s.realised.raw)).field("pnl_open", decimal(s.unrealised.raw));
  json.field("position", decimal(s.position.raw));
}

void latencies(const Report& r, Json& json) {
  latency_object("tick_to_order_ns", r.sample.hop("tick_to_send_ns"), json);
  json.key("hops").object();
  for (const auto& [name, latency] : r.sample.hops) latency_object(name, latency, json);
  json.end();
}

void kill(const Report& r, Json& json) {
  const DrillResult& drill = r.drill;
  json.key("kill")
      .object()
      .field("complete", drill.kill.complete)
      .span("complete_ns", drill.kill.took_ns);
  json.field("orders_after_complete", drill.orders_after).field("rearmed", drill.rearmed);
  json.field("problem", drill.problem).key("gates").array();
  for (const GateReaction& gate : drill.kill.gates)
    json.object()
        .field("name", gate.name)
        .field("end", gate.end)
        .span("reaction_ns", gate.reaction_ns)
        .end();
  json.end().end();
}

void machine(const Report& r, Json& json) {
  const Machine& m = r.machine;
  json.field("qualified", m.qualified(processes_of(r))).key("why").array();
  for (const std::string& obstacle : m.obstacles(processes_of(r))) json.value(obstacle);
  json.end().key("machine").object().field("cpus", m.cpus).field("hypervisor", m.hypervisor);
  json.field("isolated", m.isolated)
      .field("governor", m.governor)
      .field("huge_pages", m.huge_pages);
  json.field("memlock", m.memlock).field("invariant_tsc", m.invariant_tsc);
  json.field("steal_ppm", static_cast<std::int64_t>(m.steal_percent * 10'000)).end();
}

}  // namespace

std::string report_json(const Report& report) {
  const std::vector<Expectation> expectations = judge(report);
  const std::string_view build = build_id();
  Json json;
  json.object().field("ok", all_met(expectations)).key("failed").array();
  for (const Expectation& expectation : expectations)
    if (!expectation.met) json.value(expectation.text);
  json.end();
  market(report, json);
  trading(report, json);
  latencies(report, json);
  kill(report, json);
  json.key("verify")
      .object()
      .field("ran", report.verify.ran)
      .field("ok", report.verify.ran && report.verify.code == 0);
  json.field("exit", report.verify.code).field("journal_entries", report.evidence.entries).end();
  machine(report, json);
  json.field("speed", report.speed)
      .field("build", build)
      .field("commit", build.substr(0, build.find('-')));
  json.end();
  // The writer knows no fractions: seconds go in front of the closing brace.
  std::string text = json.text();
  text.insert(text.rfind('}'), fmt::format(",\"wall_s\":{:.2f}", report.wall_s));
  return text;
}

}  // namespace sluice::demo
