#include "tools/demo_run/children.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::demo {
namespace {

constexpr std::chrono::milliseconds kPoll{2};

// In the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(char* const* argv, const char* out, const char* err,
                         pid_t parent) noexcept {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::signal(SIGPIPE, SIG_DFL);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(out, O_WRONLY | O_CREAT | O_APPEND, 0640);
  const int err_fd = err != nullptr ? ::open(err, O_WRONLY | O_CREAT | O_APPEND, 0640) : out_fd;
  if (in < 0 || out_fd < 0 || err_fd < 0) ::_exit(127);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out_fd, STDOUT_FILENO);
  ::dup2(err_fd, STDERR_FILENO);
  ::execv(argv[0], argv);
  ::_exit(127);
}

pid_t start(std::vector<std::string> words, const std::string& out, const std::string& err) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw Error("cannot start " + words[0] + ": " + std::strerror(errno));
  if (pid == 0) become(argv.data(), out.c_str(), err.empty() ? nullptr : err.c_str(), parent);
  return pid;
}

}  // namespace

Child::Child(const std::vector<std::string>& words, const std::filesystem::path& out)
    : pid_(start(words, out.string(), {})) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  if (running()) stop(std::chrono::milliseconds(0));
  pid_ = std::exchange(other.pid_, 0);
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

Child::~Child() {
  if (running()) stop(std::chrono::milliseconds(0));
}

std::optional<int> Child::exit_code() noexcept {
  if (pid_ == 0 || status_) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_)
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

bool Child::running() noexcept {
  return pid_ != 0 && !exit_code();
}

bool Child::wait(std::chrono::milliseconds patience) noexcept {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (running()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

int Child::stop(std::chrono::milliseconds patience) noexcept {
  if (running()) {
    ::kill(pid_, SIGTERM);
    if (!wait(patience)) {
      ::kill(pid_, SIGKILL);
      wait(std::chrono::seconds(5));
    }
  }
  return status_.value_or(-1);
}

Answer run_command(const std::vector<std::string>& words, const std::filesystem::path& dir,
                   std::chrono::milliseconds patience) {
  const std::string base = (dir / std::filesystem::path(words[0]).filename()).string();
  const std::string out = base + ".out";
  const std::string err = base + ".err";
  ::unlink(out.c_str());
  ::unlink(err.c_str());
  Answer answer;
  const pid_t pid = start(words, out, err);
  const auto until = std::chrono::steady_clock::now() + patience;
  int status = 0;
  bool killed = false;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (!killed && (StopSignal::asked() || std::chrono::steady_clock::now() >= until))
      killed = ::kill(pid, SIGKILL) == 0;
    std::this_thread::sleep_for(kPoll);
  }
  if (WIFEXITED(status)) answer.code = WEXITSTATUS(status);
  answer.out = file_text(out);
  answer.err = file_text(err);
  return answer;
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

std::string last_lines(const std::filesystem::path& path, int n) {
  const std::string text = file_text(path);
  std::size_t at = text.size();
  if (at > 0 && text.back() == '\n') --at;
  for (; n > 0 && at != 0 && at != std::string::npos; --n) at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

}  // namespace sluice::demo
