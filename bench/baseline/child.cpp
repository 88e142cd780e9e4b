#include "bench/baseline/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <utility>

#include "bench/baseline/source.hpp"
#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kPatienceMs = 60'000;

std::vector<std::string> command_line(const Order& order) {
  std::vector<std::string> words{order.binary, "baseline",
                                 "measure",    "--by-turns",
                                 "--cpu",      std::to_string(order.cpus.mine),
                                 "--peer-cpu", std::to_string(order.cpus.peer)};
  for (const std::string& source : order.sources) {
    words.emplace_back("--source");
    words.push_back(source);
  }
  if (order.slow_percent > 0) {
    words.emplace_back("--slow");
    words.push_back(fmt::format("{}", order.slow_percent));
  }
  return words;
}

// In the child: its ends of the pipes become its standard streams. It ends with its parent, and in
// a group of its own, so that a peer that it has made just then ends with it.
[[noreturn]] void become(const std::vector<std::string>& words, int in, int out, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::fprintf(stderr, "%s: cannot be started: %s\n", arguments[0], std::strerror(errno));
  ::_exit(127);
}

void wait_for_input(int fd, const std::string& binary) {
  const std::uint64_t deadline = boottime_ns() / 1'000'000 + kPatienceMs;
  for (;;) {
    if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted");
    const std::uint64_t now = boottime_ns() / 1'000'000;
    if (now >= deadline)
      throw Error(fmt::format("{}: no answer for a minute: is it a sluice-bench?", binary));
    pollfd waited{fd, POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(std::min<std::uint64_t>(deadline - now, 200))) > 0)
      return;
  }
}

}  // namespace

Child::Child(const Order& order)
    : name_(order.binary == kThisProgram ? "sluice-bench" : order.binary) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0) throw Error("no pipe left");
  if (::pipe2(out.data(), O_CLOEXEC) != 0) {
    for (const int fd : in) ::close(fd);
    throw Error("no pipe left");
  }
  const std::vector<std::string> words = command_line(order);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(words, in[0], out[1], parent);
  if (pid_ > 0) ::setpgid(pid_, pid_);  // whoever is first
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (pid_ < 0) {
    ::close(to_);
    ::close(from_);
    throw Error("fork: no process left");
  }
}

Child::~Child() {
  ::close(to_);
  ::close(from_);
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::died() {
  if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted");
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  if (WIFSIGNALED(status))
    throw Error(fmt::format("{}: died of signal {} while it measured", name_, WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  if (code == static_cast<int>(Exit::Usage))
    throw Error(Exit::Unqualified,
                fmt::format("{}: does not know what it is asked for (its words are above): both "
                            "need the same 'sluice-bench baseline measure'",
                            name_));
  throw Error(code == static_cast<int>(Exit::Unqualified) ? Exit::Unqualified : Exit::No,
              fmt::format("{}: ended with exit code {} instead of measuring", name_, code));
}

std::string Child::read_answer() {
  std::string answer;
  for (;;) {
    const std::size_t newline = unread_.find('\n');
    if (newline != std::string::npos) {
      const std::string line = unread_.substr(0, newline + 1);
      unread_.erase(0, newline + 1);
      answer += line;
      if (ends_document(line)) return answer;
      continue;
    }
    wait_for_input(from_, name_);
    std::array<char, 4'096> chunk{};
    const ssize_t n = ::read(from_, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) died();
    unread_.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

Document Child::turn(std::size_t source) {
  const std::string line = std::to_string(source) + "\n";
  if (::write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) died();
  Document answer = parse_text(read_answer(), "answer of " + name_);
  for (const Series& one : answer.series)
    if (one.runs.size() != 1 || one.runs[0].size() != 1)
      throw Error(fmt::format("answer of {}: {} is not one sample", name_, one.metric.name));
  return answer;
}

void serve_turns(const std::vector<std::string>& names, const Cpus& cpus, double slow_percent) {
  static_cast<void>(bench_clock());
  std::vector<std::unique_ptr<Source>> all;
  for (const std::string& name : names) {
    const SourceEntry& entry = source_named(name);
    if (slow_percent > 0 && !entry.stretches)
      throw Error(Exit::Usage, "source " + name + " cannot be slowed down");
    all.push_back(entry.make({cpus, Stretch(slow_percent)}));
  }
  Document answer = describe_build();
  answer.sources = names;
  answer.cpus = cpus;
  answer.slowed_percent = slow_percent;
  for (std::string line; std::getline(std::cin, line);) {
    std::size_t index = all.size();
    std::from_chars(line.data(), line.data() + line.size(), index);
    if (index >= all.size()) throw Error(Exit::Usage, "turn '" + line + "': no such source");
    answer.series.clear();
    for (const Reading& reading : all[index]->turn())
      answer.series.push_back({reading.metric, {{reading.value}}});
    const std::string text = to_text(answer);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
}

}  // namespace sluice::bench
