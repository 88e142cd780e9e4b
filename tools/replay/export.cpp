#include "tools/replay/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "tools/replay/film.hpp"
#include "tools/replay/record_text.hpp"
#include "tools/replay/replayer.hpp"

namespace fs = std::filesystem;

namespace sluice::replay {
namespace {

template <class Visit>
void with_layout(RecordKind kind, Visit&& visit) {
  switch (kind) {
    case RecordKind::Tick: return visit(std::span(Layout<Tick>::kFields));
    case RecordKind::Intent: return visit(std::span(Layout<Intent>::kFields));
    case RecordKind::Order: return visit(std::span(Layout<Order>::kFields));
    case RecordKind::Report: return visit(std::span(Layout<Report>::kFields));
    case RecordKind::Event: return visit(std::span(Layout<Event>::kFields));
    case RecordKind::Control: return visit(std::span(Layout<Control>::kFields));
    case RecordKind::PaperEntry: return visit(std::span(Layout<PaperEntry>::kFields));
  }
}

bool is_tick_value(RecordKind kind, const Field& field) {
  return kind == RecordKind::Tick && field.name == "value";
}
bool is_name(const Field& field) {
  return field.name == "instrument" || field.name == "strategy";
}

std::string_view unit_of(RecordKind kind, const Field& field) {
  if (is_tick_value(kind, field)) return "decimal";
  if (is_name(field)) return "word";
  switch (field.kind) {
    case FieldKind::Amount: return "decimal";
    case FieldKind::Time:
    case FieldKind::Duration: return "ns";
    case FieldKind::Enum: return "word";
    case FieldKind::Id: return "id";
    case FieldKind::Integer:
    case FieldKind::Reserved: break;
  }
  return "number";
}

// A field of several words becomes as many columns.
std::size_t words_of(const Field& field) noexcept {
  return field.size <= 8 ? 1 : field.size / 8;
}

std::uint64_t raw_at(const Payload& payload, std::size_t offset, std::size_t size) noexcept {
  std::uint64_t raw = 0;
  std::memcpy(&raw, reinterpret_cast<const char*>(payload.data()) + offset,
              std::min(size, sizeof raw));
  return raw;
}

// Integers that are signed; whether they are amounts stands in another field of the record.
bool is_signed(const Field& field) noexcept {
  return field.name == "before" || field.name == "after" || field.name == "quantity";
}
bool is_amount(RecordKind kind, const Payload& payload) noexcept {
  if (kind == RecordKind::Control) return from_payload<Control>(payload).kind == ControlKind::Cap;
  return kind == RecordKind::Intent && from_payload<Intent>(payload).action == Action::Exit;
}

std::string cell(RecordKind kind, const Field& field, const Payload& payload, std::uint64_t raw,
                 const PipelineConfig& names) {
  if (is_tick_value(kind, field))  // a status counts, everything else is an amount
    return from_payload<Tick>(payload).kind == TickKind::Status
               ? fmt::format("{}", static_cast<std::int64_t>(raw))
               : decimal_text(static_cast<std::int64_t>(raw));
  if (field.name == "instrument" && raw < names.instruments.size())
    return names.instruments[raw].name;
  if (field.name == "strategy" && raw < names.strategies.size()) return names.strategies[raw].name;
  if (is_signed(field))
    return is_amount(kind, payload) ? decimal_text(static_cast<std::int64_t>(raw))
                                    : fmt::format("{}", static_cast<std::int64_t>(raw));
  switch (field.kind) {
    case FieldKind::Amount: return decimal_text(static_cast<std::int64_t>(raw));
    case FieldKind::Time:
    case FieldKind::Duration: return fmt::format("{}", static_cast<std::int64_t>(raw));
    case FieldKind::Enum: return enum_text(kind, field.name, raw);
    case FieldKind::Id: return id_text({raw});
    case FieldKind::Integer:
    case FieldKind::Reserved: break;
  }
  return fmt::format("{}", raw);
}

const std::vector<Column>& leading() {
  static const std::vector<Column> kLeading{
      {"position", "number"}, {"now_ns", "ns"}, {"edge", "word"}, {"record", "word"}};
  return kLeading;
}

std::vector<Edge> edges_in(const std::string& journal, const PipelineConfig& pipeline) {
  if (journal == "paper") return {Edge::PaperLog};
  for (const Process process : kProcesses)
    if (name_of(process) == journal && has_journal(process))
      return Wires::of(process, pipeline).inputs;
  throw Error(Exit::Usage, fmt::format("'{}' is not the name of a journal: risk, gateway, seat0 to "
                                       "seat{}, paper",
                                       journal, kSeats - 1));
}

std::string joined(const std::vector<std::string>& cells) {
  return fmt::format("{}\n", fmt::join(cells, ","));
}

void close(std::ofstream& file, const fs::path& path) {
  file.close();
  if (!file) throw Error(fmt::format("{}: cannot be written", path.string()));
}

}  // namespace

std::vector<Column> columns_of(RecordKind kind) {
  std::vector<Column> columns;
  with_layout(kind, [&](std::span<const Field> fields) {
    for (const Field& field : fields) {
      const std::string_view unit = unit_of(kind, field);
      const std::size_t words = words_of(field);
      for (std::size_t i = 0; i < words; ++i)
        columns.push_back(
            {fmt::format("{}{}{}", field.name, words == 1 ? std::string() : std::to_string(i),
                         unit == "ns" ? "_ns" : ""),
             unit});
    }
  });
  return columns;
}

std::vector<std::string> cells_of(RecordKind kind, const Payload& payload,
                                  const PipelineConfig& names) {
  std::vector<std::string> cells;
  with_layout(kind, [&](std::span<const Field> fields) {
    for (const Field& field : fields)
      for (std::size_t i = 0; i < words_of(field); ++i)
        cells.push_back(
            cell(kind, field, payload, raw_at(payload, field.offset + 8 * i, field.size), names));
  });
  return cells;
}

std::vector<RecordKind> kinds_in(const std::string& journal, const PipelineConfig& pipeline) {
  std::vector<RecordKind> kinds;
  for (const Edge edge : edges_in(journal, pipeline)) kinds.push_back(record_of(edge));
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return kinds;
}

std::vector<Column> columns_in(const std::string& journal, const PipelineConfig& pipeline) {
  std::vector<Column> columns = leading();
  for (const RecordKind kind : kinds_in(journal, pipeline))
    for (const Column& column : columns_of(kind))
      if (std::none_of(columns.begin(), columns.end(),
                       [&](const Column& known) { return known.name == column.name; }))
        columns.push_back(column);
  return columns;
}

Exported export_journal(const RunFiles& run, const std::string& journal, const Write& write) {
  const std::vector<Column> columns = columns_in(journal, run.pipeline);
  // Where the cells of a record go in the row, by kind.
  std::array<std::vector<std::size_t>, 1 + static_cast<std::size_t>(RecordKind::PaperEntry)> place;
  for (const RecordKind kind : kinds_in(journal, run.pipeline))
    for (const Column& column : columns_of(kind))
      place[static_cast<std::size_t>(kind)].push_back(static_cast<std::size_t>(
          std::find_if(columns.begin(), columns.end(),
                       [&](const Column& known) { return known.name == column.name; }) -
          columns.begin()));
  std::vector<std::string> row;
  for (const Column& column : columns) row.push_back(column.name);
  write(joined(row));

  Film film(run.dir, journal, edges_in(journal, run.pipeline), &run.pipeline);
  Exported done{journal, 0, {}};
  for (JournalEntry entry; film.next(entry); ++done.rows) {
    const RecordKind kind = record_of(entry.edge);
    row.assign(columns.size(), {});
    // The session's log states its times itself: its entries follow each other without one.
    const HostTime now =
        entry.edge == Edge::PaperLog ? from_payload<PaperEntry>(entry.payload).at : entry.now;
    row[0] = fmt::format("{}", entry.position);
    row[1] = fmt::format("{}", now.ns);
    row[2] = edge_label(entry.edge);
    row[3] = name_of(kind);
    const std::vector<std::string> cells = cells_of(kind, entry.payload, run.pipeline);
    for (std::size_t i = 0; i < cells.size(); ++i)
      row[place[static_cast<std::size_t>(kind)][i]] = cells[i];
    write(joined(row));
  }
  if (const FilmReport& report = film.report(); report.damaged != 0)
    done.damage = fmt::format("{} {}", report.damages.front().where, report.damages.front().what);
  else if (report.torn_bytes != 0)
    done.damage = fmt::format("the last entry is torn: {} bytes of it", report.torn_bytes);
  return done;
}

std::vector<Exported> export_run(const ExportOptions& options, const Write& write) {
  const RunFiles run = open_run(options.dir);
  std::vector<std::string> journals = list_journals(run.dir);
  if (!options.journal.empty()) journals = {options.journal};
  if (journals.empty())
    throw Error(Exit::Unqualified,
                fmt::format("{}: there is no journal to export", run.dir.string()));
  std::vector<Exported> done;
  if (options.out.empty()) {
    for (const std::string& journal : journals) done.push_back(export_journal(run, journal, write));
    return done;
  }
  std::error_code error;
  fs::create_directories(options.out, error);
  for (const std::string& journal : journals) {
    const fs::path path = options.out / (journal + ".csv");
    std::ofstream file(path, std::ios::binary);
    if (!file) throw Error(fmt::format("{}: cannot be written", path.string()));
    done.push_back(export_journal(run, journal, [&](std::string_view text) {
      file.write(text.data(), static_cast<std::streamsize>(text.size()));
    }));
    close(file, path);
  }
  return done;
}

}  // namespace sluice::replay
