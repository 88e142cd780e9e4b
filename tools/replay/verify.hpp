// Verification of a run: every journaled stage is run again over its journal, and what it emits is
// compared byte for byte with what it emitted then, which is found where it was consumed:
//
//   seatN  -> Intent -> risk's journal          risk    -> Order  -> the gateway's journal
//   gateway-> Report -> risk's journal          risk    -> Report -> seatN's journal
//   gateway-> Order  -> the paper order log (sends, cancels), the gateway's journal (verdicts)
//   session-> Event  -> the gateway's journal, each the word of an entry of the paper order log
//
// Output k of an edge must be consumed record k. Consumed without having been emitted is an error;
// emitted and not consumed is possible at the end only, because record k+1 cannot be consumed
// without record k.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/replay/film.hpp"
#include "tools/replay/run_files.hpp"

namespace sluice::replay {

// The first record of an edge that differs. Absent `emitted`: nobody emitted what was consumed.
struct Difference {
  std::uint64_t record = 0;  // its number on the edge, from 0
  std::string what;
  std::string emitted_by;   // "seat0 entry 17 (seat0.00000000000000.journal at byte 1216)"
  std::string consumed_as;  // the same of the consumer
  RecordKind kind{};
  std::optional<Payload> emitted;
  std::optional<Payload> consumed;
};

struct EdgeReport {
  std::string title;  // "seat0->risk Intent"
  std::uint64_t identical = 0;
  std::uint64_t pending = 0;  // emitted, not consumed at the end
  std::uint64_t unchecked =
      0;               // without counterpart because a journal is cut short (corrupt or torn)
  std::string remark;  // ", 2 refused by the last look"
  std::optional<Difference> difference;
};

struct Verification {
  std::filesystem::path dir;
  std::vector<std::string> notes;
  std::string instance;
  Mode mode = Mode::Paper;
  std::uint16_t run_ordinal = 0;
  PipelineConfig pipeline;  // names for printing
  std::vector<FilmReport> journals;
  std::vector<EdgeReport> edges;

  [[nodiscard]] std::uint64_t identical() const noexcept;
  [[nodiscard]] std::uint64_t damaged() const noexcept;
  [[nodiscard]] std::size_t different() const noexcept;  // edges
  [[nodiscard]] bool verified() const noexcept { return damaged() == 0 && different() == 0; }
};

// `given`: a run or a state directory. Throws Error(Unqualified) if one could not look.
Verification verify(const std::filesystem::path& given);
Verification verify(const RunFiles& run);

}  // namespace sluice::replay
