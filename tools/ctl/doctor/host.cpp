#include "tools/ctl/doctor/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace fs = std::filesystem;

namespace sluice::ctl::doctor {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.pop_back();
  const std::size_t first = text.find_first_not_of(" \t\n");
  return first == std::string::npos ? std::string() : text.substr(first);
}

std::optional<std::int64_t> as_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const std::vector<std::string>& at(const std::map<std::string, std::vector<std::string>>& kept,
                                   const std::string& path) {
  static const std::vector<std::string> kNone;
  const auto found = kept.find(path);
  return found == kept.end() ? kNone : found->second;
}

}  // namespace

Host::Host(fs::path root, std::function<void()> wait)
    : root_(std::move(root)), wait_(std::move(wait)) {}

fs::path Host::path(std::string_view below_root) const {
  while (below_root.starts_with('/')) below_root.remove_prefix(1);
  return root_ / below_root;
}

bool Host::exists(std::string_view below_root) const {
  std::error_code ignored;
  return fs::exists(path(below_root), ignored);
}

std::optional<std::string> Host::text(std::string_view below_root) const {
  std::error_code error;
  if (fs::is_directory(path(below_root), error)) return std::nullopt;
  std::ifstream file(path(below_root));
  std::ostringstream all;
  // Some files of /sys open and then refuse to be read.
  if (!file || !(all << file.rdbuf())) {
    if (!file.is_open() || file.bad()) return std::nullopt;
    file.clear();
    return file.peek() == std::ifstream::traits_type::eof() ? std::optional<std::string>("")
                                                            : std::nullopt;
  }
  return trimmed(all.str());
}

std::vector<std::string> Host::lines(std::string_view below_root) const {
  std::vector<std::string> lines;
  std::ifstream file(path(below_root));
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::optional<std::int64_t> Host::number(std::string_view below_root) const {
  const auto content = text(below_root);
  return content ? as_number(*content) : std::nullopt;
}

std::optional<std::string> Host::chosen(std::string_view below_root) const {
  const auto content = text(below_root);
  if (!content) return std::nullopt;
  const std::size_t from = content->find('[');
  const std::size_t to = content->find(']');
  if (from == std::string::npos || to == std::string::npos || to < from) return *content;
  return content->substr(from + 1, to - from - 1);
}

std::optional<Cpus> Host::cpus(std::string_view below_root) const {
  const auto content = text(below_root);
  if (!content) return std::nullopt;
  return parse_cpu_list(*content);
}

std::optional<std::string> Host::value_of(std::string_view below_root, std::string_view key) const {
  for (const std::string& line : lines(below_root)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || trimmed(line.substr(0, colon)) != key) continue;
    return trimmed(line.substr(colon + 1));
  }
  return std::nullopt;
}

std::vector<std::string> Host::names(std::string_view folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path(folder), error), end; !error && it != end;
       it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void Host::look_twice(const std::vector<std::string>& paths) {
  for (const std::string& name : paths) before_[name] = lines(name);
  if (wait_) wait_();
  for (const std::string& name : paths) after_[name] = lines(name);
}

const std::vector<std::string>& Host::before(const std::string& name) const {
  return at(before_, name);
}
const std::vector<std::string>& Host::after(const std::string& name) const {
  return at(after_, name);
}

Cpus parse_cpu_list(std::string_view list) {
  Cpus cpus;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    const std::size_t dash = part.find('-');
    const auto first = as_number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : as_number(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last > 65'535) continue;
    for (auto cpu = *first; cpu <= *last; ++cpu) cpus.insert(static_cast<int>(cpu));
  }
  return cpus;
}

Cpus parse_cpu_mask(std::string_view mask) {
  Cpus cpus;
  int cpu = 0;
  for (std::size_t i = mask.size(); i-- > 0;) {
    const char c = mask[i];
    if (c == ',') continue;
    unsigned digit = 0;
    if (std::from_chars(&c, &c + 1, digit, 16).ec != std::errc{}) return cpus;
    for (unsigned bit = 0; bit < 4; ++bit)
      if ((digit >> bit & 1u) != 0) cpus.insert(cpu + static_cast<int>(bit));
    cpu += 4;
  }
  return cpus;
}

std::string text_of(const Cpus& cpus) {
  std::string text;
  for (auto it = cpus.begin(); it != cpus.end();) {
    const int first = *it;
    int last = first;
    while (++it != cpus.end() && *it == last + 1) last = *it;
    text += text.empty() ? "" : ",";
    text += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
  }
  return text.empty() ? "none" : text;
}

Cpus both(const Cpus& a, const Cpus& b) {
  Cpus common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                        std::inserter(common, common.end()));
  return common;
}

Cpus without(const Cpus& a, const Cpus& b) {
  Cpus rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
  return rest;
}

}  // namespace sluice::ctl::doctor
