// The one exception type of the setup phase. It is thrown before arming only, caught once in the
// frame of main (core/process), printed as one line and turned into the exit code it carries.
#pragma once

#include <stdexcept>
#include <string>

namespace sluice {

// Exit codes of every executable (one list, so that scripts can rely on it).
enum class Exit : int {
  Ok = 0,
  No = 1,            // the answer is no, or the work failed
  Usage = 2,         // the command line is wrong; nothing was done
  Unqualified = 3,   // the machine is not qualified, or one could not look
  Incomplete = 4,    // done in part: a kill that is not complete, a shutdown that left something
  Unreachable = 5,   // nobody there: no instance, no supervisor, no venue
  Interrupted = 130  // Ctrl-C, after an orderly stop
};

class Error : public std::runtime_error {
 public:
  Error(Exit code, const std::string& message) : std::runtime_error(message), code_(code) {}
  explicit Error(const std::string& message) : Error(Exit::No, message) {}
  [[nodiscard]] Exit code() const noexcept { return code_; }

 private:
  Exit code_;
};

}  // namespace sluice
