#include "tools/demo_run/table.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tools/demo_run/text.hpp"

namespace sluice::demo {
namespace {

constexpr std::size_t kWidth = kColumns - 1;
constexpr std::chrono::seconds kLineEvery{5};

std::string_view run_state(RunState state) noexcept {
  switch (state) {
    case RunState::Starting: return "STARTING";
    case RunState::Armed: return "ARMED";
    case RunState::Paused: return "PAUSED";
    case RunState::Stopping: return "STOPPING";
    case RunState::Ended: return "ENDED";
  }
  return "?";
}

std::string inputs_of(const ProcessView& process) {
  std::string text;
  for (const RingDepth& ring : process.inputs)
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", ring.name, ring.depth);
  return text;
}

// The process of the same kind in an earlier sample, for rates.
const ProcessView* same(const Sample& sample, Process p) noexcept {
  for (const ProcessView& process : sample.processes)
    if (process.process == p) return &process;
  return nullptr;
}

std::string process_line(const ProcessView& now, const ProcessView* before, double seconds) {
  double cpu = 0;
  double turns = 0;
  if (before != nullptr && before->pid == now.pid && seconds > 0) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    cpu = 100.0 * static_cast<double>(now.cpu_ticks - before->cpu_ticks) / ticks / seconds;
    turns = static_cast<double>(now.turns - before->turns) / seconds;
  }
  const std::string beat =
      now.beat_age_us > 99'000'000 ? "-" : fmt::format("{}", now.beat_age_us / 1'000);
  return fmt::format(" {:<10} {:<10} {:>5.0f} {:>9.0f} {:>7}   {}", name_of(now.process),
                     name_of(now.state), cpu, turns, beat, inputs_of(now));
}

double percent(const Sample& now, const Progress& progress) {
  if (progress.expected == 0) return 0;
  return std::min(
      100.0, 100.0 * static_cast<double>(now.messages) / static_cast<double>(progress.expected));
}

std::string list(const Counts& counts, std::string_view none) {
  std::string text;
  for (const auto& [name, n] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, n);
  return text.empty() ? std::string(none) : text;
}

}  // namespace

std::vector<std::string> table_lines(const Sample& before, const Sample& now,
                                     const Progress& progress) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  std::vector<std::string> lines;
  const auto add = [&](std::string line) { lines.push_back(fit(std::move(line), kWidth)); };
  add(fmt::format(" run {}  {:<9} kill level {:<12} tape [{}] {:>3.0f} %  {}x", now.run_ordinal,
                  run_state(now.state), name_of(now.level),
                  bar(now.messages, progress.expected, 16), percent(now, progress),
                  progress.speed));
  add(fmt::format(" last {:<12} position {:<11} PnL realised {:<10} open {}", decimal(now.last.raw),
                  decimal(now.position.raw), money(now.realised.raw), money(now.unrealised.raw)));
  add("");
  add(fmt::format(" {:<10} {:<10} {:>5} {:>9} {:>7}   {}", "process", "state", "CPU %", "turns/s",
                  "beat ms", "waiting in its rings"));
  for (const ProcessView& process : now.processes)
    add(process_line(process, same(before, process.process), seconds));
  add("");
  add(fmt::format(" messages {:<9} ticks {} (quote {}, trade {}, status {})",
                  thousands(now.messages), thousands(now.ticks()), thousands(now.quotes),
                  thousands(now.trades), now.statuses));
  add(fmt::format(" dropped {}  venue gaps {}  reconnects {}", now.dropped_ticks(), now.venue_gaps,
                  now.reconnects));
  add(fmt::format(" intents {}  orders {} (entry {}, exit {}, cancel {})  sent {}  fills {}",
                  now.intents, now.entries + now.exits + now.cancels, now.entries, now.exits,
                  now.cancels, now.sent, now.fills));
  add(fmt::format(" exits    {}", list(now.exits_by_kind, "none yet")));
  add(fmt::format(" refused  {}", list(now.rejects, "none yet")));
  const Latency end = now.hop("tick_to_send_ns");
  add(end.count == 0 ? std::string(" tick to order  no order yet")
                     : fmt::format(" tick to order  p50 {}  p99 {}  of {}", span(end.p50),
                                   span(end.p99), end.count));
  add(fmt::format(" kill drill  {}", progress.drill));
  return lines;
}

std::string progress_line(const Sample& now, const Progress& progress, double elapsed_s) {
  const Latency end = now.hop("tick_to_send_ns");
  return fmt::format(
      "  {:5.1f} s {:>3.0f} %  {} {}  intents {} orders {} fills {} refused {}  p50 {}  PnL {}",
      elapsed_s, percent(now, progress), run_state(now.state), name_of(now.level), now.intents,
      now.entries + now.exits, now.fills, now.rejected(), span(end.count == 0 ? -1 : end.p50),
      money(now.realised.raw));
}

Screen::Screen(bool color) : terminal_(isatty(STDOUT_FILENO) != 0) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") terminal_ = false;
  const char* no_color = std::getenv("NO_COLOR");
  color_ = color && terminal_ && (no_color == nullptr || *no_color == 0);
}

std::string Screen::paint(const char* code, const std::string& text) const {
  return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

// Asked each time: terminals are resized.
bool Screen::fits() const noexcept {
  winsize size{};
  return terminal_ && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= kColumns &&
         size.ws_row >= kRowsNeeded;
}

void Screen::erase() {
  if (drawn_ > 0) fmt::print("\x1b[{}A\r\x1b[J", drawn_);
  drawn_ = 0;
}

void Screen::redraw(const std::vector<std::string>& lines) {
  std::string out = drawn_ > 0 ? fmt::format("\x1b[{}A\r", drawn_) : std::string();
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += (i == 0 || i == 3 ? paint("1", lines[i]) : lines[i]) + "\x1b[K\n";
  fmt::print("{}", out);
  std::fflush(stdout);
  drawn_ = static_cast<int>(lines.size());
}

void Screen::show(const Sample& now, const Progress& progress) {
  // Rates over one to two seconds: CPU time is counted in ticks of 10 ms.
  if (recent_.processes.empty()) before_ = recent_ = now;
  if (now.at - recent_.at >= std::chrono::seconds(1)) {
    before_ = recent_;
    recent_ = now;
  }
  if (fits()) return redraw(table_lines(before_, now, progress));
  drawn_ = 0;  // after a resize the old table scrolls away
  if (now.at < next_line_) return;
  next_line_ = now.at + kLineEvery;
  fmt::print("{}\n", progress_line(now, progress,
                                   std::chrono::duration<double>(now.at - started_).count()));
  std::fflush(stdout);
}

void Screen::say(const std::string& line) {
  if (drawn_ > 0 && fits()) erase();
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace sluice::demo
