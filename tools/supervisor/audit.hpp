// The audit log: one JSON object per line, appended and synced before what it approves takes
// effect. Writer: the supervisor. A line that cannot be written refuses what loosens; it never
// stops a kill.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

class Audit {
 public:
  explicit Audit(const std::filesystem::path& file);  // throws Error if it cannot be opened
  ~Audit();
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  // False if the line is not on disk.
  bool write(std::string_view event, std::string_view who, std::string_view detail) noexcept;

 private:
  int fd_ = -1;
};

std::string json_text(std::string_view text);  // quoted and escaped

}  // namespace sluice
