// See config_text.hpp. Positions count lines and code points from 1, as the parser does.
#include "core/config_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::config {

namespace {

constexpr std::string_view kAsideEscaped = "\\u0001";

// Length of the UTF-8 sequence at `at`, 0 if there is none. Rarer faults are left to the parser.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto length_of = [](unsigned char lead) -> std::size_t {
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  };
  const std::size_t length = length_of(byte(at));
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  return length;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The name between the brackets of "[name]" or "[[name]]", as far as they are there.
std::string_view header_name(std::string_view header) {
  header.remove_prefix(header.starts_with("[[") ? 2 : 1);
  return trimmed(header.substr(0, header.find_first_of("]#")));
}

std::size_t byte_of_column(std::string_view line, std::uint32_t column) {
  std::size_t at = 0;
  for (std::uint32_t c = 1; c < column && at < line.size(); ++c)
    at += std::max<std::size_t>(1, utf8_length(line, at));
  return std::min(at, line.size());
}

bool is_duplicate(const Fault& complaint) {
  return complaint.text.find("cannot redefine existing") != std::string::npos;
}

// A bare or dotted key, so that prose with an '=' in it is not taken for one.
bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

}  // namespace

std::optional<Fault> find_binary(std::string_view text) {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text, i);
    const bool control = byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
    if (length == 0 || control) {
      return Fault{line, column,
                   fmt::format("expected UTF-8 text, got byte 0x{:02x} at offset {}", byte, i)};
    }
    line += byte == '\n';
    column = byte == '\n' ? 1 : column + 1;
    i += length;
  }
  return std::nullopt;
}

Repair::Repair(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines_.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
}

std::string Repair::text() const {
  std::string text;
  for (const std::string& line : lines_) (text += line) += '\n';
  return text;
}

bool Repair::set_aside(Fault fault, std::vector<Fault>& faults) {
  constexpr std::string_view kPreamble = "Error while parsing ";
  if (fault.text.starts_with(kPreamble)) fault.text.erase(0, kPreamble.size());
  const std::size_t index = std::clamp<std::size_t>(fault.line, 1, lines_.size()) - 1;
  // Failing again in a line that was touched means that the damage is elsewhere (an open bracket or
  // string above): its fault is noted, more of the same would be noise.
  if (!touched_.insert(index).second) return false;
  std::string& line = lines_[index];
  const std::string_view content = trimmed(line);
  bool saved = true;
  if (content.starts_with('[')) {
    set_header_aside(line, fault);
  } else if (is_duplicate(fault)) {
    saved = set_key_aside(line, fault);
  } else if (is_key(trimmed(content.substr(0, content.find('='))))) {
    set_value_aside(line, fault);
  } else {
    line.clear();
  }
  faults.push_back(std::move(fault));
  return saved;
}

// The keys below the header move into a table of no name.
void Repair::set_header_aside(std::string& line, Fault& fault) const {
  const std::string_view name = header_name(trimmed(line));
  if (is_duplicate(fault)) fault.text = "duplicate table, defined before";
  if (is_key(name)) fault.text = fmt::format("{}: {}", name, fault.text);
  line = fmt::format("[\"{}{}\"]", kAsideEscaped, fault.line);
}

// The parser stands behind the '=' of the second definition (or before a dotted one); its value may
// go on over several lines, so the key is renamed.
bool Repair::set_key_aside(std::string& line, Fault& fault) const {
  const std::size_t place = byte_of_column(line, fault.column);
  std::size_t equals = place == 0 ? std::string::npos : line.rfind('=', place - 1);
  if (equals == std::string::npos) equals = line.find('=', place);
  if (equals == std::string::npos) return false;
  const std::size_t before = equals == 0 ? std::string::npos : line.find_last_of(",{", equals - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string key(trimmed(std::string_view(line).substr(begin, equals - begin)));
  fault.column = static_cast<std::uint32_t>(line.find_first_not_of(" \t", begin) + 1);
  fault.text = fmt::format("{}{}: duplicate key, defined before", table_above(fault.line - 1), key);
  line.replace(begin, equals - begin, fmt::format("\"{}{}\"", kAsideEscaped, fault.line));
  return true;
}

void Repair::set_value_aside(std::string& line, Fault& fault) const {
  const std::string key(trimmed(std::string_view(line).substr(0, line.find('='))));
  fault.text = fmt::format("{}{}: {}", table_above(fault.line - 1), key, fault.text);
  line = fmt::format("{} = \"{}\"", key, kAsideEscaped);
}

// "risk." for a line below [risk]; "" above the first header.
std::string Repair::table_above(std::size_t line) const {
  for (std::size_t i = line; i-- > 0;) {
    const std::string_view content = trimmed(lines_[i]);
    if (!content.starts_with('[')) continue;
    const std::string_view name = header_name(content);
    return is_key(name) ? std::string(name) + "." : "";
  }
  return "";
}

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + (text.size() > kShown ? "...\"" : "\"");
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace sluice::config
