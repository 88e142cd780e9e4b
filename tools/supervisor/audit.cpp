#include "tools/supervisor/audit.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace sluice {

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out += '"';
}

Audit::Audit(const std::filesystem::path& file) {
  fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd_ < 0) throw Error(file.string() + ": cannot open the audit log: " + std::strerror(errno));
}

Audit::~Audit() {
  if (fd_ >= 0) ::close(fd_);
}

bool Audit::write(std::string_view event, std::string_view who, std::string_view detail) noexcept {
  try {
    const std::time_t now = std::time(nullptr);
    const std::string line = fmt::format(
        "{{\"at\":\"{:%Y-%m-%dT%H:%M:%SZ}\",\"boottime_ns\":{},\"event\":{},\"who\":{},\"detail\":{"
        "}}}\n",
        fmt::gmtime(now), boottime_ns(), json_text(event), json_text(who), json_text(detail));
    return ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
           ::fdatasync(fd_) == 0;
  } catch (...) {
    return false;
  }
}

}  // namespace sluice
