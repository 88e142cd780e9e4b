// Journals as CSV: every cell read back gives the journaled record, and the documented columns are
// those of the layout tables.
#include "tools/replay/export.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <map>

#include "core/decimal.hpp"
#include "tests/unit/tools/replay_fixture.hpp"
#include "tools/replay/record_text.hpp"

namespace sluice::replay {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line, char by) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == by)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::vector<Row> rows_of(const std::string& csv) {
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line, ',');
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line, ',');
    EXPECT_EQ(cells.size(), names.size()) << line;
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < std::min(cells.size(), names.size()); ++i) {
      EXPECT_FALSE(row.contains(names[i])) << "the column " << names[i] << " is there twice";
      row[names[i]] = cells[i];
    }
  }
  return rows;
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::int64_t negative = 0;
  const char* const end = text.data() + text.size();
  if (text.starts_with("-")) {
    EXPECT_EQ(std::from_chars(text.data(), end, negative).ptr, end) << text;
    return static_cast<std::uint64_t>(negative);
  }
  EXPECT_EQ(std::from_chars(text.data(), end, value).ptr, end) << "'" << text << "'";
  return value;
}

std::uint64_t amount(const std::string& text) {
  std::int64_t raw = 0;
  EXPECT_EQ(parse_decimal(text, raw), DecimalError::None) << text;
  return static_cast<std::uint64_t>(raw);
}

std::uint64_t id(const std::string& text) {
  if (text == "none") return 0;
  const std::vector<std::string> parts = split(text, ':');
  EXPECT_EQ(parts.size(), 4u) << text;
  const std::uint64_t origin = parts[1] == "risk" ? 0 : number(parts[1].substr(4)) + 1;
  return OrderId::make(static_cast<std::uint16_t>(number(parts[0])),
                       static_cast<std::uint8_t>(origin),
                       static_cast<std::uint32_t>(number(parts[2])),
                       static_cast<std::uint8_t>(number(parts[3])))
      .raw;
}

// The one enumerator with this word.
std::uint64_t enumerator(RecordKind kind, std::string_view field, const std::string& text) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t raw = 0; raw < 256; ++raw)
    if (enum_text(kind, field, raw) == text) found.push_back(raw);
  EXPECT_EQ(found.size(), 1u) << field << " " << text;
  return found.empty() ? 0 : found[0];
}

// Reads a record back by the documented rules, field by field, knowing nothing of the exporter.
class Reader {
 public:
  explicit Reader(const PipelineConfig& names) : names_(names) {}

  template <class R>
  Payload read(RecordKind kind, const Row& row) const {
    Payload payload{};
    for (const Field& field : Layout<R>::kFields) {
      const std::string name(field.name);
      const std::size_t words = field.size <= 8 ? 1 : field.size / 8;
      for (std::size_t i = 0; i < words; ++i) {
        const std::string column =
            name + (words == 1 ? "" : std::to_string(i)) +
            (field.kind == FieldKind::Time || field.kind == FieldKind::Duration ? "_ns" : "");
        EXPECT_TRUE(row.contains(column)) << column;
        const std::uint64_t raw = raw_of(kind, field, row, row.at(column));
        std::memcpy(reinterpret_cast<char*>(payload.data()) + field.offset + 8 * i, &raw,
                    std::min<std::size_t>(field.size, 8));
      }
    }
    return payload;
  }

 private:
  std::uint64_t raw_of(RecordKind kind, const Field& field, const Row& row,
                       const std::string& text) const {
    if (field.name == "instrument" || field.name == "strategy") return index(field.name, text);
    if (kind == RecordKind::Tick && field.name == "value")
      return row.at("kind") == "status" ? number(text) : amount(text);
    if (kind == RecordKind::Intent && field.name == "quantity")
      return row.at("action") == "exit" ? amount(text) : number(text);
    if (kind == RecordKind::Control && (field.name == "before" || field.name == "after"))
      return row.at("kind") == "cap" ? amount(text) : number(text);
    switch (field.kind) {
      case FieldKind::Amount: return amount(text);
      case FieldKind::Enum: return enumerator(kind, field.name, text);
      case FieldKind::Id: return id(text);
      case FieldKind::Time:
      case FieldKind::Duration:
      case FieldKind::Integer:
      case FieldKind::Reserved: break;
    }
    return number(text);
  }
  std::uint64_t index(std::string_view field, const std::string& text) const {
    for (std::size_t i = 0; field == "instrument" && i < names_.instruments.size(); ++i)
      if (names_.instruments[i].name == text) return i;
    for (std::size_t i = 0; field == "strategy" && i < names_.strategies.size(); ++i)
      if (names_.strategies[i].name == text) return i;
    return number(text);
  }
  const PipelineConfig& names_;
};

