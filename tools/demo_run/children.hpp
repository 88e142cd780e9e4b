// The processes that the demo starts itself: the venue, the supervisor, and one-shot commands. They
// run in process groups of their own (Ctrl-C is the demo's to handle) and are asked to stop if the
// demo dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::demo {

class Child {
 public:
  Child() = default;
  // Starts words[0]; stdout and stderr are appended to `out`. Throws Error.
  Child(const std::vector<std::string>& words, const std::filesystem::path& out);
  Child(Child&& other) noexcept { *this = std::move(other); }
  Child& operator=(Child&& other) noexcept;
  ~Child();  // SIGKILL if it still runs: only an exception gets here without stop()

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running() noexcept;
  // Exit code, 128 + signal if it was killed; nothing while it runs.
  [[nodiscard]] std::optional<int> exit_code() noexcept;
  // SIGTERM, then SIGKILL after the patience. Returns the exit code.
  int stop(std::chrono::milliseconds patience) noexcept;
  // False if it still runs afterwards.
  bool wait(std::chrono::milliseconds patience) noexcept;

 private:
  pid_t pid_ = 0;
  std::optional<int> status_;
};

struct Answer {
  int code = -1;  // 127: cannot be executed; -1: killed after the patience, or on a stop signal
  std::string out;
  std::string err;
};
// Runs a command to its end. Its output goes through files in `dir`, so that it can never block.
Answer run_command(const std::vector<std::string>& words, const std::filesystem::path& dir,
                   std::chrono::milliseconds patience);

std::string file_text(const std::filesystem::path& path);          // empty if there is none
std::string last_lines(const std::filesystem::path& path, int n);  // for messages

}  // namespace sluice::demo
