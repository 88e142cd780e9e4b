#include "tools/ctl/manual.hpp"

#include <fmt/format.h>

#include "core/build.hpp"
#include "core/error.hpp"
#include "tools/ctl/flags.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::string_view plain(std::string_view positional) noexcept {
  return positional.starts_with('[') ? positional.substr(1, positional.size() - 2) : positional;
}

// ---- completion

// What bash offers for a value: words, or one of the script's own functions.
std::string offer(std::string_view value) {
  if (value == "NAME") return "$(_sluicectl_instances)";
  if (value == "FILE" || value == "CONF") return "@files";
  return joined(words_for(value));
}

constexpr std::string_view kBashHead =
    R"(# Completion of sluicectl for bash: source <(sluicectl completion bash)
_sluicectl_instances() {
  local page name
  for page in /dev/shm/sluice.*.control; do
    [ -e "$page" ] || continue
    name=${page#/dev/shm/sluice.}
    printf '%s\n' "${name%.control}"
  done
}
_sluicectl_offer() {
  if [ "$1" = @files ]; then
    COMPREPLY=($(compgen -f -- "$2"))
  else
    COMPREPLY=($(compgen -W "$1" -- "$2"))
  fi
}
_sluicectl() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i skip=
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [ -n "$skip" ]; then skip=; continue; fi
    case ${COMP_WORDS[i]} in
      -i|--instance|--color) skip=1 ;;
      -*) ;;
      *) verb=${COMP_WORDS[i]}; break ;;
    esac
  done
)";

void bash_values(std::string& text) {
  text += "  case $before in\n";
  for (const Flag& flag : flags()) {
    if (flag.value.empty()) continue;
    // An operator has the placeholder of an instance, and is nobody we know.
    const std::string words = flag.name == "--operator" ? "" : offer(flag.value);
    text +=
        fmt::format("    {}{}) _sluicectl_offer \"{}\" \"$word\"; return ;;\n",
                    flag.letter.empty() ? "" : fmt::format("{}|", flag.letter), flag.name, words);
  }
  text += "  esac\n";
}

void bash_verbs(std::string& text) {
  std::string names;
  for (const Verb& verb : verbs()) names += fmt::format("{} ", verb.name);
  text += "  case $verb in\n";
  text += fmt::format(
      "    '') _sluicectl_offer \"{}help --instance --color --json --help --version\" \"$word\" "
      ";;\n",
      names);
  text += fmt::format("    help) _sluicectl_offer \"{}\" \"$word\" ;;\n", names);
  for (const Verb& verb : verbs()) {
    std::string options = "--help";
    for (const Flag* flag : flags_of(verb)) options += fmt::format(" {}", flag->name);
    const std::string first = offer(plain(verb.first));
    text += fmt::format("    {}) case $word in -*) _sluicectl_offer \"{}\" \"$word\" ;;\n",
                        verb.name, options);
    text += fmt::format("      *) _sluicectl_offer \"{}\" \"$word\" ;; esac ;;\n", first);
  }
  text += "  esac\n}\ncomplete -F _sluicectl sluicectl\n";
}

// ---- manual page

// Text for troff: hyphens that can be copied, no control line by accident.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string synopsis(const Verb& verb) {
  std::string line = fmt::format(".B sluicectl {}\n", verb.name);
  for (const std::string_view positional : {verb.first, verb.second})
    if (!positional.empty()) line += fmt::format(".I {}\n", troff(positional));
  return line + ".RI [ options ]\n";
}

std::string flag_entry(const Flag& flag) {
  std::string names = flag.letter.empty() ? "" : troff(flag.letter) + ", ";
  names += troff(flag.name);
  if (flag.value.empty()) return fmt::format(".TP\n.B {}\n{}\n", names, troff(flag.says));
  return fmt::format(".TP\n.BI \"{} \" {}\n{}\n", names, troff(flag.value), troff(flag.says));
}

std::string verb_entry(const Verb& verb) {
  std::string text = fmt::format(".SS {}\n{}", verb.name, synopsis(verb));
  text += fmt::format(".PP\n{}\n{}\n", troff(verb.does), troff(verb.when));
  for (const Flag* flag : flags_of(verb))
    if (flag->taken != kTakesAlways) text += flag_entry(*flag);
  return text + fmt::format(".PP\nExample:\n.PP\n.nf\n.RS 4\n{}\n.RE\n.fi\n", troff(verb.example));
}

constexpr std::string_view kManTail = R"(.SH EXIT STATUS
.TP
.B 0
It was done, or all is well.
.TP
.B 1
No: refused, or something blocks, differs or is wrong.
.TP
.B 2
The command line is wrong; nothing was done.
.TP
.B 3
It could not look.
.TP
.B 4
Done in part: a kill that is not complete, a stage that is not back.
.TP
.B 5
Nobody is there: no instance, no supervisor.
.TP
.B 130
Ended by Ctrl\-C.
.SH FILES
.TP
.I /dev/shm/sluice.NAME.*
The shared memory of an instance.
.TP
.I STATE_DIR/supervisor.sock
Where the supervisor takes requests.
.TP
.I STATE_DIR/audit.log
What was asked for, by whom and why.
.SH SEE ALSO
RUNBOOK.md and ARCHITECTURE.md of Sluice.
)";

// Text that was asked for, as it is or as one document.
int print(const Options& options, std::string_view name, const std::string& text,
          Console& console) {
  if (!options.json) {
    console.raw(text);
    return static_cast<int>(Exit::Ok);
  }
  Json json;
  json.object().field(name, text).end();
  console.raw(json.text());
  return static_cast<int>(Exit::Ok);
}

}  // namespace

std::string bash_completion() {
  std::string text(kBashHead);
  bash_values(text);
  bash_verbs(text);
  return text;
}

std::string man_page() {
  std::string text =
      fmt::format(".TH SLUICECTL 1 \"\" \"Sluice {}\" \"User Commands\"\n", version());
  text += ".SH NAME\nsluicectl \\- look at running instances of Sluice, and stop them\n";
  text += ".SH SYNOPSIS\n.B sluicectl\n.I verb\n.RI [ options ]\n";
  text +=
      ".SH DESCRIPTION\nTo stop everything now:\n.B sluicectl kill\n.PP\nsluicectl looks at the "
      "shared memory of running instances and changes what an operator may change. Data goes to "
      "standard output, words to standard error.\n";
  text += ".SH COMMON OPTIONS\nEvery verb takes these.\n";
  for (const Flag& flag : flags())
    if (flag.taken == kTakesAlways) text += flag_entry(flag);
  text += ".TP\n.B \\-\\-help\nWhat the verb does, when to use it, and an example.\n";
  text += ".SH VERBS\n";
  for (const Verb& verb : verbs()) text += verb_entry(verb);
  return text + std::string(kManTail);
}

int run_completion(const Options& options, Console& console) {
  if (options.first != "bash")
    throw Error(
        Exit::Usage,
        fmt::format("there is no completion for '{}': bash is the one there is", options.first));
  return print(options, "script", bash_completion(), console);
}

int run_man(const Options& options, Console& console) {
  return print(options, "page", man_page(), console);
}

}  // namespace sluice::ctl
