#include "tools/ctl/console.hpp"

#include <unistd.h>

#include <cstdlib>

namespace sluice::ctl {
namespace {

bool wants_color(std::FILE* out, Color color) noexcept {
  switch (color) {
    case Color::Always: return true;
    case Color::Never: return false;
    case Color::Auto: break;
  }
  const char* forbidden = std::getenv("NO_COLOR");
  if (forbidden != nullptr && *forbidden != 0) return false;
  return ::isatty(::fileno(out)) == 1;
}

}  // namespace

Console::Console(std::FILE* out, std::FILE* err, Color color)
    : out_(out), err_(err), color_(wants_color(out, color)) {}

std::string Console::paint(Tone tone, std::string_view text) const {
  if (!color_) return std::string(text);
  const char* code = "";
  switch (tone) {
    case Tone::Good: code = "32"; break;
    case Tone::Bad: code = "31;1"; break;
    case Tone::Quiet: code = "2"; break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

}  // namespace sluice::ctl
