// The command line: which verb, then its options from the tables. The only user of CLI11 here.
//
// The verb is found before CLI11 sees anything, and CLI11 is told of that one verb only: a strategy
// named "status" is then a name like any other.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>

#include "core/build.hpp"
#include "core/error.hpp"
#include "tools/ctl/flags.hpp"
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

void add_flag(CLI::App& app, const Flag& flag, Options& options) {
  static const std::map<std::string, Color> kColors{
      {"auto", Color::Auto}, {"always", Color::Always}, {"never", Color::Never}};
  const std::string names =
      (flag.letter.empty() ? "" : std::string(flag.letter) + ",") + std::string(flag.name);
  const std::string says(flag.says);
  const auto valued = [&](auto& target) {
    return app.add_option(names, target, says)->option_text(std::string(flag.value));
  };
  std::visit(
      [&](auto member) {
        using Member = std::remove_reference_t<decltype(options.*member)>;
        if constexpr (std::is_same_v<Member, bool>)
          app.add_flag(names, options.*member, says);
        else if constexpr (std::is_same_v<Member, Color>)
          valued(options.*member)->transform(CLI::CheckedTransformer(kColors));
        else if constexpr (std::is_same_v<Member, std::string>)
          valued(options.*member);
        else
          valued(options.*member)->check(CLI::Range(flag.least, flag.most));
      },
      flag.target);
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

// One clause: an option that the verb does not have is named, with the one that was meant.
std::string what_is_wrong(const Verb& verb, const std::vector<std::string>& words,
                          const std::string& otherwise) {
  std::vector<std::string> names{"--help"};
  for (const Flag* flag : flags_of(verb)) names.emplace_back(flag->name);
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || name == "--") continue;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string near = nearest(name, names);
    return "there is no option " + name + (near.empty() ? "" : ": did you mean " + near + "?");
  }
  std::string text = otherwise.substr(0, otherwise.find('\n'));
  while (text.ends_with('.')) text.pop_back();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Parsed parse_verb(const Verb& verb, const std::vector<std::string>& rest) {
  Parsed parsed;
  parsed.options.verb = &verb;
  CLI::App app(std::string(verb.does) + "\n" + std::string(verb.when),
               "sluicectl " + std::string(verb.name));
  app.footer("Example:\n  " + std::string(verb.example));
  add_positional(app, verb.first, parsed.options.first);
  add_positional(app, verb.second, parsed.options.second);
  for (const Flag* flag : flags_of(verb)) add_flag(app, *flag, parsed.options);
  try {
    std::vector<std::string> reversed(rest.rbegin(), rest.rend());  // CLI11 takes from the back
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return said(0, app.help());
  } catch (const CLI::ParseError& error) {
    parsed.exit = static_cast<int>(Exit::Usage);
    const std::string what = what_is_wrong(verb, rest, error.what());
    parsed.err = verb.run == run_kill
                     ? "NOTHING WAS RAISED: " + what + ". To stop everything:  sluicectl kill\n"
                     : "sluicectl " + std::string(verb.name) + ": " + what + "; `sluicectl " +
                           std::string(verb.name) + " --help` has an example\n";
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
  return verb == nullptr ? unknown_verb(word) : parse_verb(*verb, rest);
}

}  // namespace sluice::ctl
