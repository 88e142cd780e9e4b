#include "tools/replay/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "tools/replay/record_text.hpp"

namespace sluice::replay {
namespace {

constexpr std::size_t kDamagesPrinted = 20;  // of one journal; JSON has more

std::string_view plural(std::uint64_t n) noexcept {
  return n == 1 ? "" : "s";
}

void print_film(const FilmReport& film, std::string& out) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "  {:<8} {:>9} entries, {} inputs, {} fillers, {:.3f} s", film.journal,
                 film.entries, film.inputs, film.fillers,
                 static_cast<double>((film.last_at - film.first_at).ns) / 1e9);
  if (film.torn_bytes != 0)
    fmt::format_to(to, "; torn tail: {} byte{} of a last entry that is not whole, dropped",
                   film.torn_bytes, plural(film.torn_bytes));
  if (film.unread != 0) fmt::format_to(to, "; {} not replayed", film.unread);
  out += '\n';
}

void print_edge(const EdgeReport& edge, std::string& out) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "  {:<28} {:>7} identical", edge.title, edge.identical);
  if (edge.pending != 0) fmt::format_to(to, ", {} not yet consumed at the end", edge.pending);
  if (edge.unchecked != 0)
    fmt::format_to(to, ", {} not checked: a journal is cut short", edge.unchecked);
  out += edge.remark;
  if (edge.difference) fmt::format_to(to, ", DIFFERENT at record {}", edge.difference->record);
  out += '\n';
}

void print_damages(const FilmReport& film, std::string& out) {
  auto to = std::back_inserter(out);
  for (std::size_t i = 0; i < film.damages.size() && i < kDamagesPrinted; ++i) {
    const Damage& damage = film.damages[i];
    fmt::format_to(to, "\nCORRUPT {} entry {}, {}: {}\n  it claims to be {}\n", film.journal,
                   damage.position, damage.where, damage.what, damage.record);
    if (i == 0) out += "  the journal is not replayed from here on\n";
  }
  if (film.damaged > kDamagesPrinted)
    fmt::format_to(to, "\nCORRUPT {}: {} more damaged entries\n", film.journal,
                   film.damaged - kDamagesPrinted);
}

// Both records side by side, field by field.
void print_difference(const EdgeReport& edge, const PipelineConfig& names, std::string& out) {
  const Difference& difference = *edge.difference;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "\nDIFFERENT {} record {}: {}\n", edge.title, difference.record,
                 difference.what);
  if (!difference.emitted_by.empty()) fmt::format_to(to, "  emitted   {}\n", difference.emitted_by);
  if (!difference.consumed_as.empty())
    fmt::format_to(to, "  consumed  {}\n", difference.consumed_as);
  std::vector<FieldText> left;
  std::vector<FieldText> right;
  if (difference.emitted) left = fields_of(difference.kind, *difference.emitted, &names);
  if (difference.consumed) right = fields_of(difference.kind, *difference.consumed, &names);
  fmt::format_to(to, "    {:<16} {:<32} {}\n", name_of(difference.kind),
                 left.empty() ? "" : "emitted", right.empty() ? "" : "consumed");
  // Reserved fields appear only where they are not zero, and a tick's values are named by its kind.
  const bool aligned =
      left.size() == right.size() &&
      std::equal(left.begin(), left.end(), right.begin(),
                 [](const FieldText& a, const FieldText& b) { return a.name == b.name; });
  if (aligned) {
    for (std::size_t i = 0; i < left.size(); ++i)
      fmt::format_to(to, "    {:<16} {:<32} {}{}\n", left[i].name, left[i].text, right[i].text,
                     left[i].text == right[i].text ? "" : "   <- differs");
    return;
  }
  for (const FieldText& field : left) fmt::format_to(to, "    {:<16} {}\n", field.name, field.text);
  for (const FieldText& field : right)
    fmt::format_to(to, "    {:<16} {:<32} {}\n", field.name, "", field.text);
}