Payload read_back(const Reader& reader, RecordKind kind, const Row& row) {
  switch (kind) {
    case RecordKind::Tick: return reader.read<Tick>(kind, row);
    case RecordKind::Intent: return reader.read<Intent>(kind, row);
    case RecordKind::Order: return reader.read<Order>(kind, row);
    case RecordKind::Report: return reader.read<Report>(kind, row);
    case RecordKind::Event: return reader.read<Event>(kind, row);
    case RecordKind::Control: return reader.read<Control>(kind, row);
    case RecordKind::PaperEntry: return reader.read<PaperEntry>(kind, row);
  }
  return {};
}

class ExportTest : public ReplayTest {
 protected:
  std::string csv_of(const std::string& journal) const {
    std::string csv;
    const auto done = export_run({.dir = dir_, .out = {}, .journal = journal},
                                 [&](std::string_view text) { csv += text; });
    EXPECT_EQ(done.size(), 1u);
    EXPECT_EQ(done.at(0).damage, "");
    EXPECT_EQ(done.at(0).rows, rows_of(csv).size());
    return csv;
  }
};

TEST_F(ExportTest, EveryRowReadBackIsTheJournaledRecord) {
  const RunFiles run = open_run(dir_);
  const Reader reader(run.pipeline);
  std::map<std::string, std::size_t> seen;
  for (const std::string_view journal : kJournals) {
    const std::vector<Row> rows = rows_of(csv_of(std::string(journal)));
    const std::vector<JournalEntry> entries = entries_of(journal);
    ASSERT_EQ(rows.size(), entries.size()) << journal;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const RecordKind kind = record_of(entries[i].edge);
      ++seen[rows[i].at("record")];
      ASSERT_EQ(rows[i].at("record"), name_of(kind));
      ASSERT_EQ(rows[i].at("edge"), edge_label(entries[i].edge));
      ASSERT_EQ(number(rows[i].at("position")), entries[i].position);
      const HostTime now = kind == RecordKind::PaperEntry
                               ? from_payload<PaperEntry>(entries[i].payload).at
                               : entries[i].now;
      ASSERT_EQ(rows[i].at("now_ns"), std::to_string(now.ns));
      ASSERT_EQ(read_back(reader, kind, rows[i]), entries[i].payload)
          << journal << " row " << i << ", a " << name_of(kind);
    }
  }
  EXPECT_EQ(seen.size(), 7u) << "every kind of record";
}

