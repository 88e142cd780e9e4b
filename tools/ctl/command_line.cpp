// The command line: which verb, then its options from the verb table. The only user of CLI11 here.
//
// The verb is found before CLI11 sees anything, and CLI11 is told of that one verb only: a strategy
// named "status" is then a name like any other.
#include <CLI/CLI.hpp>

#include "core/build.hpp"
#include "core/error.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr std::string_view kNothingRaised =
    "NOTHING WAS RAISED. To stop everything:  sluicectl kill\n";

// Position of the verb: the first word that is neither an option nor the value of a common one.
std::size_t verb_at(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-i" || word == "--instance" || word == "--color") {
      ++i;
    } else if (word.empty() || word[0] != '-') {
      return i;
    }
  }
  return arguments.size();
}

void add_positional(CLI::App& app, std::string_view name, std::string& target) {
  if (name.empty()) return;
  const bool optional = name.front() == '[';
  const std::string plain(optional ? name.substr(1, name.size() - 2) : name);
  CLI::Option* option = app.add_option(plain, target);
  if (!optional) option->required();
}

void add_common(CLI::App& app, Options& options) {
  static const std::map<std::string, Color> kColors{
      {"auto", Color::Auto}, {"always", Color::Always}, {"never", Color::Never}};
  app.add_option("-i,--instance", options.instance,
                 "the instance; may be left out if only one is live");
  app.add_flag("--json", options.json, "one JSON document on stdout");
  app.add_option("--color", options.color,
                 "colour; auto is only on a terminal and without NO_COLOR")
      ->transform(CLI::CheckedTransformer(kColors))
      ->option_text("auto|always|never");
}

void add_options(CLI::App& app, const Verb& verb, Options& options) {
  add_positional(app, verb.first, options.first);
  add_positional(app, verb.second, options.second);
  if ((verb.takes & kTakesLevel) != 0)
    app.add_option("--level", options.level, "REDUCE_ONLY, HALT (default), CANCEL or SEVER");
  if ((verb.takes & kTakesScope) != 0)
    app.add_option("--scope", options.scope, "global, gateway:X, strategy:X or instrument:X");
  if ((verb.takes & kTakesWait) != 0) {
    app.add_flag("--no-wait", options.no_wait,
                 "leave once it is raised; completion is not waited for");
    app.add_option("--timeout", options.timeout_ms, "ms to wait for completion (default 2000)")
        ->check(CLI::Range(100, 600'000));
  }
  if ((verb.takes & kTakesWord) != 0)
    app.add_option("--word", options.word,
                   "the kill word that is lowered, as status and rearm print it");
  if ((verb.takes & kTakesWho) != 0) {
    app.add_option("--operator", options.who, "who asks, for the audit log");
    app.add_option("--reason", options.reason, "why, for the audit log");
  }
  if ((verb.takes & kTakesCount) != 0)
    app.add_option("--count", options.count, "number of records")->check(CLI::PositiveNumber);
  if ((verb.takes & kTakesFollow) != 0)
    app.add_flag("--follow", options.follow, "go on with new records");
  if ((verb.takes & kTakesAll) != 0)
    app.add_flag("--all", options.all, "everything, not only what counts now");
}

Parsed unknown_verb(const std::string& word) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.emplace_back(verb.name);
  const std::string near = nearest(word, names);
  Parsed parsed;
  parsed.exit = static_cast<int>(Exit::Usage);
  parsed.err = "sluicectl: there is no verb '" + word + "'" +
               (near.empty() ? "; `sluicectl` alone lists them"
                             : ": did you mean `sluicectl " + near + "`?") +
               "\n";
  if (near == "kill") parsed.err += kNothingRaised;
  return parsed;
}

// An option that no verb follows: the guide would hide that it was not understood.
Parsed lone_option(const std::string& word) {
  Parsed parsed;
  parsed.exit = static_cast<int>(Exit::Usage);
  parsed.err =
      "sluicectl: '" + word + "' without a verb means nothing; `sluicectl` alone lists the verbs\n";
  return parsed;
}

bool stands_alone(const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  for (const char* known : {"-h", "--help", "-i", "--instance", "--json", "--color"})
    if (name == known) return true;
  return word[0] != '-';  // the value of an option before it
}

Parsed said(int code, std::string out) {
  Parsed parsed;
  parsed.exit = code;
  parsed.out = std::move(out);
  return parsed;
}

Parsed parse_verb(const Verb& verb, std::vector<std::string> rest) {
  Parsed parsed;
  parsed.options.verb = &verb;
  CLI::App app(std::string(verb.does) + "\n" + std::string(verb.when),
               "sluicectl " + std::string(verb.name));
  app.footer("Example:\n  " + std::string(verb.example));
  add_common(app, parsed.options);
  add_options(app, verb, parsed.options);
  try {
    std::reverse(rest.begin(), rest.end());  // CLI11 takes them from the back
    app.parse(rest);
  } catch (const CLI::CallForHelp&) {
    return said(0, app.help());
  } catch (const CLI::ParseError& error) {
    parsed.exit = static_cast<int>(Exit::Usage);
    parsed.err = "sluicectl " + std::string(verb.name) + ": " + error.what() + "\n";
    parsed.err += verb.run == run_kill
                      ? std::string(kNothingRaised)
                      : "`sluicectl " + std::string(verb.name) + " --help` has an example\n";
  }
  return parsed;
}

}  // namespace

Parsed parse_command_line(const std::vector<std::string>& arguments) {
  const std::size_t at = verb_at(arguments);
  if (at == arguments.size()) {
    for (const std::string& word : arguments)
      if (word == "--version")
        return said(0, "sluicectl " + std::string(version()) + " (build " +
                           std::string(build_id()) + ")\n");
    for (const std::string& word : arguments)
      if (!word.empty() && !stands_alone(word)) return lone_option(word);
    return said(0, guide());
  }
  std::vector<std::string> rest = arguments;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  std::string word = arguments[at];
  if (word == "help") {
    const std::size_t next = verb_at(rest);
    if (next == rest.size()) return said(0, guide());
    word = rest[next];
    rest = {"--help"};
  }
  const Verb* verb = find_verb(word);
  return verb == nullptr ? unknown_verb(word) : parse_verb(*verb, std::move(rest));
}

}  // namespace sluice::ctl
