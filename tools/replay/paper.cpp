#include "tools/replay/paper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "gateway/paper_book.hpp"
#include "gateway/paper_session.hpp"

namespace sluice::replay {
namespace {

enum class Verdict : std::uint8_t { None, Sent, Refused, InDoubt };

// A send or a query: a command that the session answers at once.
struct Asked {
  Order command{};
  std::uint64_t cause = 0;
  bool query = false;
  Verdict verdict = Verdict::None;
  Consumed answer{};  // if there is one
};

bool is_sweep(const Order& command) noexcept {
  return (command.flags & kSweep) != 0;
}
bool is_query(const Order& command) noexcept {
  return (command.flags & kQuery) != 0;
}
bool is_cancel(const Order& command) noexcept {
  return !is_sweep(command) && !is_query(command) && command.kind == OrderKind::Cancel;
}
bool answers(const Event& event) noexcept {
  return event.kind == EventKind::Sent || event.kind == EventKind::Refused ||
         event.kind == EventKind::QueryResult;
}

// Walks commands, verdicts and recoveries in journal order. At one position the input comes before
// the command that it caused.
class Verdicts {
 public:
  explicit Verdicts(const StageRun& gateway)
      : gateway_(gateway), commands_(gateway.out(Edge::Command)) {
    report.title = "session->gateway verdicts";
    std::size_t recovered = 0;
    const auto up_to = [&](std::uint64_t position) {
      while (recovered < gateway.recovered.size() && gateway.recovered[recovered] <= position) {
        take_commands(gateway.recovered[recovered++]);
        forget();
      }
      take_commands(position);
    };
    for (const Consumed& input : gateway.in(Edge::Event)) {
      const auto event = from_payload<Event>(input.payload);
      if (!answers(event)) continue;
      up_to(input.position);
      if (!take(event, input)) break;
    }
    up_to(~std::uint64_t{0});
    report.pending = open_.size();
    report.remark = remark();
  }

  EdgeReport report;
  std::vector<Asked> asked;

 private:
  void take_commands(std::uint64_t before) {
    for (; next_ < commands_.size() && commands_[next_].cause < before; ++next_) {
      const auto command = from_payload<Order>(commands_[next_].payload);
      if (is_sweep(command) || is_cancel(command)) continue;
      open_.push_back(asked.size());
      asked.push_back({command, commands_[next_].cause, is_query(command)});
    }
  }
  // A recovered session remembers no verdict that was not journaled: the stage asks instead.
  void forget() {
    for (const std::size_t index : open_) asked[index].verdict = Verdict::InDoubt;
    open_.clear();
  }
  bool take(const Event& event, const Consumed& input) {
    Asked* expected = open_.empty() ? nullptr : &asked[open_.front()];
    const bool fits = expected != nullptr && expected->command.id == event.id &&
                      expected->query == (event.kind == EventKind::QueryResult);
    if (!fits) {
      report.difference = Difference{report.identical,
                                     "a verdict that does not answer the oldest open command",
                                     {},
                                     gateway_.place(input.position),
                                     RecordKind::Event,
                                     {},
                                     input.payload};
      if (expected != nullptr) report.difference->emitted_by = gateway_.place(expected->cause);
      return false;
    }
    expected->verdict = event.kind == EventKind::Refused ? Verdict::Refused : Verdict::Sent;
    expected->answer = input;
    open_.pop_front();
    ++report.identical;
    return true;
  }
  [[nodiscard]] std::string remark() const {
    const auto refused = std::count_if(
        asked.begin(), asked.end(), [](const Asked& a) { return a.verdict == Verdict::Refused; });
    const auto doubt = std::count_if(asked.begin(), asked.end(),
                                     [](const Asked& a) { return a.verdict == Verdict::InDoubt; });
    std::string text;
    if (refused != 0) text += fmt::format(", {} refused by the last look", refused);
    if (doubt != 0) text += fmt::format(", {} in doubt after a crash", doubt);
    return text;
  }

