// The verb `why`: every gate as one line, and the exit code of the whole.
#include <algorithm>

#include "core/error.hpp"
#include "tools/ctl/gates.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

std::string_view word_of(Says says) noexcept {
  switch (says) {
    case Says::Pass: return "PASS";
    case Says::Block: return "BLOCK";
    case Says::Note: return "note";
  }
  return "?";
}

std::string painted(Says says, const Console& console) {
  const std::string word = fmt::format("{:<5}", word_of(says));
  switch (says) {
    case Says::Pass: return console.paint(Tone::Good, word);
    case Says::Block: return console.paint(Tone::Bad, word);
    case Says::Note: return console.paint(Tone::Quiet, word);
  }
  return word;
}

void print_lines(const std::vector<GateLine>& lines, Console& console) {
  std::size_t width = 0;
  for (const GateLine& line : lines) width = std::max(width, line.gate.size());
  for (const GateLine& line : lines) {
    console.out("{} {:<{}}  {}", painted(line.says, console), line.gate, width, line.value);
    if (!line.limit.empty()) console.out(" (limit {})", line.limit);
    if (line.since_ns >= 0 && line.says != Says::Pass)
      console.out(", since {}", age(line.since_ns));
    if (!line.change.empty()) console.out("; {}", line.change);
    console.raw("\n");
  }
}

void print_json(const Sight& sight, const std::vector<GateLine>& lines, const Verdict& verdict,
                Console& console) {
  Json json;
  json.object().field("instance", sight.instance).field("trading", verdict.trading);
  json.field("verdict", verdict.text).key("gates").array();
  for (const GateLine& line : lines) {
    json.object()
        .field("gate", line.gate)
        .field("says", word_of(line.says))
        .field("value", line.value);
    json.field("limit", line.limit).span("since_ns", line.since_ns).field("change", line.change);
    json.field("about", scope_text(sight.objects.control, line.about)).end();
  }
  json.end().end();
  console.raw(json.text());
}

}  // namespace

int run_why(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  const Selection selection = select(sight.control(), options.first, options.second);
  const std::vector<GateLine> lines = walk(sight, selection);
  const Verdict verdict = verdict_of(sight, selection, lines);
  for (const std::string& line : sight.missing) console.say("{}\n", line);
  if (options.json) {
    print_json(sight, lines, verdict, console);
  } else {
    print_lines(lines, console);
    console.out("{}\n", console.paint(verdict.trading ? Tone::Good : Tone::Bad, verdict.text));
  }
  const bool blocked = std::any_of(lines.begin(), lines.end(),
                                   [](const GateLine& line) { return line.says == Says::Block; });
  return static_cast<int>(blocked || !verdict.trading ? Exit::No : Exit::Ok);
}

}  // namespace sluice::ctl
