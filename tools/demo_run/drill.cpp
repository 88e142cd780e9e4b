#include "tools/demo_run/drill.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "core/error.hpp"
#include "tools/demo_run/children.hpp"
#include "tools/demo_run/evidence.hpp"
#include "tools/demo_run/text.hpp"

namespace sluice::demo {
namespace {

constexpr std::chrono::seconds kPatience{10};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

KillAnswer parse_kill(std::string_view json) {
  KillAnswer answer;
  try {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.parse(simdjson::padded_string(json));
    const simdjson::dom::element instance = document["instances"].at(0);
    answer.complete = bool(document["complete"]);
    answer.word = std::string(std::string_view(instance["word"]));
    for (const simdjson::dom::element gate : simdjson::dom::array(instance["gates"])) {
      GateReaction reaction;
      reaction.name = std::string(std::string_view(gate["process"]));
      reaction.end = std::string(std::string_view(gate["end"]));
      if (gate["reaction_ns"].is_int64()) reaction.reaction_ns = std::int64_t(gate["reaction_ns"]);
      answer.took_ns = std::max(answer.took_ns, reaction.reaction_ns);
      answer.gates.push_back(std::move(reaction));
    }
  } catch (const simdjson::simdjson_error& error) {
    throw Error(std::string("the answer of sluicectl kill --json cannot be read: ") + error.what());
  }
  return answer;
}

bool Drill::fail(std::string why) {
  result_.problem = std::move(why);
  result_.done = true;
  return false;
}

bool Drill::step() {
  if (result_.done) return false;
  try {
    if (!watching()) {
      kill();
    } else if (std::chrono::steady_clock::now() >= watch_until_) {
      rearm();
    }
  } catch (const Error& error) {
    return fail(error.what());
  }
  return !result_.done;
}

void Drill::kill() {
  const Answer answer = run_command(
      {(setup_.bin_dir / "sluicectl").string(), "kill", "-i", setup_.instance, "--json"},
      setup_.state_dir, kPatience);
  if (answer.out.empty())
    throw Error(
        fmt::format("sluicectl kill left with {}: {}", answer.code, first_line(answer.err)));
  result_.kill = parse_kill(answer.out);
  if (answer.code != 0 || !result_.kill.complete)
    throw Error(fmt::format("the kill is not complete (exit {})", answer.code));
  watch_until_ = std::chrono::steady_clock::now() + kWatch;
}

void Drill::rearm() {
  rearm_at_ = clock_.now();  // everything placed up to here was placed under the kill
  recount();
  const Answer answer =
      run_command({(setup_.bin_dir / "sluicectl").string(), "rearm", "-i", setup_.instance,
                   "--word", result_.kill.word, "--operator", "demo", "--reason",
                   "end of the kill drill of the demonstration", "--json"},
                  setup_.state_dir, kPatience);
  result_.rearmed = answer.code == 0;
  if (!result_.rearmed)
    throw Error(fmt::format("sluicectl rearm left with {}: {}", answer.code,
                            first_line(answer.out.empty() ? answer.err : answer.out)));
  result_.done = true;
}

void Drill::recount() {
  if (rearm_at_.ns == 0) return;
  const HaltFilm halt = read_halt(setup_.run_dir);
  if (!halt.complete()) throw Error("the journals of the gates do not know of the kill");
  result_.orders_after = placed_between(setup_.run_dir, halt.complete_at(), rearm_at_);
}

std::string Drill::line() const {
  if (!result_.problem.empty()) return "FAILED: " + result_.problem;
  if (!watching()) return "at 85 % of the tape: sluicectl kill";
  std::string gates;
  for (const GateReaction& gate : result_.kill.gates)
    gates += fmt::format("{}{} {}", gates.empty() ? "" : ", ", gate.name, span(gate.reaction_ns));
  if (!result_.done) return "HALT obeyed (" + gates + "); watching 1 s that nothing leaves";
  return fmt::format("obeyed ({}), {} orders after it, rearmed", gates, result_.orders_after);
}

}  // namespace sluice::demo
