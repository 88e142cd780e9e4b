#include "tests/e2e/box.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "core/journal_file.hpp"
#include "core/process.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace sluice::e2e {
namespace {

pid_t launch(const std::vector<std::string>& words, int output, const std::string& cwd) {
  std::vector<std::string> copy = words;
  std::vector<char*> argv;
  for (std::string& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    const int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, STDIN_FILENO);
    if (!cwd.empty() && ::chdir(cwd.c_str()) != 0) ::_exit(126);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  return pid;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Replaces the value of every line "key = ..." of the demo's configuration.
std::string with_values(const std::string& toml, const std::map<std::string, std::string>& values) {
  std::istringstream in(toml);
  std::ostringstream out;
  std::map<std::string, bool> used;
  for (std::string line; std::getline(in, line);) {
    const std::string key = line.substr(0, line.find(' '));
    const auto value = values.find(key);
    if (value == values.end()) {
      out << line << "\n";
    } else {
      out << key << " = " << value->second << "\n";
      used[key] = true;
    }
  }
  for (const auto& [key, value] : values)
    if (!used[key]) throw std::runtime_error("conf/demo.toml has no key " + key);
  return out.str();
}

}  // namespace

std::string bin(const std::string& name) {
  return std::string(SLUICE_BIN_DIR) + "/" + name;
}
std::string capture() {
  return std::string(SLUICE_SOURCE_DIR) + "/tests/data/binance_spot_btcusdt_20240808.gz";
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(3ms);
  }
  return true;
}

Outcome run(const std::vector<std::string>& words, std::chrono::seconds deadline,
            const std::string& cwd) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const pid_t pid = launch(words, ends[1], cwd);
  ::close(ends[1]);
  Outcome outcome;
  const auto end = std::chrono::steady_clock::now() + deadline;
  char buffer[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd one{ends[0], POLLIN, 0};
    if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) <= 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      ::close(ends[0]);
      outcome.exit_code = -2;
      return outcome;
    }
    const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
    if (n <= 0) break;
    outcome.out.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  outcome.exit_code = code_of(status);
  return outcome;
}

Box::Box(Options options) : options_(std::move(options)) {
  static std::atomic<int> number{0};
  name_ = "e2e-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  dir_ = fs::temp_directory_path() / ("sluice-" + name_);
  fs::create_directories(state());
  fs::create_directories(dir_ / "log");
  if (options_.venue) start_venue();
  auto values = options_.conf;
  const std::string address = "127.0.0.1:" + std::to_string(port_ != 0 ? port_ : 9);
  values.emplace("url", "\"ws://" + address + "\"");
  values.emplace("rest_url", "\"http://" + address + "\"");
  values.emplace("rate", options_.speed == "max" ? "\"0\"" : "\"" + options_.speed + "\"");
  std::ofstream(conf()) << with_values(slurp(fs::path(SLUICE_SOURCE_DIR) / "conf" / "demo.toml"),
                                       values)
                        << options_.more_conf;
}

Box::~Box() {
  for (const pid_t pid : children_) ::kill(pid, SIGKILL);
  if (attached_)
    for (const Process p : kProcesses)
      if (const pid_t pid = pid_of(p); pid > 0 && pid != ::getpid()) ::kill(pid, SIGKILL);
  // A later run than the one that the test was looking at.
  AttachedInstance present;
  if (AttachedInstance::try_open(name_, present) == AttachError::None)
    for (const Process p : kProcesses)
      if (present.try_page(p))
        if (const LeaseView view = look(present.objects().page(p).lease);
            view.alive && view.pid != ::getpid())
          ::kill(view.pid, SIGKILL);
  for (const pid_t pid : children_) ::waitpid(pid, nullptr, 0);
  attached_.reset();
  for (const std::string& object : list_objects(name_)) Segment::remove(object);
  std::error_code ignored;
  if (std::getenv("SLUICE_KEEP") == nullptr) fs::remove_all(dir_, ignored);
}

