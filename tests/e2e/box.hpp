// A whole pipeline of real processes for a test: its own instance name, state directory and venue
// port, everything removed again however the test ends. Deadlines instead of sleeps.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/instance.hpp"
#include "core/pipeline.hpp"

namespace sluice::e2e {

struct Outcome {
  int exit_code = -1;  // 128 + signal if killed by one
  std::string out;     // stdout and stderr
};

// Runs a program to its end. Past the deadline it is killed and exit_code is -2.
Outcome run(const std::vector<std::string>& words,
            std::chrono::seconds deadline = std::chrono::seconds(30), const std::string& cwd = {});

std::string bin(const std::string& name);  // path of one of our executables
std::string capture();                     // the shipped tape

// Polls every few ms until true; false when the deadline has passed.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = std::chrono::seconds(20));

class Box {
 public:
  struct Options {
    std::string speed = "12";                   // of the venue; "max" sets rate 0
    std::vector<std::string> venue_flags = {};  // more flags for sluice-venue
    std::map<std::string, std::string> conf =
        {};  // "key = value" lines of conf/demo.toml to replace, by key
    bool venue = true;
    bool manual = false;                              // the supervisor starts nothing
    std::vector<std::string> supervisor_prefix = {};  // words before the supervisor's command line
    std::string more_conf = {};                       // appended to the configuration
  };
  explicit Box(Options options);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::filesystem::path& dir() const noexcept { return dir_; }
  [[nodiscard]] std::string conf() const { return (dir_ / "box.toml").string(); }
  [[nodiscard]] std::filesystem::path state() const { return dir_ / "state"; }

  pid_t start(const std::vector<std::string>& words);  // a process of this box; output to dir()/log
  void start_venue();
  void start_supervisor();
  bool wait_armed(std::chrono::seconds deadline = std::chrono::seconds(20));
  bool wait_attached(std::chrono::seconds deadline = std::chrono::seconds(20));
  bool wait_venue_end(std::chrono::seconds deadline = std::chrono::seconds(90));
  // SIGTERM to the supervisor and its exit code; -1 if it does not end.
  int stop(std::chrono::seconds deadline = std::chrono::seconds(30));

  // Pages of the running instance, read-only but for the kill page.
  AttachedInstance& instance() { return *attached_; }
  Objects& objects() { return attached_->objects(); }
  [[nodiscard]] pid_t pid_of(Process process);
  [[nodiscard]] std::uint64_t counter(Process process, std::string_view name);
  [[nodiscard]] pid_t supervisor() const noexcept { return supervisor_; }
  [[nodiscard]] std::filesystem::path run_dir() const;
  [[nodiscard]] std::string log(const std::string& file) const;
  Outcome ctl(std::vector<std::string> words,
              std::chrono::seconds deadline = std::chrono::seconds(20));

 private:
  Options options_;
  std::string name_;
  std::filesystem::path dir_;
  int port_ = 0;
  pid_t venue_ = 0;
  pid_t supervisor_ = 0;
  std::vector<pid_t> children_;
  std::unique_ptr<AttachedInstance> attached_;
};

}  // namespace sluice::e2e
