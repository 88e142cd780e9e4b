// Journals of a real (scripted) run, and what verification says of them: untouched, damaged, cut
// short, forged, incomplete, or replayed by another configuration.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "core/segment.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/tools/replay_fixture.hpp"
#include "tools/replay/print.hpp"
#include "tools/replay/show.hpp"
#include "tools/replay/stage_run.hpp"
#include "tools/replay/verify.hpp"

namespace sluice::replay {
namespace {

TEST_F(ReplayTest, ARunIsIdenticalToItsReplay) {
  const Verification result = verify(dir_);
  const std::string text = text_of(result);
  EXPECT_TRUE(result.verified()) << text;
  // The market must have been worth it: intents, fills, exits, and every kind of edge.
  for (const char* title :
       {"seat0->risk Intent", "risk->seat0 Report", "risk->gateway Order", "gateway->risk Report",
        "session->gateway verdicts", "gateway->paper sends", "paper->gateway events"})
    EXPECT_GE(edge(result, title).identical, 4u) << title << '\n' << text;
  EXPECT_GE(edge(result, "gateway->paper cancels").identical, 2u) << text;
  EXPECT_NE(text.find("in doubt after a crash"), std::string::npos) << text;
  EXPECT_NE(text.find("\nverified: 8 edges, " + std::to_string(result.identical()) +
                      " records identical\n"),
            std::string::npos)
      << text;
  std::set<OrderKind> kinds;
  for (const JournalEntry& entry : entries_of("gateway", Edge::RiskGateway))
    kinds.insert(from_payload<Order>(entry.payload).kind);
  EXPECT_TRUE(kinds.contains(OrderKind::Entry) && kinds.contains(OrderKind::TakeProfit) &&
              kinds.contains(OrderKind::StopLoss) && kinds.contains(OrderKind::Cancel))
      << text;
  EXPECT_EQ(json_of(result).rfind("{\"verified\":true,", 0), 0u);
}

TEST_F(ReplayTest, EveryFlippedBitIsReportedWithItsEntry) {
  test::Random random(test::draw_seed());
  const RunFiles run = open_run(dir_);
  std::size_t flips = 0;
  for (const std::string_view journal : kJournals) {
    JournalFiles files(dir_, std::string(journal));
    for (std::uint64_t i = 0; i < 640; ++i, ++flips) {
      const std::uint64_t position = random.below(files.end());
      JournalSlot raw{};
      ASSERT_TRUE(files.read(position, raw));
      const std::uint64_t byte = i % sizeof raw;  // every byte of an entry, ten times
      const char before = reinterpret_cast<const char*>(&raw)[byte];
      const auto after = static_cast<char>(before ^ 1 << random.below(8));
      const Place place = place_of(files, position);
      patch(place.file, place.offset + byte, &after, 1);
      const bool whole = i % 160 == 7;
      FilmReport report;
      if (whole) {
        const Verification result = verify(run);
        EXPECT_FALSE(result.verified());
        EXPECT_EQ(result.different(), 0u) << "damage is no difference\n" << text_of(result);
        EXPECT_NE(text_of(result).find(fmt::format("CORRUPT {} entry {}, ", journal, position)),
                  std::string::npos);
        for (const FilmReport& film : result.journals)
          if (film.journal == journal) report = film;
      } else {
        std::vector<Edge> all;
        for (unsigned e = 1; e < kEdgeSpan; ++e) all.push_back(static_cast<Edge>(e));
        Film film(dir_, std::string(journal), all, nullptr);
        for (JournalEntry entry; film.next(entry);)
          ASSERT_LT(entry.position, position) << "read past the damage";
        report = film.report();
      }
      ASSERT_EQ(report.damaged, 1u) << journal << " entry " << position << " byte " << byte;
      ASSERT_EQ(report.damages.size(), 1u);
      EXPECT_EQ(report.damages[0].position, position);
      EXPECT_EQ(report.damages[0].where, files.where(position));
      EXPECT_FALSE(report.damages[0].record.empty());
      EXPECT_EQ(report.entries, position) << "what stands before it is believed";
      EXPECT_EQ(report.unread, files.end() - position);
      patch(place.file, place.offset + byte, &before, 1);
    }
  }
  EXPECT_GE(flips, 2'000u);
  EXPECT_TRUE(verify(run).verified());
}

TEST_F(ReplayTest, EveryDamagedEntryIsReportedNotOnlyTheFirst) {
  JournalFiles files(dir_, "risk");
  const std::vector<std::uint64_t> damaged{10, 11, files.end() - 1};
  for (const std::uint64_t position : damaged) {
    const Place place = place_of(files, position);
    patch(place.file, place.offset + 20, "\xa5\x5a\xa5\x5a", 4);
  }
  const Verification result = verify(dir_);
  ASSERT_EQ(result.journals[1].journal, "risk");
  ASSERT_EQ(result.journals[1].damages.size(), damaged.size());
  for (std::size_t i = 0; i < damaged.size(); ++i)
    EXPECT_EQ(result.journals[1].damages[i].position, damaged[i]);
  EXPECT_EQ(result.journals[1].entries, 10u);
}

TEST_F(ReplayTest, ATornLastEntryIsDroppedAndSaid) {
  const RunFiles run = open_run(dir_);
  for (std::size_t bytes = 1; bytes < sizeof(JournalSlot); ++bytes) {
    const std::string journal(kJournals[bytes % kJournals.size()]);
    std::uint64_t end = 0;
    Place last;
    JournalSlot raw{};
    {
      JournalFiles files(dir_, journal);
      end = files.end();
      ASSERT_TRUE(files.read(end - 1, raw));
      last = place_of(files, end - 1);
    }
    fs::resize_file(last.file, last.offset + bytes);
    const Verification result = verify(run);
    EXPECT_TRUE(result.verified()) << text_of(result);
    for (const FilmReport& film : result.journals) {
      EXPECT_EQ(film.torn_bytes, film.journal == journal ? bytes : 0u);
      if (film.journal == journal) {
        EXPECT_EQ(film.entries, end - 1);
      }
    }
    EXPECT_NE(text_of(result).find(fmt::format("torn tail: {} byte", bytes)), std::string::npos);
    fs::resize_file(last.file, last.offset + sizeof raw);
    patch(last.file, last.offset, &raw, sizeof raw);
  }
}

TEST_F(ReplayTest, WhatATornTailTookWithItIsNotHeldAgainstTheConsumer) {
  const std::vector<JournalEntry> intents = entries_of("risk", seat_risk(0));
  ASSERT_FALSE(intents.empty());
  const HostTime decided = from_payload<Intent>(intents.back().payload).decided_at;
  const std::vector<JournalEntry> ticks = entries_of("seat0", feed_seat(0));
  const auto cause = std::find_if(ticks.begin(), ticks.end(),
                                  [&](const JournalEntry& e) { return e.now == decided; });
  ASSERT_NE(cause, ticks.end());
  JournalFiles files(dir_, "seat0");
  const Place place = place_of(files, cause->position);
  for (std::uint64_t p = cause->position + 1; p < files.end(); ++p)
    if (const Place later = place_of(files, p); later.file != place.file) fs::remove(later.file);

  fs::resize_file(place.file, place.offset + 40);
  const Verification torn = verify(dir_);
  EXPECT_TRUE(torn.verified()) << text_of(torn);
  EXPECT_EQ(edge(torn, "seat0->risk Intent").unchecked, 1u);
  EXPECT_EQ(edge(torn, "seat0->risk Intent").identical, intents.size() - 1);

  fs::resize_file(place.file,
                  place.offset);  // cut between entries: nothing says that there was more
  const Verification cut = verify(dir_);
  EXPECT_FALSE(cut.verified());
  ASSERT_TRUE(edge(cut, "seat0->risk Intent").difference);
  EXPECT_FALSE(edge(cut, "seat0->risk Intent").difference->emitted);
  EXPECT_EQ(edge(cut, "seat0->risk Intent").difference->record, intents.size() - 1);
}

TEST_F(ReplayTest, ForgedIntentsAndReportsAreDifferences) {
  const auto check = [&](std::string_view title, std::uint64_t record, std::string_view field) {
    const Verification result = verify(dir_);
    const EdgeReport& report = edge(result, title);
    ASSERT_TRUE(report.difference) << title << '\n' << text_of(result);
    EXPECT_EQ(report.difference->record, record) << title;
    EXPECT_EQ(report.identical, record);
    EXPECT_EQ(result.damaged(), 0u);
    const std::string text = text_of(result);
    const std::size_t at = text.find(fmt::format("DIFFERENT {} record {}", title, record));
    ASSERT_NE(at, std::string::npos) << text;
    const std::size_t line = text.find(fmt::format("\n    {} ", field), at);
    ASSERT_NE(line, std::string::npos) << text;
    EXPECT_NE(text.substr(line + 1, text.find('\n', line + 1) - line - 1).find("<- differs"),
              std::string::npos);
    EXPECT_NE(text.find("\nDIFFERENT: "), std::string::npos);
    EXPECT_EQ(json_of(result).rfind("{\"verified\":false,", 0), 0u);
    fs::remove_all(temp_.path());
    fs::copy(original_->path(), temp_.path(), fs::copy_options::recursive);
  };
  forge<Intent>("risk", entries_of("risk", seat_risk(0)).at(1),
                [](Intent& i) { i.price.raw += kScale; });
  check("seat0->risk Intent", 1, "price");
  forge<Report>("seat0", entries_of("seat0", risk_seat(0)).at(2),
                [](Report& r) { r.cum_qty.raw += 1; });
  check("risk->seat0 Report", 2, "cum_qty");
  forge<Report>("risk", entries_of("risk", Edge::GatewayRisk).at(3),
                [](Report& r) { r.venue_time.ns += 1; });
  check("gateway->risk Report", 3, "venue_time");
  forge<Order>("gateway", entries_of("gateway", Edge::RiskGateway).at(1),
               [](Order& o) { o.qty.raw += 1'000; });
  check("risk->gateway Order", 1, "qty");
}

TEST_F(ReplayTest, AForgedOrderLogIsADifference) {
  const auto of = [&](PaperWhat what) {
    for (const JournalEntry& entry : entries_of("paper"))
      if (from_payload<PaperEntry>(entry.payload).what == what) return entry;
    throw Error("no such entry");
  };
  forge<PaperEntry>("paper", of(PaperWhat::Placed), [](PaperEntry& e) { e.price.raw += kScale; });
  EXPECT_TRUE(edge(verify(dir_), "gateway->paper sends").difference);
  forge<PaperEntry>("paper", of(PaperWhat::Placed), [](PaperEntry& e) { e.price.raw -= kScale; });
  EXPECT_TRUE(verify(dir_).verified());
  forge<PaperEntry>("paper", of(PaperWhat::Filled), [](PaperEntry& e) { e.price.raw += 1; });
  EXPECT_TRUE(edge(verify(dir_), "paper->gateway events").difference);
  forge<PaperEntry>("paper", of(PaperWhat::Filled), [](PaperEntry& e) { e.price.raw -= 1; });
  forge<PaperEntry>("paper", of(PaperWhat::Filled), [](PaperEntry& e) { e.id.raw += 1u << 20; });
  EXPECT_TRUE(edge(verify(dir_), "paper->gateway events").difference)
      << "a fill of an order that was never placed";
}

TEST_F(ReplayTest, ACancelThatNobodyWantedIsADifference) {
  for (const JournalEntry& entry : entries_of("gateway", Edge::RiskGateway)) {
    if (from_payload<Order>(entry.payload).kind != OrderKind::Cancel) continue;
    forge<Order>("gateway", entry, [](Order& o) { o.id.raw += 1u << 20; });
    break;
  }
  const Verification result = verify(dir_);
  EXPECT_TRUE(edge(result, "risk->gateway Order").difference);
  ASSERT_TRUE(edge(result, "gateway->paper cancels").difference) << text_of(result);
  EXPECT_EQ(edge(result, "gateway->paper cancels").difference->what,
            "a cancel was asked for that no command wanted");
}

TEST_F(ReplayTest, AVerdictThatAnswersNothingIsADifference) {
  for (const JournalEntry& entry : entries_of("gateway", Edge::Event)) {
    if (from_payload<Event>(entry.payload).kind != EventKind::Sent) continue;
    forge<Event>("gateway", entry, [](Event& e) { e.id.raw += 1u << 20; });
    break;
  }
  EXPECT_TRUE(edge(verify(dir_), "session->gateway verdicts").difference);
}

TEST_F(ReplayTest, AnEntryOfAForeignEdgeStopsItsJournal) {
  JournalEntry entry = entries_of("seat0", feed_seat(0)).at(5);
  entry.edge = Edge::FeedRisk;
  forge<Tick>("seat0", entry, [](Tick&) {});
  const Verification result = verify(dir_);
  EXPECT_FALSE(result.verified());
  ASSERT_EQ(result.journals[0].damages.size(), 1u);
  EXPECT_EQ(result.journals[0].damages[0].position, entry.position);
  EXPECT_NE(result.journals[0].damages[0].what.find("nothing from there enters seat0"),
            std::string::npos);
}

TEST_F(ReplayTest, AnotherStopMakesAnotherRun) {
  std::ofstream(dir_ / "pipeline.toml", std::ios::app) << "# a remark\n";
  const Verification remark = verify(dir_);
  EXPECT_TRUE(remark.verified());
  ASSERT_EQ(remark.notes.size(), 1u);
  EXPECT_NE(remark.notes[0].find("is not the file this run was started with"), std::string::npos);

  const std::string text = replaced(toml(), "stop_loss = \"0.0004\"", "stop_loss = \"0.0005\"");
  std::ofstream(dir_ / "pipeline.toml") << text;
  const Verification mutant = verify(dir_);
  EXPECT_FALSE(mutant.verified());
  EXPECT_TRUE(edge(mutant, "risk->gateway Order").difference) << text_of(mutant);
}

// A stage that only remembers what it was given.
struct Witness {
  std::vector<Payload> controls;
  std::uint64_t others = 0;
  void on(const Control& control, Context&) noexcept { controls.push_back(to_payload(control)); }
  void on(const Tick&, Context&) noexcept { ++others; }
  void on(const Intent&, Context&) noexcept { ++others; }
  void on(const Report&, Context&) noexcept { ++others; }
};

TEST_F(ReplayTest, AStageGetsEveryControlAndNoFiller) {
  Witness witness;
  const RunFiles run = open_run(dir_);
  const StageRun replayed = run_stage(witness, Process::Risk, dir_, run.pipeline);
  const std::vector<JournalEntry> journaled = entries_of("risk");
  std::vector<Payload> controls;
  for (const JournalEntry& entry : journaled)
    if (entry.edge == Edge::Control) controls.push_back(entry.payload);
  EXPECT_EQ(witness.controls, controls);
  EXPECT_EQ(witness.others, journaled.size() - controls.size());
  EXPECT_GT(replayed.film->report().fillers, 100u);
  EXPECT_EQ(replayed.film->report().inputs, journaled.size());
  std::set<ControlKind> kinds;
  for (const Payload& payload : controls) kinds.insert(from_payload<Control>(payload).kind);
  EXPECT_FALSE(kinds.contains(ControlKind::Time));
  for (const ControlKind kind : {ControlKind::RunStart, ControlKind::EdgeBase, ControlKind::Level,
                                 ControlKind::Permit, ControlKind::Cap, ControlKind::Rate})
    EXPECT_TRUE(kinds.contains(kind)) << static_cast<int>(kind);
}

TEST_F(ReplayTest, WhatCannotBeLookedAtIsSaidInOneLine) {
  for (const std::string_view journal : kJournals) {
    for (const auto& entry : fs::directory_iterator(original_->path() / "runs" / "00003"))
      if (entry.path().filename().string().starts_with(std::string(journal) + "."))
        fs::remove(dir_ / entry.path().filename());
    const auto [code, text] = verify_error();
    EXPECT_EQ(code, Exit::Unqualified);
    EXPECT_NE(text.find(fmt::format("there is no journal '{}'", journal)), std::string::npos)
        << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
    fs::copy(original_->path(), temp_.path(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  EXPECT_EQ(error_of([&] { static_cast<void>(verify(dir_ / "nowhere")); }).first,
            Exit::Unqualified);
  const test::TempDir empty;
  EXPECT_EQ(error_of([&] { static_cast<void>(verify(empty.path())); }).first, Exit::Unqualified);
  std::ofstream(dir_ / "pipeline.toml") << "[risk]\nequity = 5\n";
  EXPECT_EQ(verify_error().first, Exit::Unqualified);
  fs::remove(dir_ / "pipeline.toml");
  EXPECT_NE(verify_error().second.find("no pipeline.toml"), std::string::npos);
}

TEST_F(ReplayTest, HeadersOfOtherBuildsAndOtherRunsAreRefused) {
  const fs::path path = dir_ / "gateway.00000000000000.journal";
  std::array<std::uint64_t, 16> sound{};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(sound.data()), sizeof sound);
  const auto with = [&](std::size_t word, std::uint64_t flip, bool fix) {
    std::array<std::uint64_t, 16> words = sound;
    words[word] ^= flip;
    if (fix) words[15] = crc32c(std::span(words).first(15));
    patch(path, 0, words.data(), sizeof words);
    return verify_error();
  };
  EXPECT_EQ(with(1, 1, true).first, Exit::Unqualified);
  EXPECT_NE(with(1, 1, true).second.find("another build"), std::string::npos);
  EXPECT_EQ(with(2, 1, true).first, Exit::Unqualified);
  EXPECT_NE(with(2, 1, true).second.find("different runs"), std::string::npos);
  EXPECT_EQ(with(6, 1, false).first, Exit::No) << "damage is damage, not another build";
  EXPECT_EQ(with(0, 0, true).first, Exit::Ok);
}

TEST_F(ReplayTest, OfAStateDirectoryTheNewestRunIsTaken) {
  fs::create_directories(temp_.path() / "runs" / "00001");
  for (const fs::path& given : {temp_.path(), temp_.path() / "runs"}) {
    const Verification result = verify(given);
    EXPECT_TRUE(result.verified());
    EXPECT_EQ(result.dir, dir_);
    ASSERT_FALSE(result.notes.empty());
    EXPECT_NE(result.notes[0].find("holds 2 runs; this is the newest"), std::string::npos);
  }
  fs::create_directories(temp_.path() / "runs" / "00004");
  EXPECT_EQ(error_of([&] { static_cast<void>(verify(temp_.path())); }).first, Exit::Unqualified);
}

TEST_F(ReplayTest, ShowPrintsEntriesDecoded) {
  std::vector<std::string> lines;
  const auto write = [&](std::string_view line) { lines.emplace_back(line); };
  EXPECT_EQ(show({dir_, "risk", 0, 3}, write), Exit::Ok);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].rfind("0 ", 0), 0u);
  const std::vector<JournalEntry> intents = entries_of("risk", seat_risk(0));
  lines.clear();
  EXPECT_EQ(show({dir_, "risk", intents[0].position, 1}, write), Exit::Ok);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("seat0->risk Intent id=3:seat0:1:0 instrument=BTCUSDT"),
            std::string::npos)
      << lines[0];
  EXPECT_NE(lines[0].find("strategy=momentum side=buy action=enter"), std::string::npos)
      << lines[0];
  lines.clear();
  EXPECT_EQ(show({dir_, "paper", 0, 1'000'000, true}, write), Exit::Ok);
  EXPECT_EQ(lines.size(), JournalFiles(dir_, "paper").end());
  for (const std::string& line : lines) EXPECT_TRUE(line.front() == '{' && line.ends_with("}\n"));

  const JournalFiles files(dir_, "risk");
  const Place place = place_of(files, 4);
  patch(place.file, place.offset + 8, "\xff", 1);
  lines.clear();
  EXPECT_EQ(show({dir_, "risk", 4, 2}, write), Exit::No);
  EXPECT_NE(lines.at(0).find("4 CORRUPT"), std::string::npos);
  EXPECT_EQ(lines.at(1).rfind("5 ", 0), 0u) << "shown, with an uncertain time";
  EXPECT_EQ(show({dir_, "risk", 5, 1}, write), Exit::Ok);
  EXPECT_EQ(error_of([&] {
              static_cast<void>(show({dir_, "risk", files.end(), 1}, write));
            }).first,
            Exit::Usage);
  EXPECT_EQ(error_of([&] {
              static_cast<void>(show({dir_, "feed", 0, 1}, write));
            }).first,
            Exit::Unqualified);
}

}  // namespace
}  // namespace sluice::replay
