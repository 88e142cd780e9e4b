// Completion and manual page come from the tables: every verb and flag is in both, and both work.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/flags.hpp"
#include "tools/ctl/manual.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

struct Ran {
  int code = -1;
  std::string out;
};

Ran shell(const std::string& command) {
  Ran ran;
  std::FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe))
    ran.out.append(buffer, n);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class Written {
 public:
  Written(const std::string& suffix, const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("sluicectl-" + std::to_string(::getpid()) + suffix)) {
    std::ofstream(path_) << text;
  }
  ~Written() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string without_escapes(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\-", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

// What bash offers for the words of a command line, the last one being completed.
std::string offered(const std::vector<std::string>& words) {
  const Written script(".bash", bash_completion());
  std::string line = "sluicectl";
  for (const std::string& word : words) line += " '" + word + "'";
  const std::string index = std::to_string(words.size());
  return shell("bash --norc -c \"source " + script.path() + "; COMP_WORDS=(" + line +
               "); COMP_CWORD=" + index + "; _sluicectl; echo \\${COMPREPLY[*]}\"")
      .out;
}

TEST(Manual, EveryVerbAndFlagIsInPageAndCompletion) {
  const std::string page = without_escapes(man_page());
  const std::string script = bash_completion();
  for (const Verb& verb : verbs()) {
    const std::string name(verb.name);
    EXPECT_NE(page.find(".SS " + name + "\n"), std::string::npos) << name;
    EXPECT_NE(page.find(without_escapes(std::string(verb.example))), std::string::npos) << name;
    EXPECT_NE(script.find("    " + name + ") "), std::string::npos) << name;
    EXPECT_TRUE(offered({name.substr(0, name.size() - 1)}).find(name) != std::string::npos) << name;
    const std::string options = offered({name, "--"});
    for (const Flag* flag : flags_of(verb))
      EXPECT_NE(options.find(std::string(flag->name)), std::string::npos)
          << name << " " << flag->name << " in " << options;
  }
  for (const Flag& flag : flags()) {
    EXPECT_NE(page.find(std::string(flag.name)), std::string::npos) << flag.name;
    EXPECT_NE(page.find(std::string(flag.says)), std::string::npos) << flag.name;
  }
}

TEST(Manual, BashCompletesVerbsOptionsAndValues) {
  EXPECT_EQ(offered({"ki"}), "kill\n");
  EXPECT_EQ(offered({"--json", "-i", "demo", "ki"}), "kill\n");
  EXPECT_EQ(offered({"kill", "--lev"}), "--level\n");
  EXPECT_EQ(offered({"kill", "--level", "RED"}), "REDUCE_ONLY\n");
  EXPECT_EQ(offered({"restart", "ga"}), "gateway\n");
  EXPECT_EQ(offered({"tap", "risk-g"}), "risk-gateway\n");
  EXPECT_EQ(offered({"--color", "al"}), "always\n");
  EXPECT_EQ(offered({"help", "rea"}), "rearm\n");
  EXPECT_EQ(offered({"positions", "--word"}), "\n") << "an option of another verb";
}

TEST(Manual, BashCompletesTheInstancesThatAreThere) {
  if (!has_private_shm()) GTEST_SKIP() << "no private /dev/shm here";
  TestInstance instance;
  EXPECT_EQ(offered({"status", "-i", "t"}), instance.name() + "\n");
}

// -ww: every warning. Nothing on the way out but the page.
TEST(Manual, GroffRendersThePageWithoutWarnings) {
  if (shell("command -v groff").code != 0) GTEST_SKIP() << "groff is not installed";
  const Written page(".1", man_page());
  const Ran warnings = shell("groff -man -Tutf8 -ww -rLL=90n " + page.path() + " > /dev/null");
  EXPECT_EQ(warnings.code, 0);
  EXPECT_EQ(warnings.out, "");
  const Ran rendered = shell("groff -man -Tascii -P-c " + page.path() + " | sed 's/.\\x08//g'");
  EXPECT_NE(rendered.out.find("sluicectl kill"), std::string::npos) << rendered.out;
  EXPECT_NE(rendered.out.find("--operator"), std::string::npos) << rendered.out;
  // The harness sees a mistake.
  const Written broken(".bad.1", man_page() + ".nosuchmacro\n");
  EXPECT_NE(shell("groff -man -Tutf8 -ww " + broken.path() + " > /dev/null").out, "");
}

TEST(Manual, VerbsPrintThem) {
  EXPECT_EQ(sluicectl({"man"}).out, man_page());
  EXPECT_EQ(sluicectl({"completion", "bash"}).out, bash_completion());
  EXPECT_EQ(sluicectl({"completion", "fish"}).code, 2);
  EXPECT_EQ(sluicectl({"completion"}).code, 2);
}

}  // namespace
}  // namespace sluice::ctl
