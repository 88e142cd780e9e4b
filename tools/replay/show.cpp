#include "tools/replay/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tools/replay/film.hpp"
#include "tools/replay/record_text.hpp"
#include "tools/replay/run_files.hpp"

namespace sluice::replay {
namespace {

// A journal can be looked at without its configuration: indices stand for names then.
std::filesystem::path find(const std::filesystem::path& given,
                           std::optional<PipelineConfig>& names) {
  try {
    RunFiles run = open_run(given);
    names = std::move(run.pipeline);
    return run.dir;
  } catch (const Error&) {
    if (list_journals(given).empty()) throw;
    return given;
  }
}

struct Line {
  std::uint64_t position;
  HostTime now;
  bool sure;  // of `now`
  const JournalSlot& raw;
  bool corrupt;
};

std::string text_line(const Line& line, const std::string& where, const PipelineConfig* names) {
  if (line.corrupt)
    return fmt::format("{} CORRUPT {}: it claims to be {}\n", line.position, where,
                       claim_of(line.raw, names));
  const auto edge = static_cast<Edge>(line.raw.word >> 32 & 0xff);
  return fmt::format("{} {}{} {} {}\n", line.position, line.sure ? "" : "~", time_text(line.now),
                     edge_title(edge),
                     line_of(fields_of(record_of(edge), line.raw.payload, names)));
}

std::string json_line(const Line& line, const std::string& where, const PipelineConfig* names) {
  if (line.corrupt)
    return fmt::format("{{\"position\":{},\"corrupt\":true,\"where\":{},\"claim\":{}}}\n",
                       line.position, json_text(where), json_text(claim_of(line.raw, names)));
  const auto edge = static_cast<Edge>(line.raw.word >> 32 & 0xff);
  return fmt::format(
      "{{\"position\":{},\"now_ns\":{},\"now_sure\":{},\"edge\":{},\"record\":{},\"fields\":{{{}}}}"
      "}\n",
      line.position, line.now.ns, line.sure, json_text(edge_label(edge)),
      json_text(name_of(record_of(edge))),
      json_members(fields_of(record_of(edge), line.raw.payload, names)));
}

}  // namespace

Exit show(const ShowOptions& options, const std::function<void(std::string_view)>& write) {
  std::optional<PipelineConfig> pipeline;
  const std::filesystem::path dir = find(options.dir, pipeline);
  const PipelineConfig* names = pipeline ? &*pipeline : nullptr;
  JournalFiles files = open_journal(dir, options.journal);
  if (options.from != 0 && options.from >= files.end())
    throw Error(
        Exit::Usage,
        fmt::format("{}: the journal '{}' has the entries {} to {}; there is no entry {}",
                    dir.string(), options.journal, files.first(), files.end() - 1, options.from));
  // A time is the sum of all gaps before it, so decoding begins at the first entry.
  JournalDecoder decoder;
  bool sure = files.first() == 0;
  bool damaged = false;
  std::uint64_t shown = 0;
  for (std::uint64_t position = files.first(); position < files.end() && shown < options.count;
       ++position) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files.read(position, raw)) throw Error(files.where(position) + ": cannot be read");
    const JournalDecoder::Status status = decoder.decode(raw, position, entry);
    const bool corrupt = status == JournalDecoder::Status::Corrupt;
    sure = status == JournalDecoder::Status::Filler || (sure && !corrupt);
    if (position < options.from) continue;
    ++shown;
    damaged = damaged || corrupt;
    // The session's log states its times itself.
    const bool own_time = !corrupt && entry.edge == Edge::PaperLog;
    const HostTime now = own_time ? from_payload<PaperEntry>(raw.payload).at : decoder.now();
    const Line line{position, now, sure || own_time, raw, corrupt};
    const std::string where = corrupt ? files.where(position) : std::string();
    write(options.json ? json_line(line, where, names) : text_line(line, where, names));
  }
  if (files.torn_bytes() != 0 && shown < options.count && !options.json)
    write(fmt::format("torn tail: {} bytes of an entry that is not whole\n", files.torn_bytes()));
  return damaged ? Exit::No : Exit::Ok;
}

}  // namespace sluice::replay