pid_t Box::start(const std::vector<std::string>& words) {
  // Named after our program, whatever stands before it (taskset, setpriv, ...).
  const auto program = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return word.starts_with(SLUICE_BIN_DIR);
  });
  const fs::path file =
      dir_ / "log" /
      (fs::path(program != words.end() ? *program : words[0]).filename().string() + ".log");
  const int output = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = launch(words, output, {});
  ::close(output);
  children_.push_back(pid);
  return pid;
}

void Box::start_venue() {
  const fs::path port_file = dir_ / "port";
  std::vector<std::string> words{
      bin("sluice-venue"), "--capture",        capture(), "--port",      "0",
      "--port-file",       port_file.string(), "--speed", options_.speed};
  words.insert(words.end(), options_.venue_flags.begin(), options_.venue_flags.end());
  venue_ = start(words);
  if (!eventually([&] { return fs::exists(port_file); }))
    throw std::runtime_error("the venue does not start");
  std::ifstream(port_file) >> port_;
}

void Box::start_supervisor() {
  std::vector<std::string> words = options_.supervisor_prefix;
  words.insert(words.end(), {bin("sluice-supervisor"), "--conf", conf(), "--instance", name_,
                             "--state-dir", state().string()});
  if (options_.manual) words.emplace_back("--manual");
  supervisor_ = start(words);
}

bool Box::wait_attached(std::chrono::seconds deadline) {
  return eventually(
      [&] {
        auto fresh = std::make_unique<AttachedInstance>();
        if (AttachedInstance::try_open(name_, *fresh) != AttachError::None) return false;
        fresh->attach_kill(Access::ReadWrite);
        for (const Process p : kProcesses) fresh->attach_page(p, Access::ReadOnly);
        for (const EdgeInfo& edge : kTopology) fresh->attach_ring(edge.edge, Access::ReadOnly);
        fresh->attach_paper_log(Access::ReadOnly);
        for (const Process p : {Process::Risk, Process::Gateway, Process::Seat0})
          fresh->attach_journal(p, Access::ReadOnly);
        attached_ = std::move(fresh);
        return true;
      },
      deadline);
}

bool Box::wait_armed(std::chrono::seconds deadline) {
  if (!attached_ && !wait_attached(deadline)) return false;
  return eventually(
      [&] {
        const ControlPage& control = *objects().control;
        return control.state.load() == static_cast<std::uint64_t>(RunState::Armed) &&
               control.permit(0, control.beat().lease_epoch).valid;
      },
      deadline);
}

bool Box::wait_venue_end(std::chrono::seconds deadline) {
  return eventually(
      [&] { return ::waitpid(venue_, nullptr, WNOHANG) == venue_ || ::kill(venue_, 0) != 0; },
      deadline);
}

int Box::stop(std::chrono::seconds deadline) {
  attached_.reset();
  ::kill(supervisor_, SIGTERM);
  int status = 0;
  if (!eventually([&] { return ::waitpid(supervisor_, &status, WNOHANG) == supervisor_; },
                  deadline))
    return -1;
  return code_of(status);
}

pid_t Box::pid_of(Process process) {
  const LeaseView view = look(objects().page(process).lease);
  return view.alive ? view.pid : 0;
}

std::uint64_t Box::counter(Process process, std::string_view name) {
  return objects().page(process).statistics.counter(name);
}

fs::path Box::run_dir() const {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(state() / "runs"))
    if (newest.empty() || entry.path() > newest) newest = entry.path();
  return newest;
}

std::string Box::log(const std::string& file) const {
  const fs::path own = dir_ / "log" / (file + ".log");
  return fs::exists(own) ? slurp(own) : slurp(state() / "log" / (file + ".log"));
}

Outcome Box::ctl(std::vector<std::string> words, std::chrono::seconds deadline) {
  words.insert(words.begin(), bin("sluicectl"));
  words.insert(words.end(), {"-i", name_});
  return run(words, deadline);
}

}  // namespace sluice::e2e
