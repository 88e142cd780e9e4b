#include "tools/ctl/flags.hpp"

#include <array>

#include "core/instance.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr std::array kFlags{
    Flag{kTakesAlways, "--instance", "-i", "NAME", "the instance; may be left out if one is live",
         &Options::instance},
    Flag{kTakesAlways, "--json", "", "", "one JSON document on stdout", &Options::json},
    Flag{kTakesAlways, "--color", "", "auto|always|never",
         "colour; auto is only on a terminal and without NO_COLOR", &Options::color},
    Flag{kTakesLevel, "--level", "", "LEVEL", "REDUCE_ONLY, HALT (default), CANCEL or SEVER",
         &Options::level},
    Flag{kTakesScope, "--scope", "", "SCOPE", "global, gateway:X, strategy:X or instrument:X",
         &Options::scope},
    Flag{kTakesWait, "--no-wait", "", "", "leave once it has begun; its end is not waited for",
         &Options::no_wait},
    Flag{kTakesTimeout, "--timeout", "", "MS",
         "ms to wait for it (default: 2000 of a kill, 30000 of all else)", &Options::timeout_ms,
         100, 600'000},
    Flag{kTakesWord, "--word", "", "WORD",
         "the kill word that is lowered, as status and rearm print it", &Options::word},
    Flag{kTakesWho, "--operator", "", "NAME", "who asks, for the audit log", &Options::who},
    Flag{kTakesWho, "--reason", "", "TEXT", "why, for the audit log", &Options::reason},
    Flag{kTakesCount, "--count", "", "N", "number of records", &Options::count, 1,
         std::int64_t{1} << 62},
    Flag{kTakesFollow, "--follow", "", "", "go on with new records", &Options::follow},
    Flag{kTakesAll, "--all", "", "", "everything, not only what counts now", &Options::all},
    Flag{kTakesWatch, "--watch", "", "S",
         "look twice, S seconds apart, and show what came in between", &Options::watch_s, 1,
         86'400},
    Flag{kTakesConf, "--conf", "", "FILE",
         "the configuration: it names the CPUs of the processes and the state directory",
         &Options::conf},
    Flag{kTakesFix, "--fix", "", "", "print the commands that mend what is wrong; nothing is run",
         &Options::fix},
    Flag{kTakesDryRun, "--dry-run", "", "", "say what would be removed; nothing is changed",
         &Options::dry_run},
};

}  // namespace

std::span<const Flag> flags() noexcept {
  return kFlags;
}

std::vector<const Flag*> flags_of(const Verb& verb) {
  std::vector<const Flag*> taken;
  for (const Flag& flag : kFlags)
    if ((flag.taken & (verb.takes | kTakesAlways)) != 0) taken.push_back(&flag);
  return taken;
}

std::vector<std::string> words_for(std::string_view value) {
  std::vector<std::string> words;
  if (value == "LEVEL") return {"REDUCE_ONLY", "HALT", "CANCEL", "SEVER"};
  if (value == "SCOPE") return {"global", "gateway:", "strategy:", "instrument:"};
  if (value == "auto|always|never") return {"auto", "always", "never"};
  if (value == "SHELL") return {"bash"};
  if (value == "RING")
    for (const EdgeInfo& info : kTopology) words.push_back(object_of(info.edge).substr(5));
  if (value == "PROCESS" || value == "STAGE")
    for (const Process p : kProcesses)
      if (value == "PROCESS" || p != Process::Supervisor) words.emplace_back(name_of(p));
  return words;
}

}  // namespace sluice::ctl
