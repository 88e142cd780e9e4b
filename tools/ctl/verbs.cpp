#include "tools/ctl/verbs.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>

#include "core/error.hpp"

namespace sluice::ctl {
namespace {

constexpr std::array kVerbs{
    Verb{"kill", "", "", kTakesLevel | kTakesScope | kTakesWait | kTakesTimeout,
         "Stops trading: raises a kill level in shared memory and waits until every gate has "
         "obeyed it.",
         "Use it at once when something is wrong: it needs no supervisor, no configuration and no "
         "disk, and "
         "without options it stops every live instance.",
         "sluicectl kill --level CANCEL --scope strategy:momentum_buying -i demo", run_kill},
    Verb{"status", "", "", 0,
         "Shows every process, the run, its kill levels, permits and caps, and ends with one "
         "verdict.",
         "Use it first: its last line says whether new orders can leave, and if not, why.",
         "sluicectl status", run_status},
    Verb{"why", "[STRATEGY]", "[INSTRUMENT]", 0,
         "Walks every gate from venue to socket and says PASS or BLOCK, the value against its "
         "limit, since "
         "when, and what changes it.",
         "Use it when nothing is trading and you want to know what to do; it leaves with 1 if "
         "anything blocks.",
         "sluicectl why momentum_buying BTCUSDT", run_why},
    Verb{"rearm", "", "", kTakesScope | kTakesWord | kTakesWho,
         "Lowers one scope to RUN again, through the supervisor; without --word it changes nothing "
         "and says "
         "what is missing.",
         "Use it after a kill, once its cause is understood: run it bare first and copy the "
         "command it prints.",
         "sluicectl rearm --scope global --word 0x00000007a3c10103 --operator ada "
         "--reason \"drill finished, positions flat\"",
         run_rearm},
    Verb{"cap", "[VALUE]", "", kTakesScope | kTakesWho,
         "Sets how much capital may be in use, through the supervisor; without VALUE it shows the "
         "caps.",
         "Use it to let more or less through; 0 stops new risk and lets exits pass.",
         "sluicectl cap 25000 --scope strategy:momentum_buying --operator ada --reason \"step two "
         "of the rollout\"",
         run_cap},
    Verb{"start", "STAGE", "", kTakesWait | kTakesTimeout | kTakesWho,
         "Starts a stage that was stopped, or that died too often, through the supervisor, and "
         "waits until it is ready.",
         "Use it after `stop STAGE`; to end a crash loop it needs --operator and --reason.",
         "sluicectl start risk --operator ada --reason \"disk was full, space is free again\"",
         run_start},
    Verb{"stop", "[STAGE]", "", kTakesWait | kTakesTimeout | kTakesWho,
         "Drains one stage and does not start it again; without STAGE it ends the whole run in "
         "order.",
         "Use it to end a run, or to take one process out of it; to stop trading and keep the run, "
         "use kill.",
         "sluicectl stop seat0 -i demo", run_stop},
    Verb{"restart", "STAGE", "", kTakesWait | kTakesTimeout | kTakesWho,
         "Drains one stage, starts it again, waits until it is ready and the run is armed again, "
         "and says how long that took.",
         "Use it when a stage hangs or misbehaves: entries stop meanwhile, its journal brings it "
         "back.",
         "sluicectl restart feed -i demo", run_restart},
    Verb{"positions", "", "", kTakesAll,
         "Lists open positions and the account as risk sees them; --all shows the flat ones too.",
         "Use it to see what is at stake before and after a kill.", "sluicectl positions",
         run_positions},
    Verb{"orders", "", "", kTakesAll,
         "Lists the orders that may still fill, as the gateway sees them; --all shows the ended "
         "ones too.",
         "Use it to see what works at the venue, and what is in doubt.", "sluicectl orders --all",
         run_orders},
    Verb{"counters", "[PROCESS]", "", kTakesAll,
         "Prints the counters that are not zero and the latency histograms of one process or of "
         "all.",
         "Use it to see what a stage has done, refused and how fast; --all shows the zeros too.",
         "sluicectl counters risk", run_counters},
    Verb{"tap", "RING", "", kTakesCount | kTakesFollow,
         "Prints the last records of a ring, decoded, without disturbing it; --follow goes on with "
         "new ones.",
         "Use it to watch ticks, intents, orders or reports pass between two processes.",
         "sluicectl tap risk-gateway --follow --count 20", run_tap},
    Verb{"latency", "", "", kTakesWatch,
         "Prints how long each hop and the whole way from tick to order took: count, percentiles "
         "and maximum.",
         "Use it to see whether the pipeline is as fast as it should be, and where it is slow; it "
         "says if the machine is not fit for such figures.",
         "sluicectl latency --watch 10", run_latency},
    Verb{"doctor", "", "", kTakesConf | kTakesFix,
         "Examines machine and instance: CPUs, clock, memory, interrupts, disk, what is left over "
         "in /dev/shm.",
         "Use it before a run, and when figures are worse than they were; it changes nothing and "
         "leaves with 1 if anything is not as it should be.",
         "sluicectl doctor --conf conf/demo.toml --fix", run_doctor},
    Verb{"clean", "", "", kTakesDryRun,
         "Removes what dead instances have left in /dev/shm; kill levels that stood are kept for "
         "the next run.",
         "Use it when an instance is not to run any more; what lives, or cannot be proven dead, is "
         "not touched.",
         "sluicectl clean --dry-run", run_clean},
    Verb{"check", "CONF", "", 0,
         "Reads a whole configuration file and reports every fault in it at once.",
         "Use it before a start or a change: it needs no running instance.",
         "sluicectl check conf/demo.toml", run_check},
    Verb{"completion", "SHELL", "", 0,
         "Prints a script that completes verbs, options and names in the shell.",
         "Use it once in ~/.bashrc: source <(sluicectl completion bash).",
         "sluicectl completion bash", run_completion},
    Verb{"man", "", "", 0, "Prints the manual page sluicectl(1).",
         "Use it to read or install everything that --help says, in one document.", "sluicectl man",
         run_man},
};

}  // namespace

std::span<const Verb> verbs() noexcept {
  return kVerbs;
}

const Verb* find_verb(std::string_view name) noexcept {
  for (const Verb& verb : kVerbs)
    if (verb.name == name) return &verb;
  return nullptr;
}

std::string guide() {
  std::string text =
      "To stop everything now:  sluicectl kill\n\n"
      "sluicectl looks at running instances of Sluice and changes what an operator may change.\n\n";
  for (const Verb& verb : kVerbs) {
    const std::string_view does = verb.does;
    const std::size_t most = does.find_first_of(":;,.");
    text += fmt::format("  {:<10} {}\n", verb.name, does.substr(0, most));
  }
  text +=
      "\nEvery verb takes --instance NAME (needed only if several run), --json and --color "
      "auto|always|never.\n"
      "`sluicectl VERB --help` says when to use it and gives an example.\n"
      "Leaves with 0 ok, 1 no, 2 wrong usage, 3 could not look, 4 incomplete, 5 nobody there.\n";
  return text;
}

int run(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err) {
  const Parsed parsed = parse_command_line(arguments);
  Console console(out, err, parsed.options.color);
  console.raw(parsed.out);
  if (!parsed.err.empty()) console.say("{}", parsed.err);
  if (parsed.exit) return *parsed.exit;
  try {
    const int code = parsed.options.verb->run(parsed.options, console);
    console.flush();
    return code;
  } catch (const Error& error) {
    console.say("sluicectl {}: {}\n", parsed.options.verb->name, error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    console.say("sluicectl {}: {}\n", parsed.options.verb->name, error.what());
    return static_cast<int>(Exit::No);
  }
}

}  // namespace sluice::ctl