std::string json_film(const FilmReport& film) {
  std::string damages;
  for (const Damage& damage : film.damages)
    damages += fmt::format("{}{{\"position\":{},\"where\":{},\"what\":{},\"record\":{}}}",
                           damages.empty() ? "" : ",", damage.position, json_text(damage.where),
                           json_text(damage.what), json_text(damage.record));
  return fmt::format(
      "{{\"journal\":{},\"entries\":{},\"inputs\":{},\"fillers\":{},\"torn_bytes\":{},\"unread\":{}"
      ","
      "\"damaged\":{},\"damages\":[{}]}}",
      json_text(film.journal), film.entries, film.inputs, film.fillers, film.torn_bytes,
      film.unread, film.damaged, damages);
}

std::string json_difference(const Difference& difference, const PipelineConfig& names) {
  const auto record = [&](const std::optional<Payload>& payload) {
    return payload ? "{" + json_members(fields_of(difference.kind, *payload, &names)) + "}"
                   : std::string("null");
  };
  return fmt::format(
      "{{\"record\":{},\"what\":{},\"kind\":{},\"emitted_by\":{},\"consumed_as\":{},\"emitted\":{},"
      "\"consumed\":{}}}",
      difference.record, json_text(difference.what), json_text(name_of(difference.kind)),
      json_text(difference.emitted_by), json_text(difference.consumed_as),
      record(difference.emitted), record(difference.consumed));
}

std::string json_edge(const EdgeReport& edge, const PipelineConfig& names) {
  return fmt::format(
      "{{\"edge\":{},\"identical\":{},\"pending\":{},\"unchecked\":{},\"remark\":{},\"difference\":"
      "{}}}",
      json_text(edge.title), edge.identical, edge.pending, edge.unchecked,
      json_text(edge.remark.empty() ? edge.remark : edge.remark.substr(2)),
      edge.difference ? json_difference(*edge.difference, names) : "null");
}

template <class List, class Text>
std::string joined(const List& list, Text&& text) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += ',';
    out += text(item);
  }
  return out;
}

}  // namespace

std::string verdict_of(const Verification& result) {
  const std::string counts =
      fmt::format("{} edges, {} records identical", result.edges.size(), result.identical());
  if (result.verified()) return "verified: " + counts;
  std::string why;
  for (const EdgeReport& edge : result.edges)
    if (edge.difference) why += fmt::format("{}{} differs", why.empty() ? "" : ", ", edge.title);
  for (const FilmReport& film : result.journals)
    if (film.damaged != 0)
      why += fmt::format("{}{} corrupt entr{} in {}", why.empty() ? "" : ", ", film.damaged,
                         film.damaged == 1 ? "y" : "ies", film.journal);
  return fmt::format("{}: {}; {}", result.different() != 0 ? "DIFFERENT" : "CORRUPT", why, counts);
}

std::string text_of(const Verification& result) {
  std::string out = fmt::format("run {:05} of {} ({}), {}\n", result.run_ordinal, result.instance,
                                name_of(result.mode), result.dir.string());
  for (const std::string& note : result.notes) out += "  note: " + note + "\n";
  for (const FilmReport& film : result.journals) print_film(film, out);
  out += '\n';
  for (const EdgeReport& edge : result.edges) print_edge(edge, out);
  for (const FilmReport& film : result.journals) print_damages(film, out);
  for (const EdgeReport& edge : result.edges)
    if (edge.difference) print_difference(edge, result.pipeline, out);
  return out + "\n" + verdict_of(result) + "\n";
}

std::string json_of(const Verification& result) {
  return fmt::format(
      "{{\"verified\":{},\"verdict\":{},\"directory\":{},\"instance\":{},\"mode\":{},\"run\":{},"
      "\"notes\":[{}],"
      "\"journals\":[{}],\"edges\":[{}]}}\n",
      result.verified(), json_text(verdict_of(result)), json_text(result.dir.string()),
      json_text(result.instance), json_text(name_of(result.mode)), result.run_ordinal,
      joined(result.notes, json_text), joined(result.journals, json_film),
      joined(result.edges,
             [&](const EdgeReport& edge) { return json_edge(edge, result.pipeline); }));
}

}  // namespace sluice::replay
