// The configuration reader: typed values, every kind of fault with its position, many faults in one
// run.
#include "core/config.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "core/config_text.hpp"
#include "core/error.hpp"

namespace sluice::config {
namespace {

std::vector<std::string> lines_of(const Document& document) {
  std::vector<std::string> out;
  for (const Fault& fault : document.faults())
    out.push_back(std::to_string(fault.line) + ":" + std::to_string(fault.column) + ": " +
                  fault.text);
  return out;
}

using Lines = std::vector<std::string>;

std::string message_of(const std::function<void()>& action, Exit code = Exit::Usage) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

std::string load_message(const std::filesystem::path& path) {
  return message_of([&] { Document::load(path).check(); });
}

class ConfigFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "sluice-config-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(std::string_view bytes) {
    const auto path = folder_ / "pipeline.toml";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::filesystem::path folder_;
};

TEST(Config, ReadsEveryKindOfValue) {
  const auto document = Document::parse(R"([t]
n = -5
yes = true
word = "two"
list = ["a", "b"]
price = "61837.63"
stop = "0.004"
wait_us = 20
[t.inner]
x = 1
[[row]]
x = 2
[[row]]
x = 3
)",
                                        "f.toml");
  const Table t = document.root().table("t");
  EXPECT_EQ(t.integer("n", -5, 5), -5);
  EXPECT_TRUE(t.boolean("yes"));
  EXPECT_EQ(t.text("word"), "two");
  EXPECT_EQ(t.choice("word", {"one", "two"}), 1u);
  EXPECT_EQ(t.texts("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(t.decimal("price", 0, Price::whole(100'000).raw), 6'183'763'000'000);
  EXPECT_EQ(t.fraction("stop", "0", "1").raw, 4'000);
  EXPECT_EQ(t.duration("wait_us", 1, 100), Duration::micros(20));
  EXPECT_EQ(t.table("inner").integer("x", 0, 9), 1);
  const auto rows = document.root().tables("row");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].integer("x", 0, 9), 2);
  EXPECT_EQ(rows[1].integer("x", 0, 9), 3);
  EXPECT_TRUE(document.root().tables("none").empty());
  EXPECT_EQ(lines_of(document), Lines{});
  EXPECT_NO_THROW(document.check());
}

TEST(Config, ReportsTenDifferentFaultsInOneRun) {
  const auto document = Document::parse(R"([risk]
cooldown_s = 10
cooldown_s = 20
lots = "three"
cap = "1.0.0"
most = 101
stop_ms = 5
broken = 8k
low = 5
colour = "red"
sped = 4
[rsik]
x = 1
[limits]
high = 4
)",
                                        "conf/p.toml");
  const Table risk = document.root().table("risk");
  EXPECT_EQ(risk.integer("cooldown_s", 0, 100), 10);
  EXPECT_EQ(risk.integer("lots", 1, 9), 1);
  EXPECT_EQ(risk.decimal("cap", 0, kScale), 0);
  EXPECT_EQ(risk.integer("most", 0, 100), 0);
  EXPECT_EQ(risk.duration("stop_s", 1, 9), Duration::seconds(1));
  EXPECT_EQ(risk.integer("broken", 0, 10), 0);
  EXPECT_EQ(risk.choice("colour", {"green", "blue"}), 0u);
  EXPECT_EQ(risk.integer("speed", 0, 9), 0);
  const Table limits = document.root().table("limits");
  if (limits.integer("high", 0, 9) < risk.integer("low", 0, 9))
    limits.fault("high", "expected >= risk.low");
  const Lines expected{"1:1: risk.speed: expected an integer from 0 to 9, got no such key",
                       "3:1: risk.cooldown_s: duplicate key, defined before",
                       "4:8: risk.lots: expected an integer from 1 to 9, got \"three\"",
                       "5:7: risk.cap: expected a decimal in quotes from 0 to 1, got \"1.0.0\" "
                       "(not a decimal number)",
                       "6:8: risk.most: expected an integer from 0 to 100, got 101",
                       "7:1: risk.stop_ms: expected the unit s (stop_s), got ms",
                       "8:11: risk.broken: decimal integer: expected digit, saw 'k'",
                       "10:10: risk.colour: expected one of \"green\", \"blue\", got \"red\"",
                       "11:1: risk.sped: unknown key (did you mean speed?)",
                       "12:2: rsik: unknown table",
                       "15:8: limits.high: expected >= risk.low"};
  EXPECT_EQ(lines_of(document), expected);
  const std::string message = message_of([&] { document.check(); });
  EXPECT_TRUE(message.starts_with("conf/p.toml:1:1: risk.speed: ")) << message;
  EXPECT_TRUE(message.ends_with("\nconf/p.toml: 11 faults")) << message;
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 11);
}

