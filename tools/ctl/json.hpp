// Writes one JSON document, piece by piece. Numbers that do not fit a double (money, words, hashes)
// are written as strings by the caller: exact text beats a number that a reader rounds.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ctl {

class Json {
 public:
  Json& object() { return open('{'); }
  Json& array() { return open('['); }
  Json& end();

  Json& key(std::string_view name);

  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(bool truth);
  template <std::integral T>
  Json& value(T number) {
    separate();
    text_ += std::to_string(number);
    return *this;
  }
  // The shortest text that reads as the same number; one that is not finite is null.
  Json& value(double number);
  Json& null();

  template <class T>
  Json& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  // Time spans in ns; an unknown one (negative) is null.
  Json& span(std::string_view name, std::int64_t ns) {
    key(name);
    return ns < 0 ? null() : value(ns);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // What has been written so far, for documents that are written as they grow.
  std::string take();

 private:
  Json& open(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string text_;
  std::vector<char> closers_;
  bool first_ = true;  // nothing stands before the next element
};

}  // namespace sluice::ctl
