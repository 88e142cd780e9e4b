#include <fmt/format.h>

#include "core/build.hpp"
#include "tools/demo_run/report.hpp"
#include "tools/demo_run/text.hpp"

namespace sluice::demo {
namespace {

class Lines {
 public:
  template <class... Args>
  void row(std::string_view title, fmt::format_string<Args...> format, Args&&... args) {
    lines_.push_back(
        fmt::format("  {:<12}{}", title, fmt::format(format, std::forward<Args>(args)...)));
  }
  void line(std::string text) { lines_.push_back(std::move(text)); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

// Items joined by commas, in lines of at most 80 columns.
void list_rows(std::string title, const std::vector<std::string>& items, Lines& lines) {
  constexpr std::size_t kRoom = 64;
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty() && text.size() + item.size() > kRoom) {
      lines.row(title, "{},", text);
      title.clear();
      text.clear();
    }
    text += (text.empty() ? "" : ", ") + item;
  }
  lines.row(title, "{}", text);
}

void counts_rows(std::string title, const Counts& counts, Lines& lines) {
  std::vector<std::string> items;
  for (const auto& [name, n] : counts) items.push_back(fmt::format("{} {}", name, n));
  if (items.empty()) items.emplace_back("none");
  list_rows(std::move(title), items, lines);
}

void market(const Report& r, Lines& lines) {
  const Sample& s = r.sample;
  const double tape_s = static_cast<double>(r.capture.last_ns - r.capture.first_ns) / 1e9;
  lines.row("tape", "{} messages, {:.0f} s of market at {}x; all in all {:.1f} s",
            thousands(r.capture.messages), tape_s, r.speed, r.wall_s);
  lines.row("decoded", "{} messages; counted independently: {}", thousands(s.messages),
            thousands(r.capture.messages));
  lines.row("ticks", "{}: quote {}, trade {}, status {}", thousands(s.ticks()), thousands(s.quotes),
            thousands(s.trades), s.statuses);
  lines.row("gaps", "venue {} ({} updates), dropped {} of which {} explained; unexplained {}",
            s.venue_gaps, s.missing_updates, s.dropped_ticks(), explained_gaps(r),
            unexplained_gaps(r));
}

void trading(const Report& r, Lines& lines) {
  const Sample& s = r.sample;
  lines.row("signals", "{}, intents {}", s.signals, s.intents);
  counts_rows("not formed", s.not_formed, lines);
  lines.row("orders", "{} (entry {}, exit {}), sent {}, cancels {}, fills {}", s.entries + s.exits,
            s.entries, s.exits, s.sent, s.cancels, s.fills);
  counts_rows("exits", s.exits_by_kind, lines);
  counts_rows("refused", s.rejects, lines);
  lines.row("result", "realised {}, open {}, position {}", decimal(s.realised.raw),
            decimal(s.unrealised.raw), decimal(s.position.raw));
  lines.row("journals", "{} entries on disk, {} damaged; {}", thousands(r.evidence.entries),
            r.evidence.damaged,
            !r.verify.ran        ? "not verified: no sluice-replay in this build"
            : r.verify.code == 0 ? "replayed byte for byte"
                                 : "REPLAY DIFFERS");
}

void latency(const Report& r, Lines& lines) {
  lines.line(fmt::format("  {:<24}{:>9}{:>11}{:>11}{:>11}{:>11}", "latency", "count", "p50", "p99",
                         "p99.9", "max"));
  for (const auto& [name, l] : r.sample.hops)
    lines.line(fmt::format("  {:<24}{:>9}{:>11}{:>11}{:>11}{:>11}", name, l.count, span(l.p50),
                           span(l.p99), span(l.p999), span(l.max)));
  lines.line("  tick_to_send_ns is the end to end figure: frame in hand to order sent.");
  lines.line("  With few samples a high percentile is the largest of them.");
}

void kill(const Report& r, Lines& lines) {
  lines.row("kill", "{}",
            r.drill.problem.empty() ? "HALT on everything, by sluicectl kill" : r.drill.problem);
  for (const GateReaction& gate : r.drill.kill.gates)
    lines.row("", "{:<8} {} after {}", gate.name, gate.end, span(gate.reaction_ns));
  if (r.drill.kill.complete)
    lines.row("", "complete after {}; orders placed afterwards: {}", span(r.drill.kill.took_ns),
              r.drill.orders_after);
}

void machine(const Report& r, Lines& lines) {
  const Machine& m = r.machine;
  const std::vector<std::string> obstacles = m.obstacles(processes_of(r));
  lines.row("machine", "CPUs {}, hypervisor {}, isolated {}, governor {}", m.cpus,
            m.hypervisor ? "yes" : "no", m.isolated.empty() ? "none" : m.isolated,
            m.governor.empty() ? "not visible" : m.governor);
  lines.row("", "steal {:.1f} %, huge pages {}, memlock {}, TSC {}", m.steal_percent,
            m.huge_pages.empty() ? "not visible" : m.huge_pages, m.memlock,
            m.invariant_tsc ? "invariant" : "unfit");
  std::vector<std::string> verdict = obstacles;
  if (verdict.empty()) verdict.emplace_back("yes");
  if (!obstacles.empty()) verdict.front() = "no: " + verdict.front();
  list_rows("qualified", verdict, lines);
  if (!obstacles.empty()) lines.row("", "the figures above are those of an unqualified machine");
  lines.row("build", "{}", build_id());
}

}  // namespace

std::vector<std::string> report_lines(const Report& report) {
  Lines lines;
  market(report, lines);
  trading(report, lines);
  lines.line("");
  latency(report, lines);
  lines.line("");
  kill(report, lines);
  lines.line("");
  machine(report, lines);
  return lines.take();
}

}  // namespace sluice::demo
