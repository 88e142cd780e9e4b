// The machine as the doctor sees it: files of /proc, /sys and /dev below one root, so that the
// checks run over a copied or invented tree as well. A file that is not there reads as nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ctl::doctor {

using Cpus = std::set<int>;

class Host {
 public:
  // `wait` passes the time between the two looks at what only counts up; a test changes the files.
  explicit Host(std::filesystem::path root = "/", std::function<void()> wait = {});

  // Trimmed; nothing if it is not there or not readable.
  [[nodiscard]] std::optional<std::string> text(std::string_view path) const;
  [[nodiscard]] std::vector<std::string> lines(std::string_view path) const;
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view path) const;
  // The word in brackets: "always [madvise] never".
  [[nodiscard]] std::optional<std::string> chosen(std::string_view path) const;
  [[nodiscard]] std::optional<Cpus> cpus(std::string_view path) const;
  // Value behind "Key:" of a file like /proc/self/status.
  [[nodiscard]] std::optional<std::string> value_of(std::string_view path,
                                                    std::string_view key) const;
  [[nodiscard]] std::vector<std::string> names(std::string_view folder) const;  // sorted
  [[nodiscard]] bool exists(std::string_view path) const;
  [[nodiscard]] std::filesystem::path path(std::string_view below_root) const;
  [[nodiscard]] bool real() const noexcept { return root_ == "/"; }

  // A file as it was when the Host was made, for differences; then `wait` has passed once.
  [[nodiscard]] const std::vector<std::string>& before(const std::string& path) const;
  [[nodiscard]] const std::vector<std::string>& after(const std::string& path) const;
  void look_twice(const std::vector<std::string>& paths);

 private:
  std::filesystem::path root_;
  std::function<void()> wait_;
  std::map<std::string, std::vector<std::string>> before_;
  std::map<std::string, std::vector<std::string>> after_;
};

// "0-3,7" and "(null)"; words that are no numbers are left out.
Cpus parse_cpu_list(std::string_view list);
// "00000000,0000000f": hexadecimal words of 32 bits, the lowest last.
Cpus parse_cpu_mask(std::string_view mask);
std::string text_of(const Cpus& cpus);  // "0-3,7"; "none"
Cpus both(const Cpus& a, const Cpus& b);
Cpus without(const Cpus& a, const Cpus& b);

}  // namespace sluice::ctl::doctor
