// The command line: one verb table behind dispatch and help; wrong usage is 2 and does nothing.
#include <algorithm>

#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

TEST(CommandLine, AloneItTeachesAndStartsWithHowToStop) {
  const Said said = sluicectl({});
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(said.out.starts_with("To stop everything now:  sluicectl kill\n")) << said;
  for (const Verb& verb : verbs())
    EXPECT_TRUE(said.has("  " + std::string(verb.name) + " ")) << verb.name;
  EXPECT_EQ(sluicectl({"--help"}).out, said.out);
  EXPECT_EQ(sluicectl({"help"}).out, said.out);
}

TEST(CommandLine, EachVerbsHelpHasWhatWhenAndAnExample) {
  for (const Verb& verb : verbs()) {
    const std::string name(verb.name);
    for (const auto& arguments : {std::vector<std::string>{name, "--help"}, {"help", name}}) {
      const Said said = sluicectl(arguments);
      EXPECT_EQ(said.code, 0) << said;
      EXPECT_TRUE(said.has(verb.does)) << said;
      EXPECT_TRUE(said.has(verb.when)) << said;
      EXPECT_TRUE(said.has(verb.example)) << said;
      EXPECT_TRUE(said.has("--json")) << said;
    }
    EXPECT_TRUE(verb.example.starts_with("sluicectl " + name)) << name;
  }
}

TEST(CommandLine, SuggestsTheVerbThatWasMeant) {
  const Said said = sluicectl({"staus"});
  EXPECT_EQ(said.code, 2);
  EXPECT_TRUE(said.has("did you mean `sluicectl status`?")) << said;
  EXPECT_FALSE(said.has("NOTHING WAS RAISED")) << said;
  EXPECT_TRUE(sluicectl({"kilall"}).has("NOTHING WAS RAISED"));
  EXPECT_FALSE(sluicectl({"xyzzyplugh"}).has("did you mean"));
}

TEST(CommandLine, CommonOptionsStandBeforeOrBehindTheVerb) {
  for (const auto& arguments :
       {std::vector<std::string>{"-i", "demo", "why", "status", "BTCUSDT", "--json"},
        {"why", "--json", "--instance", "demo", "status", "BTCUSDT"},
        {"--json", "--instance=demo", "why", "status", "BTCUSDT"}}) {
    const Parsed parsed = parse_command_line(arguments);
    ASSERT_FALSE(parsed.exit) << parsed.err;
    EXPECT_EQ(parsed.options.verb, find_verb("why"));
    EXPECT_EQ(parsed.options.instance, "demo");
    EXPECT_EQ(parsed.options.first, "status") << "a strategy may have the name of a verb";
    EXPECT_EQ(parsed.options.second, "BTCUSDT");
    EXPECT_TRUE(parsed.options.json);
  }
}

TEST(CommandLine, RefusesWhatAVerbDoesNotTake) {
  EXPECT_EQ(sluicectl({"status", "--scope", "global"}).code, 2);
  EXPECT_EQ(sluicectl({"status", "extra"}).code, 2);
  EXPECT_EQ(sluicectl({"tap"}).code, 2);
  EXPECT_EQ(sluicectl({"tap", "risk-gateway", "--count", "0"}).code, 2);
  EXPECT_EQ(sluicectl({"status", "--color", "blue"}).code, 2);
}

TEST(CommandLine, AWrongOptionIsOneLineThatNamesTheOneThatWasMeant) {
  for (const Verb& verb : verbs()) {
    const Said said = sluicectl({std::string(verb.name), "x", "--bad-flag"});
    EXPECT_EQ(said.code, 2) << said;
    EXPECT_EQ(said.out, "");
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said;
    EXPECT_TRUE(said.has("there is no option --bad-flag")) << said;
  }
  EXPECT_TRUE(sluicectl({"kill", "--levl", "HALT"}).has("did you mean --level?"));
  EXPECT_TRUE(sluicectl({"kill", "--levl"}).err.starts_with("NOTHING WAS RAISED: "));
  const Said few = sluicectl({"tap"});
  EXPECT_EQ(std::count(few.err.begin(), few.err.end(), '\n'), 1) << few;
}

TEST(CommandLine, TellsItsVersion) {
  const Said said = sluicectl({"--version"});
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(said.out.starts_with("sluicectl ")) << said;
}

TEST(JsonText, EscapesWhatWouldBreakIt) {
  Json json;
  json.object().field("a\"\\\n\x01\xff", "b\t").field("n", -5).field("t", true).span("s", -1);
  json.key("list")
      .array()
      .value("x")
      .value(std::uint64_t{18446744073709551615u})
      .array()
      .end()
      .object()
      .end();
  json.end().end();
  EXPECT_EQ(json.text(),
            "{\"a\\\"\\\\\\n\\u0001\\u00ff\":\"b\\u0009\",\"n\":-5,\"t\":true,\"s\":null,"
            "\"list\":[\"x\",18446744073709551615,[],{}]}\n");
  EXPECT_TRUE(is_json(json.text()));
  EXPECT_FALSE(is_json("{\"a\":}"));
}

}  // namespace
}  // namespace sluice::ctl