  const StageRun& gateway_;
  const std::vector<Emitted>& commands_;
  std::size_t next_ = 0;
  std::deque<std::size_t> open_;
};

// The entry that a send must have left in the log; only its time is the session's own.
PaperEntry placed_by(const Order& order, HostTime at) noexcept {
  return {order.id,          order.instrument, order.strategy, order.side, order.kind,
          PaperWhat::Placed, order.price,      order.qty,      Qty{},      at,
          order.approved_at};
}

// Sends against Placed entries, in order. A send in doubt may have left one or not.
EdgeReport compare_sends(const StageRun& gateway, const PaperLogRun& log,
                         const std::vector<Asked>& asked) {
  EdgeReport report;
  report.title = "gateway->paper sends";
  std::vector<std::size_t> placed;
  for (std::size_t i = 0; i < log.entries.size(); ++i)
    if (log.at(i).what == PaperWhat::Placed) placed.push_back(i);
  std::size_t next = 0;
  const auto differs = [&](std::string what, const Asked* send) {
    report.difference = Difference{next,
                                   std::move(what),
                                   {},
                                   log.place(placed[next]),
                                   RecordKind::PaperEntry,
                                   {},
                                   log.entries[placed[next]].payload};
    if (send == nullptr) return;
    report.difference->emitted_by = gateway.place(send->cause);
    report.difference->emitted = to_payload(placed_by(send->command, log.at(placed[next]).at));
  };
  for (const Asked& send : asked) {
    if (send.query || send.verdict == Verdict::Refused) continue;
    if (next == placed.size()) {
      if (send.verdict != Verdict::InDoubt)
        ++(log.film->report().cut_short() ? report.unchecked : report.pending);
      continue;
    }
    const PaperEntry entry = log.at(placed[next]);
    if (send.verdict != Verdict::Sent && entry.id != send.command.id) continue;  // it never left
    if (to_payload(placed_by(send.command, entry.at)) != log.entries[placed[next]].payload) {
      differs("the order log holds another order than the command says", &send);
      return report;
    }
    if (send.verdict == Verdict::Sent &&
        from_payload<Event>(send.answer.payload).venue_id != std::uint64_t{placed[next]} + 1) {
      differs("the verdict SENT names another entry of the log", &send);
      return report;
    }
    ++report.identical;
    ++next;
  }
  if (next == placed.size()) return report;
  if (gateway.film->report().cut_short())
    report.unchecked += placed.size() - next;
  else
    differs("an order was placed that no command sent (or the gateway's journal ends too early)",
            nullptr);
  return report;
}

bool ends(const PaperEntry& entry, const PaperBook& book) noexcept {
  return entry.what != PaperWhat::Placed && book.find(entry.id) == nullptr;
}

// A cancel command leaves a trace unless a crash or the end came before it.
void look_for_traces(const StageRun& gateway, const PaperLogRun& log,
                     const std::vector<Asked>& asked, const std::set<OrderId>& answered,
                     EdgeReport& report) {
  std::uint64_t last_done =
      0;  // commands are carried out in order: what came before it was carried out, too
  for (const Asked& send : asked)
    if (send.verdict == Verdict::Sent || send.verdict == Verdict::Refused)
      last_done = std::max(last_done, send.cause);
  const std::uint64_t last_crash = gateway.recovered.empty() ? 0 : gateway.recovered.back();
  for (const Emitted& emitted : gateway.out(Edge::Command)) {
    const auto command = from_payload<Order>(emitted.payload);
    if (!is_cancel(command)) continue;
    if (answered.contains(command.id)) {
      ++report.identical;
    } else if (log.film->report().cut_short()) {
      ++report.unchecked;
    } else if (emitted.cause < last_done && emitted.cause > last_crash) {
      report.difference = Difference{report.identical,
                                     "a cancel command left no trace",
                                     gateway.place(emitted.cause),
                                     {},
                                     RecordKind::Order,
                                     emitted.payload,
                                     {}};
      return;
    } else {
      ++report.pending;
    }
  }
}

// Every cancel message has a command for its order, or a sweep, behind it.
EdgeReport compare_cancels(const StageRun& gateway, const PaperLogRun& log,
                           const std::vector<Asked>& asked) {
  EdgeReport report;
  report.title = "gateway->paper cancels";
  std::set<OrderId> commands;
  HostTime swept = HostTime::never();  // the first time
  for (const Emitted& emitted : gateway.out(Edge::Command)) {
    const auto command = from_payload<Order>(emitted.payload);
    if (is_sweep(command)) swept = std::min(swept, emitted.now);
    if (is_cancel(command)) commands.insert(command.id);
  }
  std::set<OrderId> answered;
  for (const Consumed& input : gateway.in(Edge::Event)) {
    const auto event = from_payload<Event>(input.payload);
    if (event.kind == EventKind::CancelReject) answered.insert(event.id);
  }
  PaperBook book;
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const PaperEntry entry = log.at(i);
    static_cast<void>(book.apply(entry, i));  // contradictions are told by the events
    if (ends(entry, book)) answered.insert(entry.id);
    if (entry.what != PaperWhat::CancelAsked) continue;
    answered.insert(entry.id);
    if (swept <= entry.at || commands.contains(entry.id)) continue;
    if (gateway.film->report().cut_short()) {
      ++report.unchecked;
      continue;
    }
    report.difference = Difference{report.identical,
                                   "a cancel was asked for that no command wanted",
                                   {},
                                   log.place(i),
                                   RecordKind::PaperEntry,
                                   {},
                                   log.entries[i].payload};
    return report;
  }
  look_for_traces(gateway, log, asked, answered, report);
  return report;
}

struct Told {
  Event event;
  std::size_t index;  // of the log entry
};

// The events that the log means, in its order. False: an entry contradicts those before it.
bool events_of(const PaperLogRun& log, std::vector<Told>& told, EdgeReport& report) {
  PaperBook book;
  for (std::size_t i = 0; i < log.entries.size(); ++i) {
    const PaperEntry entry = log.at(i);
    const PaperOrder* order = book.find(entry.id);
    const std::uint64_t venue_id = order != nullptr ? order->venue_id : 0;
    if (!book.apply(entry, i)) {
      report.difference = Difference{i,
                                     "an entry of the order log contradicts those before it",
                                     {},
                                     log.place(i),
                                     RecordKind::PaperEntry,
                                     {},
                                     log.entries[i].payload};
      return false;
    }
    Event event;
    if (event_of(entry, i, venue_id, event)) told.push_back({event, i});
  }
  return true;
}

// An Ack has no entry of its own: it names its order's Placed.
bool ack_fits(const Event& event, const PaperLogRun& log) {
  if (event.venue_id == 0 || event.venue_id != event.sequence) return false;
  if (event.venue_id > log.entries.size())
    return true;  // counted with the events that the log's end hides
  const PaperEntry placed = log.at(event.venue_id - 1);
  return placed.what == PaperWhat::Placed && placed.id == event.id;
}

EdgeReport compare_events(const StageRun& gateway, const PaperLogRun& log) {
  EdgeReport report;
  report.title = "paper->gateway events";
  std::vector<Told> told;
  if (!events_of(log, told, report)) return report;
  std::size_t next = 0;
  for (const Consumed& input : gateway.in(Edge::Event)) {
    const auto event = from_payload<Event>(input.payload);
    const auto differs = [&](std::string what) {
      report.difference =
          Difference{next, std::move(what), {}, gateway.place(input.position), RecordKind::Event,
                     {},   input.payload};
    };
    if (event.kind == EventKind::Ack) {
      if (ack_fits(event, log)) continue;
      differs("an acknowledgement of an order that the log did not place there");
      return report;
    }
    if (event.sequence == 0)
      continue;  // a verdict, an answer, a refusal: no entry stands behind it
    if (next == told.size()) {
      if (log.film->report().cut_short()) {
        ++report.unchecked;
        continue;
      }
      differs("an event that no entry of the order log tells (or the log ends too early)");
      return report;
    }
    Told& expected = told[next];
    expected.event.venue_time = event.venue_time;  // the session's, from the last tick it was shown
    if (to_payload(expected.event) != input.payload) {
      differs("the event says something else than its entry in the order log");
      report.difference->emitted = to_payload(expected.event);
      report.difference->emitted_by = log.place(expected.index);
      return report;
    }
    ++report.identical;
    ++next;
  }
  (gateway.film->report().cut_short() ? report.unchecked : report.pending) = told.size() - next;
  return report;
}

}  // namespace

PaperLogRun read_paper_log(const std::filesystem::path& dir, const PipelineConfig& pipeline) {
  PaperLogRun log;
  log.film = std::make_unique<Film>(dir, "paper", std::vector<Edge>{Edge::PaperLog}, &pipeline);
  for (JournalEntry entry; log.film->next(entry);)
    log.entries.push_back({entry.payload, entry.position});
  return log;
}

std::vector<EdgeReport> compare_paper(const StageRun& gateway, const PaperLogRun& log) {
  Verdicts verdicts(gateway);
  std::vector<EdgeReport> reports;
  reports.push_back(verdicts.report);
  reports.push_back(compare_sends(gateway, log, verdicts.asked));
  reports.push_back(compare_cancels(gateway, log, verdicts.asked));
  reports.push_back(compare_events(gateway, log));
  return reports;
}

}  // namespace sluice::replay
