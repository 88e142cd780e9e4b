// The verbs that only the supervisor may carry out: `rearm`, `cap`, `stop`. Raising a kill never
// goes this way.
#include "tools/ctl/supervise.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "core/decimal.hpp"
#include "core/error.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/sight.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

constexpr timeval kReplyDeadline{5, 0};
constexpr std::chrono::milliseconds kStopDeadline{
    30'000};  // the supervisor gives each process five

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void unreachable(const std::string& path, const char* what) {
  throw Error(Exit::Unreachable,
              fmt::format("{}: {} ({}): nothing was changed; is sluice-supervisor running? "
                          "sluicectl kill works without it",
                          path, what, std::strerror(errno)));
}

template <std::size_t N>
void fill(std::array<char, N>& field, const std::string& text, const char* option) {
  if (text.size() >= N)
    throw Error(Exit::Usage, fmt::format("{} may have at most {} characters", option, N - 1));
  std::memcpy(field.data(), text.data(), text.size());
}

}  // namespace

SupervisorReply ask(const Sight& sight, const SupervisorRequest& request) {
  const std::string path =
      supervisor_socket(std::string(text_of(sight.control().state_dir))).string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw Error(path + ": the path is too long for a socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  const Socket socket;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &kReplyDeadline, sizeof kReplyDeadline);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &kReplyDeadline, sizeof kReplyDeadline);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    unreachable(path, "nobody listens");
  if (::send(socket.fd(), &request, sizeof request, MSG_NOSIGNAL) !=
      static_cast<ssize_t>(sizeof request))
    unreachable(path, "the request was not taken");
  SupervisorReply reply;
  const ssize_t size = ::recv(socket.fd(), &reply, sizeof reply, 0);
  // From here on it is unknown whether the request was carried out.
  if (size != static_cast<ssize_t>(sizeof reply))
    throw Error(Exit::Unreachable,
                path + ": the supervisor did not answer; `sluicectl status` shows what holds now");
  reply.text.back() = 0;
  return reply;
}

SupervisorRequest request_of(const Options& options, sluice::Verb verb, Scope scope) {
  SupervisorRequest request;
  request.verb = verb;
  request.scope = scope.kind;
  request.index = scope.index;
  fill(request.who, options.who, "--operator");
  fill(request.reason, options.reason, "--reason");
  return request;
}

namespace {

Scope scope_of(const Options& options, const Sight& sight) {
  if (options.scope.empty()) return {};
  if (const auto scope = parse_scope(sight.control(), options.scope)) return *scope;
  throw Error(
      Exit::Usage,
      fmt::format("there is no scope '{}' in {}: global, gateway:X, strategy:X, instrument:X",
                  options.scope, sight.instance));
}

// One reply per scope: the text for people, or one document.
struct Answer {
  std::string scope;
  int code = 0;
  std::string text;
};

int tell(const Options& options, const std::vector<Answer>& answers, Console& console) {
  int code = 0;
  Json json;
  json.object().field("verb", options.verb->name).key("replies").array();
  for (const Answer& answer : answers) {
    code = std::max(code, answer.code);
    json.object()
        .field("scope", answer.scope)
        .field("code", answer.code)
        .field("text", answer.text)
        .end();
    if (!options.json) console.raw(answer.text);
  }
  json.end().field("code", code).end();
  if (options.json) console.raw(json.text());
  return code;
}

Answer answer_of(const Sight& sight, const SupervisorRequest& request) {
  const SupervisorReply reply = ask(sight, request);
  return {scope_text(sight.objects.control, {request.scope, request.index}), reply.exit_code,
          std::string(text_of(reply.text))};
}

// Scopes that a bare rearm speaks of: those named, or all that are not at RUN.
std::vector<Scope> to_rearm(const Options& options, const Sight& sight) {
  if (!options.scope.empty() || !options.word.empty()) return {scope_of(options, sight)};
  if (sight.objects.kill == nullptr) throw Error(Exit::Unqualified, "the kill page cannot be read");
  std::vector<Scope> scopes;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const KillWord word = sight.objects.kill->read(slot);
    if (sight.control().scope_exists(scope_at(slot)) &&
        !(word.valid && word.level == KillLevel::Run))
      scopes.push_back(scope_at(slot));
  }
  return scopes;
}

void show_caps(const Options& options, const Sight& sight, Console& console) {
  Json json;
  json.object().field("instance", sight.instance).key("caps").object();
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const Scope scope = scope_at(slot);
    if (!sight.control().scope_exists(scope)) continue;
    if (scope.kind != ScopeKind::Global && scope.kind != ScopeKind::Strategy) continue;
    const std::string name = scope_text(sight.objects.control, scope);
    const std::string cap = decimal(sight.control().caps[slot].load(std::memory_order_acquire));
    json.field(name, cap);
    if (!options.json) console.out("cap {} {}\n", name, cap);
  }
  json.end().end();
  if (options.json) console.raw(json.text());
}

}  // namespace

int run_rearm(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  std::uint64_t word = 0;
  if (!options.word.empty()) {
    const auto parsed = parse_word(options.word);
    if (!parsed || *parsed == 0)
      throw Error(Exit::Usage, "--word takes the hexadecimal word that rearm prints");
    word = *parsed;
  }
  std::vector<Answer> answers;
  for (const Scope scope : to_rearm(options, sight)) {
    SupervisorRequest request = request_of(options, sluice::Verb::Rearm, scope);
    request.word = word;
    answers.push_back(answer_of(sight, request));
  }
  if (answers.empty())
    answers.push_back({"", 0, "every scope is RUN: there is nothing to rearm\n"});
  return tell(options, answers, console);
}

int run_cap(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  if (options.first.empty()) {
    show_caps(options, sight, console);
    return static_cast<int>(Exit::Ok);
  }
  SupervisorRequest request = request_of(options, sluice::Verb::SetCap, scope_of(options, sight));
  if (parse_decimal(options.first, request.value) != DecimalError::None || request.value < 0)
    throw Error(
        Exit::Usage,
        fmt::format("'{}' is not an amount of 0 or more, like 25000 or 1250.50", options.first));
  if (options.reason.empty())
    throw Error(Exit::Usage,
                "a cap needs --reason TEXT (and --operator NAME): nothing was changed");
  return tell(options, {answer_of(sight, request)}, console);
}

int stop_the_run(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  Answer answer = answer_of(sight, request_of(options, sluice::Verb::Stop, {}));
  const auto patience =
      options.timeout_ms != 0 ? std::chrono::milliseconds(options.timeout_ms) : kStopDeadline;
  if (options.no_wait) return tell(options, {answer}, console);
  const auto until = std::chrono::steady_clock::now() + patience;
  const auto ended = [&] {
    return !sight.attached->alive() || sight.control().state.load(std::memory_order_acquire) ==
                                           static_cast<std::uint64_t>(RunState::Ended);
  };
  while (answer.code == 0 && !ended() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (answer.code == 0 && ended()) {
    answer.text += "the run has ended\n";
  } else if (answer.code == 0) {
    answer.code = static_cast<int>(Exit::Incomplete);
    answer.text += fmt::format("the run has not ended after {} ms: `sluicectl status -i {}`\n",
                               patience.count(), sight.instance);
  }
  return tell(options, {answer}, console);
}

}  // namespace sluice::ctl
