// A fresh directory for the files of a measurement, removed at its end.
#pragma once

#include <cstdint>
#include <filesystem>

namespace sluice::bench {

class StateDir {
 public:
  // In `base`; empty: where temporary files go. Throws Error. `keep`: says where it is, and stays.
  explicit StateDir(const std::filesystem::path& base, bool keep = false);
  ~StateDir();
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  bool keep_;
};

// Before minutes are spent on what will not fit. Throws Error (Usage) that ends in `advice`.
void must_have_room(const std::filesystem::path& dir, std::uint64_t bytes, const char* advice);

}  // namespace sluice::bench
