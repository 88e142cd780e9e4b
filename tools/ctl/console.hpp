// Where a verb speaks: data on stdout, words on stderr, colour only where somebody looks.
//
// Nothing here throws: a kill must go on when stdout is a file on a full disk.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace sluice::ctl {

enum class Color : std::uint8_t { Auto = 0, Always = 1, Never = 2 };
enum class Tone : std::uint8_t { Good = 1, Bad = 2, Quiet = 3 };

class Console {
 public:
  Console(std::FILE* out, std::FILE* err, Color color);

  template <class... Args>
  void out(fmt::format_string<Args...> text, Args&&... args) {
    write(out_, fmt::vformat(text, fmt::make_format_args(args...)));
  }
  template <class... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    write(err_, fmt::vformat(text, fmt::make_format_args(args...)));
  }
  void raw(std::string_view text) noexcept { write(out_, text); }
  void flush() noexcept { std::fflush(out_); }

  // The text in the tone's colour; unchanged without colour.
  [[nodiscard]] std::string paint(Tone tone, std::string_view text) const;

 private:
  static void write(std::FILE* file, std::string_view text) noexcept {
    std::fwrite(text.data(), 1, text.size(), file);
  }

  std::FILE* out_;
  std::FILE* err_;
  bool color_;
};

}  // namespace sluice::ctl