// Values that the market of the rig does not have: negative, largest, beyond every name.
TEST_F(ExportTest, ExtremesSurvive) {
  const RunFiles run = open_run(dir_);
  const Reader reader(run.pipeline);
  Tick status{};
  status.kind = TickKind::Status;
  status.instrument = ~InstrumentIndex{0};  // the whole connection
  status.value = {static_cast<std::int64_t>(StatusCode::Gap),
                  std::numeric_limits<std::int64_t>::max(),
                  std::numeric_limits<std::int64_t>::min(), -1};
  Tick quote{};
  quote.kind = TickKind::Quote;
  quote.value = {1, -1, std::numeric_limits<std::int64_t>::max(), kScale + 1};
  Intent exit{};
  exit.action = Action::Exit;
  exit.side = Side::Sell;
  exit.reason = IntentReason::Manual;
  exit.strategy = 31;
  exit.quantity = 123'456'789;
  Control cap{};
  cap.kind = ControlKind::Cap;
  cap.scope = ScopeKind::Strategy;
  cap.before = -1;
  cap.after = 5;
  cap.reserved = {1, ~std::uint64_t{0}};
  Report fill{};
  fill.id = OrderId::make(65'535, 8, ~std::uint32_t{0}, 255);
  fill.side = Side::Buy;
  fill.kind = ReportKind::Fill;
  fill.price = {1};
  fill.qty = {-std::numeric_limits<std::int64_t>::max()};
  fill.cum_qty = {kScale - 1};
  fill.venue_time = {-1};
  fill.at = HostTime::never();
  for (const auto& [kind, payload] : {std::pair{RecordKind::Tick, to_payload(status)},
                                      {RecordKind::Tick, to_payload(quote)},
                                      {RecordKind::Intent, to_payload(exit)},
                                      {RecordKind::Control, to_payload(cap)},
                                      {RecordKind::Report, to_payload(fill)}}) {
    const std::vector<Column> columns = columns_of(kind);
    const std::vector<std::string> cells = cells_of(kind, payload, run.pipeline);
    ASSERT_EQ(columns.size(), cells.size());
    Row row;
    for (std::size_t i = 0; i < cells.size(); ++i) row[columns[i].name] = cells[i];
    EXPECT_EQ(read_back(reader, kind, row), payload) << name_of(kind);
  }
}

TEST_F(ExportTest, OneFilePerJournal) {
  const fs::path out = temp_.path() / "csv" / "here";
  const auto done = export_run({.dir = temp_.path(), .out = out, .journal = {}},
                               [](std::string_view) { ADD_FAILURE() << "not to stdout"; });
  ASSERT_EQ(done.size(), kJournals.size());
  for (const std::string_view journal : kJournals) {
    std::ifstream file(out / (std::string(journal) + ".csv"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text, csv_of(std::string(journal)));
  }
}

TEST_F(ExportTest, ADamagedEntryEndsTheFileAndIsSaid) {
  const std::vector<JournalEntry> entries = entries_of("risk");
  const Place place = place_of(JournalFiles(dir_, "risk"), entries[10].position);
  const char wrong = 0x55;
  patch(place.file, place.offset + 20, &wrong, 1);
  std::string csv;
  const auto done = export_run({.dir = dir_, .out = {}, .journal = "risk"},
                               [&](std::string_view text) { csv += text; });
  EXPECT_EQ(done.at(0).rows, 10u);
  EXPECT_EQ(rows_of(csv).size(), 10u);
  EXPECT_NE(done.at(0).damage.find("fails its checksum"), std::string::npos) << done.at(0).damage;
}

TEST_F(ExportTest, WhatCannotBeExportedIsSaid) {
  const auto of = [&](const ExportOptions& options) {
    return error_of([&] { static_cast<void>(export_run(options, [](std::string_view) {})); });
  };
  EXPECT_EQ(of({.dir = dir_, .out = {}, .journal = "feed"}).first, Exit::Usage);
  const auto absent = of({.dir = dir_, .out = {}, .journal = "seat3"});
  EXPECT_EQ(absent.first, Exit::Unqualified);
  EXPECT_NE(absent.second.find("journals here: gateway, paper, risk, seat0"), std::string::npos)
      << absent.second;
  EXPECT_EQ(of({.dir = dir_ / "none", .out = {}, .journal = {}}).first, Exit::Unqualified);
  const auto unwritable = of({.dir = dir_, .out = "/proc/nowhere", .journal = {}});
  EXPECT_EQ(unwritable.first, Exit::No);
  EXPECT_NE(unwritable.second.find("cannot be written"), std::string::npos) << unwritable.second;
}

// tools/replay/README.md, the block behind "record: column unit".
TEST(ExportColumns, AreTheDocumentedOnes) {
  std::ifstream file(SLUICE_SOURCE_DIR "/tools/replay/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t from = text.find("```columns\n");
  ASSERT_NE(from, std::string::npos);
  std::istringstream block(text.substr(from + 11, text.find("```", from + 11) - from - 11));
  std::map<std::string, std::string> documented;
  std::string name;
  for (std::string line; std::getline(block, line);) {
    if (line.starts_with(" ")) {
      documented[name] += line.substr(line.find_first_not_of(' ') - 1);
      continue;
    }
    name = line.substr(0, line.find(':'));
    documented[name] = line.substr(line.find(": ") + 2);
  }
  EXPECT_EQ(documented.size(), 7u);
  for (int kind = 1; kind <= 7; ++kind) {
    std::string said;
    for (const Column& column : columns_of(static_cast<RecordKind>(kind)))
      said += (said.empty() ? "" : ", ") + column.name + " " + std::string(column.unit);
    EXPECT_EQ(documented[std::string(name_of(static_cast<RecordKind>(kind)))], said);
  }
}

}  // namespace
}  // namespace sluice::replay
