#include "tools/demo_run/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/demo_run/text.hpp"

namespace sluice::demo {

std::uint64_t explained_gaps(const Report& report) noexcept {
  std::uint64_t explained = 0;
  for (const TickFilm& film : report.evidence.ticks) explained += film.gap_counts;
  return explained;
}

std::uint64_t unexplained_gaps(const Report& report) noexcept {
  std::uint64_t unexplained = report.sample.missing_updates;
  const std::uint64_t produced = report.sample.ticks();
  for (const TickFilm& film : report.evidence.ticks) {
    const std::uint64_t accounted = film.accounted();
    unexplained += accounted > produced ? accounted - produced : produced - accounted;
  }
  return unexplained;
}

std::vector<Expectation> judge(const Report& report) {
  const Sample& s = report.sample;
  const Evidence& e = report.evidence;
  std::vector<Expectation> list;
  const auto expect = [&](bool met, std::string text) { list.push_back({std::move(text), met}); };
  const auto more_than_none = [&](std::string_view what, std::uint64_t n) {
    expect(n > 0, fmt::format("{}: {}", what, n));
  };
  expect(report.tape_ended && report.drained, "the tape ended and everything drained");
  expect(s.messages == report.capture.messages,
         fmt::format("every message decoded: {} of {}", s.messages, report.capture.messages));
  expect(unexplained_gaps(report) == 0,
         fmt::format("no tick unaccounted for: {} unexplained", unexplained_gaps(report)));
  more_than_none("intents", s.intents);
  more_than_none("orders", s.entries + s.exits);
  more_than_none("fills", s.fills);
  more_than_none("exit orders", s.exits);
  expect(s.intents == e.intents && s.entries + s.exits == e.orders && s.fills == e.fills &&
             s.fills == e.paper_fills && s.sent == e.placed && e.damaged == 0,
         fmt::format("counters = journals: intents {}/{}, orders {}/{}, sent {}/{}, fills {}/{}",
                     s.intents, e.intents, s.entries + s.exits, e.orders, s.sent, e.placed, s.fills,
                     e.paper_fills));
  expect(report.drill.done && report.drill.kill.complete && report.drill.orders_after == 0 &&
             report.drill.rearmed && report.drill.problem.empty(),
         report.drill.problem.empty()
             ? fmt::format("kill complete, {} orders after it, rearmed", report.drill.orders_after)
             : "kill drill: " + report.drill.problem);
  expect(report.deaths == 0, fmt::format("no process died: {} did", report.deaths));
  expect(report.supervisor_exit == 0,
         fmt::format("stopped in order: exit {}", report.supervisor_exit));
  if (report.verify.ran)
    expect(report.verify.code == 0,
           report.verify.code == 0
               ? "replayed byte for byte"
               : fmt::format("replay: exit {}: {}", report.verify.code, report.verify.text));
  expect(report.leftovers.empty(),
         fmt::format("nothing left in /dev/shm: {} objects", report.leftovers.size()));
  return list;
}

bool all_met(const std::vector<Expectation>& expectations) noexcept {
  return std::all_of(expectations.begin(), expectations.end(),
                     [](const Expectation& e) { return e.met; });
}

int processes_of(const Report& report) noexcept {
  return static_cast<int>(report.sample.processes.size());
}

}  // namespace sluice::demo
