#include "tools/replay/film.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "core/segment.hpp"
#include "tools/replay/record_text.hpp"

namespace fs = std::filesystem;

namespace sluice::replay {
namespace {

// A sound header with another layout hash: not damage, another build.
bool of_another_build(const fs::path& path) {
  std::array<std::uint64_t, sizeof(JournalFileHeader) / 8> words{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(words.data()), sizeof words)) return false;
  JournalFileHeader header;
  std::memcpy(&header, words.data(), sizeof header);
  return header.check == crc32c(std::span(words).first(15)) && header.layout_hash != schema_hash();
}

}  // namespace

JournalFiles open_journal(const fs::path& dir, const std::string& journal) {
  const std::vector<std::string> there = list_journals(dir);
  if (std::find(there.begin(), there.end(), journal) == there.end())
    throw Error(
        Exit::Unqualified,
        fmt::format(
            "{}: there is no journal '{}' (journals here: {}); without it the run cannot be "
            "replayed",
            dir.string(), journal,
            there.empty() ? "none" : fmt::format("{}", fmt::join(there, ", "))));
  for (const auto& entry : fs::directory_iterator(dir))
    if (entry.path().filename().string().starts_with(journal + ".") &&
        of_another_build(entry.path()))
      throw Error(Exit::Unqualified,
                  fmt::format("{}: was written by another build (its layout hash differs); "
                              "use the sluice-replay of that build",
                              entry.path().string()));
  return {dir, journal};
}

std::string claim_of(const JournalSlot& raw, const PipelineConfig* names) {
  const auto edge = static_cast<Edge>(raw.word >> 32 & 0xff);
  if (edge_info(edge) == nullptr && (edge < Edge::Control || edge > Edge::PaperLog))
    return edge_label(edge);
  return edge_title(edge) + ": " + line_of(fields_of(record_of(edge), raw.payload, names));
}

Film::Film(const fs::path& dir, const std::string& journal, std::vector<Edge> takes,
           const PipelineConfig* names)
    : files_(open_journal(dir, journal)), takes_(std::move(takes)), names_(names) {
  report_.journal = journal;
  report_.torn_bytes = files_.torn_bytes();
  if (!files_.header())
    throw Error(Exit::Unqualified,
                fmt::format("{}: the journal '{}' has a file, but not even a whole header in it",
                            dir.string(), journal));
  header_ = *files_.header();
  if (files_.first() != 0)
    throw Error(
        Exit::Unqualified,
        fmt::format(
            "{}: the journal '{}' begins at entry {}: its first files were removed, and a replay "
            "needs all of it",
            dir.string(), journal, files_.first()));
}

bool Film::belongs(Edge edge) const noexcept {
  return std::find(takes_.begin(), takes_.end(), edge) != takes_.end();
}

bool Film::next(JournalEntry& out) {
  for (; !stopped_ && position_ < files_.end(); ++position_) {
    JournalSlot raw{};
    if (!files_.read(position_, raw))
      throw Error(fmt::format("{}: cannot be read", files_.where(position_)));
    const JournalDecoder::Status status = decoder_.decode(raw, position_, out);
    const bool corrupt = status == JournalDecoder::Status::Corrupt;
    if (corrupt || (status == JournalDecoder::Status::Input && !belongs(out.edge))) {
      note(raw, position_,
           corrupt ? "fails its checksum"
                   : fmt::format("is whole, but nothing from there enters {}", report_.journal));
      search_the_rest(position_ + 1);
      stopped_ = true;
      return false;
    }
    if (report_.entries++ == 0) report_.first_at = out.now;
    report_.last_at = out.now;
    if (status == JournalDecoder::Status::Filler) {
      ++report_.fillers;
      continue;
    }
    ++report_.inputs;
    ++position_;
    return true;
  }
  return false;
}

void Film::note(const JournalSlot& raw, std::uint64_t position, std::string what) {
  if (report_.damaged++ < kDamagesShown)
    report_.damages.push_back(
        {position, files_.where(position), std::move(what), claim_of(raw, names_)});
}

// An entry's checksum needs no neighbour, so damage behind the first is found as well.
void Film::search_the_rest(std::uint64_t from) {
  report_.unread = files_.end() - from + 1;
  JournalDecoder decoder;
  for (std::uint64_t position = from; position < files_.end(); ++position) {
    JournalSlot raw{};
    JournalEntry entry;
    if (!files_.read(position, raw))
      throw Error(fmt::format("{}: cannot be read", files_.where(position)));
    if (decoder.decode(raw, position, entry) == JournalDecoder::Status::Corrupt)
      note(raw, position, "fails its checksum");
  }
}

}  // namespace sluice::replay
