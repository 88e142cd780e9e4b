// `export`: journals as CSV. Columns come from the layout tables of the records, so a field that is
// added to a record is exported without a change here; tools/replay/README.md lists them, and a
// test compares the two.
//
// A row is `position,now_ns,edge,record` and the fields of every record that the journal may hold;
// those of the same name share a column, and what a record does not have is empty. Nothing is
// rounded: amounts are exact decimals, times integer ns, flags and counters integers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/records.hpp"
#include "core/topology.hpp"
#include "tools/replay/run_files.hpp"

namespace sluice::replay {

struct Column {
  std::string name;
  std::string_view unit;  // "ns", "decimal", "word", "id", "number"

  friend bool operator==(const Column&, const Column&) = default;
};

// The columns of one record, in the order of its layout.
std::vector<Column> columns_of(RecordKind kind);
// One cell per column.
std::vector<std::string> cells_of(RecordKind kind, const Payload& payload,
                                  const PipelineConfig& names);

// What a journal ("risk", "gateway", "seat0", "paper") may hold, and the header of its file.
std::vector<RecordKind> kinds_in(const std::string& journal, const PipelineConfig& pipeline);
std::vector<Column> columns_in(const std::string& journal, const PipelineConfig& pipeline);

struct Exported {
  std::string journal;
  std::uint64_t rows = 0;
  std::string damage;  // where the journal is damaged: nothing behind it was exported; else empty
};
using Write = std::function<void(std::string_view)>;
Exported export_journal(const RunFiles& run, const std::string& journal, const Write& write);

struct ExportOptions {
  std::filesystem::path dir;  // a run or a state directory
  std::filesystem::path out;  // directory for JOURNAL.csv; empty: `journal` goes to `write`
  std::string journal;        // only this one; empty: all of the run
};
// Throws Error: nothing to export, or a file that cannot be written.
std::vector<Exported> export_run(const ExportOptions& options, const Write& write);

}  // namespace sluice::replay
