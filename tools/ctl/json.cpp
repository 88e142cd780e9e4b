#include "tools/ctl/json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace sluice::ctl {

Json& Json::open(char bracket) {
  separate();
  text_ += bracket;
  closers_.push_back(bracket == '{' ? '}' : ']');
  first_ = true;
  return *this;
}

Json& Json::end() {
  text_ += closers_.back();
  closers_.pop_back();
  first_ = false;
  if (closers_.empty()) text_ += '\n';
  return *this;
}

Json& Json::key(std::string_view name) {
  separate();
  quote(name);
  text_ += ':';
  first_ = true;
  return *this;
}

Json& Json::value(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

Json& Json::value(bool truth) {
  separate();
  text_ += truth ? "true" : "false";
  return *this;
}

Json& Json::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  text_ += fmt::format("{}", number);
  return *this;
}

Json& Json::null() {
  separate();
  text_ += "null";
  return *this;
}

std::string Json::take() {
  return std::exchange(text_, {});
}

void Json::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

// Bytes above 0x7f are written as \u00xx: names are ASCII, and a torn page must not break the
// document.
void Json::quote(std::string_view text) {
  text_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      text_ += fmt::format("\\u{:04x}", byte);
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

}  // namespace sluice::ctl
