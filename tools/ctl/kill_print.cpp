// The verb `kill`: what the command line means, and how the outcome is told.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/kill.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

std::string_view word_of(GateEnd end) noexcept {
  switch (end) {
    case GateEnd::Waiting: return "not obeyed";
    case GateEnd::Obeyed: return "obeyed";
    case GateEnd::Dead: return "dead";
    case GateEnd::Fenced: return "fenced";
    case GateEnd::NotAllowed: return "not allowed";
    case GateEnd::Unseen: return "unseen";
  }
  return "?";
}

std::string gate_text(const GateResult& gate) {
  const std::string who = gate.pid != 0
                              ? fmt::format("{} (process {})", name_of(gate.process), gate.pid)
                              : std::string(name_of(gate.process));
  const std::int64_t us = gate.reaction_ns / 1'000;
  switch (gate.end) {
    case GateEnd::Waiting:
      return fmt::format("{} has not obeyed{}{}", who, gate.note.empty() ? "" : ": ", gate.note);
    case GateEnd::Obeyed: return fmt::format("{} obeyed in {} us", who, us);
    case GateEnd::Dead: return fmt::format("{} is {}: proven", who, gate.note);
    case GateEnd::Fenced:
      return fmt::format("{} was fenced (SIGKILL) and is dead after {} us", who, us);
    case GateEnd::NotAllowed: return fmt::format("{} has not obeyed; {}", who, gate.note);
    case GateEnd::Unseen: return fmt::format("{} cannot be seen: {}", who, gate.note);
  }
  return who;
}

std::string raised_text(const KillRequest& request, const KillResult& result) {
  if (result.absent) return "left over from before the last boot: nothing of it can be running";
  if (!result.problem.empty()) return "NOT RAISED: " + result.problem;
  if (result.ended)
    return "its run has ended, and no new one has begun: nothing to raise, ENDED is stronger than "
           "any level";
  const std::string above =
      result.standing == request.level
          ? ""
          : fmt::format(" ({} stood already and stands)", name_of(result.standing));
  return fmt::format("{} raised on {}{}, word {}", name_of(request.level), request.scope, above,
                     hex(result.word));
}

// What keeps the whole from being complete, one clause per cause.
std::string unfinished(const std::vector<KillResult>& results) {
  std::string text;
  for (const KillResult& result : results) {
    if (result.complete()) continue;
    std::string causes = result.problem;
    for (const GateResult& gate : result.gates)
      if (!gate.settled()) causes += (causes.empty() ? "" : ", ") + gate_text(gate);
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", result.instance, causes);
  }
  return text;
}

std::int64_t longest_us(const std::vector<KillResult>& results) noexcept {
  std::int64_t ns = 0;
  for (const KillResult& result : results) ns = std::max(ns, result.took_ns);
  return ns / 1'000;
}

// COMPLETE means that nothing new follows, not that the venue's book is empty.
std::string open_orders(const KillRequest& request, const std::vector<KillResult>& results) {
  if (request.level < KillLevel::Cancel) return {};
  std::int64_t open = 0;
  std::string where;
  for (const KillResult& result : results) {
    if (result.open_orders <= 0) continue;
    open += result.open_orders;
    where += fmt::format("{}sluicectl orders -i {}", where.empty() ? "" : ", ", result.instance);
  }
  if (open == 0) return "; no order is open at the venue";
  return fmt::format("; at this moment {} order{} still open at the venue: {}{}", open,
                     open == 1 ? " is" : "s are",
                     request.level >= KillLevel::Sever ? "no cancel passes any more, cancel there; "
                                                       : "cancels are on their way; ",
                     where);
}

[[noreturn]] void refuse(const std::string& what, Exit code = Exit::Usage) {
  throw Error(code, what + "\nNOTHING WAS RAISED. To stop everything:  sluicectl kill");
}

}  // namespace

void print_text(const KillRequest& request, const std::vector<KillResult>& results,
                Console& console) {
  for (const KillResult& result : results) {
    console.out("{}: {}\n", result.instance, raised_text(request, result));
    if (!request.wait && request.level != KillLevel::Sever) continue;
    for (const GateResult& gate : result.gates)
      console.out("{}: {}\n", result.instance, gate_text(gate));
  }
  const bool good = exit_code(results, request.wait) == 0;
  if (!good)
    console.out("{} {}\n", console.paint(Tone::Bad, "NOT COMPLETE:"), unfinished(results));
  else if (request.wait)
    console.out("{} in {} us{}\n", console.paint(Tone::Good, "COMPLETE"), longest_us(results),
                open_orders(request, results));
  else
    console.out(
        "RAISED; completion was not waited for (`sluicectl status` shows what each gate has "
        "obeyed)\n");
}

void print_json(const KillRequest& request, const std::vector<KillResult>& results,
                Console& console) {
  Json json;
  json.object();
  json.field("level", name_of(request.level))
      .field("scope", request.scope)
      .field("waited", request.wait);
  json.field("complete", request.wait && exit_code(results, true) == 0);
  json.field("took_us", longest_us(results)).key("instances").array();
  for (const KillResult& result : results) {
    json.object()
        .field("instance", result.instance)
        .field("raised", result.raised)
        .field("ended", result.ended);
    json.field("complete", result.complete()).field("standing", name_of(result.standing));
    json.field("word", hex(result.word))
        .field("target", result.target)
        .field("problem", result.problem);
    json.key("open_orders");
    result.open_orders < 0 ? json.null() : json.value(result.open_orders);
    json.key("gates").array();
    for (const GateResult& gate : result.gates) {
      json.object()
          .field("process", name_of(gate.process))
          .field("pid", gate.pid)
          .field("end", word_of(gate.end));
      json.span("reaction_ns", gate.reaction_ns).field("note", gate.note).end();
    }
    json.end().end();
  }
  json.end().end();
  console.raw(json.text());
}

int run_kill(const Options& options, Console& console) {
  const auto level = parse_level(options.level);
  if (!level)
    refuse(
        fmt::format("there is no level '{}': REDUCE_ONLY, HALT, CANCEL or SEVER", options.level));
  if (*level == KillLevel::Flatten) refuse("FLATTEN is not in this release: use CANCEL");
  KillRequest request;
  request.level = *level;
  if (!options.scope.empty()) request.scope = options.scope;
  request.instance = options.instance;
  request.wait = !options.no_wait;
  if (options.timeout_ms != 0) request.timeout = std::chrono::milliseconds(options.timeout_ms);
  std::vector<KillResult> results;
  try {
    results = kill(request);
  } catch (const Error& error) {
    refuse(error.what(), error.code());
  }
  options.json ? print_json(request, results, console) : print_text(request, results, console);
  return exit_code(results, request.wait);
}

}  // namespace sluice::ctl
