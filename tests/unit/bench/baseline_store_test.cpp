// The file of a baseline: what went in comes out; what is damaged, cut off or of another kind is
// refused with the place; a failed save leaves what was there. And the machine's fingerprint.
#include "bench/baseline/store.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.hpp"

namespace fs = std::filesystem;

namespace sluice::bench {
namespace {

Document sample() {
  Document document;
  document.build = "abc-1";
  document.compiler = "13.2";
  document.date = "2024-06-01T12:00:00Z";
  document.command = "sluice-bench baseline save \"a b\\c\".json";
  document.sources = {"core", "hop"};
  document.cpus = {2, 5};
  document.slowed_percent = 2.5;
  document.unfit = {"cpu.isolated: none"};
  document.machine = {{"cpu", "A CPU (R)"}, {"kernel", "6.1"}};
  document.series = {
      {{.name = "core.a", .unit = "x"}, {{1.25, 1e-9}, {0.1, 3e20}}},
      {{"hop.b", "M/s", Better::Higher, 0.99, 2.5, Role::Shown}, {{1}, {2}, {1.0 / 3}}},
  };
  return document;
}

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(parse_text(text, "FILE"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Unqualified);
    EXPECT_EQ(std::string(error.what()).find("FILE: "), 0u);
    return error.what();
  }
  return "no refusal";
}
bool refused(const std::string& text, const std::string& why) {
  return refusal(text).find(why) != std::string::npos;
}
// A document that says what it should not, with a checksum that is right: read back line by line
// and written by the one function that knows how.
std::string resealed(std::string text, const std::string& old, const std::string& fresh) {
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  text.replace(at, old.size(), fresh);
  text.resize(text.rfind("\"check\""));
  return sealed(std::move(text));
}

class BaselineFile : public testing::Test {
 protected:
  BaselineFile() : folder_(fs::temp_directory_path() / ("baseline." + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~BaselineFile() override { fs::remove_all(folder_); }
  [[nodiscard]] fs::path path(const char* name = "a.json") const { return folder_ / name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  fs::path folder_;
};

TEST_F(BaselineFile, WhatGoesInComesOut) {
  save(path(), sample());
  const Document seen = load(path());
  EXPECT_EQ(to_text(seen), content(path()));
  const Document wanted = sample();
  EXPECT_EQ(seen.command, wanted.command);
  EXPECT_EQ(seen.sources, wanted.sources);
  EXPECT_EQ(seen.cpus.peer, 5);
  EXPECT_EQ(seen.unfit, wanted.unfit);
  ASSERT_EQ(seen.series.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(seen.series[i].metric, wanted.series[i].metric);
    EXPECT_EQ(seen.series[i].runs, wanted.series[i].runs);
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(BaselineFile, AFailedSaveLeavesWhatWasThere) {
  save(path(), sample());
  const std::string before = content(path());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit was{};
  ::getrlimit(RLIMIT_FSIZE, &was);
  const rlimit small{100, was.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  Document other = sample();
  other.build = "another";
  EXPECT_THROW(save(path(), other), Error);
  EXPECT_THROW(save(path("b.json"), other), Error);
  ::setrlimit(RLIMIT_FSIZE, &was);
  EXPECT_EQ(content(path()), before);
  EXPECT_EQ(files(), 1u);
}

TEST_F(BaselineFile, AFolderThatIsNotThereIsNamed) {
  try {
    save(path("none") / "a.json", sample());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("none/a.json: cannot be written"), std::string::npos);
  }
}

TEST_F(BaselineFile, AMissingFileIsAUsageErrorThatSaysHowToMakeOne) {
  for (const fs::path& wrong : {path("none.json"), path().parent_path()}) {
    try {
      static_cast<void>(load(wrong));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Exit::Usage);
      EXPECT_NE(std::string(error.what()).find("baseline save"), std::string::npos);
    }
  }
}

TEST(BaselineText, EveryChangedByteIsRefused) {
  const std::string text = to_text(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_NE(refusal(damaged), "no refusal") << "byte " << i;
  }
  std::string digit = text;
  digit[text.find("1.25")] = '2';
  EXPECT_TRUE(refused(digit, "is damaged or was edited: bytes 0 to "));
}

TEST(BaselineText, EveryLengthIsRefusedButTheWhole) {
  const std::string text = to_text(sample());
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(refusal(text.substr(0, size)), "no refusal") << size;
  EXPECT_TRUE(refused(text.substr(0, 200), "is cut off: its 200 bytes"));
  EXPECT_TRUE(refused("", "is empty"));
  EXPECT_NE(refusal(text + " "), "no refusal");
}

TEST(BaselineText, AnotherKindOrSchemaIsSaid) {
  EXPECT_TRUE(refused("{\"name\": 1}\n", "is no baseline"));
  const std::string text = to_text(sample());
  EXPECT_TRUE(refused(resealed(text, "\"baseline\":1", "\"baseline\":2"), "has schema 2"));
}

TEST(BaselineText, WhatIsWellSealedAndWrongIsNamed) {
  const std::string text = to_text(sample());
  const auto with = [&](const char* old, const char* fresh) { return resealed(text, old, fresh); };
  EXPECT_TRUE(refused(with("\"date\"", "\"dote\""), "date is missing"));
  EXPECT_TRUE(refused(with("\"abc-1\"", "7"), "build has another type"));
  EXPECT_TRUE(refused(with("\"lower\"", "\"lowest\""), "metrics[0].better is neither"));
  EXPECT_TRUE(refused(with("\"shown\"", "\"seen\""), "metrics[1].role is none"));
  EXPECT_TRUE(refused(with("1.25", "\"1.25\""), "metrics[0].runs[0][0] has another type"));
  EXPECT_TRUE(refused(with("0.99", "1.99"), "metrics[1].quantile is not between"));
  EXPECT_TRUE(refused(with("[2,5]", "[2]"), "cpus are not two"));
  EXPECT_TRUE(refused(with("[\"kernel\",\"6.1\"]", "[\"kernel\"]"), "machine[1] is not a name"));
  EXPECT_TRUE(refused(with("[2,5]", "[2,5"), "is not JSON"));
}

TEST(Fingerprint, EachTraitThatDiffersIsNamed) {
  const Fingerprint here = this_machine();
  EXPECT_TRUE(differences(here, here).empty());
  EXPECT_GE(here.size(), 10u);
  for (std::size_t i = 0; i < here.size(); ++i) {
    Fingerprint other = here;
    other[i].value = "something else";
    const auto lines = differences(here, other);
    ASSERT_EQ(lines.size(), 1u) << here[i].name;
    EXPECT_EQ(lines[0], here[i].name + ": " + here[i].value + " there, something else here");
  }
  Fingerprint less = here;
  less.pop_back();
  EXPECT_EQ(differences(here, less).size(), 1u);
  EXPECT_EQ(differences(less, here).size(), 1u);
}

TEST(Fingerprint, WhatIsMeasuredHasATolerance) {
  const auto differ = [](const char* name, const char* a, const char* b) {
    return !differences({{name, a}}, {{name, b}}).empty();
  };
  EXPECT_FALSE(differ("tsc_mhz", "2600.0", "2602.0"));
  EXPECT_TRUE(differ("tsc_mhz", "2600.0", "2605.0"));
  EXPECT_FALSE(differ("memory_mib", "16000", "15900"));
  EXPECT_TRUE(differ("memory_mib", "16000", "15000"));
  EXPECT_TRUE(differ("cpus", "8", "9"));
}

TEST(Fingerprint, ReadsTheMachineBelowItsRoot) {
  const fs::path root = fs::temp_directory_path() / ("machine." + std::to_string(::getpid()));
  const auto put = [&](const char* path, const char* text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  put("proc/cpuinfo", "model name\t: Some CPU\xc2\xae\nmicrocode\t: 0x7\nflags\t\t: fpu tsc\n");
  put("proc/meminfo", "MemTotal:       1048576 kB\n");
  put("proc/sys/kernel/osrelease", "6.9\n");
  put("sys/devices/system/cpu/isolated", "2-3\n");
  put("sys/devices/system/cpu/online", "0-3\n");
  const Fingerprint seen = fingerprint_of(ctl::doctor::Host(root));
  fs::remove_all(root);
  const auto has = [&](const char* name, const char* value) {
    return std::find(seen.begin(), seen.end(), Trait{name, value}) != seen.end();
  };
  EXPECT_TRUE(has("cpu", "Some CPU??"));
  EXPECT_TRUE(has("microcode", "0x7"));
  EXPECT_TRUE(has("memory_mib", "1024"));
  EXPECT_TRUE(has("kernel", "6.9"));
  EXPECT_TRUE(has("isolated", "2-3"));
  EXPECT_TRUE(has("cpus", "0-3"));
  EXPECT_TRUE(has("hypervisor", "none"));
  EXPECT_TRUE(has("governor", "none"));
}

}  // namespace
}  // namespace sluice::bench