TEST(Config, AcceptsBothBoundsAndRefusesBeyond) {
  const auto document = Document::parse(
      "a = 1\nb = 9\nc = 0\nd = 10\ne = \"0.5\"\nf = \"2\"\ng = \"0.49999999\"\nh = "
      "\"2.00000001\"\n"
      "i = \"0.1\"\nj = \"0.2\"\nk = \"0.099999\"\nl = \"0.200001\"\nm_ms = 1\nn_ms = 2\no_ms = "
      "0\np_ms = 3\n",
      "f");
  const Table t = document.root();
  EXPECT_EQ(t.integer("a", 1, 9), 1);
  EXPECT_EQ(t.integer("b", 1, 9), 9);
  EXPECT_EQ(t.decimal("e", kScale / 2, 2 * kScale), kScale / 2);
  EXPECT_EQ(t.decimal("f", kScale / 2, 2 * kScale), 2 * kScale);
  EXPECT_EQ(t.fraction("i", "0.1", "0.2").raw, 100'000);
  EXPECT_EQ(t.fraction("j", "0.1", "0.2").raw, 200'000);
  EXPECT_EQ(t.duration("m_ms", 1, 2), Duration::millis(1));
  EXPECT_EQ(t.duration("n_ms", 1, 2), Duration::millis(2));
  EXPECT_EQ(lines_of(document).size(), 8u) << "only the keys not read yet are faults";
  EXPECT_EQ(t.integer("c", 1, 9), 1);
  EXPECT_EQ(t.integer("d", 1, 9), 1);
  EXPECT_EQ(t.decimal("g", kScale / 2, 2 * kScale), kScale / 2);
  EXPECT_EQ(t.decimal("h", kScale / 2, 2 * kScale), kScale / 2);
  EXPECT_EQ(t.fraction("k", "0.1", "0.2").raw, 100'000);
  EXPECT_EQ(t.fraction("l", "0.1", "0.2").raw, 100'000);
  EXPECT_EQ(t.duration("o_ms", 1, 2), Duration::millis(1));
  EXPECT_EQ(t.duration("p_ms", 1, 2), Duration::millis(1));
  const auto faults = lines_of(document);
  ASSERT_EQ(faults.size(), 8u);
  EXPECT_EQ(faults[0], "3:5: c: expected an integer from 1 to 9, got 0");
  EXPECT_EQ(faults[2], "7:5: g: expected a decimal in quotes from 0.5 to 2, got \"0.49999999\"");
}

TEST(Config, RefusesWrongTypes) {
  const auto document = Document::parse(
      "a = 1.0\nb = 1\nc = true\nd = [1, \"x\"]\ne = 3\nf = 1\ng = 0.1\nh = {x = 1}\n", "f");
  const Table t = document.root();
  EXPECT_EQ(t.integer("a", 0, 9), 0);
  EXPECT_FALSE(t.boolean("b"));
  EXPECT_EQ(t.text("c"), "");
  EXPECT_EQ(t.texts("d"), std::vector<std::string>{"x"});
  EXPECT_EQ(t.table("e").integer("x", 4, 9), 4);
  EXPECT_TRUE(t.tables("f").empty());
  EXPECT_EQ(t.decimal("g", 0, kScale), 0);
  EXPECT_EQ(t.choice("h", {"only"}), 0u);
  const Lines expected{
      "1:5: a: expected an integer from 0 to 9, got 1, a floating-point number",
      "2:5: b: expected true or false, got 1",
      "3:5: c: expected a string, got true",
      "4:6: d[0]: expected a string, got 1",
      "5:5: e: expected a table, got 3",
      "6:5: f: expected an array of tables, [[f]], got 1",
      "7:5: g: expected a decimal in quotes from 0 to 1, got 0.1, a floating-point number",
      "8:5: h: expected \"only\", got a table"};
  EXPECT_EQ(lines_of(document), expected);
}

TEST(Config, RefusesDecimalsThatAreNotExact) {
  const auto document = Document::parse(
      "a = \"0.123456789\"\nb = \"\"\nc = \"99999999999999\"\nd = \"0.0000001\"\n", "f");
  const Table t = document.root();
  EXPECT_EQ(t.decimal("a", 0, kScale), 0);
  EXPECT_EQ(t.decimal("b", 0, kScale), 0);
  EXPECT_EQ(t.decimal("c", 0, kScale), 0);
  EXPECT_EQ(t.fraction("d", "0", "1").raw, 0);
  const auto faults = lines_of(document);
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_TRUE(faults[0].ends_with("(more than 8 decimal places)")) << faults[0];
  EXPECT_TRUE(faults[1].ends_with("got \"\" (no digits)")) << faults[1];
  EXPECT_TRUE(faults[2].ends_with("(too large)")) << faults[2];
  EXPECT_EQ(faults[3], "4:5: d: expected at most 6 decimal places, got \"0.0000001\"");
}

TEST(Config, ReadsEveryUnitAndNamesTheWrongOne) {
  const auto document = Document::parse(
      "a_ns = 1\na_us = 1\na_ms = 1\na_s = 1\na_m = 1\na_h = 1\nb = 3\nc_s = \"5s\"\n", "f");
  const Table t = document.root();
  std::int64_t ns = 0;
  for (const char* key : {"a_ns", "a_us", "a_ms", "a_s", "a_m", "a_h"})
    ns += t.duration(key, 0, 9).ns;
  EXPECT_EQ(ns, 3'661'001'001'001);
  EXPECT_EQ(t.duration("b_ms", 1, 9), Duration::millis(1));
  EXPECT_EQ(t.duration("c_s", 1, 9), Duration::seconds(1));
  const Lines expected{"7:1: b: expected the unit ms (b_ms), got a key without unit",
                       "8:7: c_s: expected an integer from 1 to 9, got \"5s\""};
  EXPECT_EQ(lines_of(document), expected);
  EXPECT_THROW((void)t.duration("b", 1, 9), Error) << "a duration names its unit";
}

TEST(Config, PlacesAnAbsentKeyAtItsTable) {
  const auto document = Document::parse("\n[a]\nx = 1\n\n  [a.b]\n  y = 2\n", "f");
  const Table a = document.root().table("a");
  EXPECT_EQ(a.integer("x", 0, 9), 1);
  EXPECT_EQ(a.table("b").integer("y", 0, 9), 2);
  EXPECT_EQ(a.table("b").text("z"), "");
  EXPECT_EQ(document.root().text("top"), "");
  EXPECT_EQ(document.root().table("gone").integer("x", 3, 9), 3);
  const Lines expected{"1:1: gone: expected a table, got no such key",
                       "1:1: top: expected a string, got no such key",
                       "5:3: a.b.z: expected a string, got no such key"};
  EXPECT_EQ(lines_of(document), expected);
}

TEST(Config, FindsUnknownKeysAtEveryDepth) {
  const auto document = Document::parse(
      "[a]\nx = 1\nextra = 2\n[a.b]\ndeep = 1\n[[row]]\nx = 1\n[[row]]\nx = 1\ny = 2\n[other]\nz = "
      "1\n",
      "f");
  const Table a = document.root().table("a");
  EXPECT_EQ(a.integer("x", 0, 9), 1);
  (void)a.table("b");
  for (const Table& row : document.root().tables("row")) (void)row.integer("x", 0, 9);
  const Lines expected{"3:1: a.extra: unknown key", "5:1: a.b.deep: unknown key",
                       "10:1: row[1].y: unknown key", "11:2: other: unknown table"};
  EXPECT_EQ(lines_of(document), expected);
}

TEST(Config, SuggestsTheNearestAbsentKeyOnly) {
  const auto document = Document::parse("cooldwn_s = 1\nmx = 1\nspeed = 1\nspeedy = 2\n", "f");
  const Table t = document.root();
  (void)t.has("cooldown_s");
  (void)t.has("maximum");
  (void)t.has("speed");
  const Lines expected{"1:1: cooldwn_s: unknown key (did you mean cooldown_s?)",
                       "2:1: mx: unknown key", "4:1: speedy: unknown key"};
  EXPECT_EQ(lines_of(document), expected);
}

TEST(Config, IgnoredTablesAreCheckedOnlyIfRead) {
  const auto document = Document::parse("[mine]\nx = 1\nbad = 1\n[theirs]\nx = 1\nbad = 1\n", "f");
  document.root().ignore("mine");
  document.root().ignore("theirs");
  const Table theirs = document.root().table("theirs");
  EXPECT_EQ(lines_of(document), Lines{});
  EXPECT_EQ(document.root().table("mine").integer("x", 0, 9), 1);
  EXPECT_EQ(lines_of(document), Lines{"3:1: mine.bad: unknown key"});
  EXPECT_EQ(theirs.integer("x", 0, 9), 1);
  EXPECT_EQ(lines_of(document).size(), 2u);
}

TEST(Config, KnowsSoundValues) {
  const auto document = Document::parse("a = 1\nb = 99\nc = 8k\nl = [\"x\", \"y\"]\n", "f");
  const Table t = document.root();
  (void)t.integer("a", 0, 9);
  (void)t.integer("b", 0, 9);
  (void)t.integer("c", 0, 9);
  (void)t.texts("l");
  EXPECT_TRUE(t.sound("a"));
  EXPECT_FALSE(t.sound("b"));
  EXPECT_FALSE(t.sound("c"));
  EXPECT_FALSE(t.sound("absent"));
  EXPECT_TRUE(t.sound("l"));
  t.fault("l[1]", "expected z, got \"y\"");
  EXPECT_FALSE(t.sound("l"));
  EXPECT_EQ(lines_of(document).back(), "4:11: l[1]: expected z, got \"y\"");
}

TEST(Config, GoesOnAfterDuplicatesOfEveryShape) {
  const auto document = Document::parse(R"(a = 1
a = [1,
  2]
t = {x = 1, x = 2}
[s]
k = 1
k.j = 2
"k" = 3
[s]
other = 1
[z]
last = "end"
)",
                                        "f");
  const Table t = document.root();
  EXPECT_EQ(t.integer("a", 0, 9), 1);
  EXPECT_EQ(t.table("t").integer("x", 0, 9), 1);
  EXPECT_EQ(t.table("s").integer("k", 0, 9), 1);
  EXPECT_EQ(t.table("z").text("last"), "end");
  const auto faults = lines_of(document);
  ASSERT_EQ(faults.size(), 5u) << ::testing::PrintToString(faults);
  EXPECT_EQ(faults[0], "2:1: a: duplicate key, defined before");
  EXPECT_EQ(faults[1], "4:13: x: duplicate key, defined before");
  EXPECT_TRUE(faults[2].starts_with("7:1: s.k.j: ")) << faults[2];
  EXPECT_EQ(faults[3], "8:1: s.\"k\": duplicate key, defined before");
  EXPECT_EQ(faults[4], "9:1: s: duplicate table, defined before");
}

TEST(Config, OneSyntaxFaultIsOneFault) {
  const auto document = Document::parse("[t\nx = 1\n[u]\na = \nb b\nc = 3\n", "f");
  EXPECT_EQ(document.root().table("u").integer("a", 2, 9), 2);
  EXPECT_EQ(document.root().table("u").integer("c", 2, 9), 3);
  const auto faults = lines_of(document);
  ASSERT_EQ(faults.size(), 3u) << ::testing::PrintToString(faults);
  EXPECT_TRUE(faults[0].starts_with("1:3: t: table header: expected ']'")) << faults[0];
  EXPECT_TRUE(faults[1].starts_with("4:5: u.a: ")) << faults[1];
  EXPECT_TRUE(faults[2].starts_with("5:3: key-value pair: expected '='")) << faults[2];
}

TEST(Config, AnUnparsableTextGivesFewFaults) {
  for (const char* text : {"a = \"\"\"never closed\nb = 1\n", "a = [1,\nb = 2\nc = 3\n"}) {
    const auto document = Document::parse(text, "f");
    EXPECT_EQ(document.root().integer("zzz", 1, 2), 1) << "readers get placeholders";
    const auto faults = lines_of(document);
    EXPECT_GE(faults.size(), 1u) << text;
    EXPECT_LE(faults.size(), 4u) << ::testing::PrintToString(faults);
  }
  std::string prose;
  for (int i = 0; i < 1000; ++i) prose += "not a configuration\n";
  const auto faults = Document::parse(prose, "f").faults();
  EXPECT_LE(faults.size(), 26u);
  EXPECT_EQ(faults[0].text.substr(0, 4), "more");
}

TEST(Config, ATableOutlivesItsDocumentAndADefaultTableIsRefused) {
  Table table;
  EXPECT_THROW((void)table.integer("x", 0, 9), Error);
  table = Document::parse("x = 7\n", "f").root();
  EXPECT_EQ(table.integer("x", 0, 9), 7);
}

TEST(Config, HashesTheBytes) {
  EXPECT_EQ(Document::parse("a = 1\n", "x").hash(), Document::parse("a = 1\n", "y").hash());
  EXPECT_NE(Document::parse("a = 1\n", "x").hash(), Document::parse("a = 1 \n", "x").hash());
  EXPECT_EQ(Document::parse("a = 8k\n", "x").bytes(), "a = 8k\n");
}

TEST_F(ConfigFile, LoadsPlainCrlfAndBom) {
  for (const char* bytes : {"a = 1\nb = 2\n", "a = 1\r\nb = 2\r\n",
                            "\xef\xbb\xbf"
                            "a = 1\nb = 2"}) {
    const auto document = Document::load(write(bytes));
    EXPECT_EQ(document.root().integer("a", 0, 9), 1);
    EXPECT_EQ(document.root().integer("b", 0, 9), 2);
    EXPECT_EQ(lines_of(document), Lines{});
    EXPECT_EQ(document.bytes(), bytes);
  }
  const auto broken = Document::load(write("a = 1\r\na = 2\r\nb = 8k\r\n"));
  EXPECT_EQ(broken.root().integer("a", 0, 9), 1);
  EXPECT_EQ(broken.root().integer("b", 0, 9), 0);
  EXPECT_EQ(lines_of(broken).size(), 2u);
}

TEST_F(ConfigFile, GivesOneClearLineForEachUnreadableFile) {
  EXPECT_EQ(load_message(folder_),
            folder_.string() + ": cannot be read as configuration: it is a directory, not a file");
  const auto gone = folder_ / "gone.toml";
  EXPECT_EQ(load_message(gone),
            gone.string() + ": cannot be read as configuration: No such file or directory");
  const auto path = write("");
  EXPECT_EQ(load_message(path), path.string() + ": cannot be read as configuration: it is empty");
  EXPECT_EQ(load_message("/dev/null"),
            "/dev/null: cannot be read as configuration: it is not a regular file");
  (void)write(std::string((1 << 20) + 1, '#'));
  EXPECT_EQ(load_message(path),
            path.string() + ": cannot be read as configuration: it is larger than 1 MiB");
  (void)write(
      std::string("a = 1\nb\0\x7f"
                  "ELF",
                  11));
  EXPECT_EQ(load_message(path), path.string() +
                                    ":2:2: expected UTF-8 text, got byte 0x00 at offset 7\n" +
                                    path.string() + ": 1 fault");
  (void)write("a = \"\xc3\xa9\xff\"\n");
  EXPECT_EQ(load_message(path), path.string() +
                                    ":1:7: expected UTF-8 text, got byte 0xff at offset 7\n" +
                                    path.string() + ": 1 fault");
}

TEST_F(ConfigFile, SaysWhenItMayNotRead) {
  const auto path = write("a = 1\n");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  const bool root = ::geteuid() == 0;
  if (root && ::seteuid(65534) != 0) GTEST_SKIP() << "cannot drop privileges";
  const std::string message = load_message(path);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(message, path.string() + ": cannot be read as configuration: Permission denied");
}

TEST(ConfigText, MeasuresEditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("lots", "lots"), 0u);
  EXPECT_EQ(edit_distance("lots", "slot"), 2u);
}

TEST(ConfigText, QuotesForATerminal) {
  EXPECT_EQ(quote("a\"b\\c\x1b"), "\"a\\\"b\\\\c\\x1b\"");
  EXPECT_EQ(quote(std::string(40, 'x')), "\"" + std::string(40, 'x') + "\"");
  EXPECT_EQ(quote(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
}

}  // namespace
}  // namespace sluice::config
