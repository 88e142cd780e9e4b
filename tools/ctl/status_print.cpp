// How `status` is shown.
#include <algorithm>

#include "tools/ctl/json.hpp"
#include "tools/ctl/status.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {
namespace {

bool is_run(const KillWord& word) noexcept {
  return word.valid && word.level == KillLevel::Run;
}

// Who disagrees with the control page about what runs here; empty if nobody does.
std::string disagreement(const Status& status) {
  std::string text;
  for (const ProcessStatus& p : status.processes) {
    if (!p.alive.alive) continue;
    std::string what;
    if (!p.same_build) what += " build";
    if (!p.same_config) what += " configuration";
    if (!p.same_layout) what += " layout";
    if (!what.empty())
      text += fmt::format("{}{}:{}", text.empty() ? "" : "; ", name_of(p.process), what);
  }
  return text;
}

void print_run(const Sight& sight, const Status& status, Console& console) {
  console.out("instance  {} {}, run {} ({}), {}\n", status.instance, name_of(status.mode),
              status.run, hex(status.run_id), status.state);
  const std::string differs = disagreement(status);
  console.out("build     {}, configuration {}: {}\n", status.build, hex(status.config_hash),
              differs.empty() ? "all live processes agree"
                              : console.paint(Tone::Bad, "DIFFER: " + differs));
  const bool fresh = status.supervisor_alive && status.supervisor_beat_ns >= 0 &&
                     status.supervisor_beat_ns <= 500'000'000;
  console.out(
      "supervisor {}, heartbeat {}\n",
      status.supervisor_pid == 0 ? "absent"
                                 : fmt::format("process {} {}", status.supervisor_pid,
                                               status.supervisor_alive ? "alive" : "dead"),
      console.paint(fresh ? Tone::Good : Tone::Bad, status.supervisor_beat_ns < 0
                                                        ? "never"
                                                        : age(status.supervisor_beat_ns) + " old"));
  std::size_t run = 0;
  std::string voids;
  for (const ScopeStatus& scope : status.scopes) {
    const std::string name = scope_text(sight.objects.control, scope.scope);
    if (is_run(scope.word)) ++run;
    if (!scope.permit) voids += " " + name;
    if (is_run(scope.word)) continue;
    console.out("kill      {} {}{}, since {}, word {}\n", name,
                console.paint(Tone::Bad, name_of(scope.word.level)),
                scope.word.valid ? fmt::format(" ({})", name_of(scope.word.cause))
                                 : " (the word is not valid)",
                age(scope.since_ns), hex(scope.raw));
  }
  console.out("kill      {} of {} scopes at RUN, serial {}\n", run, status.scopes.size(),
              status.serial);
  console.out("permits   {}\n", voids.empty() ? "valid in every scope" : "void:" + voids);
  for (const ScopeStatus& scope : status.scopes)
    if (scope.scope.kind == ScopeKind::Global || scope.scope.kind == ScopeKind::Strategy)
      console.out("cap       {} {}\n", scope_text(sight.objects.control, scope.scope),
                  decimal(scope.cap));
}

void print_process(const ProcessStatus& p, Console& console) {
  const bool good = p.alive.ok;
  const std::string state(p.alive.alive || p.state == StageState::Absent ? name_of(p.state)
                          : p.state == StageState::Stopped               ? "stopped"
                                                                         : "dead");
  console.out("{:<10} {} {:>8} {:>8} {:>4} {:<6} {:>12} {:>8} {:>8}  {}\n", name_of(p.process),
              console.paint(good ? Tone::Good : Tone::Bad, fmt::format("{:<11}", state)),
              p.alive.pid == 0 ? "-" : fmt::format("{}", p.alive.pid), age(p.alive.beat_ns),
              p.cpu < 0 ? "-" : fmt::format("{}", p.cpu), p.wait,
              p.journaled ? fmt::format("{}", p.journal_position) : "-",
              p.journaled ? fmt::format("{}", p.recorder_lag) : "-", p.obeyed,
              conditions_text(p.conditions));
  if (!p.fault.empty())
    console.out("{:<10} {}\n", "", console.paint(Tone::Bad, "fault: " + p.fault));
}

}  // namespace

void print_text(const Sight& sight, const Status& status, Console& console) {
  print_run(sight, status, console);
  console.out("\n{:<10} {:<11} {:>8} {:>8} {:>4} {:<6} {:>12} {:>8} {:>8}  {}\n", "process",
              "state", "pid", "beat", "cpu", "wait", "journal", "unfiled", "obeyed", "conditions");
  for (const ProcessStatus& p : status.processes)
    if (p.expected || p.state != StageState::Absent) print_process(p, console);
  console.out("\n{}\n",
              console.paint(status.verdict.trading ? Tone::Good : Tone::Bad, status.verdict.text));
}

void print_json(const Sight& sight, const Status& status, Console& console) {
  Json json;
  json.object()
      .field("instance", status.instance)
      .field("mode", name_of(status.mode))
      .field("run", status.run);
  json.field("run_id", hex(status.run_id))
      .field("state", status.state)
      .field("build", status.build);
  json.field("config_hash", hex(status.config_hash)).field("state_dir", status.state_dir);
  json.field("agree", disagreement(status).empty()).field("rate_ppm", status.rate_ppm);
  json.field("supervisor_pid", status.supervisor_pid)
      .field("supervisor_alive", status.supervisor_alive);
  json.span("supervisor_beat_ns", status.supervisor_beat_ns).field("serial", status.serial);
  json.field("trading", status.verdict.trading)
      .field("verdict", status.verdict.text)
      .key("scopes")
      .array();
  for (const ScopeStatus& scope : status.scopes) {
    json.object().field("scope", scope_text(sight.objects.control, scope.scope));
    json.field("level", name_of(scope.word.level)).field("cause", name_of(scope.word.cause));
    json.field("valid", scope.word.valid)
        .field("word", hex(scope.raw))
        .span("since_ns", scope.since_ns);
    json.field("permit", scope.permit).field("cap", decimal(scope.cap)).end();
  }
  json.end().key("processes").array();
  for (const ProcessStatus& p : status.processes) {
    json.object()
        .field("process", name_of(p.process))
        .field("expected", p.expected)
        .field("ok", p.alive.ok);
    json.field("state", name_of(p.state)).field("pid", p.alive.pid).field("alive", p.alive.alive);
    json.span("beat_ns", p.alive.beat_ns).field("cpu", p.cpu).field("wait", p.wait);
    json.field("conditions", conditions_text(p.conditions)).field("obeyed", p.obeyed);
    json.field("journal_position", p.journal_position).field("recorder_lag", p.recorder_lag);
    json.field("recoveries", p.recoveries)
        .field("build", p.build)
        .field("same_build", p.same_build);
    json.field("same_config", p.same_config)
        .field("same_layout", p.same_layout)
        .field("fault", p.fault)
        .end();
  }
  json.end().end();
  console.raw(json.text());
}

}  // namespace sluice::ctl
